/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sym/codemap.h"

#include <stdlib.h>
#include <string.h>

#define CODES_MAX (16u << 20)
#define NAMES_MAX (512u << 20)	/* bytes */

bool codemap_add(struct codemap *c, uint64_t start, uint64_t size, const char *name, size_t len)
{
	len = strnlen(name, len < CODEMAP_NAME_MAX ? len : CODEMAP_NAME_MAX);
	if (!len || !size || size > UINT32_MAX || start > UINT64_MAX - size)
		return false;
	if (c->codes.n == CODES_MAX || c->names.len > NAMES_MAX)
		return false;
	vec_push(&c->codes, ((struct code){start, (uint32_t)size, (uint32_t)c->names.len}));
	buf_add(&c->names, name, len);
	buf_char(&c->names, '\0');
	return true;
}

static int compare_codes(const void *a, const void *b)
{
	const struct code *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static uint64_t code_start(const void *of, size_t i)
{
	return ((const struct code *)of)[i].start;
}

static uint64_t code_end(const void *of, size_t i)
{
	const struct code *c = of;

	return c[i].start + c[i].size;
}

static bool code_wins(const void *of, size_t a, size_t b)
{
	const struct code *c = of;

	return c[a].name > c[b].name;
}

static struct ranges ranges_of(const struct codemap *c)
{
	return (struct ranges){
		.of = c->codes.at, .n = c->codes.n, .start = code_start, .end = code_end, .wins = code_wins,
	};
}

void codemap_cut(struct codemap *c)
{
	struct ranges ranges;

	if (c->codes.n)
		qsort(c->codes.at, c->codes.n, sizeof(*c->codes.at), compare_codes);
	ranges = ranges_of(c);
	pieces_cut(&c->pieces, &ranges);
}

const char *codemap_at(const struct codemap *c, uint64_t addr, uint64_t *start)
{
	struct ranges ranges = ranges_of(c);
	size_t i = pieces_find(&c->pieces, &ranges, addr);

	if (i == PIECES_NONE || addr >= code_end(c->codes.at, i))
		return NULL;
	*start = c->codes.at[i].start;
	return c->names.data + c->codes.at[i].name;
}

void codemap_free(struct codemap *c)
{
	vec_free(&c->codes);
	buf_free(&c->names);
	pieces_free(&c->pieces);
}
