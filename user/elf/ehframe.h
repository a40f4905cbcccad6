/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind tables: .eh_frame and .debug_frame made into compact sorted rows (bpf/unwind_row.h) that can be looked up by
 * pc, in the kernel or here. x86-64. The file may lie: whatever of it is damaged or can't be expressed is skipped and
 * counted, and the cost is bounded by the file's size and by max_rows.
 */
#ifndef ALLOCTRACE_ELF_EHFRAME_H
#define ALLOCTRACE_ELF_EHFRAME_H

#include <stddef.h>
#include <stdint.h>

#include "elf/elffile.h"
#include "model/unwind_table.h"

/* From the file's .eh_frame section, or without section headers from what PT_GNU_EH_FRAME points to; where that has
 * nothing for an address, from its .debug_frame. Logs nothing; unwind_load_why() puts the result into words.
 * Returns 0; -ENOENT (the file has none); -ENOTSUP (not x86-64, or not a program or shared library); -EFBIG (more than
 * max_rows rows or functions); -EOVERFLOW (code that spans more than 4 GiB); -ENOEXEC (damaged). */
int unwind_table_load(const struct elf_file *ef, size_t max_rows, struct unwind_table **out);
/* The same for a file whose table is *t (NULL: it has none), from the .debug_frame of `debug`: its separate debug file,
 * or ef itself. Where that fails *t stays as it is. */
int unwind_table_add_debug(const struct elf_file *ef, const struct elf_file *debug, size_t max_rows,
			   struct unwind_table **t);
/* Takes rows of `from` where t has none. Both count from the same base. -EFBIG: t has no room, and stays as it is. */
int unwind_table_fill(struct unwind_table *t, const struct unwind_table *from, size_t max_rows);

/* The parser below unwind_table_load(), on bytes in memory. */
struct eh_text {	/* code at [start, end) */
	uint64_t start, end;
};

struct eh_frame {
	const uint8_t *data;
	size_t size;
	uint64_t vaddr;		/* of data[0] */
	const struct eh_text *text;	/* sorted, disjoint, none empty */
	size_t n_text;
	bool open_end;		/* size only bounds it: it ends at the first record of length 0 */
	bool is_debug;		/* it is .debug_frame */
};

/* At most UINT32_MAX bytes of data. As unwind_table_load(). */
int unwind_table_parse(const struct eh_frame *eh, size_t max_rows, struct unwind_table **out);

#endif
