/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules by which processes are taken: globs beside those of fnmatch(3), and how rules go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/map.h"
#include "kern/rules.h"

#define ROUNDS 200000

static void add(struct select_rules *r, enum select_kind kind, const char *text)
{
	struct buf why = {0};

	if (rules_add(r, kind, text, &why))
		fail_msg("%s: %s", text, buf_cstr(&why));
	buf_free(&why);
}

static void refuses(struct select_rules *r, enum select_kind kind, const char *text, const char *says)
{
	const uint32_t n = r->n;
	struct buf why = {0};

	assert_int_equal(rules_add(r, kind, text, &why), -EINVAL);
	assert_string_equal(buf_cstr(&why), says);
	assert_int_equal(r->n, n);
	buf_free(&why);
}

static bool glob_takes(const char *glob, const char *text)
{
	struct select_rules r = {.n = 0};

	add(&r, SELECT_COMM, glob);
	return rules_take(&r, text, NULL, 0);
}

/* --- patterns */

static void patterns(void **state)
{
	static const struct {
		const char *glob, *text;
		bool matches;
	} cases[] = {
		{"cc1", "cc1", true}, {"cc1", "cc1plus", false}, {"cc1", "xcc1", false}, {"cc1*", "cc1plus", true},
		{"*", "", true}, {"?", "", false}, {"?", "a", true}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"*a*b*c", "xaxbxcxc", true}, {"*a*b*c", "xaxbxcx", false}, {"a**b", "ab", true}, {"***", "x", true},
		{"[a-c]x", "bx", true}, {"[a-c]x", "dx", false}, {"[!a-c]x", "dx", true}, {"[^a-c]x", "bx", false},
		{"[]x]", "]", true}, {"[]x]", "x", true}, {"[!]x]", "]", false}, {"[a-]", "-", true},
		{"[-a]", "-", true},
		{"[c-a]", "b", false}, {"[*]", "*", true}, {"[*]", "x", false}, {"\\*", "*", true},
		{"\\*", "x", false},
		{"\\[a]", "[a]", true}, {"a\\", "a\\", true}, {"[\\]]", "]", true}, {"[\\]a]", "a", true},
		{"[a\\-c]", "b", false}, {"[a\\-c]", "-", true}, {"[\\\\]", "\\", true},
		{"*/bin/*", "/usr/bin/x", true},
		{"[\200-\377]", "\303", true}, {"[\200-\377]", "a", false}, {"\377*", "\377x", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (glob_takes(cases[i].glob, cases[i].text) != cases[i].matches)
			fail_msg("%s and %s", cases[i].glob, cases[i].text);
}

static uint64_t seed = 1;

static size_t draw(size_t n)
{
	return mix64(seed += 0x9e3779b97f4a7c15) % n;
}

static void draw_text(char *out, const char *alphabet, size_t most)
{
	const size_t n = draw(most + 1);

	for (size_t i = 0; i < n; i++)
		out[i] = alphabet[draw(strlen(alphabet))];
	out[n] = '\0';
}

/* What fnmatch() takes as it is, and this refuses: a bracket that does not end. */
static void as_fnmatch(void **state)
{
	size_t n_taken = 0, n_read = 0;

	for (size_t i = 0; i < ROUNDS; i++) {
		struct select_rules r = {.n = 0};
		char glob[16], text[16];
		struct buf why = {0};
		bool takes;

		draw_text(glob, i % 2 ? "ab/*?[]-!^\\" : "ab*?*", 10);
		draw_text(text, i % 2 ? "ab/*[]-!\\" : "ab", 10);
		/* "!" before it is not of the pattern; a backslash at the end is one, of which POSIX says nothing. */
		if (!*glob || *glob == '!' || glob[strlen(glob) - 1] == '\\')
			continue;
		if (rules_add(&r, SELECT_COMM, glob, &why)) {
			assert_string_equal(buf_cstr(&why), "a set without its ]");
			buf_free(&why);
			continue;
		}
		n_read++;
		takes = rules_take(&r, text, NULL, 0);
		n_taken += takes;
		if (takes != !fnmatch(glob, text, 0))
			fail_msg("%s and %s: %d", glob, text, takes);
	}
	assert_true(n_read > ROUNDS / 2);
	assert_true(n_taken > ROUNDS / 50);
}

/* A set of each rule is its own, however many there are. */
static void many_sets(void **state)
{
	struct select_rules r = {.n = 0};
	char glob[] = "[a]x";

	for (int i = 0; i < SELECT_SETS; i++) {
		glob[1] = (char)('a' + i);
		add(&r, SELECT_COMM, glob);
	}
	for (int i = 0; i < 26; i++) {
		glob[1] = (char)('a' + i);
		assert_int_equal(rules_take(&r, (char[]){glob[1], 'x', 0}, NULL, 0), i < SELECT_SETS);
	}
	refuses(&r, SELECT_COMM, "[z]", "more than 16 sets [...]");
	add(&r, SELECT_COMM, "z");
	assert_true(rules_take(&r, "z", NULL, 0));
}

static void refused(void **state)
{
	struct select_rules r = {.n = 0};
	char text[SELECT_TOKENS + 2] = {0};

	refuses(&r, SELECT_COMM, "", "it is empty");
	refuses(&r, SELECT_COMM, "!", "it is empty");
	refuses(&r, SELECT_EXE, "x[ab", "a set without its ]");
	refuses(&r, SELECT_EXE, "[", "a set without its ]");
	refuses(&r, SELECT_EXE, "[]", "a set without its ]");
	refuses(&r, SELECT_EXE, "[!]", "a set without its ]");
	refuses(&r, SELECT_EXE, "[a-", "a set without its ]");
	memset(text, 'a', SELECT_TOKENS + 1);
	refuses(&r, SELECT_EXE, text, "longer than 128 characters");
	text[SELECT_TOKENS] = '\0';
	add(&r, SELECT_EXE, text);
	assert_true(rules_take(&r, "x", text, 0));
	text[SELECT_TOKENS - 1] = '\0';
	assert_false(rules_take(&r, "x", text, 0));
	while (r.n < SELECT_RULES)
		add(&r, SELECT_COMM, "b*");
	refuses(&r, SELECT_COMM, "b*", "more than 32 rules");
}

/* The one that is refused leaves nothing behind that a later one would go by. */
static void a_set_after_a_refusal(void **state)
{
	struct select_rules r = {.n = 0};

	add(&r, SELECT_COMM, "[a]");
	refuses(&r, SELECT_COMM, "[b][c", "a set without its ]");
	add(&r, SELECT_COMM, "[d][e]");
	assert_true(rules_take(&r, "a", NULL, 0));
	assert_true(rules_take(&r, "de", NULL, 0));
	assert_false(rules_take(&r, "b", NULL, 0));
	assert_false(rules_take(&r, "be", NULL, 0));
}

/* --- rules */

static void base_name_or_path(void **state)
{
	struct select_rules r = {.n = 0};

	add(&r, SELECT_EXE, "python3*");
	assert_true(rules_take(&r, "x", "/usr/bin/python3.11", 0));
	assert_false(rules_take(&r, "python3", "/usr/python3/bin/perl", 0));
	assert_false(rules_take(&r, "python3", NULL, 0));
	r.n = 0;
	add(&r, SELECT_EXE, "/usr/*");
	assert_true(rules_take(&r, "x", "/usr/bin/python3.11", 0));
	assert_false(rules_take(&r, "x", "/opt/usr/bin/perl", 0));
	r.n = 0;
	add(&r, SELECT_EXE, "*/bin/perl");
	assert_true(rules_take(&r, "x", "/opt/usr/bin/perl", 0));
	/* A name is compared whole. */
	r.n = 0;
	add(&r, SELECT_COMM, "b");
	assert_false(rules_take(&r, "a/b", NULL, 0));
}

static void negated(void **state)
{
	struct select_rules r = {.n = 0};

	add(&r, SELECT_COMM, "!cc1*");
	assert_true(rules_take(&r, "make", "/usr/bin/make", 0));
	assert_false(rules_take(&r, "cc1plus", "/usr/lib/cc1plus", 0));
	add(&r, SELECT_EXE, "!/usr/lib/*");
	assert_false(rules_take(&r, "make", "/usr/lib/make", 0));
	/* Its path is not known, so no rule is about it. */
	assert_true(rules_take(&r, "make", NULL, 0));
	add(&r, SELECT_COMM, "c*");
	assert_false(rules_take(&r, "make", "/usr/bin/make", 0));
	assert_true(rules_take(&r, "cpp", "/usr/bin/cpp", 0));
	assert_false(rules_take(&r, "cc1", "/usr/bin/cc1", 0));
}

static void one_of_each_kind(void **state)
{
	struct select_rules r = {.n = 0};

	assert_true(rules_take(&r, "x", NULL, 0));
	add(&r, SELECT_COMM, "a");
	add(&r, SELECT_COMM, "b");
	assert_true(rules_take(&r, "a", NULL, 7));
	assert_true(rules_take(&r, "b", NULL, 7));
	assert_false(rules_take(&r, "c", NULL, 7));
	add(&r, SELECT_USER, "7");
	add(&r, SELECT_USER, "9");
	assert_true(rules_take(&r, "b", NULL, 7));
	assert_true(rules_take(&r, "b", NULL, 9));
	assert_false(rules_take(&r, "b", NULL, 8));
	assert_false(rules_take(&r, "c", NULL, 9));
	add(&r, SELECT_EXE, "*/x");
	assert_false(rules_take(&r, "b", "/y", 9));
	assert_true(rules_take(&r, "b", "/x", 9));
	add(&r, SELECT_USER, "!9");
	assert_false(rules_take(&r, "b", "/x", 9));
	assert_true(rules_take(&r, "b", "/x", 7));
}

static void users(void **state)
{
	const struct passwd *pw = getpwuid(getuid());
	struct select_rules r = {.n = 0};

	refuses(&r, SELECT_USER, "no-such-user-at-all", "no such user");
	refuses(&r, SELECT_USER, "4294967295", "no such user");
	refuses(&r, SELECT_USER, "ro*", "no such user");
	add(&r, SELECT_USER, "4294967294");
	assert_true(rules_take(&r, "x", NULL, 4294967294));
	if (!pw) {
		print_message("this user has no name\n");
		skip();
	}
	add(&r, SELECT_USER, pw->pw_name);
	assert_true(rules_take(&r, "x", NULL, getuid()));
	assert_false(rules_take(&r, "x", NULL, getuid() + 1));
}

/* --- something with several names */

static void several_texts(void **state)
{
	static const char *const web[] = {"docker:web", "web", NULL, "0123"};
	static const char *const nameless[] = {NULL};
	struct select_rules r = {.n = 0};

	assert_true(rules_take_texts(&r, web, 4));
	assert_true(rules_take_texts(&r, nameless, 1));
	assert_true(rules_take_texts(&r, NULL, 0));
	add(&r, SELECT_COMM, "web");
	add(&r, SELECT_COMM, "db*");
	assert_true(rules_take_texts(&r, web, 4));
	assert_false(rules_take_texts(&r, web, 1));
	assert_false(rules_take_texts(&r, nameless, 1));
	assert_false(rules_take_texts(&r, NULL, 0));
	add(&r, SELECT_COMM, "!0*");
	assert_false(rules_take_texts(&r, web, 4));
	assert_true(rules_take_texts(&r, web, 3));
	/* None but negated ones: whatever has no name is taken. */
	r.n = 0;
	add(&r, SELECT_COMM, "!web");
	assert_false(rules_take_texts(&r, web, 4));
	assert_true(rules_take_texts(&r, nameless, 1));
	assert_true(rules_take_texts(&r, web, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(as_fnmatch),
		cmocka_unit_test(many_sets),
		cmocka_unit_test(refused),
		cmocka_unit_test(a_set_after_a_refusal),
		cmocka_unit_test(base_name_or_path),
		cmocka_unit_test(negated),
		cmocka_unit_test(one_of_each_kind),
		cmocka_unit_test(users),
		cmocka_unit_test(several_texts),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
