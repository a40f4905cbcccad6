/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwind tables as the kernel side searches them: every address must lead to the row that the table itself gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "kern/unwind_pack.h"
#include "unwind_map.h"

/* What bpf/unwind.bpf.h does: index word, then ten halvings in the bucket. */
static bool find(const uint64_t *words, uint32_t first, const struct unwind_packing *p, uint32_t rel,
		 struct unwind_row *row)
{
	uint64_t bucket = words[rel >> p->shift];
	uint32_t at = (uint32_t)bucket, n = bucket >> 32, begin = at;

	if (!n)
		return false;
	assert_true(n <= UNWIND_BUCKET_MAX);
	assert_int_equal(begin / UNWIND_CHUNK_WORDS, (begin + n - 1) / UNWIND_CHUNK_WORDS);
	for (int i = 0; i < 10; i++) {
		uint32_t half = n / 2;
		struct unwind_row probe;

		memcpy(&probe, &words[at + half - first], sizeof(probe));
		if (probe.pc <= rel)
			at += half;
		n -= half;
	}
	memcpy(row, &words[at - first], sizeof(*row));
	return row->pc <= rel;
}

static struct unwind_table make_table(size_t n)
{
	return (struct unwind_table){.base = 0x1000, .n = n, .rows = xcalloc(n, sizeof(struct unwind_row))};
}

static void check(const struct unwind_table *t, uint32_t first)
{
	const struct unwind_packing p = unwind_pack_plan(t);
	uint64_t *words = xcalloc(p.max_words, sizeof(*words));
	size_t n = unwind_pack(t, &p, first, words), row = 0;
	struct unwind_row got;

	assert_true(n <= p.max_words);
	assert_int_equal(p.n_index, (t->rows[t->n - 1].pc >> p.shift) + 1);
	for (uint64_t rel = 0; rel >> p.shift < p.n_index; rel++) {
		bool found = find(words, first, &p, rel, &got);

		while (row + 1 < t->n && t->rows[row + 1].pc <= rel)
			row++;
		assert_int_equal(found, t->rows[0].pc <= rel);
		if (found && (got.kind & 15) == UNWIND_CFA_WIDE) {
			assert_int_equal(t->rows[row].kind & 15, UNWIND_CFA_WIDE);
			assert_memory_equal(&words[unwind_row_wide(&got) * UNWIND_WIDE_WORDS - first],
					    &t->wide[unwind_row_wide(&t->rows[row])], sizeof(*t->wide));
		} else if (found) {
			assert_memory_equal(&got, &t->rows[row], sizeof(got));
		}
	}
	free(words);
}

/* The first row not at 0, the last one far away: empty buckets in between. */
static void few_rows(void **state)
{
	struct unwind_table t = make_table(3);

	t.rows[0] = (struct unwind_row){.pc = 700, .kind = UNWIND_CFA_SP, .cfa_off = 1};
	t.rows[1] = (struct unwind_row){.pc = 701, .kind = UNWIND_CFA_FP, .cfa_off = 2};
	t.rows[2] = (struct unwind_row){.pc = 100000, .kind = UNWIND_CFA_GAP};
	check(&t, 0);
	check(&t, UNWIND_CHUNK_WORDS - 1);
	t.n = 1;
	check(&t, 5);
	free(t.rows);
}

/* Rows as close as can be: the largest buckets there are. */
static void dense_rows(void **state)
{
	struct unwind_table t = make_table(40000);

	for (uint32_t i = 0; i < t.n; i++)
		t.rows[i] = (struct unwind_row){.pc = i + 3, .kind = i % 7, .cfa_off = (int16_t)i};
	check(&t, 0);
	check(&t, 8000);
	check(&t, 123456);
	free(t.rows);
}

/* As in a real file, over several chunks, wherever it begins. */
static void many_rows(void **state)
{
	struct unwind_table t = make_table(30000);
	uint32_t seed = 12345, pc = 16;

	for (uint32_t i = 0; i < t.n; i++) {
		seed = seed * 1103515245 + 12345;
		pc += 1 + (seed >> 16) % (i % 1000 ? 60 : 5000);
		t.rows[i] = (struct unwind_row){.pc = pc, .kind = i % 9, .fp_off = (int8_t)i, .cfa_off = (int16_t)i};
	}
	for (uint32_t first = 0; first < 3 * UNWIND_CHUNK_WORDS; first += 1777)
		check(&t, first);
	free(t.rows);
}

/* A wide rule lies in one chunk, wherever the table begins. */
static void wide_rules(void **state)
{
	struct unwind_wide wide[300];
	struct unwind_table t = make_table(1000);

	t.wide = wide;
	t.n_wide = sizeof(wide) / sizeof(wide[0]);
	for (uint32_t i = 0; i < t.n_wide; i++)
		wide[i] = (struct unwind_wide){.cfa = {UNWIND_REG_PLUS, 7, 0, (int32_t)i}, .ra = {UNWIND_AT_CFA, 0, 0,
			-8}};
	for (uint32_t i = 0; i < t.n; i++) {
		t.rows[i] = (struct unwind_row){.pc = i * 40, .kind = UNWIND_CFA_SP, .cfa_off = (int16_t)i};
		if (i % 3 == 0)
			unwind_row_set_wide(&t.rows[i], i % t.n_wide);
	}
	for (uint32_t first = 0; first < 2 * UNWIND_CHUNK_WORDS; first += 1021)
		check(&t, first);
	free(t.rows);
}

static void a_number_of_a_wide_rule_fits(void **state)
{
	static const uint32_t numbers[] = {0, 15, 16, 0xfff, 0x1000, 0x12345, UNWIND_WIDE_MAX};
	struct unwind_row row = {0};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		unwind_row_set_wide(&row, numbers[i]);
		assert_int_equal(unwind_row_wide(&row), numbers[i]);
		assert_int_equal(row.kind & 15, UNWIND_CFA_WIDE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_rows),
		cmocka_unit_test(dense_rows),
		cmocka_unit_test(many_rows),
		cmocka_unit_test(wide_rules),
		cmocka_unit_test(a_number_of_a_wide_rule_fits),
	};

	return cmocka_run_group_tests_name("unwind_pack", tests, NULL, NULL);
}
