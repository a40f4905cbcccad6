/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line table of one unit: which source line each address is of. Read here and not by libdw, which makes the path of
 * each file when it reads the table: a hostile one of a few MB can so ask for terabytes.
 */
#ifndef ALLOCTRACE_SYM_DWLINE_H
#define ALLOCTRACE_SYM_DWLINE_H

#include "base/buf.h"
#include "base/mem.h"
#include "elf/pieces.h"
#include "sym/dwimage.h"

struct dw_row {
	uint64_t addr;
	uint32_t line, file;
};

struct dw_sequence {
	uint64_t start, end;
	uint32_t first, n;	/* its rows, by ascending address */
};

struct dw_file {
	const char *name;	/* in the image */
	uint64_t dir;
};

struct dw_lines {
	unsigned int version;
	vec_of(struct dw_row) rows;
	vec_of(struct dw_sequence) sequences;
	struct pieces pieces;
	vec_of(const char *) dirs;	/* as version 5 counts them: 0 is the unit's own */
	vec_of(struct dw_file) files;	/* indexed as in the rows */
};

/* Reads the table at offset of .debug_line. comp_dir, which may be NULL and must live on, is what older tables have for
 * directory 0. At most max_rows rows are kept. false where the table is damaged or too long: nothing is kept then. */
bool dw_lines_read(struct dw_lines *l, const struct dw_image *image, uint64_t offset, const char *comp_dir,
		   size_t max_rows);
void dw_lines_free(struct dw_lines *l);
/* The row that holds addr; NULL if none does. */
const struct dw_row *dw_lines_at(const struct dw_lines *l, uint64_t addr);
/* Appends the path of a file by its number, without "." in it, absolute if the table says so. Nothing if the number is
 * unknown. */
void dw_lines_path(const struct dw_lines *l, const char *comp_dir, uint64_t file, struct buf *out);

#endif
