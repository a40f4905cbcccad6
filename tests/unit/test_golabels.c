/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels of a goroutine as the BPF side has read them: sorted, cut, escaped; and read out of the text again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/profile.h"
#include "trace/golabels.h"

static void put(struct label_set *set, const char *key, const char *value)
{
	struct label *l = &set->at[set->n++];

	l->key_len = (uint32_t)strlen(key);
	l->value_len = (uint32_t)strlen(value);
	memcpy(l->key, key, l->key_len < sizeof(l->key) ? l->key_len : sizeof(l->key));
	memcpy(l->value, value, l->value_len < sizeof(l->value) ? l->value_len : sizeof(l->value));
	set->all = set->n;
}

static void expect(const struct label_set *set, const char *text)
{
	struct buf out = {0};

	golabels_text(set, &out);
	assert_string_equal(buf_cstr(&out), text);
	buf_free(&out);
}

static void labels_are_sorted(void **state)
{
	struct label_set set = {0};

	expect(&set, "");
	put(&set, "tenant", "7");
	put(&set, "end", "");
	put(&set, "endpoint", "/api");
	expect(&set, "end\x1f\x1e" "endpoint\x1f/api\x1e" "tenant\x1f" "7\x1e");
}

/* What would end a label is data. */
static void texts_are_cut_and_escaped(void **state)
{
	static const char key[] = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", value[] = "a\x1e\x1f";
	struct label_set set = {0};
	struct buf out = {0};

	put(&set, key, value);
	expect(&set, "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\u2026\x1f" "a\\x1e\\x1f\x1e");
	set.all = 12;
	set.unreadable = 1;
	expect(&set, "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\u2026\x1f" "a\\x1e\\x1f\x1e"
	       "labels\x1f" "12, 1 of them kept\x1elabels\x1fnot readable\x1e");
	/* No more than there is room for. */
	set = (struct label_set){.n = 4000000000U, .all = 4000000000U};
	set.at[3].key_len = 4000000000U;
	memset(set.at[3].key, 'x', sizeof(set.at[3].key));
	golabels_text(&set, &out);
	assert_non_null(strstr(buf_cstr(&out), "labels\x1f" "4000000000, 8 of them kept\x1e"));
	assert_non_null(strstr(buf_cstr(&out), "xxxx\u2026\x1f\x1e"));
	buf_free(&out);
}

static void text_is_read_again(void **state)
{
	const char *at = "end\x1f\x1e" "a=b\x1f/api\x1e", *cut[] = {"", "a", "a\x1f", "a\x1f" "b", "a\x1e"};
	struct profile_label l;

	assert_true(profile_next_label(&at, &l));
	assert_int_equal(l.key_len, 3);
	assert_int_equal(l.value_len, 0);
	assert_true(profile_next_label(&at, &l));
	assert_memory_equal(l.key, "a=b", l.key_len);
	assert_memory_equal(l.value, "/api", l.value_len);
	assert_int_equal(l.value_len, 4);
	assert_false(profile_next_label(&at, &l));
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		at = cut[i];
		assert_false(profile_next_label(&at, &l));
	}
}

/* The same labels are one tag, none are another one, and neither is a goroutine. */
static void tags_are_interned(void **state)
{
	struct profile p;
	uint32_t none, one, number;

	profile_init(&p, NULL, NULL, 0);
	none = profile_labels(&p, "");
	one = profile_labels(&p, "a\x1f" "b\x1e");
	number = profile_goroutine(&p, 0);
	assert_int_equal(profile_labels(&p, "a\x1f" "b\x1e"), one);
	assert_int_equal(profile_labels(&p, ""), none);
	assert_true(none && one && number && none != one && none != number && one != number);
	assert_true(profile_compare_tags(&p, 0, number) < 0);
	assert_true(profile_compare_tags(&p, number, none) < 0);
	assert_true(profile_compare_tags(&p, none, one) < 0);
	assert_int_equal(profile_compare_tags(&p, one, one), 0);
	profile_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_sorted),
		cmocka_unit_test(texts_are_cut_and_escaped),
		cmocka_unit_test(text_is_read_again),
		cmocka_unit_test(tags_are_interned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
