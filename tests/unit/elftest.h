/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the tests of elf/ and sym/: a directory for files that the test compiles, and what nm says about a file. */
#ifndef ALLOCTRACE_TESTS_ELFTEST_H
#define ALLOCTRACE_TESTS_ELFTEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "elf/elffile.h"

#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"

/* A function of sixteen bytes that occur once, data, and .bss. */
__attribute__((unused)) static const char marker_source[] =
	"asm(\".text\\n.globl marker\\n.type marker,@function\\nmarker:\\n\"\n"
	"    \".byte 0xf3,0x91,0x4c,0xe7,0x08,0xd5,0x5a,0xb3,0x6f,0x12,0xc8,0x3e,0xa9,0x74,0x81,0x2b\\n\"\n"
	"    \".size marker,16\\n\");\n"
	"void marker(void);\n"
	"int counter = 5; int zeros[5000];\n"
	"int main(void) { return counter == 6 ? (marker(), zeros[1]) : 0; }\n";

static char elftest_dir[64];

/* Group setup: a new directory, and the present one from now on. */
static int elftest_setup(void **state)
{
	snprintf(elftest_dir, sizeof(elftest_dir), "/tmp/alloctrace-elftest-XXXXXX");
	if (!mkdtemp(elftest_dir))
		return -1;
	return chdir(elftest_dir);
}

static int elftest_teardown(void **state)
{
	char *command = xasprintf("rm -rf '%s'", elftest_dir);
	int err = chdir("/") || system(command);

	free(command);
	return err;
}

/* Runs a shell command that must succeed. */
__attribute__((format(printf, 1, 2), unused)) static void sh(const char *fmt, ...)
{
	char command[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

__attribute__((unused)) static void write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

__attribute__((unused)) static void write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

__attribute__((unused)) static uint8_t *read_whole(const char *path, size_t *size)
{
	FILE *f = fopen(path, "r");
	uint8_t *data;
	struct stat st;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	*size = (size_t)st.st_size;
	data = xmalloc(*size);
	assert_int_equal(fread(data, 1, *size, f), *size);
	fclose(f);
	return data;
}

/* The file must be an ELF file. *fd is the caller's to close, after the file. */
__attribute__((unused)) static struct elf_file *open_elf(const char *path, int *fd)
{
	struct elf_file *ef = NULL;

	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(elf_file_open(*fd, path, &ef), 0);
	return ef;
}

__attribute__((unused)) static void close_elf(struct elf_file *ef, int fd)
{
	elf_file_close(ef);
	close(fd);
}

struct nm_symbol {
	uint64_t vaddr, size;
	char type;
	char *name;	/* without its version */
};

struct nm_list {
	struct nm_symbol *at;
	size_t n, cap;
};

/* Functions as `nm` prints them: those of type t, T, w, W, i (and u, but that is data). */
__attribute__((unused)) static void nm_add(struct nm_list *list, const char *args)
{
	/* SysV format: name|value|class|type|size|line|section; nm has no other that tells functions from labels. */
	char *command = xasprintf("LC_ALL=C nm -f sysv --defined-only %s 2>/dev/null", args), *line = NULL;
	FILE *f = popen(command, "r");
	size_t cap = 0;

	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		struct nm_symbol sym = {0};
		char *part[7], *p = line;
		size_t n = 0;

		for (; n < 7 && p; n++)
			part[n] = strsep(&p, "|");
		if (n < 7)
			continue;
		/* "<OS specific>: 10" is STT_GNU_IFUNC. */
		if (!strstr(part[3], "FUNC") && !strstr(part[3], "<OS specific>: 10"))
			continue;
		sym.vaddr = strtoull(part[1], NULL, 16);
		sym.size = strtoull(part[4], NULL, 16);
		sym.type = part[2][strspn(part[2], " ")];
		part[0][strcspn(part[0], " @")] = '\0';
		if (!part[0][0])
			continue;
		sym.name = xstrdup(part[0]);
		vec_push(list, sym);
	}
	free(line);
	pclose(f);
	free(command);
}

__attribute__((unused)) static void nm_free(struct nm_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i].name);
	vec_free(list);
}

/* The address that nm gives for the name, which must be there. */
__attribute__((unused)) static uint64_t nm_vaddr(const char *file, const char *name)
{
	struct nm_list list = {0};
	uint64_t vaddr = UINT64_MAX;

	nm_add(&list, file);
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(list.at[i].name, name) == 0)
			vaddr = list.at[i].vaddr;
	nm_free(&list);
	if (vaddr == UINT64_MAX)
		fail_msg("no %s in %s", name, file);
	return vaddr;
}

#endif
