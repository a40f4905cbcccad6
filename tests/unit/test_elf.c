/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elf/elffile.h, imports.h and debugfile.h on real files, on files linked in unusual ways, and on damaged ones. */
#include "elftest.h"

#include <elf.h>

#include "elf/debugfile.h"
#include "elf/imports.h"
#include "elf/symbols.h"

/* Sixteen bytes of code that occur once. */
static const uint8_t pattern[16] = {
	0xf3, 0x91, 0x4c, 0xe7, 0x08, 0xd5, 0x5a, 0xb3, 0x6f, 0x12, 0xc8, 0x3e, 0xa9, 0x74, 0x81, 0x2b,
};

static const char marker_source[] =
	"asm(\".text\\n.globl marker\\n.type marker,@function\\nmarker:\\n\"\n"
	"    \".byte 0xf3,0x91,0x4c,0xe7,0x08,0xd5,0x5a,0xb3,0x6f,0x12,0xc8,0x3e,0xa9,0x74,0x81,0x2b\\n\"\n"
	"    \".size marker,16\\n\");\n"
	"void marker(void);\n"
	"int counter = 5; int zeros[5000];\n"
	"int main(void) { return counter == 6 ? (marker(), zeros[1]) : 0; }\n";

static void test_libc_headers(void **state)
{
	int fd;
	struct elf_file *ef = open_elf(LIBC, &fd);
	const struct elf_segment *seg;
	size_t n, executable = 0;

	assert_int_equal(elf_file_class(ef), ELFCLASS64);
	assert_int_equal(elf_file_machine(ef), EM_X86_64);
	assert_int_equal(elf_file_type(ef), ET_DYN);
	assert_string_equal(elf_file_name(ef), LIBC);
	assert_non_null(elf_file_handle(ef));
	seg = elf_file_segments(ef, &n);
	assert_true(n >= 2);
	for (size_t i = 0; i < n; i++)
		executable += (seg[i].flags & PF_X) != 0;
	assert_int_equal(executable, 1);
	close_elf(ef, fd);
}

static void check_build_id(const char *path)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	char hex[2 * ELF_BUILD_ID_MAX + 2] = "", want[256] = "", *command;
	int fd;
	struct elf_file *ef = open_elf(path, &fd);
	size_t len = elf_build_id(ef, id);
	FILE *f;

	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", id[i]);
	command = xasprintf("readelf -n %s 2>/dev/null | sed -n 's/.*Build ID: //p' | tr -d '\\n'", path);
	f = popen(command, "r");
	assert_non_null(f);
	if (!fgets(want, sizeof(want), f))
		want[0] = '\0';
	pclose(f);
	free(command);
	assert_string_equal(hex, want);
	close_elf(ef, fd);
}

static void test_build_id(void **state)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf_file *ef;
	int fd;

	check_build_id(LIBC);
	check_build_id("/bin/ls");
	write_text("marker.c", marker_source);
	sh("cc -o plain marker.c -Wl,--build-id=sha1");
	check_build_id("./plain");
	sh("cc -o md5 marker.c -Wl,--build-id=md5");
	check_build_id("./md5");
	sh("objcopy --only-keep-debug plain plain.debug");
	check_build_id("./plain.debug");
	sh("cc -o without marker.c -Wl,--build-id=none");
	ef = open_elf("without", &fd);
	assert_int_equal(elf_build_id(ef, id), 0);
	close_elf(ef, fd);
}

/* Offsets and addresses of one file against where its bytes are found. */
static void check_addresses(const char *file)
{
	size_t size, n;
	uint8_t *data = read_whole(file, &size), bytes[16];
	uint8_t *at = memmem(data, size, pattern, sizeof(pattern));
	uint64_t want = nm_vaddr(file, "marker"), vaddr = 0, offset = 0, bss = 0;
	const struct elf_segment *seg;
	struct elf_file *ef;
	int fd;

	assert_non_null(at);
	ef = open_elf(file, &fd);
	assert_true(elf_offset_to_vaddr(ef, (uint64_t)(at - data), &vaddr));
	assert_int_equal(vaddr, want);
	assert_true(elf_vaddr_to_offset(ef, want, &offset));
	assert_int_equal(offset, at - data);
	assert_int_equal(elf_read_vaddr(ef, want, bytes, sizeof(bytes)), sizeof(bytes));
	assert_memory_equal(bytes, pattern, sizeof(pattern));

	/* Every byte of the executable segments goes there and back. */
	seg = elf_file_segments(ef, &n);
	for (size_t i = 0; i < n; i++) {
		if (seg[i].memsz > seg[i].filesz)
			bss = seg[i].vaddr + seg[i].memsz - 1;
		for (uint64_t k = 0; (seg[i].flags & PF_X) && k < seg[i].filesz; k++) {
			assert_true(elf_offset_to_vaddr(ef, seg[i].offset + k, &vaddr));
			assert_int_equal(vaddr, seg[i].vaddr + k);
		}
	}
	assert_true(bss > 0);
	assert_false(elf_vaddr_to_offset(ef, bss, &offset));
	assert_int_equal(elf_read_vaddr(ef, bss, bytes, 1), 0);
	assert_false(elf_vaddr_to_offset(ef, 0x123456789abcdef0, &offset));
	assert_false(elf_offset_to_vaddr(ef, size, &vaddr));
	assert_false(elf_offset_to_vaddr(ef, UINT64_MAX, &vaddr));
	close_elf(ef, fd);
	free(data);
}

static void test_addresses(void **state)
{
	static const char *const flags[] = {
		"-pie", "-no-pie", "-static", "-static-pie", "-pie -Wl,-z,separate-code", "-pie -Wl,-z,noseparate-code",
		"-no-pie -Wl,-z,noseparate-code", "-no-pie -Wl,-Ttext-segment=0x10000000",
		"-shared -Wl,-Ttext-segment=0x7000000000", "-no-pie -Wl,--section-start=.text=0x8765000",
		"-pie -Wl,-z,max-page-size=0x200000",
	};

	write_text("marker.c", marker_source);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		sh("cc -fPIC -o marker %s marker.c 2>/dev/null", flags[i]);
		check_addresses("./marker");
	}
	/* A linker script of our own: file offsets and addresses differ, and by another distance in each segment. */
	write_text("odd.ld",
		   "PHDRS { data PT_LOAD FLAGS(6); text PT_LOAD FLAGS(5); }\n"
		   "SECTIONS { . = 0x5000100; .data : { *(.data*) } :data .bss : { *(.bss*) *(COMMON) } :data\n"
		   "  . = 0x9000340; .text : { *(.text*) } :text .rodata : { *(.rodata*) } :text /DISCARD/ : { *(.note*) } }\n");
	sh("cc -c -fno-asynchronous-unwind-tables -o odd.o marker.c && ld -T odd.ld -e main -o odd odd.o");
	check_addresses("./odd");
}

static void test_shared_bytes_are_code(void **state)
{
	/* Two segments over the same bytes of the file: the executable one counts. */
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph[2];
		uint8_t code[16];
	} file = {
		.eh = {
			.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_DYN,
			.e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
			.e_shentsize = sizeof(Elf64_Shdr),
		},
		.ph = {
			{.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x1000, .p_filesz = 0x40 + 2 * 56 + 16,
			 .p_memsz = 0x40 + 2 * 56 + 16},
			{.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x40 + 2 * 56, .p_vaddr = 0x8000,
			 .p_filesz = 16, .p_memsz = 16},
		},
	};
	struct elf_file *ef;
	uint64_t vaddr;
	size_t n;

	assert_int_equal(elf_file_open_memory(&file, sizeof(file), "two", &ef), 0);
	assert_true(elf_offset_to_vaddr(ef, 0x40 + 2 * 56 + 3, &vaddr));
	assert_int_equal(vaddr, 0x8003);
	assert_true(elf_offset_to_vaddr(ef, 3, &vaddr));
	assert_int_equal(vaddr, 0x1003);
	elf_file_sections(ef, &n);
	assert_int_equal(n, 0);
	elf_file_close(ef);
}

static void test_sections(void **state)
{
	uint8_t *data, *plain;
	size_t size, plain_size;
	struct elf_file *ef;
	int fd;

	write_text("marker.c", marker_source);
	sh("cc -g -gz=none -o plain marker.c && objcopy --compress-debug-sections=zlib plain packed");
	ef = open_elf("plain", &fd);
	assert_int_equal(elf_section_read(ef, ".interp", 4096, &data, &size), 0);
	assert_string_equal(data, "/lib64/ld-linux-x86-64.so.2");
	assert_int_equal(size, strlen((char *)data) + 1);
	free(data);
	assert_int_equal(elf_section_read(ef, ".interp", 5, &data, &size), -EFBIG);
	assert_int_equal(elf_section_read(ef, ".nothing", 4096, &data, &size), -ENOENT);
	assert_int_equal(elf_section_read(ef, ".debug_info", 1 << 20, &plain, &plain_size), 0);
	close_elf(ef, fd);

	ef = open_elf("packed", &fd);
	assert_non_null(elf_section_by_name(ef, ".debug_info"));
	assert_true(elf_section_by_name(ef, ".debug_info")->flags & SHF_COMPRESSED);
	assert_int_equal(elf_section_read(ef, ".debug_info", 1 << 20, &data, &size), 0);
	assert_int_equal(size, plain_size);
	assert_memory_equal(data, plain, size);
	assert_int_equal(data[size], 0);
	free(data);
	assert_int_equal(elf_section_read(ef, ".debug_info", plain_size - 1, &data, &size), -EFBIG);
	free(plain);
	close_elf(ef, fd);
}

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

static void check_imports(const char *path)
{
	char *command = xasprintf("LC_ALL=C readelf -rW %s", path), *line = NULL;
	FILE *f = popen(command, "r");
	struct elf_imports *imports;
	size_t cap = 0, checked = 0;
	int fd;
	struct elf_file *ef = open_elf(path, &fd);

	assert_non_null(f);
	assert_int_equal(elf_imports_load(ef, &imports), 0);
	while (getline(&line, &cap, f) > 0) {
		char type[64], name[512];
		unsigned long slot, info, value, addend = 1;
		const char *found;

		/* 000000003fc0  000200000007 R_X86_64_JUMP_SLO 0000000000000000 puts@GLIBC_2.2.5 + 0 */
		if (sscanf(line, "%lx %lx %63s %lx %511[^@ ]%*[^+]+ %lx", &slot, &info, type, &value, name, &addend) != 6)
			if (sscanf(line, "%lx %lx %63s %lx %511[^@ ] + %lx", &slot, &info, type, &value, name, &addend) != 6)
				continue;
		if (addend != 0 || ((info & 0xff) != 1 && (info & 0xff) != 6 && (info & 0xff) != 7))
			continue;
		found = elf_imports_at(imports, slot);
		assert_non_null(found);
		assert_string_equal(found, name);
		assert_null(elf_imports_at(imports, slot + 1));
		checked++;
	}
	assert_true(checked >= 3);
	assert_null(elf_imports_at(imports, 0));
	elf_imports_free(imports);
	close_elf(ef, fd);
	pclose(f);
	free(line);
	free(command);
}

static void test_imports(void **state)
{
	struct elf_imports *imports;
	struct elf_file *ef;
	int fd;

	write_text("imports.c", "#include <stdio.h>\n#include <stdlib.h>\n"
				"int main(void) { void *p = malloc(5); puts(\"x\"); free(p); return atexit(0); }\n");
	sh("cc -o lazy imports.c -Wl,-z,lazy && cc -fno-plt -o now imports.c -Wl,-z,now && cc -static -o static imports.c");
	check_imports("./lazy");
	check_imports("./now");
	check_imports("/bin/ls");
	check_imports(LIBC);
	ef = open_elf("static", &fd);
	assert_int_equal(elf_imports_load(ef, &imports), 0);
	assert_null(elf_imports_at(imports, 0x404000));
	elf_imports_free(imports);
	close_elf(ef, fd);
}

/* 0, or the error of elf_debugfile_open() for ./stripped below root; the file found must be the one that is named. */
static int find_debug(const char *root, const char *want)
{
	char *path = xasprintf("%s/stripped", root[0] ? "" : elftest_dir);
	int fd, debug_fd = -1, err;
	struct elf_file *ef = open_elf("stripped", &fd), *debug;
	struct stat a, b;

	err = elf_debugfile_open(ef, path, root, &debug_fd, &debug);
	if (err == 0) {
		assert_int_equal(fstat(debug_fd, &a), 0);
		assert_int_equal(stat(want, &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		close_elf(debug, debug_fd);
	}
	close_elf(ef, fd);
	free(path);
	return err;
}

static void test_debugfile_build_id(void **state)
{
	char hex[64] = "";
	FILE *f;

	write_text("marker.c", marker_source);
	sh("cc -g -o full marker.c -Wl,--build-id=sha1 && objcopy --only-keep-debug full full.debug && strip -o stripped full");
	sh("cc -g -DOTHER -o other marker.c -Wl,--build-id=0x1234 && objcopy --only-keep-debug other other.debug");
	f = popen("readelf -n full | sed -n 's/.*Build ID: //p'", "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%63s", hex), 1);
	pclose(f);
	assert_int_equal(find_debug(elftest_dir, ""), -ENOENT);
	sh("mkdir -p root/usr/lib/debug/.build-id/%.2s", hex);
	{
		char *root = xasprintf("%s/root", elftest_dir), *link = xasprintf("root/usr/lib/debug/.build-id/%.2s/%s.debug", hex, hex + 2);

		sh("cp full.debug %s", link);
		assert_int_equal(find_debug(root, link), 0);
		/* A symbolic link to an absolute path leads to a place inside the root, as it does for the target. */
		sh("mkdir -p root%s && mv %s root%s/elsewhere && ln -s %s/elsewhere %s", elftest_dir, link, elftest_dir,
		   elftest_dir, link);
		sh("cp full.debug elsewhere");
		{
			char *inside = xasprintf("root%s/elsewhere", elftest_dir);

			assert_int_equal(find_debug(root, inside), 0);
			free(inside);
		}
		sh("rm root%s/elsewhere", elftest_dir);
		assert_int_equal(find_debug(root, ""), -ENOENT);
		/* Another build under our name; a FIFO; a directory; a text. */
		sh("rm %s && cp other.debug %s", link, link);
		assert_int_equal(find_debug(root, ""), -ENOEXEC);
		sh("rm %s && mkfifo %s", link, link);
		assert_int_equal(find_debug(root, ""), -ENOENT);
		sh("rm %s && mkdir %s", link, link);
		assert_int_equal(find_debug(root, ""), -ENOENT);
		sh("rmdir %s && echo x >%s", link, link);
		assert_int_equal(find_debug(root, ""), -ENOEXEC);
		free(root);
		free(link);
	}
}

static void test_debugfile_link(void **state)
{
	char *root = xasprintf("%s/link", elftest_dir);

	write_text("marker.c", marker_source);
	sh("rm -f stripped* && cc -g -o full marker.c -Wl,--build-id=none && objcopy --only-keep-debug full stripped.debug");
	sh("strip -o stripped full && objcopy --add-gnu-debuglink=stripped.debug stripped");
	sh("mkdir -p link/.debug link/usr/lib/debug");
	/* This host's, beside the file. */
	assert_int_equal(find_debug("", "stripped.debug"), 0);
	/* The third place, the second, the first: each goes before the one that was there. */
	assert_int_equal(find_debug(root, ""), -ENOENT);
	sh("cp stripped.debug link/usr/lib/debug/");
	assert_int_equal(find_debug(root, "link/usr/lib/debug/stripped.debug"), 0);
	sh("cp stripped.debug link/.debug/");
	assert_int_equal(find_debug(root, "link/.debug/stripped.debug"), 0);
	sh("cp stripped.debug link/");
	assert_int_equal(find_debug(root, "link/stripped.debug"), 0);
	/* One more byte: another CRC. */
	sh("echo >>link/stripped.debug");
	assert_int_equal(find_debug(root, "link/.debug/stripped.debug"), 0);
	sh("rm -r link/.debug link/usr");
	assert_int_equal(find_debug(root, ""), -ENOEXEC);
	free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libc_headers),
		cmocka_unit_test(test_build_id),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_shared_bytes_are_code),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_lying_sections),
		cmocka_unit_test(test_not_elf),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_shrinks),
		cmocka_unit_test(test_imports),
		cmocka_unit_test(test_debugfile_build_id),
		cmocka_unit_test(test_debugfile_link),
	};

	return cmocka_run_group_tests_name("elf", tests, elftest_setup, elftest_teardown);
}
