/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How types of Go are shown; those of programs that exist are in tests/live/gotypes.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gofile.h"
#include "sym/gotypes.h"

#define TYPES (GOFILE_DATA + 0xe00)
#define NAME 0x30	/* of the type, from there */

/* The one type of a program of Go 1.23 gets that name, of up to 14 bytes. */
static void check_shown(const char *name, const char *shown)
{
	struct buf out = {0};
	struct elf_file *ef;
	struct gopclntab *g;
	struct gofile f;

	assert_true(strlen(name) <= 14);
	gofile_make(&f, (struct gofile_options){.layout = GOPCLNTAB_1_20});
	gofile_put(&f, TYPES + 40, NAME, 4);
	f.data[TYPES + NAME + 1] = (uint8_t)strlen(name);
	memcpy(f.data + TYPES + NAME + 2, name, strlen(name));
	assert_int_equal(elf_file_open_memory(f.data, sizeof(f.data), "go", &ef), 0);
	assert_int_equal(gopclntab_open(ef, &g, NULL), 0);
	assert_true(gotypes_name(g, ef, f.base + TYPES, NULL, 0, &out));
	assert_string_equal(buf_cstr(&out), shown);
	buf_free(&out);
	gopclntab_close(g);
	elf_file_close(ef);
}

/* A shape ends where the type does that it stands for, within others too. */
static void test_shapes(void **state)
{
	(void)state;
	check_shown("main.Account", "main.Account");
	check_shown("[]go.shape.int", "[]shape{int}");
	check_shown("{go.shape.a;x}", "{shape{a};x}");
	check_shown("{go.shape.*b;}", "{shape{*b};}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
