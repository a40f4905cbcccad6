/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sym/perfmap.h: lines, damage, overlaps, growth. */
#include "elftest.h"

#include <sys/mman.h>

#include "sym/perfmap.h"

static int map_file(const char *text, size_t len)
{
	int fd = memfd_create("map", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	return fd;
}

static struct perfmap *read_text(const char *text, size_t len)
{
	struct perfmap *pm = perfmap_new();
	int fd = map_file(text, len);

	assert_int_equal(perfmap_read(pm, fd, getuid()), 0);
	close(fd);
	return pm;
}

static void expect(const struct perfmap *pm, uint64_t addr, const char *name, uint64_t want_start)
{
	uint64_t start = 0;
	const char *found = perfmap_at(pm, addr, &start);

	if (!name) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, name);
	assert_int_equal(start, want_start);
}

#define READ(text) read_text(text, sizeof(text) - 1)

static void test_lines(void **state)
{
	struct perfmap *pm = READ("7f0000001000 80 Function:foo /a/b c.js:12\n"
				  "0x7f0000001080 0x10 with prefix\r\n"
				  "7F0000002000 a0  two spaces\n");

	assert_int_equal(perfmap_count(pm), 3);
	expect(pm, 0x7f0000000fff, NULL, 0);
	expect(pm, 0x7f0000001000, "Function:foo /a/b c.js:12", 0x7f0000001000);
	expect(pm, 0x7f000000107f, "Function:foo /a/b c.js:12", 0x7f0000001000);
	expect(pm, 0x7f0000001080, "with prefix", 0x7f0000001080);
	expect(pm, 0x7f0000001090, NULL, 0);
	expect(pm, 0x7f000000209f, "two spaces", 0x7f0000002000);
	expect(pm, 0x7f00000020a0, NULL, 0);
	expect(pm, UINT64_MAX, NULL, 0);
	expect(pm, 0, NULL, 0);
	perfmap_free(pm);
	perfmap_free(NULL);
}

static void test_damaged_lines(void **state)
{
	struct perfmap *pm = READ("\n"
				  "garbage\n"
				  "1000\n"
				  "1000 10\n"
				  "1000 10 \n"
				  "1000 0 empty\n"
				  "1000 123456789 larger than 4 GiB\n"
				  "11112222333344445 10 seventeen digits\n"
				  "ffffffffffffffff 10 wraps\n"
				  "-5 10 negative\n"
				  " 1000 10 leading space\n"
				  "1000\t10 tab\n"
				  "0x 10 nothing\n"
				  "\0\0\0 10 x\n"
				  "2000 10 good\0hidden\n"
				  "3000 10 not complete yet");

	assert_int_equal(perfmap_count(pm), 1);
	expect(pm, 0x1000, NULL, 0);
	expect(pm, 0x2008, "good", 0x2000);
	expect(pm, 0x3000, NULL, 0);
	perfmap_free(pm);
	pm = READ("");
	assert_int_equal(perfmap_count(pm), 0);
	expect(pm, 0x1000, NULL, 0);
	perfmap_free(pm);
}

static void test_later_wins(void **state)
{
	struct perfmap *pm = READ("1000 100 first\n"
				  "1040 40 second\n"
				  "1000 10 third\n"
				  "1200 10 same\n"
				  "1200 10 same again\n"
				  "0ff0 30 before\n"
				  "1300 10 small\n"
				  "1200 200 covers all\n");

	expect(pm, 0xff0, "before", 0xff0);
	expect(pm, 0x1000, "before", 0xff0);
	expect(pm, 0x101f, "before", 0xff0);
	expect(pm, 0x1020, "first", 0x1000);
	expect(pm, 0x1040, "second", 0x1040);
	expect(pm, 0x107f, "second", 0x1040);
	expect(pm, 0x1080, "first", 0x1000);
	expect(pm, 0x1100, NULL, 0);
	expect(pm, 0x1200, "covers all", 0x1200);
	expect(pm, 0x1305, "covers all", 0x1200);
	perfmap_free(pm);
}

static void test_long_names(void **state)
{
	/* Longer than a name may be, and longer than what is read at once. */
	static const size_t lengths[] = {PERFMAP_NAME_MAX, PERFMAP_NAME_MAX + 1, 100000, 1000000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t len = lengths[i];
		char *text = xmalloc(len + 64);
		struct perfmap *pm;
		uint64_t start;
		size_t at;

		at = (size_t)sprintf(text, "1000 10 ");
		memset(text + at, 'x', len);
		at += len;
		at += (size_t)sprintf(text + at, "\n2000 10 next\n");
		pm = read_text(text, at);
		assert_int_equal(perfmap_count(pm), 2);
		assert_in_range(strlen(perfmap_at(pm, 0x1000, &start)), PERFMAP_NAME_MAX, PERFMAP_NAME_MAX);
		expect(pm, 0x2000, "next", 0x2000);
		perfmap_free(pm);
		free(text);
	}
}

static void test_grows(void **state)
{
	struct perfmap *pm = perfmap_new();
	int fd = map_file("1000 10 one\n2000 10 t", 21);

	assert_int_equal(perfmap_read(pm, fd, getuid()), 0);
	expect(pm, 0x1000, "one", 0x1000);
	expect(pm, 0x2000, NULL, 0);
	assert_int_equal(write(fd, "wo\n1000 8 new\n", 14), 14);
	assert_int_equal(perfmap_read(pm, fd, getuid()), 0);
	assert_int_equal(perfmap_count(pm), 3);
	expect(pm, 0x1000, "new", 0x1000);
	expect(pm, 0x1008, "one", 0x1000);
	expect(pm, 0x2000, "two", 0x2000);
	/* Written anew: what was read is forgotten. */
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "5000 10 five\n", 13, 0), 13);
	assert_int_equal(perfmap_read(pm, fd, getuid()), 0);
	assert_int_equal(perfmap_count(pm), 1);
	expect(pm, 0x1000, NULL, 0);
	expect(pm, 0x5000, "five", 0x5000);
	close(fd);
	/* Another file, as long. */
	fd = map_file("6000 10 six_\n", 13);
	assert_int_equal(perfmap_read(pm, fd, getuid()), 0);
	expect(pm, 0x5000, NULL, 0);
	expect(pm, 0x6000, "six_", 0x6000);
	close(fd);
	perfmap_free(pm);
}

static void test_refused(void **state)
{
	struct perfmap *pm = perfmap_new();
	int fd = map_file("1000 10 one\n", 12), pipes[2];

	/* More than 1 GiB. */
	assert_int_equal(ftruncate(fd, (1ll << 30) + 1), 0);
	assert_int_equal(perfmap_read(pm, fd, getuid()), -EFBIG);
	assert_int_equal(ftruncate(fd, 12), 0);
	if (getuid() == 0) {
		/* Root's file serves everybody; another user's serves that user alone. */
		assert_int_equal(perfmap_read(pm, fd, 12345), 0);
		assert_int_equal(fchown(fd, 23456, (gid_t)-1), 0);
		assert_int_equal(perfmap_read(pm, fd, 12345), -EPERM);
		assert_int_equal(perfmap_read(pm, fd, 0), -EPERM);
		assert_int_equal(perfmap_read(pm, fd, 23456), 0);
	} else {
		assert_int_equal(perfmap_read(pm, fd, getuid() + 1), -EPERM);
	}
	close(fd);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(perfmap_read(pm, pipes[0], getuid()), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(perfmap_read(pm, -1, getuid()), -EBADF);
	perfmap_free(pm);
}

static void test_open(void **state)
{
	char *path = xasprintf("/tmp/perf-%d.map", getpid());
	int fd;

	unlink(path);
	assert_int_equal(perfmap_open((uint32_t)getpid()), -ENOENT);
	write_text(path, "1000 10 one\n");
	fd = perfmap_open((uint32_t)getpid());
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	/* A link in its place would make us read any file. */
	write_text("other", "1000 10 one\n");
	{
		char *target = xasprintf("%s/other", elftest_dir);

		assert_int_equal(symlink(target, path), 0);
		free(target);
	}
	assert_true(perfmap_open((uint32_t)getpid()) < 0);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(perfmap_open((uint32_t)getpid()), -EINVAL);
	unlink(path);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_damaged_lines),
		cmocka_unit_test(test_later_wins),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests_name("perfmap", tests, elftest_setup, elftest_teardown);
}
