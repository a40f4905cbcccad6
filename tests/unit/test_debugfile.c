/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elf/debugfile.h: by build id, by debuglink, inside a root directory. */
#include "elftest.h"

#include <elf.h>

#include "elf/debugfile.h"

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
	sh("cc -g -o full marker.c -Wl,--build-id=sha1");
	sh("objcopy --only-keep-debug full full.debug && strip -o stripped full");
	sh("cc -g -o other marker.c -Wl,--build-id=0x1234 && objcopy --only-keep-debug other other.debug");
	f = popen("readelf -n full | sed -n 's/.*Build ID: //p'", "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%63s", hex), 1);
	pclose(f);
	assert_int_equal(find_debug(elftest_dir, ""), -ENOENT);
	sh("mkdir -p root/usr/lib/debug/.build-id/%.2s", hex);
	{
		char *root = xasprintf("%s/root", elftest_dir);
		char *link = xasprintf("root/usr/lib/debug/.build-id/%.2s/%s.debug", hex, hex + 2);

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
	sh("rm -f stripped* && cc -g -o full marker.c -Wl,--build-id=none");
	sh("objcopy --only-keep-debug full stripped.debug");
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

/* Makes the section as large as that: a hole at the end of the file. */
static void claim_section(const char *name, const char *section, uint64_t size)
{
	int fd = open(name, O_RDWR | O_CLOEXEC), ef_fd;
	struct elf_file *ef = open_elf(name, &ef_fd);
	const struct elf_section *sec = elf_section_by_name(ef, section);
	const uint64_t end = elf_file_size(ef);
	Elf64_Ehdr eh;
	Elf64_Shdr sh;
	size_t n;

	assert_non_null(sec);
	assert_int_equal(pread(fd, &eh, sizeof(eh), 0), sizeof(eh));
	n = eh.e_shoff + (uint64_t)(sec - elf_file_sections(ef, &n)) * sizeof(sh);
	assert_int_equal(pread(fd, &sh, sizeof(sh), (off_t)n), sizeof(sh));
	sh.sh_offset = end;
	sh.sh_size = size;
	assert_int_equal(pwrite(fd, &sh, sizeof(sh), (off_t)n), sizeof(sh));
	assert_int_equal(ftruncate(fd, (off_t)(end + size)), 0);
	close_elf(ef, ef_fd);
	close(fd);
}

/* Only what can be the debug file is read for its CRC, once, and no more than a bound. */
static void test_debugfile_reads(void **state)
{
	uint64_t before = elf_debugfile_bytes();
	struct stat st;

	assert_int_equal(find_debug("", "stripped.debug"), 0);
	assert_int_equal(elf_debugfile_bytes(), before);
	/* Larger than its sections. */
	sh("cp stripped.debug good && truncate -s 4G stripped.debug");
	assert_int_equal(find_debug("", ""), -ENOEXEC);
	/* Of another program. */
	write_text("another.c", "int main(void) { return 7; }");
	sh("cc -g -o another another.c -Wl,--build-id=none");
	sh("objcopy --only-keep-debug another stripped.debug");
	assert_int_equal(find_debug("", ""), -ENOEXEC);
	/* One that has a build id, where the program has none. */
	sh("cc -g -o another marker.c -Wl,--build-id=sha1 && objcopy --only-keep-debug another stripped.debug");
	assert_int_equal(find_debug("", ""), -ENOEXEC);
	assert_int_equal(elf_debugfile_bytes(), before);
	/* Large by a section that it claims. */
	sh("objcopy --add-section .large=/dev/null good stripped.debug");
	claim_section("stripped.debug", ".large", 2ULL << 30);
	assert_int_equal(stat("stripped.debug", &st), 0);
	assert_true(st.st_size > 2LL << 30);
	assert_int_equal(find_debug("", ""), -ENOEXEC);
	assert_int_equal(elf_debugfile_bytes(), before);
	sh("cp good stripped.debug");
	assert_int_equal(find_debug("", "stripped.debug"), 0);
	assert_int_equal(stat("good", &st), 0);
	assert_int_equal(elf_debugfile_bytes(), before + (uint64_t)st.st_size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debugfile_build_id),
		cmocka_unit_test(test_debugfile_link),
		cmocka_unit_test(test_debugfile_reads),
	};

	return cmocka_run_group_tests_name("debugfile", tests, elftest_setup, elftest_teardown);
}
