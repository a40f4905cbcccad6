/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "view_fixture.h"

#include "base/log.h"
#include "view/suppress.h"

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} cases[] = {
		{"foo", "foo", true}, {"foo", "a_foo_b", true}, {"foo", "fo", false}, {"foo", "", false},
		{"^foo", "foobar", true}, {"^foo", "a_foo", false},
		{"foo$", "a_foo", true}, {"foo$", "foobar", false}, {"foo$", "foo_foo", true},
		{"^foo$", "foo", true}, {"^foo$", "foofoo", false}, {"^foo$", "xfoo", false},
		{"a*c", "xabcx", true}, {"a*c", "ca", false}, {"a*c", "ac", true},
		{"^a*c$", "abbbc", true}, {"^a*c$", "abbbcd", false}, {"^a*c$", "ac", true}, {"^aa*a$", "aa", false},
		{"^ab*ab$", "ab", false}, {"^ab*ab$", "abab", true},
		{"a**c", "a_c", true}, {"*foo", "xfoo", true}, {"foo*", "foo", true},
		{"^*foo$", "x_foo", true}, {"^*foo$", "foo_x", false}, {"x*$", "axb", true},
		{"a*b*c", "a1b2c3", true}, {"a*b*c", "a1c2b3", false}, {"a*bc$", "a_bc_bc", true},
		{"^$", "", true}, {"^$", "x", false},
		{"std::map<*>::insert", "std::map<int, int>::insert(int)", true},
		{"libz.so", "/usr/lib/libz.so.1", true}, {".", "foo", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (suppress_matches(cases[i].pattern, cases[i].name) != cases[i].match)
			fail_msg("%s and %s", cases[i].pattern, cases[i].name);
}

static char path[] = "/tmp/alloctrace-suppress.XXXXXX";

static void write_file(const char *text, size_t len)
{
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static struct suppressions *open_text(const char *text)
{
	struct suppressions *s = NULL;

	write_file(text, strlen(text));
	assert_int_equal(suppress_open(path, &s), 0);
	unlink(path);
	return s;
}

static void reads_files(void **state)
{
	struct suppressions *s = open_text("# comment\n\n  leak:foo  \r\n\t# another\nleak:^a b$\nleak:last");
	size_t n;
	const struct suppression *list = suppress_list(s, &n);

	assert_int_equal(n, 3);
	assert_string_equal(list[0].pattern, "foo");
	assert_string_equal(list[1].pattern, "^a b$");
	assert_string_equal(list[2].pattern, "last");
	suppress_close(s);
	s = open_text("");
	suppress_list(s, &n);
	assert_int_equal(n, 0);
	suppress_close(s);
	suppress_close(NULL);
}

/* One line that names the file, and the line in it, and has the word. */
static void refuse_bytes(const char *text, size_t size, const char *where, const char *word)
{
	struct suppressions *s;
	char *said = NULL, *at;
	size_t len = 0;
	FILE *f = open_memstream(&said, &len);

	write_file(text, size);
	log_set_stream(f);
	assert_int_equal(suppress_open(path, &s), -EINVAL);
	log_set_stream(NULL);
	fclose(f);
	unlink(path);
	at = xasprintf("%s:%s: ", path, where);
	if (!strstr(said, at) || !strstr(said, word) || strchr(said, '\n') != said + len - 1)
		fail_msg("said: %s", said);
	assert_null(strchr(said, '\033'));
	free(at);
	free(said);
}

static void refuse(const char *text, const char *where, const char *word)
{
	refuse_bytes(text, strlen(text), where, word);
}

static void hostile_files(void **state)
{
	char *big = malloc(100000), *many = malloc(300000);
	size_t len = 0;

	refuse("leak:a\nfoo\n", "2", "\"foo\"");
	refuse("leak:a\n\nrace:foo\n", "3", "leak:PATTERN");
	refuse("interceptor_via_fun:x", "1", "leak:PATTERN");
	refuse("leak:\n", "1", "every leak");
	refuse("leak:*\n", "1", "every leak");
	refuse("leak:^*$\n", "1", "every leak");
	refuse("leak\n", "1", "leak:PATTERN");
	refuse("\x1b[2Jleak:x\n", "1", "leak:PATTERN");
	refuse_bytes("leak:a\nleak:b\0c\n", 16, "2", "NUL");
	refuse_bytes("\x7f" "ELF\0\0\0", 7, "1", "NUL");
	memset(big, 'a', 100000);
	memcpy(big, "leak:", 5);
	refuse_bytes(big, 100000, "1", "4096");
	for (int i = 0; i < 10001; i++)
		len += sprintf(many + len, "leak:x%d\n", i);
	refuse(many, "10001", "10000");
	free(big);
	free(many);
}

static void missing_files(void **state)
{
	struct suppressions *s;
	char *said = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&said, &len);

	log_set_stream(f);
	assert_int_equal(suppress_open("/nonexistent/file", &s), -ENOENT);
	assert_int_equal(suppress_open("/tmp", &s), -EIO);
	log_set_stream(NULL);
	fclose(f);
	assert_non_null(strstr(said, "/nonexistent/file"));
	assert_non_null(strstr(said, "in /tmp: Is a directory"));
	free(said);
}

static void leak(struct fixture *x, uint32_t stack, uint64_t bytes)
{
	profile_add(&x->p, PROFILE_LEAKS, stack, (struct counters){.bytes = bytes, .calls = 1});
}

static void hides_leaks(void **state)
{
	struct fixture *x = *state;
	struct suppressions *s = open_text("leak:other_dir\nleak:^load$\nleak:/opt/lib/\nleak:inl*er\nleak:parse.c\n");
	static const struct symbol into = {.function = "inlined_caller", .module = "prog"};
	const struct suppression *list;
	uint32_t by_function, by_both, by_module, by_inline, by_file, not_hidden, nothing;
	size_t n;

	fake_into[STORE] = &into;
	fake_files[PARSE] = "/src/parse.c";
	by_function = ADD(x, x->task, STACK_END_CHAIN, 1, 1, frame(x, MAIN, 1), frame(x, LOAD, 1), frame(x, START, 1));
	by_module = ADD(x, x->task, STACK_END_CHAIN, 1, 1, profile_frame(&x->p, x->other_lib, 77), frame(x, MAIN, 1));
	by_both = ADD(x, x->task, STACK_END_CHAIN, 1, 1, profile_frame(&x->p, x->other_lib, 77), frame(x, LOAD, 1));
	by_inline = ADD(x, x->task, STACK_END_CHAIN, 1, 1, frame(x, STORE, 1), frame(x, MAIN, 1));
	by_file = ADD(x, x->task, STACK_END_CHAIN, 1, 1, frame(x, PARSE, 1));
	not_hidden = ADD(x, x->task, STACK_END_CHAIN, 1, 1, profile_frame(&x->p, x->lib, 77), frame(x, MAIN, 1));
	nothing = ADD(x, x->task, STACK_END_CHAIN, 1, 1, frame(x, LOAD, 9));
	for (int round = 1; round <= 2; round++) {
		profile_reset(&x->p);
		leak(x, by_function, 10 * round);
		leak(x, by_module, 200);
		leak(x, by_both, 3000);
		leak(x, by_inline, 40000);
		leak(x, by_file, 500000);
		leak(x, not_hidden, 7);
		suppress_leaks(s, &x->p, x->r.names);
		assert_int_equal(profile_total(&x->p, PROFILE_LEAKS).bytes, 7);
		assert_int_equal(profile_sum(&x->p, PROFILE_LEAKS, not_hidden).bytes, 7);
		assert_int_equal(profile_total(&x->p, PROFILE_SUPPRESSED).bytes, 543200 + 10 * round);
		assert_int_equal(profile_total(&x->p, PROFILE_SUPPRESSED).calls, 5);
		assert_true(counters_none(profile_sum(&x->p, PROFILE_SUPPRESSED, nothing)));
		list = suppress_list(s, &n);
		assert_int_equal(n, 5);
		assert_int_equal(list[0].hidden.calls, 0);
		/* the first pattern of the file that matches */
		assert_int_equal(list[1].hidden.bytes, 3000 + 10 * round);
		assert_int_equal(list[2].hidden.bytes, 200);
		assert_int_equal(list[3].hidden.bytes, 40000);
		assert_int_equal(list[4].hidden.bytes, 500000);
	}
	suppress_close(s);
}

/* A frame that gets its name between two reports, in place. */
static void names_that_come_late(void **state)
{
	struct fixture *x = *state;
	struct suppressions *s = open_text("leak:^late$");
	uint32_t stack = ADD(x, x->task, STACK_END_CHAIN, 1, 1, frame(x, STORE, 1));
	struct symbol *sym = (struct symbol *)names_of(x->r.names, x->exe, FAKE(STORE) + 1);

	for (int round = 0; round < 2; round++) {
		profile_reset(&x->p);
		leak(x, stack, 10);
		suppress_leaks(s, &x->p, x->r.names);
		assert_int_equal(profile_sum(&x->p, PROFILE_LEAKS, stack).bytes, round ? 0 : 10);
		sym->function = "late";
	}
	suppress_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(reads_files),
		cmocka_unit_test(hostile_files),
		cmocka_unit_test(missing_files),
		TEST(hides_leaks),
		TEST(names_that_come_late),
	};

	return cmocka_run_group_tests_name("suppress", tests, NULL, NULL);
}
