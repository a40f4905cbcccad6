/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call frame programs made by hand: the rows they make, and what is kept of damaged ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eh_builder.h"

static void a_function_has_its_rows(void **state)
{
	struct buf b = {0};
	size_t c = cie(&b);
	struct unwind_table *t;

	/* After one byte CFA = rsp + 16 and rbp is saved; after 0x20 more, rsp + 8. */
	FDE(&b, c, TEXT + 0x100, 0x40, "\x41\x0e\x10\x86\x02\x60\x0e\x08\xc6");
	t = parse(&b);
	assert_int_equal(t->base, TEXT);
	assert_int_equal(t->n, 4);
	assert_row(t, 0, 0x100, UNWIND_CFA_SP, 1);
	assert_row(t, 1, 0x101, UNWIND_CFA_SP | UNWIND_FP_CFA << 4, 2);
	assert_int_equal(t->rows[1].fp_off, -2);
	assert_row(t, 2, 0x121, UNWIND_CFA_SP, 1);
	assert_row(t, 3, 0x140, UNWIND_CFA_GAP, 0);
	assert_int_equal(t->stats.fdes, 1);
	assert_int_equal(t->stats.cies, 1);
	unwind_table_free(t);
}

#define DAMAGE(program) { program, sizeof(program) - 1 }

/* Each is damaged after 4 bytes of the function, at which CFA = rsp + 16. */
static void damaged_programs_keep_what_came_before(void **state)
{
	static const struct { const char *at; size_t len; } programs[] = {
		DAMAGE("\x3f"),					/* no such instruction */
		DAMAGE("\x0b"),					/* restores what was not remembered */
		DAMAGE("\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a"),	/* remembers 17 */
		DAMAGE("\x0e"),					/* ends in an operand */
		DAMAGE("\x0e\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),	/* a number of eleven bytes */
		DAMAGE("\x0e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),	/* of more than 64 bits */
		DAMAGE("\x0e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),	/* too large for an offset */
		DAMAGE("\x05\x06\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),	/* too large when scaled */
		DAMAGE("\x0f\x7f\x77\x08"),			/* an expression past the end */
		DAMAGE("\x10\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x77"),
		DAMAGE("\x01\x00\x00\xf0\xff"),			/* goes back */
		DAMAGE("\x04\x01\x02"),				/* ends in an advance */
		DAMAGE("\x86"),
	};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct buf b = {0}, program = {0};
		size_t c = cie(&b);
		struct unwind_table *t;

		BYTES(&program, "\x0e\x10\x44");
		bytes(&program, programs[i].at, programs[i].len);
		fde_with(&b, c, TEXT, 0x10, program.data, program.len);
		FDE(&b, c, TEXT + 0x10, 0x10, "");
		t = parse(&b);
		if (t->stats.bad_programs != 1 || t->n != 4)
			fail_msg("program %zu: %zu bad, %zu rows", i, t->stats.bad_programs, t->n);
		assert_row(t, 0, 0, UNWIND_CFA_SP, 2);
		assert_row(t, 1, 4, UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_PROGRAM);
		assert_row(t, 2, 0x10, UNWIND_CFA_SP, 1);
		unwind_table_free(t);
		buf_free(&program);
	}
}

static void programs_end_with_their_function(void **state)
{
	struct buf b = {0}, endless = {0};
	size_t c = cie(&b);
	struct unwind_table *t;

	for (int i = 0; i < 1000; i++)
		BYTES(&endless, "\x04\xff\xff\xff\xff\x0e\x10");
	fde_with(&b, c, TEXT, 0x10, endless.data, endless.len);
	FDE(&b, c, TEXT + 0x10, 0x10, "\x50\x3f");	/* damaged only after the end */
	FDE(&b, c, TEXT + 0x20, 0x10, "\x1d\xff\xff\xff\xff\xff\xff\xff\xff");	/* past the address space */
	/* 16 remembered states are fine. */
	FDE(&b, c, TEXT + 0x30, 0x10, "\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0b");
	t = parse(&b);
	assert_int_equal(t->stats.bad_programs, 0);
	assert_int_equal(t->n, 2);
	assert_row(t, 0, 0, UNWIND_CFA_SP, 1);
	assert_row(t, 1, 0x40, UNWIND_CFA_GAP, 0);
	unwind_table_free(t);
	buf_free(&endless);
}

static void half_of_a_cfa_rule_keeps_the_other_half(void **state)
{
	struct buf b = {0};
	size_t c = cie(&b);
	struct unwind_table *t;

	/* CFA = rsp + 56, then *(rsp + 16), the offset set unused, then a register with that offset. */
	FDE(&b, c, TEXT, 0x10, "\x0e\x38\x44\x0f\x03\x77\x10\x06\x44\x0e\x30\x44\x0d\x06");
	t = parse(&b);
	assert_int_equal(t->stats.bad_programs, 0);
	assert_int_equal(t->n, 4);
	assert_row(t, 0, 0, UNWIND_CFA_SP, 7);
	assert_row(t, 1, 4, UNWIND_CFA_SP_MEM, 2 << 5);
	assert_row(t, 2, 12, UNWIND_CFA_FP, 6);
	unwind_table_free(t);
}

static void initial_instructions_may_restore(void **state)
{
	struct buf b = {0};
	size_t c = cie_with(&b, "zR", "\x01\x1b\x86\x02\xc6", 5);
	struct unwind_table *t;

	FDE(&b, c, TEXT, 0x10, "\x44\x86\x02\x44\xc6");
	t = parse(&b);
	assert_int_equal(t->stats.bad_cies, 0);
	assert_int_equal(t->n, 4);
	assert_row(t, 0, 0, UNWIND_CFA_SP, 1);
	assert_row(t, 1, 4, UNWIND_CFA_SP | UNWIND_FP_CFA << 4, 1);
	assert_row(t, 2, 8, UNWIND_CFA_SP, 1);
	unwind_table_free(t);
}

/* Initial instructions may not advance. */
static void damaged_initial_instructions(void **state)
{
	static const char *const initial[] = { "\x41", "\x0b", "\x0f\x7f", "\x3f" };

	for (size_t i = 0; i < sizeof(initial) / sizeof(initial[0]); i++) {
		struct buf b = {0}, more = {0};
		struct unwind_table *t;
		size_t c;

		BYTES(&more, "\x01\x1b");
		buf_str(&more, initial[i]);
		c = cie_with(&b, "zR", more.data, more.len);
		FDE(&b, c, TEXT, 0x10, "");
		t = parse(&b);
		assert_int_equal(t->stats.bad_cies, 1);
		assert_int_equal(t->n, 0);
		unwind_table_free(t);
		buf_free(&more);
	}
}

static void a_return_address_nobody_mentions(void **state)
{
	struct buf b = {0};
	size_t start = record_begin(&b);
	struct unwind_table *t;

	BYTES(&b, "\0\0\0\0\1zR\0\x01\x78\x10\x01\x1b\x0c\x07\x08");
	record_end(&b, start);
	FDE(&b, 0, TEXT, 0x10, "");
	FDE(&b, 0, TEXT + 0x10, 0x10, "\x90\x01");
	t = parse(&b);
	assert_row(t, 0, 0, UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_RETURN);
	assert_row(t, 1, 0x10, UNWIND_CFA_SP, 1);
	unwind_table_free(t);
}

static void rows_have_a_limit(void **state)
{
	struct buf b = {0}, program = {0};
	struct unwind_table *t = NULL;
	size_t c = cie(&b);

	for (int i = 0; i < 1000; i++)
		bytes(&program, i % 2 ? "\x41\x0e\x08" : "\x41\x0e\x10", 3);
	fde_with(&b, c, TEXT, 0x8000, program.data, program.len);
	/* 1001 and the gap. */
	assert_int_equal(parse_text(&b, TEXT, TEXT_END, 1001, &t), -EFBIG);
	assert_int_equal(parse_text(&b, TEXT, TEXT_END, 1, &t), -EFBIG);
	assert_int_equal(parse_text(&b, TEXT, TEXT_END, 0, &t), -EFBIG);
	assert_int_equal(parse_text(&b, TEXT, TEXT_END, 1002, &t), 0);
	assert_int_equal(t->n, 1002);
	unwind_table_free(t);
	buf_free(&b);
	buf_free(&program);
}

static void ten_million_rows(void **state)
{
	struct buf b = {0}, program = {0};
	struct unwind_table *t = NULL;
	size_t c = cie(&b);

	for (int i = 0; i < 10000000; i++)
		bytes(&program, i % 2 ? "\x41\x0e\x08" : "\x41\x0e\x10", 3);
	fde_with(&b, c, TEXT, 20000000, program.data, program.len);
	assert_int_equal(parse_text(&b, TEXT, TEXT + 20000000, 4000000, &t), -EFBIG);
	assert_int_equal(parse_text(&b, TEXT, TEXT + 20000000, 20000000, &t), 0);
	assert_int_equal(t->n, 10000002);
	unwind_table_free(t);
	buf_free(&b);
	buf_free(&program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_has_its_rows),
		cmocka_unit_test(damaged_programs_keep_what_came_before),
		cmocka_unit_test(programs_end_with_their_function),
		cmocka_unit_test(half_of_a_cfa_rule_keeps_the_other_half),
		cmocka_unit_test(initial_instructions_may_restore),
		cmocka_unit_test(damaged_initial_instructions),
		cmocka_unit_test(a_return_address_nobody_mentions),
		cmocka_unit_test(rows_have_a_limit),
		cmocka_unit_test(ten_million_rows),
	};

	return cmocka_run_group_tests_name("cfa", tests, NULL, NULL);
}
