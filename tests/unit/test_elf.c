/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elf/elffile.h and imports.h on real files, and on files linked in unusual ways. */
#include "elftest.h"

#include <elf.h>

#include "elf/imports.h"

/* Sixteen bytes of code that occur once. */
static const uint8_t pattern[16] = {
	0xf3, 0x91, 0x4c, 0xe7, 0x08, 0xd5, 0x5a, 0xb3, 0x6f, 0x12, 0xc8, 0x3e, 0xa9, 0x74, 0x81, 0x2b,
};

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
		   "  . = 0x9000340; .text : { *(.text*) } :text .rodata : { *(.rodata*) } :text\n"
		   "  /DISCARD/ : { *(.note*) } }\n");
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
		unsigned long slot, info, val, addend = 1;
		const char *found;

		/* 000000003fc0  000200000007 R_X86_64_JUMP_SLO 0000000000000000 puts@GLIBC_2.2.5 + 0 */
		if (sscanf(line, "%lx %lx %63s %lx %511[^@ ]%*[^+]+ %lx", &slot, &info, type, &val, name, &addend) != 6)
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
	sh("cc -o lazy imports.c -Wl,-z,lazy && cc -fno-plt -o now imports.c -Wl,-z,now");
	sh("cc -static -o static imports.c");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libc_headers),
		cmocka_unit_test(test_build_id),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_shared_bytes_are_code),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_imports),
	};

	return cmocka_run_group_tests_name("elf", tests, elftest_setup, elftest_teardown);
}
