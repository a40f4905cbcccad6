/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An unwind table as the words that the BPF side searches (bpf/unwind_map.h says how they lie). Pure. */
#ifndef ALLOCTRACE_KERN_UNWIND_PACK_H
#define ALLOCTRACE_KERN_UNWIND_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "model/unwind_table.h"

struct unwind_packing {
	uint8_t shift;		/* bytes of text for each index word, as a power of two */
	uint32_t n_index;	/* index words, which come first */
	size_t max_words;	/* all, wherever they begin */
};

/* How t is to be packed. t must have rows. */
struct unwind_packing unwind_pack_plan(const struct unwind_table *t);
/* Fills words, which has room for p->max_words and will begin at word number `first`. Returns how many it took. */
size_t unwind_pack(const struct unwind_table *t, const struct unwind_packing *p, uint32_t first, uint64_t *words);

#endif
