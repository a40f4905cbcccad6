/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded reading of DWARF's encodings, little-endian. A read past the end sets `bad`, returns 0 and leaves the
 * cursor at the end: callers check `bad` once, after a group of reads.
 */
#ifndef ALLOCTRACE_ELF_DWCURSOR_H
#define ALLOCTRACE_ELF_DWCURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dwcursor {
	const uint8_t *p, *end;
	bool bad;
};

static inline size_t dw_left(const struct dwcursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline uint64_t dw_fail(struct dwcursor *c)
{
	c->p = c->end;
	c->bad = true;
	return 0;
}

/* size: 1, 2, 4 or 8 bytes, unsigned. */
static inline uint64_t dw_fixed(struct dwcursor *c, size_t size)
{
	uint64_t v = 0;

	if (dw_left(c) < size)
		return dw_fail(c);
	memcpy(&v, c->p, size);
	c->p += size;
	return v;
}

static inline uint8_t dw_u8(struct dwcursor *c)
{
	return c->p < c->end ? *c->p++ : (uint8_t)dw_fail(c);
}

static inline void dw_skip(struct dwcursor *c, uint64_t n)
{
	if (n > dw_left(c))
		dw_fail(c);
	else
		c->p += n;
}

/* More than 64 bits are bad; so are more than ten bytes, however they are padded. */
static inline uint64_t dw_uleb(struct dwcursor *c)
{
	uint64_t v = 0;
	unsigned int shift = 0;

	if (c->p < c->end && *c->p < 0x80)
		return *c->p++;
	while (c->p < c->end && shift < 64) {
		uint8_t byte = *c->p++;

		if (shift == 63 && (byte & 0x7e))
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
		shift += 7;
	}
	return dw_fail(c);
}

static inline int64_t dw_sleb(struct dwcursor *c)
{
	uint64_t v = 0;
	unsigned int shift = 0;

	while (c->p < c->end && shift < 64) {
		uint8_t byte = *c->p++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (byte & 0x80)
			continue;
		if (shift < 64 && (byte & 0x40))
			v |= ~(uint64_t)0 << shift;
		return (int64_t)v;
	}
	return (int64_t)dw_fail(c);
}

/* DW_EH_PE_*: how a pointer is written: the format in bits 0-3, what it is relative to in bits 4-6. */
enum {
	DW_PE_ABSPTR = 0x00, DW_PE_ULEB = 0x01, DW_PE_UDATA2 = 0x02, DW_PE_UDATA4 = 0x03, DW_PE_UDATA8 = 0x04,
	DW_PE_SIGNED = 0x08, DW_PE_SLEB = 0x09, DW_PE_SDATA2 = 0x0a, DW_PE_SDATA4 = 0x0b, DW_PE_SDATA8 = 0x0c,
	DW_PE_PCREL = 0x10, DW_PE_TEXTREL = 0x20, DW_PE_DATAREL = 0x30, DW_PE_FUNCREL = 0x40, DW_PE_ALIGNED = 0x50,
	DW_PE_INDIRECT = 0x80, DW_PE_OMIT = 0xff,
};

/* A number in the format of encoding's bits 0-3, signed formats extended to 64 bits. */
static inline uint64_t dw_format(struct dwcursor *c, unsigned int encoding)
{
	switch (encoding & 0x0f) {
	case DW_PE_SDATA4:
		return (uint64_t)(int64_t)(int32_t)dw_fixed(c, 4);
	case DW_PE_UDATA4:
		return dw_fixed(c, 4);
	case DW_PE_ABSPTR: case DW_PE_UDATA8: case DW_PE_SIGNED: case DW_PE_SDATA8:
		return dw_fixed(c, 8);
	case DW_PE_UDATA2:
		return dw_fixed(c, 2);
	case DW_PE_SDATA2:
		return (uint64_t)(int64_t)(int16_t)dw_fixed(c, 2);
	case DW_PE_ULEB:
		return dw_uleb(c);
	case DW_PE_SLEB:
		return (uint64_t)dw_sleb(c);
	default:
		return dw_fail(c);
	}
}

/*
 * A pointer. section_vaddr is the address of the byte at `section`, data_vaddr what DW_EH_PE_datarel counts from (only
 * .eh_frame_hdr has one). Indirect pointers would need the process's memory and are refused, as are text- and
 * function-relative ones, which no x86-64 tool chain writes.
 */
static inline uint64_t dw_pointer(struct dwcursor *c, unsigned int encoding, const uint8_t *section,
				  uint64_t section_vaddr, const uint64_t *data_vaddr)
{
	uint64_t at = section_vaddr + (uint64_t)(c->p - section);
	uint64_t v;

	if (encoding == DW_PE_ALIGNED) {
		dw_skip(c, -at & 7);
		return dw_fixed(c, 8);
	}
	v = dw_format(c, encoding);
	if (c->bad)
		return 0;
	switch (encoding & 0xf0) {
	case DW_PE_ABSPTR:
		return v;
	case DW_PE_PCREL:
		return v + at;
	case DW_PE_DATAREL:
		if (data_vaddr)
			return v + *data_vaddr;
		/* fallthrough */
	default:
		return dw_fail(c);
	}
}

#endif
