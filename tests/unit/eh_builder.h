/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .eh_frame contents made by hand, and what the parser makes of them. Included by tests after cmocka. */
#ifndef ALLOCTRACE_TESTS_EH_BUILDER_H
#define ALLOCTRACE_TESTS_EH_BUILDER_H

#include "base/buf.h"
#include "elf/dwcursor.h"
#include "elf/ehframe.h"

#define SECTION 0x100000u	/* vaddr of the section */
#define TEXT 0x1000u
#define TEXT_END 0x10000u

static inline void u32(struct buf *b, uint64_t v)
{
	buf_add(b, &v, 4);
}

static inline void u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, 8);
}

static inline void bytes(struct buf *b, const char *data, size_t len)
{
	buf_add(b, data, len);
}

#define BYTES(b, literal) bytes(b, literal, sizeof(literal) - 1)

/* A record begins with its length, which is not known yet; record_end() writes it. */
static inline size_t record_begin(struct buf *b)
{
	u32(b, 0);
	return b->len;
}

static inline void record_end(struct buf *b, size_t start)
{
	uint32_t len = (uint32_t)(b->len - start);

	memcpy(b->data + start - 4, &len, 4);
}

/* Version 1, code alignment 1, data alignment -8, return address 16; CFA = rsp + 8, return address at CFA - 8. `more`
 * is after the augmentation string. Returns the CIE's offset. */
static inline size_t cie_with(struct buf *b, const char *augmentation, const char *more, size_t more_len)
{
	size_t at = b->len, start = record_begin(b);

	BYTES(b, "\0\0\0\0\1");
	bytes(b, augmentation, strlen(augmentation) + 1);
	BYTES(b, "\x01\x78\x10");
	bytes(b, more, more_len);
	BYTES(b, "\x0c\x07\x08\x90\x01");
	record_end(b, start);
	return at;
}

static inline size_t cie(struct buf *b)
{
	return cie_with(b, "zR", "\x01\x1b", 2);
}

/* An FDE of cie() that covers [start, start + len). */
static inline void fde_with(struct buf *b, size_t cie_at, uint64_t start, uint32_t len, const char *program,
			    size_t program_len)
{
	size_t record = record_begin(b);

	u32(b, b->len - cie_at);
	u32(b, start - (SECTION + b->len));
	u32(b, len);
	BYTES(b, "\0");
	bytes(b, program, program_len);
	record_end(b, record);
}

#define FDE(b, cie_at, start, len, program) fde_with(b, cie_at, start, len, program, sizeof(program) - 1)

static inline int parse_text(const struct buf *b, uint64_t text, uint64_t text_end, size_t max, struct unwind_table **t)
{
	const struct eh_text range = { text, text_end };
	const struct eh_frame eh = {
		.data = (const uint8_t *)b->data, .size = b->len, .vaddr = SECTION, .text = &range, .n_text = 1,
	};

	return unwind_table_parse(&eh, max, t);
}

static inline struct unwind_table *parse(struct buf *b)
{
	struct unwind_table *t = NULL;

	assert_int_equal(parse_text(b, TEXT, TEXT_END, 100000, &t), 0);
	buf_free(b);
	return t;
}

static inline void assert_row(const struct unwind_table *t, size_t i, uint32_t pc, unsigned int kind, int cfa_off)
{
	if (i >= t->n)
		fail_msg("row %zu of %zu", i, t->n);
	if (t->rows[i].pc != pc || t->rows[i].kind != kind || t->rows[i].cfa_off != cfa_off)
		fail_msg("row %zu: pc 0x%x, kind %x, cfa_off %d", i, t->rows[i].pc, t->rows[i].kind,
			 t->rows[i].cfa_off);
}

#endif
