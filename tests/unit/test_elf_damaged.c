/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elf/ on files that are no ELF files, that lie, that are damaged anywhere in their headers, that are cut. */
#include "elftest.h"

#include <elf.h>

#include "elf/debugfile.h"
#include "elf/imports.h"
#include "elf/symbols.h"

static void test_lying_sections(void **state)
{
	size_t size, out;
	uint8_t *file, *data;
	struct elf_file *ef;
	Elf64_Shdr *shdr;
	Elf64_Ehdr *eh;
	size_t debug = 0, n;

	write_text("marker.c", marker_source);
	sh("cc -g -o plain marker.c && objcopy --compress-debug-sections=zlib plain packed");
	file = read_whole("packed", &size);
	eh = (Elf64_Ehdr *)file;
	shdr = (Elf64_Shdr *)(file + eh->e_shoff);
	while (debug < eh->e_shnum && !(shdr[debug].sh_flags & SHF_COMPRESSED))
		debug++;
	assert_true(debug < eh->e_shnum);

	/* A claim of 1 TB, which zlib could not make of so little. */
	((Elf64_Chdr *)(file + shdr[debug].sh_offset))->ch_size = 1ull << 40;
	assert_int_equal(elf_file_open_memory(file, size, "x", &ef), 0);
	assert_int_equal(elf_section_data(ef, &elf_file_sections(ef, &n)[debug], SIZE_MAX, &data, &out), -ENOEXEC);
	elf_file_close(ef);

	shdr[1].sh_size = 1ull << 62;
	shdr[2].sh_offset = size - 3;
	shdr[2].sh_size = 4;
	shdr[3].sh_offset = UINT64_MAX;
	shdr[3].sh_size = 2;
	assert_int_equal(elf_file_open_memory(file, size, "x", &ef), 0);
	for (size_t i = 1; i <= 3; i++)
		assert_int_equal(elf_section_data(ef, &elf_file_sections(ef, &n)[i], SIZE_MAX, &data, &out), -ENOEXEC);
	elf_file_close(ef);

	/* A table of a billion sections in a sparse file must not be believed. */
	eh->e_shnum = 0;
	shdr[0].sh_size = 1u << 30;
	write_file("sparse", file, size);
	assert_int_equal(truncate("sparse", 1ll << 40), 0);
	{
		int fd = open("sparse", O_RDONLY);

		assert_int_equal(elf_file_open(fd, "sparse", &ef), -ENOEXEC);
		close(fd);
	}
	free(file);
}

static void expect_not_elf(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	struct elf_file *ef;

	assert_true(fd >= 0);
	assert_int_equal(elf_file_open(fd, path, &ef), -ENOEXEC);
	close(fd);
}

static void test_not_elf(void **state)
{
	struct elf_file *ef;

	write_text("empty", "");
	write_text("text", "#!/bin/sh\n");
	write_text("magic", "\177ELF");
	write_text("archive", "!<arch>\n");
	expect_not_elf("empty");
	expect_not_elf("text");
	expect_not_elf("magic");
	expect_not_elf("archive");
	expect_not_elf(".");
	expect_not_elf("/dev/zero");
	assert_int_equal(elf_file_open(-1, "closed", &ef), -EBADF);
	elf_file_close(NULL);
}

/* Everything that reads a file, for the ones that are damaged: nothing may crash, whatever is found. */
static void use_everything(struct elf_file *ef)
{
	static const char *const names[] = {"marker", "main"};
	struct elf_symbol found[2], sym;
	struct elf_symbols *symbols;
	struct elf_imports *imports;
	uint8_t id[ELF_BUILD_ID_MAX], *data;
	struct elf_file *debug;
	uint64_t x;
	size_t n, size;
	int fd;

	elf_build_id(ef, id);
	elf_offset_to_vaddr(ef, 0x1040, &x);
	elf_vaddr_to_offset(ef, 0x1040, &x);
	elf_read_vaddr(ef, 0x1040, id, sizeof(id));
	for (size_t i = 0; i < elf_file_segments(ef, &n)[0].memsz && i < 0x5000; i += 0x777)
		elf_read_vaddr(ef, elf_file_segments(ef, &n)[0].vaddr + i, id, sizeof(id));
	elf_file_sections(ef, &n);
	for (size_t i = 0; i < n; i++) {
		const struct elf_section *sec = &elf_file_sections(ef, &size)[i];

		assert_non_null(elf_section_name(ef, sec));
		if (elf_section_data(ef, sec, 1 << 20, &data, &size) == 0)
			free(data);
	}
	elf_find_functions(ef, names, 2, found);
	if (elf_symbols_load(ef, ef, &symbols) == 0) {
		for (uint64_t at = 0; at < 0x5000; at += 5)
			if (elf_symbols_at(symbols, at, &sym))
				assert_true(at - sym.vaddr < sym.size || (at == sym.vaddr && !sym.size));
		elf_symbols_free(symbols);
	}
	if (elf_imports_load(ef, &imports) == 0) {
		for (uint64_t at = 0x3000; at < 0x5000; at += 8)
			elf_imports_at(imports, at);
		elf_imports_free(imports);
	}
	if (elf_debugfile_open(ef, "/nowhere/x", elftest_dir, &fd, &debug) == 0)
		close_elf(debug, fd);
}

/* In memory of exactly that size, so that AddressSanitizer sees a read past it. */
static void try_damaged(const uint8_t *file, size_t size)
{
	uint8_t *copy = xmalloc(size);
	struct elf_file *ef;
	size_t n;

	memcpy(copy, file, size);
	if (elf_file_open_memory(copy, size, "damaged", &ef) == 0) {
		elf_file_segments(ef, &n);
		if (n)
			use_everything(ef);
		elf_file_close(ef);
	}
	free(copy);
}

static void flip_each(uint8_t *file, size_t size, size_t from, size_t to)
{
	static const uint8_t values[] = {0x00, 0x7f, 0x80, 0xff};

	for (size_t i = from; i < to && i < size; i++) {
		uint8_t was = file[i];

		for (size_t k = 0; k < sizeof(values); k++) {
			file[i] = values[k];
			if (values[k] != was)
				try_damaged(file, size);
		}
		file[i] = was;
	}
}

static void test_damaged(void **state)
{
	const struct elf_section *sec;
	struct elf_file *ef;
	Elf64_Ehdr *eh;
	size_t size;
	uint8_t *file;
	int fd;

	write_text("small.c", marker_source);
	sh("cc -shared -fPIC -nostdlib -Wl,-z,max-page-size=4096 -o small small.c");
	file = read_whole("small", &size);
	eh = (Elf64_Ehdr *)file;
	flip_each(file, size, 4, sizeof(*eh));
	flip_each(file, size, eh->e_phoff, eh->e_phoff + 4 * sizeof(Elf64_Phdr));
	flip_each(file, size, eh->e_shoff, eh->e_shoff + eh->e_shnum * sizeof(Elf64_Shdr));
	ef = open_elf("small", &fd);
	sec = elf_section_by_type(ef, SHT_SYMTAB);
	assert_non_null(sec);
	flip_each(file, size, sec->offset, sec->offset + 4 * sizeof(Elf64_Sym));
	sec = elf_section_by_type(ef, SHT_NOTE);
	assert_non_null(sec);
	flip_each(file, size, sec->offset, sec->offset + 16);
	close_elf(ef, fd);
	free(file);
}

static void test_truncated(void **state)
{
	size_t size;
	uint8_t *file;

	write_text("small.c", marker_source);
	sh("cc -o small small.c");
	file = read_whole("small", &size);
	for (size_t cut = 0; cut < size; cut += 512) {
		struct elf_file *ef;
		size_t n;
		int fd;

		try_damaged(file, cut);
		write_file("cut", file, cut);
		fd = open("cut", O_RDONLY);
		assert_true(fd >= 0);
		if (elf_file_open(fd, "cut", &ef) == 0) {
			elf_file_segments(ef, &n);
			if (n)
				use_everything(ef);
			elf_file_close(ef);
		}
		close(fd);
	}
	free(file);
}

/* A file that shrinks while it is read: an error, never SIGBUS. */
static void test_shrinks(void **state)
{
	struct elf_symbols *symbols;
	struct elf_file *ef;
	int fd;

	sh("cp %s shrinking", LIBC);
	ef = open_elf("shrinking", &fd);
	assert_int_equal(truncate("shrinking", 4096), 0);
	assert_int_equal(elf_symbols_load(ef, NULL, &symbols), -ENOEXEC);
	use_everything(ef);
	close_elf(ef, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lying_sections),
		cmocka_unit_test(test_not_elf),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_shrinks),
	};

	return cmocka_run_group_tests_name("elf_damaged", tests, elftest_setup, elftest_teardown);
}
