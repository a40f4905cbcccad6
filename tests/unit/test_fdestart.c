/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Function starts from .eh_frame_hdr, compared with the symbols of files that have both. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf/elffile.h"
#include "elf/fdestart.h"
#include "elf/symbols.h"

static const char *const names[] = {"malloc", "qsort", "printf", "getenv", "fopen", "strtol"};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

static void starts_are_those_of_symbols(void **state)
{
	int fd = open("/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY | O_CLOEXEC);
	struct elf_symbol found[N_NAMES];
	struct elf_file *ef;
	struct elf_fdes *f;
	uint64_t start;

	assert_true(fd >= 0);
	assert_int_equal(elf_file_open(fd, "libc.so.6", &ef), 0);
	assert_int_equal(elf_fdes_load(ef, &f), 0);
	assert_int_equal(elf_find_functions(ef, names, N_NAMES, found), 0);
	for (size_t i = 0; i < N_NAMES; i++) {
		assert_non_null(found[i].name);
		for (uint64_t at = 0; at < found[i].size; at++) {
			assert_true(elf_fdes_start(f, found[i].vaddr + at, &start));
			assert_int_equal(start, found[i].vaddr);
		}
	}
	/* Before all code, and far behind it. */
	assert_false(elf_fdes_start(f, 0, &start));
	assert_false(elf_fdes_start(f, UINT64_MAX, &start));
	assert_false(elf_fdes_start(f, 0x7fffffff, &start));
	elf_fdes_free(f);
	elf_file_close(ef);
	close(fd);
}

/* A copy of a small real file whose table is damaged in each of its bytes: never a crash, never a start after the
 * address. */
static void damage_is_harmless(void **state)
{
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *data = malloc(size);
	struct elf_file *ef;
	uint64_t start;

	assert_int_equal(pread(fd, data, size, 0), size);
	for (off_t i = 0; i < size; i += 7) {
		uint8_t was = data[i];
		struct elf_fdes *f = NULL;

		data[i] ^= 0xff;
		if (elf_file_open_memory(data, size, "damaged", &ef) == 0) {
			if (elf_fdes_load(ef, &f) == 0)
				for (uint64_t at = 0; at < (uint64_t)size; at += 61)
					assert_true(!elf_fdes_start(f, at, &start) || start <= at);
			elf_fdes_free(f);
			elf_file_close(ef);
		}
		data[i] = was;
	}
	free(data);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_are_those_of_symbols),
		cmocka_unit_test(damage_is_harmless),
	};

	return cmocka_run_group_tests_name("fdestart", tests, NULL, NULL);
}
