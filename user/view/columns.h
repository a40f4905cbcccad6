/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The columns of tables: a row each in columns[], which says when it is there and what its cells say (struct value).
 * A new column is one row and its function; nothing else knows which columns there are.
 *
 *     n = columns_of(s, shown);
 *     for each row: for (i = 0; i < n; i++) print(column_value(s, shown[i], &numbers));
 */
#ifndef ALLOCTRACE_VIEW_COLUMNS_H
#define ALLOCTRACE_VIEW_COLUMNS_H

#include "view/sheet.h"
#include "view/value.h"

/* What a line of a table is about: a row, or the rows that aren't shown. */
struct numbers {
	struct counters flat, cum;
	struct counters sum;	/* of this and the rows above it */
	bool inner;		/* a row of a row: it is in no such sum */
	const struct view_detail *detail;	/* NULL: the rest, which has no cum either */
};

struct column {
	const char *key;	/* as programs know it */
	const char *head;	/* as people do; NULL: column_head() makes one */
	const char *head_of_blocks;	/* instead, where the calls are of blocks */
	enum value_kind kind;	/* of its cells, unless they are empty; NONE: kind_of() says it */
	uint8_t width;		/* that its cells need as text; 0: as much as there is */
	/* In this order columns go where there is no room for all; 0: stays. last_goes is for the last one that there
	 * may be of a column with several, which go one after the other. */
	uint8_t goes, last_goes;
	bool of_rows;		/* the rest has none */
	bool (*applies)(const struct sheet *s);	/* NULL: always there */
	bool (*first)(const struct sheet *s);	/* NULL: never; it stands before all others, and never goes */
	enum value_kind (*kind_of)(const struct sheet *s);
	uint32_t (*several)(const struct sheet *s);	/* NULL: there is one; how many there are */
	struct value (*value)(const struct sheet *s, const struct numbers *n, uint32_t index);
};

/* A column of a sheet: of several, one. */
struct column_at {
	const struct column *column;
	uint32_t index;
};

#define COLUMNS_MAX 32

extern const struct column columns[];	/* in the order in which they are shown; ends with a NULL key */

/* Those that a sheet has, once it is filled; returns how many. */
size_t columns_of(const struct sheet *s, struct column_at out[COLUMNS_MAX]);
struct value column_value(const struct sheet *s, struct column_at at, const struct numbers *n);
/* What kind its cells are of, unless they are empty. */
enum value_kind column_kind(const struct sheet *s, struct column_at at);
/* Appends "BYTES", "MARK 3"; nothing for a histogram. */
void column_head(const struct sheet *s, struct column_at at, struct buf *out);
/* In which order it goes: the least first, 0 not at all. */
unsigned int column_goes(struct column_at at);

/* The least value of a histogram's bucket (as PROFILE_BUCKETS has them), or the first one above all. */
struct value columns_bucket(enum profile_hist hist, unsigned int bucket);

#endif
