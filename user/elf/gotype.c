/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abi.Type (src/internal/abi/type.go), the same from 1.14 to 1.27 in what is read here:
 *
 *     0       8         16    20     21     22     23    24     32      40    44
 *     | size  | ptrdata | hash| tflag| align| fieldA| kind| equal| gcdata| str | ptrToThis |
 *
 * str: offset of the name from the start of all types. A name is a byte of flags, its length, its bytes. The length is
 * two bytes, the higher one first, up to Go 1.16, and a varint from 1.17 on.
 */
#include "elf/gotype.h"

#include "elf/goinside.h"

#define TYPE_BYTES 48
#define TFLAG 20
#define STR 40
#define EXTRA_STAR 2	/* of tflag: the name has a '*' before it */
#define NAME_MAX_BYTES 4096

bool gotype_is_at(const struct gopclntab *g, uint64_t vaddr)
{
	return vaddr >= g->md.types && vaddr < g->md.etypes && g->md.etypes - vaddr >= TYPE_BYTES && !(vaddr & 7);
}

/* The length at p, of which there are n bytes; *used: bytes that it takes, 0 if it lies. */
static size_t name_length(const struct gopclntab *g, const uint8_t *p, size_t n, size_t *used)
{
	size_t len = 0;

	*used = 0;
	if (n < 2)
		return 0;
	/* No type has a name of no bytes: a varint does not begin with 0. */
	if (!p[0] || (g->minor && g->minor <= 16)) {
		*used = 2;
		return (size_t)p[0] << 8 | p[1];
	}
	for (size_t i = 0; i < 3 && i < n; i++) {
		len |= (size_t)(p[i] & 0x7f) << (7 * i);
		if (!(p[i] & 0x80)) {
			*used = i + 1;
			return len;
		}
	}
	return 0;
}

bool gotype_name(const struct gopclntab *g, uint64_t vaddr, struct buf *out)
{
	uint8_t type[TYPE_BYTES], name[NAME_MAX_BYTES + 4];
	size_t got, used, len, skip;
	uint32_t str;

	if (!gotype_is_at(g, vaddr) || elf_read_vaddr(g->ef, vaddr, type, sizeof(type)) != sizeof(type))
		return false;
	str = go_u32(type + STR);
	if (str >= g->md.etypes - g->md.types)
		return false;
	got = elf_read_vaddr(g->ef, g->md.types + str, name, sizeof(name));
	if (got < 3)
		return false;
	len = name_length(g, name + 1, got - 1, &used);
	if (!used || !len || len > got - 1 - used)
		return false;
	skip = type[TFLAG] & EXTRA_STAR && name[1 + used] == '*';
	/* None begins like that, and what does is shown for what is no type. */
	if (len == skip || name[1 + used + skip] == '(')
		return false;
	buf_add(out, name + 1 + used + skip, len - skip);
	return true;
}
