/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

static void buf_grows(void **state)
{
	struct buf b = {0};

	assert_string_equal(buf_cstr(&b), "");
	buf_reset(&b);
	buf_add(&b, "", 0);
	assert_string_equal(b.data, "");
	buf_str(&b, "one");
	buf_char(&b, ' ');
	buf_printf(&b, "%d %s", 2, "three");
	assert_string_equal(b.data, "one 2 three");
	assert_int_equal(b.len, 11);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%04d", i);
	assert_int_equal(b.len, 11 + 40000);
	assert_int_equal(strlen(b.data), b.len);
	assert_memory_equal(b.data + b.len - 8, "99989999", 8);
	buf_reset(&b);
	assert_string_equal(b.data, "");
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	buf_free(&b);
	assert_null(b.data);
}

/* A text that is longer than the room that buf_printf first offers is formatted twice. */
static void buf_printf_long(void **state)
{
	char text[5000];
	struct buf b = {0};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buf_printf(&b, "<%s>%d", text, 7);
	assert_int_equal(b.len, sizeof(text) - 1 + 3);
	assert_memory_equal(b.data, "<xxx", 4);
	assert_string_equal(b.data + b.len - 3, "x>7");
	buf_free(&b);
}

static void vec_grows(void **state)
{
	vec_of(uint32_t) v = {0};

	for (uint32_t i = 0; i < 1000; i++)
		vec_push(&v, i * 3);
	assert_int_equal(v.n, 1000);
	assert_true(v.cap >= 1000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(v.at[i], i * 3);
	vec_free(&v);
	assert_null(v.at);
	assert_int_equal(v.cap, 0);
}

/* Out of memory is status 1 and a line, not a crash; so is a size that overflows. */
static void memory_overflow_ends_the_program(void **state)
{
	int status, fds[2];
	char said[100];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		xrealloc_array(NULL, SIZE_MAX / 8, 16);
		_exit(0);
	}
	assert_true(pid > 0);
	close(fds[1]);
	n = read(fds[0], said, sizeof(said));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_int_equal(n, 26);
	assert_memory_equal(said, "alloctrace: out of memory\n", 26);
}

static void strings(void **state)
{
	char *s = xasprintf("%s-%d", "a", 5), *t = xstrdup(s);

	assert_string_equal(t, "a-5");
	free(s);
	free(t);
}

static void u64map_holds_every_key(void **state)
{
	struct u64map m = {0};
	bool is_new;

	assert_null(u64map_find(&m, 0));
	*u64map_put(&m, 0, &is_new) = 10;
	assert_true(is_new);
	*u64map_put(&m, UINT64_MAX, NULL) = 11;
	for (uint64_t i = 1; i < 5000; i++) {
		uint64_t *v = u64map_put(&m, i << 32, &is_new);

		assert_true(is_new);
		assert_int_equal(*v, 0);
		*v = i;
	}
	assert_int_equal(m.n, 5001);
	assert_int_equal(*u64map_find(&m, 0), 10);
	assert_int_equal(*u64map_find(&m, UINT64_MAX), 11);
	for (uint64_t i = 1; i < 5000; i++)
		assert_int_equal(*u64map_find(&m, i << 32), i);
	assert_null(u64map_find(&m, 1));
	*u64map_put(&m, 7ULL << 32, &is_new) += 1;
	assert_false(is_new);
	assert_int_equal(*u64map_find(&m, 7ULL << 32), 8);
	assert_int_equal(m.n, 5001);
	u64map_free(&m);
	assert_null(u64map_find(&m, 0));
}

/* Against a plain array, with keys that share homes. */
static void u64map_forgets(void **state)
{
	static uint64_t values[600];
	struct u64map m = {0};
	uint64_t seed = 5;
	size_t n = 0;

	u64map_remove(&m, 7);
	memset(values, 0, sizeof(values));
	for (int i = 0; i < 200000; i++) {
		const uint64_t random = mix64(seed += 0x9e3779b97f4a7c15);
		/* Now few of them, now many. */
		const size_t most = i % 20000 < 10000 ? 40 : 600, key = (random >> 8) % most;

		if (random % 2) {
			n += !values[key];
			values[key] = 1 + (random >> 32);
			*u64map_put(&m, key, NULL) = values[key];
		} else {
			n -= values[key] != 0;
			values[key] = 0;
			u64map_remove(&m, key);
		}
		assert_int_equal(m.n, n);
		for (size_t k = i % 500 ? key : 0; k < (i % 500 ? key + 1 : 600); k++) {
			const uint64_t *v = u64map_find(&m, k);

			assert_int_equal(v ? *v : 0, values[k]);
		}
	}
	for (size_t k = 0; k < 600; k++)
		u64map_remove(&m, k);
	assert_int_equal(m.n, 0);
	for (size_t k = 0; k <= m.mask; k++)
		assert_false(m.used[k]);
	u64map_free(&m);
}

static void strpool_interns(void **state)
{
	struct strpool p = {0};
	char name[20];

	assert_int_equal(strpool_id(&p, "a"), 0);
	assert_int_equal(strpool_id(&p, ""), 1);
	assert_int_equal(strpool_id(&p, "a"), 0);
	for (uint32_t i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "name%u", i);
		assert_int_equal(strpool_id(&p, name), i + 2);
	}
	assert_int_equal(p.n, 3002);
	assert_int_equal(strpool_id(&p, "name1234"), 1236);
	assert_string_equal(strpool_str(&p, 1236), "name1234");
	assert_string_equal(strpool_str(&p, 1), "");
	assert_string_equal(strpool_str(&p, 3002), "");
	strpool_free(&p);
}

static void log_levels_and_escapes(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	log_set_stream(f);
	errno = ENOTTY;
	assert_int_equal((fail)(-ENOENT, "no %s", "such\x1b[2J\nthing"), -ENOENT);
	assert_int_equal(errno, ENOTTY);
	warn("w");
	note("hidden");
	assert_false(log_verbose());
	log_set_level(LOG_VERBOSE);
	assert_true(log_verbose());
	note("n %d", 1);
	log_set_level(LOG_QUIET);
	warn("hidden");
	note("hidden");
	(fail)(0, "e");
	log_set_level(LOG_NORMAL);
	log_set_stream(NULL);
	fclose(f);
	assert_string_equal(text, "alloctrace: no such\\x1b[2J\\x0athing\n"
			    "alloctrace: w\nalloctrace: n 1\nalloctrace: e\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_grows),
		cmocka_unit_test(buf_printf_long),
		cmocka_unit_test(vec_grows),
		cmocka_unit_test(memory_overflow_ends_the_program),
		cmocka_unit_test(strings),
		cmocka_unit_test(u64map_holds_every_key),
		cmocka_unit_test(u64map_forgets),
		cmocka_unit_test(strpool_interns),
		cmocka_unit_test(log_levels_and_escapes),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
