/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside format/: tables of comparisons: columns of numbers, as wide as what is in them, a place and its callers. */
/* Part of format/render.h. */
#ifndef ALLOCTRACE_FORMAT_GRID_H
#define ALLOCTRACE_FORMAT_GRID_H

#include "format/render.h"

#define GRID_COLUMNS 10

struct grid_column {
	const char *head;
	/* Where the width is too small, those with the least go first, all at once; 0: it stays. */
	unsigned int goes;
	unsigned int gap;	/* spaces before it */
	bool left;		/* its text is at the left */
};

struct grid_line {
	char *cells[GRID_COLUMNS];	/* NULL: empty */
	const char *style;
	char *place;		/* not escaped; NULL: none */
	const char *chain;	/* what follows " < "; NULL: nothing */
};

struct grid {
	const struct grid_column *columns;
	size_t n_columns;
	const char *place_head;
	bool frames;		/* places are names of functions: long ones have a shorter form */
	vec_of(struct grid_line) lines;
};

/* Adds an empty line; valid until the next one. */
struct grid_line *grid_add(struct grid *g, const char *style);
/* Appends all lines in at most o->width columns below the heads of the columns. */
void grid_put(const struct grid *g, const struct report_options *o, struct buf *out);
void grid_free(struct grid *g);

/* "SITE < CALLERS", "PROGRAM, SITE" */
void grid_put_place_head(const struct view_by *by, const struct view_by *then, struct buf *out);

#endif
