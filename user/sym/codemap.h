/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of generated code, in the order in which it was made: where two overlap, the later one wins. */
#ifndef ALLOCTRACE_SYM_CODEMAP_H
#define ALLOCTRACE_SYM_CODEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "elf/pieces.h"

#define CODEMAP_NAME_MAX 4096	/* bytes; the rest of a longer name is cut */

struct code {
	uint64_t start;
	uint32_t size;
	uint32_t name;	/* offset in names. Names are appended, so it also tells which of two is the later */
};

/* `struct codemap c = {0}` is empty. */
struct codemap {
	vec_of(struct code) codes;
	struct buf names;	/* each ends with NUL */
	struct pieces pieces;
};

/* The name ends at a NUL or after len bytes. false: there is no name, no size or too much of it, or no room for more.
 * *c is to be cut before the next look-up. */
bool codemap_add(struct codemap *c, uint64_t start, uint64_t size, const char *name, size_t len);
void codemap_cut(struct codemap *c);
/* NULL if nothing holds addr; *start is where the code starts. The name lives until the next change of *c. */
const char *codemap_at(const struct codemap *c, uint64_t addr, uint64_t *start);
void codemap_free(struct codemap *c);

#endif
