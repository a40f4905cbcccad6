/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the parts of an ELF file are mapped: between offsets in the file and its vaddrs, whatever the load bias of a
 * process.
 */
#ifndef ALLOCTRACE_MODEL_SEGMENTS_H
#define ALLOCTRACE_MODEL_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_segment {
	uint64_t vaddr, memsz, offset, filesz;
	uint32_t type;	/* PT_LOAD, … */
	uint32_t flags;	/* PF_R, PF_W, PF_X */
};

/* Of n PT_LOAD segments: the one whose part of the file holds vaddr; NULL: none. */
const struct elf_segment *segment_of_vaddr(const struct elf_segment *segs, size_t n, uint64_t vaddr);
/* Through the segment whose bytes in the file include the offset, an executable one first. False: there is none. */
bool segments_to_vaddr(const struct elf_segment *segs, size_t n, uint64_t offset, uint64_t *vaddr);
/* False where the address has no bytes in the file (.bss, or outside every segment). */
bool segments_to_offset(const struct elf_segment *segs, size_t n, uint64_t vaddr, uint64_t *offset);

#endif
