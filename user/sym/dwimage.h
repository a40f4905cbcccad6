/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libdw is given to read: not the file, but a small ELF image in memory that has only those sections of debugging
 * information that names and lines need. So a hostile file cannot
 *
 *     have sections expanded without bound (they come here expanded already, each size known before),
 *     shrink while it is read (nothing is mapped), or
 *     have libdw open other files (split DWARF by DW_AT_dwo_name, .gnu_debugaltlink: neither is in the image),
 *
 * and what libdw reads a few bytes past a section's end are zeros. Locations of variables, macros and types' indexes,
 * often half of the debugging information, are never read at all.
 */
#ifndef ALLOCTRACE_SYM_DWIMAGE_H
#define ALLOCTRACE_SYM_DWIMAGE_H

#include "elf/elffile.h"

enum dw_section {
	DW_SEC_INFO, DW_SEC_ABBREV, DW_SEC_LINE, DW_SEC_STR, DW_SEC_LINE_STR, DW_SEC_STR_OFFSETS, DW_SEC_ADDR,
	DW_SEC_RANGES, DW_SEC_RNGLISTS,
	DW_SECTIONS,
};

struct dw_bytes {
	const uint8_t *data;	/* NULL if there is no such section; else zeros follow it */
	size_t size;
};

struct dw_image {
	uint8_t *memory;
	size_t size;
	struct dw_bytes section[DW_SECTIONS];
};

/* 0; -ENOENT: there is no debugging information; -EFBIG: more than fits a share of this machine's memory; -ENOEXEC. */
int dw_image_make(const struct elf_file *ef, struct dw_image *out);
/* free of a zeroed one is fine. */
void dw_image_free(struct dw_image *image);

#endif
