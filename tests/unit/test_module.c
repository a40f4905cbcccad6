/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many files are known and kept open. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "model/module.h"

static int file(bool deleted)
{
	int fd = deleted ? open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : open("/proc/self/exe", O_RDONLY);

	assert_true(fd >= 0);
	assert_true(!deleted || !posix_fallocate(fd, 0, 4096));
	return fd;
}

static uint32_t add_file(struct modules *m, uint64_t ino, int fd)
{
	return modules_file(m, "/lib/x.so", 1, ino, fd, 1, false);
}

/* Ids never wrap: a file beyond them is no other file. */
static void test_ids(void **state)
{
	struct modules m;
	int fd = file(true);

	modules_init(&m);
	for (uint32_t i = 1; i < MODULES_MAX; i++)
		assert_int_equal(add_file(&m, i, -1), i);
	assert_int_equal(m.left_out, 0);
	assert_int_equal(add_file(&m, MODULES_MAX, -1), 0);
	assert_int_equal(add_file(&m, MODULES_MAX + 1, fd), 0);
	assert_int_equal(close(fd), -1);
	assert_int_equal(modules_jit(&m, 1, 1), 0);
	assert_int_equal(m.left_out, 2);
	assert_int_equal(m.list.n, MODULES_MAX);
	assert_int_equal(add_file(&m, 1, -1), 1);
	assert_int_equal(add_file(&m, MODULES_MAX - 1, -1), MODULES_MAX - 1);
	modules_free(&m);
}

static void test_open_files(void **state)
{
	struct modules m;

	modules_init(&m);
	m.open_max = 4;
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(add_file(&m, i, file(true)), i);
	/* Of deleted ones half as many. */
	assert_true(m.list.at[2]->fd >= 0);
	assert_int_equal(m.list.at[3]->fd, -1);
	assert_int_equal(m.left_out, 1);
	/* The same one again is no other. */
	add_file(&m, 3, file(true));
	assert_int_equal(m.left_out, 1);
	for (uint32_t i = 4; i <= 6; i++)
		assert_int_equal(add_file(&m, i, file(false)), i);
	assert_true(m.list.at[5]->fd >= 0);
	assert_int_equal(m.list.at[6]->fd, -1);
	assert_int_equal(m.left_out, 2);
	modules_free(&m);
}

static void test_deleted_bytes(void **state)
{
	struct modules m;

	modules_init(&m);
	m.deleted_bytes = MODULES_DELETED_BYTES;
	add_file(&m, 1, file(true));
	assert_int_equal(m.list.at[1]->fd, -1);
	add_file(&m, 2, file(false));
	assert_true(m.list.at[2]->fd >= 0);
	assert_int_equal(m.left_out, 1);
	/* Files may lose their names later: they are counted again now and then. */
	m.deleted_bytes = 0;
	m.uncounted_bytes = UINT64_MAX / 2;
	add_file(&m, 3, file(true));
	assert_true(m.list.at[3]->fd >= 0);
	assert_int_equal(m.n_deleted, 1);
	assert_int_equal(m.uncounted_bytes, 0);
	modules_free(&m);
}

/* What nobody has mapped any more makes room; what comes under its numbers then is another one. */
static void test_release(void **state)
{
	struct modules m;
	int fd;

	modules_init(&m);
	m.open_max = 4;
	for (uint32_t i = 1; i <= 2; i++)
		assert_int_equal(add_file(&m, i, file(true)), i);
	fd = m.list.at[1]->fd;
	modules_release(&m, 1);
	assert_int_equal(m.n_open, 1);
	assert_int_equal(close(fd), -1);
	assert_int_equal(m.list.at[1]->fd, -1);
	assert_string_equal(m.list.at[1]->path, "/lib/x.so");
	assert_int_equal(add_file(&m, 3, file(true)), 3);
	assert_true(m.list.at[3]->fd >= 0);
	assert_int_equal(add_file(&m, 1, -1), 4);
	assert_int_equal(add_file(&m, 1, -1), 4);
	/* It is closed already. */
	modules_release(&m, 1);
	assert_int_equal(m.n_open, 2);
	assert_int_equal(add_file(&m, 1, -1), 4);
	assert_int_equal(m.left_out, 0);
	modules_free(&m);
}

/* A copy has what there was, and what is its own stays. */
static void test_follow(void **state)
{
	struct modules m, copy = {0};
	const struct module *first;
	uint32_t jit;

	modules_init(&m);
	add_file(&m, 1, -1);
	jit = modules_jit(&m, 12, 1000);
	modules_set_jitdump(&m, jit, file(false));
	modules_follow(&copy, &m);
	assert_int_equal(copy.list.n, m.list.n);
	first = modules_get(&copy, 1);
	assert_int_equal(first->fd, -1);
	assert_ptr_equal(first->path, modules_get(&m, 1)->path);
	/* A jitdump may be closed, so the copy has it open by itself. */
	assert_true(modules_get(&copy, jit)->fd >= 0);
	assert_int_not_equal(modules_get(&copy, jit)->fd, modules_get(&m, jit)->fd);
	copy.list.at[1]->build_id = xstrdup("abc");
	copy.list.at[1]->identified = true;

	add_file(&m, 1, file(false));
	add_file(&m, 2, file(false));
	assert_int_equal(copy.list.n, m.list.n - 1);
	modules_follow(&copy, &m);
	assert_ptr_equal(modules_get(&copy, 1), first);
	assert_true(first->fd >= 0);
	assert_int_equal(first->fd, modules_get(&m, 1)->fd);
	assert_string_equal(first->build_id, "abc");
	assert_true(first->identified);
	assert_int_equal(copy.list.n, m.list.n);
	assert_int_equal(modules_get(&copy, jit)->uid, 1000);
	modules_unfollow(&copy);
	/* The others are the tracer's. */
	assert_true(fcntl(modules_get(&m, 1)->fd, F_GETFD) >= 0);
	modules_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_open_files),
		cmocka_unit_test(test_deleted_bytes),
		cmocka_unit_test(test_release), cmocka_unit_test(test_follow),
	};

	log_set_level(LOG_QUIET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
