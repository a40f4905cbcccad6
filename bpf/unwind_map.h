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
	UNWIND_KIND_UNKNOWN,	/* code of a file that user space has not registered yet */
	UNWIND_KIND_TABLE,
	UNWIND_KIND_BARE,	/* code of a file without unwind information, or with no room for it here */
	UNWIND_KIND_JIT,	/* executable memory of no file */
};

/*
 * Which file it is, as the kernel knows it: the inode that the pages are of, which on a stacked file system (overlayfs)
 * is another one than stat() tells. A file whose content is rewritten in place is another file from then on. All zero:
 * the vDSO.
 */
struct file_key {
	__u64 ino;
	__s64 mtime;		/* s */
	__u32 mtime_nsec;
	__u32 dev;		/* as the kernel counts: 12 bits major, 20 bits minor */
	__u32 generation;	/* of the inode number, which may be used again */
	__u32 pad;
};

/* A part of a file's code: offsets in the file. */
struct unwind_part {
	__u64 from, to;		/* [from, to); both 0: unused */
	__u64 name;		/* FRAME_FILE and the number of `from` among all bytes of code there ever were */
	__u32 rel;		/* of from: vaddr - the table's base; UNWIND_KIND_TABLE */
	__u32 kind;		/* UNWIND_KIND_TABLE or _BARE */
};

/* Executable segments are one, or few; each has code that the table covers, and may have some before and behind. */
/* Files that there may be in all. */
#define UNWIND_FILES 65536

#define UNWIND_PARTS 8
struct unwind_file {
	__u32 index, key;	/* as in struct unwind_mapping */
	__u8 shift;
	__u8 kind;		/* of what is in no part */
	__u8 pad[6];
	struct unwind_part at[UNWIND_PARTS];
};

/* Anonymous memory that holds a copy of a file's code, at the addresses where that was; by where it starts. */
#define CODE_COPIES 4096
struct copy_key {
	__u64 start;
	__u32 pid, pad;
};

struct code_copy_of {
	struct file_key file;
	__u64 end, offset;	/* of start, in the file */
};

/* Asks which file is mapped at an address of the asking process; answer and question. */
struct file_ask {
	__u64 addr;
	struct file_key key;
	__u32 found, pad;
};

/* Where bpf_find_vma() is missing, user space writes what is mapped: what an address belongs to, from start up to
 * the next entry's. */
struct unwind_mapping {
	__u64 start;
	__u64 name;	/* as in struct unwind_part, of start; 0: none */
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

_Static_assert(sizeof(struct unwind_mapping) == 32, "layout is shared");
_Static_assert(sizeof(struct unwind_mappings) == 8 + 513 * 32, "layout is shared");

#endif
