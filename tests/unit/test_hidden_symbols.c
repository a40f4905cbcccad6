/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols where there is no .symtab: .gnu_debugdata, PT_DYNAMIC without section headers; compressed sections. */
#include "elftest.h"

#include <elf.h>

#include "elf/decompress.h"
#include "elf/imports.h"
#include "elf/minidebug.h"
#include "elf/symbols.h"
#include "sym/symbolizer.h"

static const char program[] =
	"#include <stdlib.h>\n"
	"static __attribute__((noinline)) int hidden_one(int x) { return x * 3 + 1; }\n"
	"static __attribute__((noinline)) int hidden_two(int x) { return hidden_one(x) * 5; }\n"
	"__attribute__((noinline, visibility(\"hidden\"))) int hidden_three(int x) { return hidden_two(x) + 7; }\n"
	"__attribute__((noinline)) void *shown(int x) { return malloc(hidden_three(x)); }\n"
	"int main(int argc, char **argv) { free(shown(argc)); return 0; }\n";

/* ./full as compiled, ./mini as Fedora's find-debuginfo leaves it: stripped, with .gnu_debugdata. */
static void make_minidebug(void)
{
	write_text("mini.c", program);
	sh("cc -O1 -g -rdynamic -o full mini.c");
	sh("nm -D full --format=posix --defined-only | awk '{ print $1 }' | sort > dynsyms");
	sh("nm full --format=posix --defined-only | awk '$2 ~ /^[TtD]$/ { print $1 }' | sort > all");
	sh("comm -13 dynsyms all > keep");
	sh("objcopy --only-keep-debug full full.debug");
	sh("objcopy -S --remove-section .comment --keep-symbols=keep full.debug mini.elf");
	sh("xz -k -f mini.elf && strip -o mini full && objcopy --add-section .gnu_debugdata=mini.elf.xz mini");
}

static void test_minidebug(void **state)
{
	struct elf_symbols *symbols;
	struct elf_file *ef, *debug;
	struct nm_list list = {0};
	size_t hidden = 0;
	uint8_t *image;
	int fd;

	make_minidebug();
	nm_add(&list, "full");
	assert_true(list.n >= 6);
	ef = open_elf("mini", &fd);
	assert_null(elf_section_by_type(ef, SHT_SYMTAB));
	assert_int_equal(elf_minidebug_open(ef, &image, &debug), 0);
	assert_int_equal(elf_symbols_load(ef, debug, &symbols), 0);
	elf_file_close(debug);
	free(image);
	for (size_t i = 0; i < list.n; i++) {
		struct elf_symbol sym;

		if (!list.at[i].size)	/* _init and such: labels */
			continue;
		assert_true(elf_symbols_at(symbols, list.at[i].vaddr + list.at[i].size - 1, &sym));
		assert_string_equal(sym.name, list.at[i].name);
		assert_int_equal(sym.vaddr, list.at[i].vaddr);
		assert_int_equal(sym.size, list.at[i].size);
		hidden += strncmp(sym.name, "hidden_", 7) == 0;
	}
	assert_int_equal(hidden, 3);
	elf_symbols_free(symbols);
	close_elf(ef, fd);
	nm_free(&list);

	/* A file without it has none. */
	ef = open_elf("full", &fd);
	assert_int_equal(elf_minidebug_open(ef, &image, &debug), -ENOENT);
	close_elf(ef, fd);
}

static void test_minidebug_symbolized(void **state)
{
	struct symbolizer *s;
	const struct symbol *sym;
	struct modules m;
	uint64_t vaddr;
	char *path = xasprintf("%s/mini", elftest_dir);
	uint32_t id;

	make_minidebug();
	vaddr = nm_vaddr("full", "hidden_two");
	modules_init(&m);
	id = modules_file(&m, path, 3, 3, open(path, O_RDONLY), 0, false);
	s = symbolizer_new(&m, (struct symbolizer_options){.demangle = true});
	sym = names_of(symbolizer_names(s), id, vaddr + 1);
	assert_int_equal(sym->reason, SYM_NAMED);
	assert_string_equal(sym->function, "hidden_two");
	assert_int_equal(sym->offset, 1);
	symbolizer_free(s);
	modules_free(&m);
	free(path);
}

/* What elf_minidebug_open() says about ./stripped with that file as its section. */
static int open_with_section(const char *section)
{
	struct elf_file *ef, *debug = NULL;
	uint8_t *image = NULL;
	int fd, err;

	sh("rm -f with && objcopy --add-section .gnu_debugdata=%s stripped with", section);
	ef = open_elf("with", &fd);
	err = elf_minidebug_open(ef, &image, &debug);
	if (!err) {
		elf_file_close(debug);
		free(image);
	}
	close_elf(ef, fd);
	return err;
}

static void test_minidebug_damaged(void **state)
{
	uint8_t *xz, *out;
	size_t size, out_size;

	make_minidebug();
	sh("strip -o stripped full");
	assert_int_equal(open_with_section("mini.elf.xz"), 0);
	write_text("text", "no xz file\n");
	assert_int_equal(open_with_section("text"), -ENOEXEC);
	sh("xz -k text && head -c -1 mini.elf.xz > short.xz");
	assert_int_equal(open_with_section("text.xz"), -ENOEXEC);
	assert_int_equal(open_with_section("short.xz"), -ENOEXEC);
	/* Another machine's. */
	sh("echo 'int f(void) { return 1; }' > other.c && cc -m32 -c -o other other.c && xz other");
	assert_int_equal(open_with_section("other.xz"), -ENOEXEC);
	/* 15 KB that would be 100 MB; 1 KB that wants a dictionary of 512 MB. */
	sh("head -c 100000000 /dev/zero | xz > bomb.xz");
	assert_int_equal(open_with_section("bomb.xz"), -EFBIG);
	sh("xz -k -c --lzma2=dict=512MiB mini.elf > dictionary.xz");
	assert_int_equal(open_with_section("dictionary.xz"), -ENOEXEC);

	xz = read_whole("mini.elf.xz", &size);
	for (size_t i = 0; i < size; i++) {
		xz[i] ^= 0x41;
		assert_int_equal(decompress_xz(xz, size, 1 << 20, &out, &out_size), -ENOEXEC);
		xz[i] ^= 0x41;
	}
	for (size_t cut = 0; cut < size; cut += 7)
		assert_int_equal(decompress_xz(xz, cut, 1 << 20, &out, &out_size), -ENOEXEC);
	assert_int_equal(decompress_xz(xz, size, 1000, &out, &out_size), -EFBIG);
	assert_int_equal(decompress_xz(xz, size, 0, &out, &out_size), -EFBIG);
	assert_int_equal(decompress_xz(xz, size, 1 << 20, &out, &out_size), 0);
	free(out);
	free(xz);
}

/* The file's copy without its section headers, as sstrip leaves it. */
static void cut_sections(const char *from, const char *to)
{
	size_t size;
	uint8_t *file = read_whole(from, &size);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)file;

	size = eh->e_shoff < size ? eh->e_shoff : size;
	eh->e_shoff = 0;
	eh->e_shnum = eh->e_shstrndx = 0;
	write_file(to, file, size);
	free(file);
}

/* The cut file has the same dynamic symbols, found by address and by name, and the same imports. */
static void expect_same(const char *whole, const char *cut)
{
	static const char *const names[] = {"malloc", "free", "shown", "main", "realloc", "no_such_function"};
	struct elf_symbol a[6], b[6];
	struct elf_imports *im, *im_cut;
	struct elf_symbols *symbols;
	struct nm_list list = {0};
	char *args = xasprintf("-D %s", whole);
	const struct elf_section *data;
	int fd, fd_cut;
	struct elf_file *ef = open_elf(whole, &fd), *ef_cut = open_elf(cut, &fd_cut);
	size_t slots = 0;

	nm_add(&list, args);
	free(args);
	assert_true(list.n > 0);
	assert_int_equal(elf_symbols_load(ef_cut, NULL, &symbols), 0);
	for (size_t i = 0; i < list.n; i++) {
		struct elf_symbol sym;

		if (!list.at[i].size)
			continue;
		assert_true(elf_symbols_at(symbols, list.at[i].vaddr, &sym));
		assert_int_equal(sym.vaddr, list.at[i].vaddr);
	}
	elf_symbols_free(symbols);
	nm_free(&list);

	assert_int_equal(elf_find_functions(ef, names, 6, a), 0);
	assert_int_equal(elf_find_functions(ef_cut, names, 6, b), 0);
	for (size_t i = 0; i < 6; i++) {
		if (a[i].name && !a[i].dynamic)
			continue;
		assert_int_equal(a[i].name != NULL, b[i].name != NULL);
		assert_int_equal(a[i].vaddr, b[i].vaddr);
	}

	assert_int_equal(elf_imports_load(ef, &im), 0);
	assert_int_equal(elf_imports_load(ef_cut, &im_cut), 0);
	data = elf_section_by_name(ef, ".got");
	assert_non_null(data);
	for (uint64_t at = data->vaddr & ~7ull; at < data->vaddr + 4096; at += 8) {
		const char *x = elf_imports_at(im, at), *y = elf_imports_at(im_cut, at);

		assert_int_equal(x != NULL, y != NULL);
		if (x)
			assert_string_equal(x, y);
		slots += x != NULL;
	}
	assert_true(slots > 0);
	elf_imports_free(im);
	elf_imports_free(im_cut);
	close_elf(ef, fd);
	close_elf(ef_cut, fd_cut);
}

static void test_no_sections(void **state)
{
	static const char *const styles[] = {"gnu", "sysv", "both"};

	write_text("dyn.c", program);
	for (size_t i = 0; i < 3; i++) {
		sh("cc -O1 -rdynamic -Wl,--hash-style=%s -o dyn dyn.c && strip dyn", styles[i]);
		cut_sections("dyn", "dyn-cut");
		expect_same("dyn", "dyn-cut");
		sh("cc -O1 -shared -fPIC -Wl,--hash-style=%s -o dyn.so dyn.c && strip dyn.so", styles[i]);
		cut_sections("dyn.so", "dyn-cut.so");
		expect_same("dyn.so", "dyn-cut.so");
	}
	cut_sections(LIBC, "libc-cut.so");
	expect_same(LIBC, "libc-cut.so");
}

/* Every word of the dynamic section and the hash table changed, in turn: nothing may break, or take long. */
static void test_no_sections_damaged(void **state)
{
	static const uint32_t values[] = {0, 1, 0x7fffffff, 0xffffffff, 0x12345678};
	size_t size;
	uint8_t *file;

	write_text("dyn.c", program);
	sh("cc -O1 -shared -fPIC -nostdlib -Wl,-z,noseparate-code -Wl,--hash-style=gnu -o small.so dyn.c");
	sh("strip small.so");
	cut_sections("small.so", "small-cut.so");
	file = read_whole("small-cut.so", &size);
	for (size_t at = sizeof(Elf64_Ehdr); at + 4 <= size; at += 4) {
		uint32_t old;

		memcpy(&old, file + at, 4);
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			struct elf_symbols *symbols;
			struct elf_imports *im;
			struct elf_file *ef;

			memcpy(file + at, &values[i], 4);
			if (elf_file_open_memory(file, size, "x", &ef) != 0)
				continue;
			if (elf_symbols_load(ef, NULL, &symbols) == 0)
				elf_symbols_free(symbols);
			if (elf_imports_load(ef, &im) == 0)
				elf_imports_free(im);
			elf_file_close(ef);
		}
		memcpy(file + at, &old, 4);
	}
	free(file);
}

static void test_compressed_sections(void **state)
{
	static const char *const kinds[] = {"zlib", "zstd"};
	uint8_t *want, *got, *file;
	size_t want_size, got_size, size;
	struct elf_file *ef;
	int fd;

	write_text("dyn.c", program);
	sh("cc -g3 -c -o plain.o dyn.c");
	ef = open_elf("plain.o", &fd);
	assert_int_equal(elf_section_read(ef, ".debug_str", 1 << 20, &want, &want_size), 0);
	close_elf(ef, fd);
	for (size_t i = 0; i < 2; i++) {
		size_t debug = 0, n;
		Elf64_Shdr *shdr;

		sh("objcopy --compress-debug-sections=%s plain.o packed.o", kinds[i]);
		ef = open_elf("packed.o", &fd);
		assert_true(elf_section_by_name(ef, ".debug_str")->flags & SHF_COMPRESSED);
		assert_true(elf_section_by_name(ef, ".debug_str")->size < want_size);
		assert_int_equal(elf_section_read(ef, ".debug_str", 1 << 20, &got, &got_size), 0);
		assert_int_equal(got_size, want_size);
		assert_memory_equal(got, want, want_size);
		assert_int_equal(got[got_size], 0);
		free(got);
		assert_int_equal(elf_section_read(ef, ".debug_str", want_size - 1, &got, &got_size), -EFBIG);
		debug = (size_t)(elf_section_by_name(ef, ".debug_str") - elf_file_sections(ef, &n));
		close_elf(ef, fd);

		/* More, less, and a terabyte are claimed. */
		file = read_whole("packed.o", &size);
		shdr = (Elf64_Shdr *)(file + ((Elf64_Ehdr *)file)->e_shoff) + debug;
		for (size_t k = 0; k < 3; k++) {
			((Elf64_Chdr *)(file + shdr->sh_offset))->ch_size =
				k == 0 ? want_size + 1 : k == 1 ? want_size - 1 : 1ull << 40;
			assert_int_equal(elf_file_open_memory(file, size, "x", &ef), 0);
			assert_int_equal(elf_section_read(ef, ".debug_str", SIZE_MAX, &got, &got_size), -ENOEXEC);
			elf_file_close(ef);
		}
		free(file);
	}
	free(want);
}

/* .zdebug_*, as binutils wrote them before SHF_COMPRESSED. */
static void test_zdebug_sections(void **state)
{
	uint8_t *want, *got, *file;
	size_t want_size, got_size, size;
	const struct elf_section *sec;
	struct elf_file *ef;
	uint64_t at;
	int fd;

	write_text("dyn.c", program);
	sh("cc -g3 -c -o plain.o dyn.c && objcopy --compress-debug-sections=zlib-gnu plain.o packed.o");
	ef = open_elf("plain.o", &fd);
	assert_int_equal(elf_section_read(ef, ".debug_str", 1 << 20, &want, &want_size), 0);
	close_elf(ef, fd);
	ef = open_elf("packed.o", &fd);
	sec = elf_section_by_name(ef, ".debug_str");
	assert_non_null(sec);
	assert_string_equal(elf_section_name(ef, sec), ".zdebug_str");
	assert_true(sec->flags & SHF_COMPRESSED);
	at = sec->offset;
	assert_int_equal(elf_section_read(ef, ".debug_str", 1 << 20, &got, &got_size), 0);
	assert_int_equal(got_size, want_size);
	assert_memory_equal(got, want, want_size);
	free(got);
	assert_int_equal(elf_section_read(ef, ".debug_str", want_size - 1, &got, &got_size), -EFBIG);
	close_elf(ef, fd);

	/* More is claimed, less, a terabyte; another magic. */
	file = read_whole("packed.o", &size);
	for (size_t k = 0; k < 4; k++) {
		uint64_t claimed = htobe64(k == 0 ? want_size + 1 : k == 1 ? want_size - 1 : 1ull << 40);

		memcpy(file + at + 4, &claimed, sizeof(claimed));
		file[at] = k == 3 ? 'z' : 'Z';
		assert_int_equal(elf_file_open_memory(file, size, "x", &ef), 0);
		assert_int_equal(elf_section_read(ef, ".debug_str", SIZE_MAX, &got, &got_size), -ENOEXEC);
		elf_file_close(ef);
	}
	free(file);
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minidebug),
		cmocka_unit_test(test_minidebug_symbolized),
		cmocka_unit_test(test_minidebug_damaged),
		cmocka_unit_test(test_no_sections),
		cmocka_unit_test(test_no_sections_damaged),
		cmocka_unit_test(test_compressed_sections),
		cmocka_unit_test(test_zdebug_sections),
	};

	return cmocka_run_group_tests_name("hidden_symbols", tests, elftest_setup, elftest_teardown);
}
