/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside format/: the table of one view as text. view/columns.c has the columns, columns.c lays out, table.c writes. */
#ifndef ALLOCTRACE_FORMAT_TABLE_H
#define ALLOCTRACE_FORMAT_TABLE_H

#include "format/render.h"
#include "view/columns.h"

/* A site is marked if it grew in so many intervals in a row. */
#define GREW_MARKED 3

/* The range of buckets that bars are drawn for. */
struct bars {
	unsigned int first, last;
	unsigned int per_column;	/* buckets that share a column */
	size_t width;			/* columns; 0: there is nothing in any bucket */
};

struct shown {
	struct column_at at;
	size_t width;
};

/* How a place is shown: of a row, or of a row inside of a row. */
struct level {
	const struct view_by *by;
	size_t indent;
	size_t name_width;	/* names are padded to this; 0 where the chain continues the name */
	bool chain;		/* the heaviest stack is shown */
};

struct table {
	const struct report_options *o;
	struct sheet s;
	struct shown shown[COLUMNS_MAX];
	size_t n_shown;
	struct bars bars;
	size_t place_width;	/* for the place and its callers */
	struct level outer, inner;	/* the inner one with --by A,B */
	struct counters above;	/* of the rows so far */
	struct buf line, text, cell;
};

/* Chooses the columns, once the rows are there. */
void table_lay_out(struct table *t);
/* Appends to t->line. */
void table_put_heads(struct table *t);
void table_put_numbers(struct table *t, const struct numbers *n);

/* Sets the range that the rows' buckets take, in at most `room` columns. */
void bars_lay_out(struct bars *b, const struct view_detail *details, size_t n, size_t room);
/* "1 B      1.00 MiB": from where to where the bars go. */
void bars_put_head(const struct bars *b, enum profile_hist hist, struct buf *out);
/* Of a value that is a histogram. */
void bars_put(const struct bars *b, const double *buckets, struct buf *out);

/* The line above the rows that says what they are: "live       12.3 MiB in 1.23k blocks". */
void table_put_heading(const struct table *t, struct buf *out);

#endif
