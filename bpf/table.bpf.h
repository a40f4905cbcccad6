/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwind tables (unwind_map.h): the rule that is in force at an address. */
#ifndef ALLOCTRACE_TABLE_BPF_H
#define ALLOCTRACE_TABLE_BPF_H

#include "mapping.bpf.h"
#include "unwind_row.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	/* The inner map is made by user space. */
} unwind_slabs SEC(".maps");

/*
 * Rules that were found, by (key << 12) + rel, 44 bits of which the slot's place holds 12 and its upper half the rest:
 * a hit is exact. Lower half: kind and offsets of the row.
 */
#define ROW_CACHE_SHIFT 12
#define ROW_CACHE_SIZE (1 << ROW_CACHE_SHIFT)
__u64 row_cache[ROW_CACHE_SIZE] = {};

/* The chunk of a word, or NULL. */
static __always_inline __u64 *unwind_chunk(__u32 word)
{
	__u32 slab = word >> UNWIND_SLAB_SHIFT, chunk = (word >> UNWIND_CHUNK_SHIFT) & (UNWIND_SLAB_CHUNKS - 1);
	void *map = bpf_map_lookup_elem(&unwind_slabs, &slab);

	return map ? bpf_map_lookup_elem(map, &chunk) : NULL;
}

/*
 * The rule (a row without its pc) in force at rel; 0, a gap, if there is none. A global function: the verifier looks
 * at it once, not at each call.
 */
__noinline __u32 unwind_row_find(__u32 index, __u32 rel, __u32 shift)
{
	__u32 word, at, n;
	__u64 *rows, found;

	if (!unwind_tables)
		return 0;
	word = index + (rel >> (shift & 31));
	rows = unwind_chunk(word);
	if (!rows)
		return 0;
	found = rows[MASKED(word, UNWIND_CHUNK_WORDS - 1)];
	at = found;
	n = found >> 32;
	if (!n)
		return 0;
	rows = unwind_chunk(at);
	if (!rows)
		return 0;
	for (int i = 0; i < 10; i++) {
		__u32 half = n / 2;
		__u64 pc = (__u32)rows[MASKED(at + half, UNWIND_CHUNK_WORDS - 1)];

		at += IF_REACHED(half, (__u64)rel, pc);
		n -= half;
	}
	return rows[MASKED(at, UNWIND_CHUNK_WORDS - 1)] >> 32;
}

static __always_inline __u32 unwind_rule(const struct mapping_hint *h, __u64 pc)
{
	__u32 rel = h->rel + (__u32)(pc - h->start), tag, rule;
	__u64 key = ((__u64)h->key << ROW_CACHE_SHIFT) + rel, *slot, cached;

	if (h->kind != UNWIND_KIND_TABLE)
		return UNWIND_CFA_GAP;
	tag = key >> ROW_CACHE_SHIFT;
	slot = &row_cache[MASKED(key ^ tag ^ tag >> 9, ROW_CACHE_SIZE - 1)];
	cached = *(volatile __u64 *)slot;
	if (cached >> 32 == tag)
		return cached;
	rule = unwind_row_find(h->index, rel, h->shift);
	*(volatile __u64 *)slot = (__u64)tag << 32 | rule;
	return rule;
}

#endif
