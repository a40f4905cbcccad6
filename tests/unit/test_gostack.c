/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of a real program's pcs, against what Go's own runtime says of them (tests/workloads/gostack.go), and the
 * names of its functions against its symbol table; as it is and stripped.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "elf/gopclntab.h"
#include "elf/symbols.h"

#define FRAMES 64

struct said {	/* a line of the program */
	uint64_t pc;
	char function[256], place[512];
};

static char dir[] = "/tmp/test_gostack.XXXXXX";
static struct elf_file *ef;
static struct gopclntab *go;
static int fd;

static void run(const char *format, const char *what)
{
	char command[1024], all[1200];

	snprintf(command, sizeof(command), format, dir, what);
	snprintf(all, sizeof(all), "{ %s; } 2>&1", command);
	if (system(all))
		fail_msg("fails: %s", command);
}

static void open_program(const char *name)
{
	char path[128];
	const char *why = "";

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(elf_file_open(fd, name, &ef), 0);
	if (gopclntab_open(ef, &go, &why))
		fail_msg("%s: %s", name, why);
}

static void close_program(void)
{
	gopclntab_close(go);
	elf_file_close(ef);
	close(fd);
}

static bool is_said(const struct go_frame *f, const struct said *s)
{
	char place[512];

	snprintf(place, sizeof(place), "%s:%u", f->file, f->line);
	return !strcmp(f->function, s->function) && !strcmp(place, s->place);
}

/* The frames of one stack; all of a pc's, but for wrappers, follow each other. */
static void check_stack(const struct said *said, size_t n)
{
	for (size_t i = 0; i < n; ) {
		struct go_frame f[FRAMES];
		const size_t n_frames = gopclntab_frames(go, said[i].pc, f, FRAMES);

		assert_true(n_frames > 0);
		for (size_t k = 0; k < n_frames; k++) {
			if (f[k].is_wrapper)
				continue;
			if (i == n || !is_said(&f[k], &said[i]))
				fail_msg("frame %zu at 0x%llx: %s %s:%u, not %s %s", k,
					 (unsigned long long)said[i < n ? i : n - 1].pc, f[k].function, f[k].file,
					 f[k].line,
					 i < n ? said[i].function : "(none)", i < n ? said[i].place : "");
			i++;
		}
	}
}

/* How many there are. */
static size_t check_stacks(const char *name)
{
	char line[1024], path[128];
	struct said said[FRAMES];
	size_t n = 0, stacks = 0;
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s.out", dir, name);
	out = fopen(path, "r");
	assert_non_null(out);
	while (fgets(line, sizeof(line), out)) {
		struct said *s = &said[n];
		unsigned long long pc;

		if (line[0] == '\n') {
			check_stack(said, n);
			stacks++;
			n = 0;
			continue;
		}
		assert_true(n < FRAMES);
		assert_int_equal(sscanf(line, "%llx %255s %511s", &pc, s->function, s->place), 3);
		s->pc = pc;
		n++;
	}
	fclose(out);
	return stacks;
}

/* As go tool nm has them, in a program that was not stripped. */
static void check_names(void)
{
	struct elf_symbols *symbols;
	size_t known = 0;

	assert_int_equal(elf_symbols_load(ef, NULL, &symbols), 0);
	for (size_t i = 0; i < gopclntab_count(go); i++) {
		struct elf_symbol sym;
		struct go_function f;
		size_t len;

		assert_true(gopclntab_function(go, i, &f));
		len = strlen(f.name);
		/* Code that is shared by the instances of a generic function has their types in its symbol alone. */
		if (!elf_symbols_at(symbols, f.entry, &sym) || strchr(f.name, '['))
			continue;
		assert_int_equal(sym.vaddr, f.entry);
		if (strncmp(sym.name, f.name, len) || (sym.name[len] && strcmp(sym.name + len, ".abi0") != 0))
			fail_msg("%s, not %s", f.name, sym.name);
		known++;
	}
	assert_in_range(known, gopclntab_count(go) * 9 / 10, gopclntab_count(go));
	elf_symbols_free(symbols);
}

static const char build[] = "cd %s && GOCACHE=$PWD/cache GOPATH=$PWD/path GO111MODULE=off CGO_ENABLED=0 go build %s "
			    "gostack.go && ./gostack >gostack.out";

static void test_stacks(void **state)
{
	(void)state;
	if (access("/usr/bin/go", X_OK))
		skip();
	run(build, "-o gostack");
	open_program("gostack");
	assert_int_equal(gopclntab_minor(go) >= 14, 1);
	assert_int_equal(check_stacks("gostack"), 12);
	check_names();
	close_program();
	run("cd %s && strip --strip-section-headers gostack 2>/dev/null || strip -s gostack%s", "");
	open_program("gostack");
	assert_int_equal(check_stacks("gostack"), 12);
	close_program();
}

static int set_up(void **state)
{
	const char *source = getenv("ROOT");
	char command[512];

	(void)state;
	if (!mkdtemp(dir))
		return 1;
	snprintf(command, sizeof(command), "cp %s/tests/workloads/gostack.go %s", source ? source : ".", dir);
	return system(command);
}

static int tear_down(void **state)
{
	(void)state;
	run("rm -rf %s%s", "");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stacks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
