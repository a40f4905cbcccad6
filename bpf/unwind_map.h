/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where unwind tables lie, and which one serves an address: what user space writes and the walk (unwind.bpf.h) reads.
 *
 * Tables are words of 8 bytes in slabs of 4 MiB; a word's number counts over all slabs:
 *
 *     31         19 18    13 12         0
 *    +-------------+--------+------------+
 *    | slab        | chunk  | word       |     a chunk is 64 KiB, one value of the slab's array
 *    +-------------+--------+------------+
 *
 * A table is rows (unwind_row.h) sorted by pc, and an index: one word for each 2^shift bytes of text, which says where
 * the rows are that are in force there. The first of them is in force where those bytes begin, and all are in one
 * chunk:
 *
 *    index word   | start of the bucket (low half) | number of rows (high half) |
 *
 * Wide rules (unwind_row.h) are numbered over all slabs, too: number * UNWIND_WIDE_WORDS is a wide rule's first word.
 */
#ifndef ALLOCTRACE_BPF_UNWIND_MAP_H
#define ALLOCTRACE_BPF_UNWIND_MAP_H

#define UNWIND_CHUNK_SHIFT	13
#define UNWIND_CHUNK_WORDS	(1u << UNWIND_CHUNK_SHIFT)
#define UNWIND_SLAB_CHUNKS	64
#define UNWIND_SLAB_SHIFT	19
#define UNWIND_SLAB_WORDS	(1u << UNWIND_SLAB_SHIFT)
#define UNWIND_SLAB_BYTES	(8u << UNWIND_SLAB_SHIFT)
/* Ten halvings find a row. */
#define UNWIND_BUCKET_MAX	1024

enum unwind_kind {
	UNWIND_KIND_GAP,	/* nothing executable */
	UNWIND_KIND_TABLE,
	UNWIND_KIND_BARE,	/* code of a file without unwind information, or with no room for it here */
	UNWIND_KIND_JIT,	/* executable memory of no file */
};

/* What an address belongs to, from start up to the next entry's. */
struct unwind_mapping {
	__u64 start;
	__u32 rel;	/* of start: vaddr - the table's base */
	__u32 index;	/* word of the table's first index word */
	/*
	 * Names the table, in the cache of rows: (key << 12) + rel is different for every address of every table there
	 * ever was.
	 */
	__u32 key;
	__u8 shift;
	__u8 kind;	/* enum unwind_kind */
	__u16 pad;
};

/*
 * The address space of one process. Sorted, gaps explicit, entry 0 starts at 0; what isn't used is a gap that starts at
 * UNWIND_NOWHERE, which compares above every address also as a signed number.
 */
#define UNWIND_MAPPINGS_SHIFT	9
#define UNWIND_MAPPINGS		(1u << UNWIND_MAPPINGS_SHIFT)
#define UNWIND_NOWHERE		0x7fffffffffffffffULL

struct unwind_mappings {
	__u64 mm_start_stack;	/* tells the address space from that before or after an exec */
	struct unwind_mapping at[UNWIND_MAPPINGS + 1];	/* the last one is never used */
};

_Static_assert(sizeof(struct unwind_mapping) == 24, "layout is shared");
_Static_assert(sizeof(struct unwind_mappings) == 8 + 513 * 24, "layout is shared");

#endif
