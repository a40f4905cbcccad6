/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of .eh_frame made by hand: what is damaged is skipped and counted, the rest is kept. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eh_builder.h"

static void lookup_finds_the_row_in_force(void **state)
{
	struct unwind_bytes n;
	struct buf b = {0};
	size_t c = cie(&b);
	struct unwind_table *t;

	FDE(&b, c, TEXT + 0x10, 0x10, "\x48\x0e\x10");
	FDE(&b, c, TEXT + 0x30, 0x10, "");
	t = parse(&b);
	assert_int_equal(t->n, 5);
	assert_null(unwind_table_at(t, 0));
	assert_null(unwind_table_at(t, TEXT - 1));
	assert_null(unwind_table_at(t, TEXT));
	assert_null(unwind_table_at(t, TEXT + 0xf));
	assert_ptr_equal(unwind_table_at(t, TEXT + 0x10), &t->rows[0]);
	assert_ptr_equal(unwind_table_at(t, TEXT + 0x17), &t->rows[0]);
	assert_ptr_equal(unwind_table_at(t, TEXT + 0x18), &t->rows[1]);
	assert_null(unwind_table_at(t, TEXT + 0x20));
	assert_ptr_equal(unwind_table_at(t, TEXT + 0x3f), &t->rows[3]);
	assert_null(unwind_table_at(t, TEXT + 0x40));
	assert_null(unwind_table_at(t, TEXT + 0x100000010));
	assert_null(unwind_table_at(t, UINT64_MAX));
	unwind_table_count_bytes(t, &n);
	assert_int_equal(n.cfa[UNWIND_CFA_SP], 0x20);
	assert_int_equal(n.cfa[UNWIND_CFA_GAP], 0x10);
	assert_int_equal(n.fp[UNWIND_FP_SAME], 0x20);
	unwind_table_free(t);
}

static void nothing_gives_an_empty_table(void **state)
{
	const struct eh_frame none = { .data = (const uint8_t *)"", .size = 0 };
	struct unwind_table *t = NULL;
	struct buf b = {0};

	BYTES(&b, "\1\0\0");
	t = parse(&b);
	assert_int_equal(t->n, 0);
	assert_null(unwind_table_at(t, TEXT));
	unwind_table_free(t);
	assert_int_equal(unwind_table_parse(&none, 10, &t), -ENOEXEC);
	unwind_table_free(NULL);
}

static void a_length_past_the_end_ends_it(void **state)
{
	static const uint64_t lengths[] = { 0x7fffffff, 0xfffffffe, 17 };
	struct unwind_table *t;

	for (size_t i = 0; i < 3; i++) {
		struct buf b = {0};
		size_t c = cie(&b);

		FDE(&b, c, TEXT, 0x10, "");
		u32(&b, lengths[i]);
		bytes(&b, "0123456789abcdef", 16);
		t = parse(&b);
		assert_int_equal(t->stats.truncated, 1);
		assert_int_equal(t->n, 2);
		unwind_table_free(t);
	}
}

static void lengths_may_have_64_bits(void **state)
{
	struct buf b = {0};
	size_t c = cie(&b), len_at;
	struct unwind_table *t;
	uint64_t len;

	u32(&b, UINT32_MAX);
	len_at = b.len;
	u64(&b, 0);
	u32(&b, b.len - c);
	u32(&b, TEXT - (SECTION + b.len));
	u32(&b, 0x10);
	BYTES(&b, "\0\x44\x0e\x20");
	len = b.len - len_at - 8;
	memcpy(b.data + len_at, &len, 8);
	FDE(&b, c, TEXT + 0x20, 0x10, "");
	u32(&b, UINT32_MAX);
	u64(&b, UINT64_MAX - 4);
	u32(&b, 0);
	t = parse(&b);
	assert_int_equal(t->n, 5);
	assert_row(t, 1, 4, UNWIND_CFA_SP, 4);
	assert_row(t, 3, 0x20, UNWIND_CFA_SP, 1);
	assert_int_equal(t->stats.truncated, 1);
	unwind_table_free(t);
}

static void a_cie_pointer_must_lead_to_a_cie(void **state)
{
	struct buf b = {0};
	size_t c = cie(&b), first = b.len, later;
	struct unwind_table *t;

	FDE(&b, c, TEXT, 0x10, "");
	FDE(&b, first, TEXT + 0x10, 0x10, "");	/* to an FDE */
	FDE(&b, b.len, TEXT + 0x20, 0x10, "");	/* to itself */
	FDE(&b, c + 1, TEXT + 0x30, 0x10, "");	/* into a CIE */
	FDE(&b, b.len + 4 - 0x7fffffff, TEXT + 0x40, 0x10, "");	/* before the section */
	later = b.len + 17;
	FDE(&b, later, TEXT + 0x50, 0x10, "");	/* forwards */
	assert_int_equal(b.len, later);
	cie(&b);
	t = parse(&b);
	assert_int_equal(t->stats.fdes, 6);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_NO_CIE], 5);
	assert_int_equal(t->n, 2);
	unwind_table_free(t);
}

static void zero_length_records(void **state)
{
	const struct eh_text text = { TEXT, TEXT_END };
	struct eh_frame eh = { .vaddr = SECTION, .text = &text, .n_text = 1 };
	struct unwind_table *t = NULL;
	struct buf b = {0};
	size_t c = cie(&b);

	FDE(&b, c, TEXT, 0x10, "");
	u32(&b, 0);
	FDE(&b, c, TEXT + 0x20, 0x10, "");
	eh.data = (const uint8_t *)b.data;
	eh.size = b.len;
	assert_int_equal(unwind_table_parse(&eh, 100, &t), 0);
	assert_int_equal(t->stats.fdes, 2);
	unwind_table_free(t);
	eh.open_end = true;
	assert_int_equal(unwind_table_parse(&eh, 100, &t), 0);
	assert_int_equal(t->stats.fdes, 1);
	unwind_table_free(t);
	buf_free(&b);
}

/* The statistics of one FDE whose CIE has this augmentation. */
static struct unwind_stats augmented(const char *augmentation, const char *more, size_t more_len)
{
	struct buf b = {0};
	size_t c = cie_with(&b, augmentation, more, more_len);
	struct unwind_stats stats;
	struct unwind_table *t;

	FDE(&b, c, TEXT, 0x10, "");
	t = parse(&b);
	stats = t->stats;
	assert_int_equal(t->n, stats.skipped[UNWIND_SKIP_BAD_CIE] + stats.skipped[UNWIND_SKIP_ENCODING] ? 0 : 2);
	unwind_table_free(t);
	return stats;
}

static void augmentations(void **state)
{
	/* Known, in any order; unknown with the encoding known before; data longer than what is known. */
	assert_int_equal(augmented("zPLR", "\x07\x1b\x11\x22\x33\x44\x1b\x1b", 8).bad_cies, 0);
	assert_int_equal(augmented("zRPL", "\x0b\x1b\x9c\1\2\3\4\5\6\7\x08\x1b", 12).bad_cies, 0);
	assert_int_equal(augmented("zRS", "\x01\x1b", 2).bad_cies, 0);
	assert_int_equal(augmented("zRQ", "\x03\x1b\x01\x02", 4).bad_cies, 0);
	assert_int_equal(augmented("zR", "\x05\x1b\1\2\3\4", 6).bad_cies, 0);
	/* Unknown before the encoding; no 'z'; a length past the end; data that ends too soon. */
	assert_int_equal(augmented("zQR", "\x02\x01\x1b", 3).skipped[UNWIND_SKIP_BAD_CIE], 1);
	assert_int_equal(augmented("eh", "\0\0\0\0\0\0\0\0", 8).skipped[UNWIND_SKIP_BAD_CIE], 1);
	assert_int_equal(augmented("R", "\x1b", 1).skipped[UNWIND_SKIP_BAD_CIE], 1);
	assert_int_equal(augmented("zR", "\x7f\x1b", 2).skipped[UNWIND_SKIP_BAD_CIE], 1);
	assert_int_equal(augmented("zPR", "\x02\x1b\x1b", 3).skipped[UNWIND_SKIP_BAD_CIE], 1);
	/* Encodings that can't be followed: indirect, data-, text- and function-relative, none, unknown. */
	assert_int_equal(augmented("zR", "\x01\x9b", 2).skipped[UNWIND_SKIP_ENCODING], 1);
	assert_int_equal(augmented("zR", "\x01\x3b", 2).skipped[UNWIND_SKIP_ENCODING], 1);
	assert_int_equal(augmented("zR", "\x01\x2b", 2).skipped[UNWIND_SKIP_ENCODING], 1);
	assert_int_equal(augmented("zR", "\x01\x4b", 2).skipped[UNWIND_SKIP_ENCODING], 1);
	assert_int_equal(augmented("zR", "\x01\xff", 2).skipped[UNWIND_SKIP_ENCODING], 1);
}

static void cies_of_other_kinds_are_refused(void **state)
{
	/* Offsets in cie(): version 8, return address register 14; the first is as it should be. */
	static const struct { size_t at; char value; size_t bad; } changes[] = {
		{ 8, 1, 0 }, { 8, 2, 1 }, { 8, 5, 1 }, { 14, 15, 1 }, { 14, 0, 1 }, { 8, 3, 0 },
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct buf b = {0};
		size_t c = cie(&b);
		struct unwind_table *t;

		b.data[changes[i].at] = changes[i].value;
		FDE(&b, c, TEXT, 0x10, "");
		t = parse(&b);
		assert_int_equal(t->stats.bad_cies, changes[i].bad);
		assert_int_equal(t->stats.skipped[UNWIND_SKIP_BAD_CIE], changes[i].bad);
		unwind_table_free(t);
	}
}

/* Pointers of one FDE for [TEXT + 0x100, + 0x10) as `encoding` writes them. */
static void encoded_fde(struct buf *b, uint8_t encoding)
{
	char aug[2] = { 1, (char)encoding };
	size_t c = cie_with(b, "zR", aug, 2), record = record_begin(b);
	uint64_t start = TEXT + 0x100;

	u32(b, b->len - c);
	if ((encoding & 0xf0) == DW_PE_PCREL)
		start -= SECTION + b->len;
	if (encoding == DW_PE_ALIGNED)
		while (b->len % 8)
			BYTES(b, "\xff");
	switch (encoding & 0x0f) {
	case DW_PE_UDATA2: case DW_PE_SDATA2:
		buf_add(b, &start, 2);
		BYTES(b, "\x10\0");
		break;
	case DW_PE_UDATA4: case DW_PE_SDATA4:
		u32(b, start);
		u32(b, 0x10);
		break;
	case DW_PE_ULEB: case DW_PE_SLEB:
		BYTES(b, "\x80\x22\x10");	/* 0x1100 */
		break;
	default:
		u64(b, start);
		u64(b, 0x10);
	}
	BYTES(b, "\0\x44\x0e\x10");
	record_end(b, record);
}

static void pointers_in_every_encoding(void **state)
{
	static const uint8_t encodings[] = {
		DW_PE_ABSPTR, DW_PE_ULEB, DW_PE_UDATA2, DW_PE_UDATA4, DW_PE_UDATA8, DW_PE_SIGNED, DW_PE_SLEB,
		DW_PE_SDATA2, DW_PE_SDATA4, DW_PE_SDATA8, DW_PE_PCREL | DW_PE_SDATA4, DW_PE_PCREL | DW_PE_SDATA8,
		DW_PE_PCREL | DW_PE_ABSPTR, DW_PE_PCREL | DW_PE_UDATA8, DW_PE_ALIGNED,
	};

	for (size_t i = 0; i < sizeof(encodings); i++) {
		struct buf b = {0};
		struct unwind_table *t;

		encoded_fde(&b, encodings[i]);
		t = parse(&b);
		if (t->n != 3)
			fail_msg("encoding %02x: %zu rows", encodings[i], t->n);
		assert_row(t, 0, 0x100, UNWIND_CFA_SP, 1);
		assert_row(t, 1, 0x104, UNWIND_CFA_SP, 2);
		assert_row(t, 2, 0x110, UNWIND_CFA_GAP, 0);
		unwind_table_free(t);
	}
}

static void functions_outside_the_code_are_skipped(void **state)
{
	struct buf b = {0};
	size_t c = cie(&b), record;
	struct unwind_table *t;

	FDE(&b, c, TEXT - 1, 0x10, "");
	FDE(&b, c, TEXT_END - 0xf, 0x10, "");
	FDE(&b, c, TEXT_END, 0x10, "");
	FDE(&b, c, 0, 0x10, "");
	FDE(&b, c, TEXT, 0xffffffff, "");	/* a negative length */
	FDE(&b, c, TEXT, 0, "");
	record = record_begin(&b);	/* too short for its fields */
	u32(&b, b.len - c);
	u32(&b, TEXT - (SECTION + b.len));
	record_end(&b, record);
	record = record_begin(&b);	/* augmentation longer than the record */
	u32(&b, b.len - c);
	u32(&b, TEXT - (SECTION + b.len));
	u32(&b, 0x10);
	BYTES(&b, "\x70");
	record_end(&b, record);
	FDE(&b, c, TEXT_END - 0x10, 0x10, "");
	t = parse(&b);
	assert_int_equal(t->stats.fdes, 9);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_OUTSIDE], 5);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_EMPTY], 1);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_DAMAGED], 2);
	assert_int_equal(t->n, 2);
	assert_row(t, 0, TEXT_END - 0x10 - TEXT, UNWIND_CFA_SP, 1);
	unwind_table_free(t);
}

static void code_in_several_stretches(void **state)
{
	static const struct eh_text text[] = { { 0x1000, 0x2000 }, { 0x3000, 0x4000 }, { 0x8000, 0x9000 } };
	struct eh_frame eh = { .vaddr = SECTION, .text = text, .n_text = 3 };
	struct unwind_table *t = NULL;
	struct buf b = {0};
	size_t c = cie(&b);

	FDE(&b, c, 0x8000, 0x1000, "");
	FDE(&b, c, 0x1fff, 2, "");
	FDE(&b, c, 0x3800, 0x10, "");
	FDE(&b, c, 0x2800, 0x10, "");
	FDE(&b, c, 0x1ff0, 0x10, "");
	FDE(&b, c, 0x3ff0, 0x4020, "");
	eh.data = (const uint8_t *)b.data;
	eh.size = b.len;
	assert_int_equal(unwind_table_parse(&eh, 100, &t), 0);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_OUTSIDE], 3);
	assert_int_equal(t->n, 6);
	assert_row(t, 0, 0xff0, UNWIND_CFA_SP, 1);
	assert_row(t, 2, 0x2800, UNWIND_CFA_SP, 1);
	assert_row(t, 4, 0x7000, UNWIND_CFA_SP, 1);
	assert_row(t, 5, 0x8000, UNWIND_CFA_GAP, 0);
	unwind_table_free(t);
	buf_free(&b);
}

static void functions_that_overlap(void **state)
{
	struct buf b = {0};
	size_t c = cie(&b);
	struct unwind_table *t;

	/* Unsorted; each has its own CFA offset, from its first byte or a few bytes in. */
	FDE(&b, c, TEXT + 0x80, 0x20, "\x0e\x50");
	FDE(&b, c, TEXT + 0x20, 0x20, "\x0e\x10\x50\x0e\x18");	/* changes at +0x10 */
	FDE(&b, c, TEXT + 0x10, 0x20, "\x0e\x20");	/* starts earlier: keeps up to 0x30 */
	FDE(&b, c, TEXT + 0x10, 0x40, "\x0e\x28");	/* the same start, written later: has from 0x30 on */
	FDE(&b, c, TEXT + 0x90, 0x08, "\x0e\x30");	/* within the first */
	t = parse(&b);
	assert_int_equal(t->stats.fdes, 5);
	assert_int_equal(t->stats.clipped, 1);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_OVERLAP], 2);
	assert_int_equal(t->n, 5);
	assert_row(t, 0, 0x10, UNWIND_CFA_SP, 4);
	assert_row(t, 1, 0x30, UNWIND_CFA_SP, 5);
	assert_row(t, 2, 0x50, UNWIND_CFA_GAP, 0);
	assert_row(t, 3, 0x80, UNWIND_CFA_SP, 10);
	assert_row(t, 4, 0xa0, UNWIND_CFA_GAP, 0);
	unwind_table_free(t);
}

static void a_clipped_function_keeps_its_later_rows(void **state)
{
	struct buf b = {0};
	size_t c = cie(&b);
	struct unwind_table *t;

	FDE(&b, c, TEXT + 0x20, 0x40, "\x48\x0e\x10\x48\x0e\x18\x50\x0e\x20");	/* at +8, +0x10, +0x20 */
	FDE(&b, c, TEXT + 0x10, 0x24, "\x0e\x28");	/* up to +0x14 of it */
	t = parse(&b);
	assert_int_equal(t->stats.clipped, 1);
	assert_int_equal(t->n, 4);
	assert_row(t, 0, 0x10, UNWIND_CFA_SP, 5);
	assert_row(t, 1, 0x34, UNWIND_CFA_SP, 3);
	assert_row(t, 2, 0x40, UNWIND_CFA_SP, 4);
	assert_row(t, 3, 0x60, UNWIND_CFA_GAP, 0);
	unwind_table_free(t);
}

/* The same order whatever the number of functions and the order they are written in. */
static void many_functions_are_sorted(void **state)
{
	struct buf b = {0};
	size_t c = cie(&b);
	struct unwind_table *t = NULL;

	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t at = i * 2999 % 5000;
		char program[2] = { 0x0e, (char)(at % 2 ? 16 : 8) };

		fde_with(&b, c, TEXT + (uint64_t)at * 0x2001, 0x2001, program, 2);
	}
	assert_int_equal(parse_text(&b, TEXT, TEXT + 5000 * 0x2001, 100000, &t), 0);
	assert_int_equal(t->n, 5001);
	for (uint32_t i = 0; i < 5000; i++)
		assert_row(t, i, i * 0x2001, UNWIND_CFA_SP, i % 2 ? 2 : 1);
	unwind_table_free(t);
	buf_free(&b);
}

#define LARGE 40000u	/* functions: its rows are made in two halves */

/* Functions of 16 bytes, one after the other; the last of the first half covers the next two, and half of a third. */
static void the_halves_of_a_large_table_meet(void **state)
{
	const uint32_t last = LARGE / 2 - 1;
	struct unwind_table *t = NULL;
	static const char nops[4000];
	struct buf b = {0};
	size_t c = cie(&b);

	for (uint32_t i = 0; i < LARGE; i++) {
		char program[2] = { 0x0e, (char)(i % 2 ? 16 : 8) };

		fde_with(&b, c, TEXT + (uint64_t)i * 16, i == last ? 56 : 16, program, 2);
	}
	assert_int_equal(parse_text(&b, TEXT, TEXT + LARGE * 16, 100000, &t), 0);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_OVERLAP], 2);
	assert_int_equal(t->stats.clipped, 1);
	assert_int_equal(t->n, LARGE - 2 + 1);
	for (uint32_t i = 0; i <= last; i++)
		assert_row(t, i, i * 16, UNWIND_CFA_SP, i % 2 ? 2 : 1);
	assert_row(t, last + 1, (last + 3) * 16 + 8, UNWIND_CFA_SP, 1);
	for (uint32_t i = last + 4; i < LARGE; i++)
		assert_row(t, i - 2, i * 16, UNWIND_CFA_SP, i % 2 ? 2 : 1);
	assert_row(t, LARGE - 2, LARGE * 16, UNWIND_CFA_GAP, 0);
	unwind_table_free(t);
	buf_free(&b);

	/* The same rule on both sides is one row. */
	c = cie(&b);
	for (uint32_t i = 0; i < LARGE; i++)
		FDE(&b, c, TEXT + (uint64_t)i * 16, 16, "\x0e\x10");
	assert_int_equal(parse_text(&b, TEXT, TEXT + LARGE * 16, 100000, &t), 0);
	assert_int_equal(t->n, 2);
	assert_row(t, 0, 0, UNWIND_CFA_SP, 2);
	assert_row(t, 1, LARGE * 16, UNWIND_CFA_GAP, 0);
	unwind_table_free(t);
	buf_free(&b);

	/* Each half alone has no more than there may be. */
	c = cie(&b);
	for (uint32_t i = 0; i < LARGE; i++)
		FDE(&b, c, TEXT + (uint64_t)i * 16, 16, "\x0e\x10\x48\x0e\x18");
	assert_int_equal(parse_text(&b, TEXT, TEXT + LARGE * 16, 2 * LARGE, &t), -EFBIG);
	assert_int_equal(parse_text(&b, TEXT, TEXT + LARGE * 16, 2 * LARGE + 1, &t), 0);
	assert_int_equal(t->n, 2 * LARGE + 1);
	unwind_table_free(t);
	buf_free(&b);

	/* Two rows for each function of one half; the last one's program might have more rows than the limit leaves
	 * room for. It has one. */
	for (uint32_t first = 0; first < LARGE; first += LARGE / 2) {
		const uint32_t end = first + LARGE / 2 - 1;

		c = cie(&b);
		for (uint32_t i = 0; i < LARGE; i++) {
			if (i == end)
				fde_with(&b, c, TEXT + (uint64_t)i * 16, 16, nops, sizeof(nops));
			else if (i >= first && i < end)
				FDE(&b, c, TEXT + (uint64_t)i * 16, 16, "\x0e\x10\x48\x0e\x18");
			else
				FDE(&b, c, TEXT + (uint64_t)i * 16, 16, "\x0e\x20");
		}
		assert_int_equal(parse_text(&b, TEXT, TEXT + LARGE * 16, LARGE + 1, &t), 0);
		assert_int_equal(t->n, LARGE + 1);
		assert_row(t, first ? LARGE - 1 : LARGE - 2, end * 16, UNWIND_CFA_SP, 1);
		assert_row(t, LARGE, LARGE * 16, UNWIND_CFA_GAP, 0);
		unwind_table_free(t);
		buf_free(&b);
	}
}

static void many_functions_count_as_rows(void **state)
{
	struct buf b = {0};
	struct unwind_table *t = NULL;
	size_t c = cie(&b);

	for (uint32_t i = 0; i < 1000; i++)
		FDE(&b, c, TEXT, 0x10, "");
	assert_int_equal(parse_text(&b, TEXT, TEXT_END, 999, &t), -EFBIG);
	assert_int_equal(parse_text(&b, TEXT, TEXT_END, 1000, &t), 0);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_OVERLAP], 999);
	unwind_table_free(t);
	buf_free(&b);
}

static void code_of_more_than_4_gib_is_refused(void **state)
{
	struct buf b = {0};
	struct unwind_table *t = NULL;
	size_t c = cie(&b);

	FDE(&b, c, TEXT, 0x10, "");
	assert_int_equal(parse_text(&b, TEXT, TEXT + (1ull << 32), 100, &t), -EOVERFLOW);
	assert_int_equal(parse_text(&b, TEXT, UINT64_MAX, 100, &t), -EOVERFLOW);
	assert_int_equal(parse_text(&b, TEXT, TEXT + 0xffffffffull, 100, &t), 0);
	assert_int_equal(t->n, 2);
	unwind_table_free(t);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookup_finds_the_row_in_force),
		cmocka_unit_test(nothing_gives_an_empty_table),
		cmocka_unit_test(a_length_past_the_end_ends_it),
		cmocka_unit_test(lengths_may_have_64_bits),
		cmocka_unit_test(a_cie_pointer_must_lead_to_a_cie),
		cmocka_unit_test(zero_length_records),
		cmocka_unit_test(augmentations),
		cmocka_unit_test(cies_of_other_kinds_are_refused),
		cmocka_unit_test(pointers_in_every_encoding),
		cmocka_unit_test(functions_outside_the_code_are_skipped),
		cmocka_unit_test(code_in_several_stretches),
		cmocka_unit_test(functions_that_overlap),
		cmocka_unit_test(a_clipped_function_keeps_its_later_rows),
		cmocka_unit_test(many_functions_are_sorted),
		cmocka_unit_test(the_halves_of_a_large_table_meet),
		cmocka_unit_test(many_functions_count_as_rows),
		cmocka_unit_test(code_of_more_than_4_gib_is_refused),
	};

	return cmocka_run_group_tests_name("ehframe damaged", tests, NULL, NULL);
}
