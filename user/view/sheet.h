/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table before it has a form: the rows of one view with what its columns need to know of them. view/columns.h has the
 * columns; text, JSON and the rest print them.
 *
 *     n = sheet_list(r, views, by, then, metric, cum, sheets);
 *     for (i = 0; i < n; i++) {
 *             sheet_fill(&sheets[i], top);
 *             …
 *             sheet_free(&sheets[i]);
 *     }
 */
#ifndef ALLOCTRACE_VIEW_SHEET_H
#define ALLOCTRACE_VIEW_SHEET_H

#include "view/view.h"

struct sheet {
	const struct recording *r;
	const struct view_kind *kind;
	const struct view_by *by;
	const struct view_by *then;	/* inside of each row; NULL: there is one grouping */
	enum metric metric;
	bool cum;
	/* By sheet_fill(): */
	struct view view;		/* its total is exact where that is known beside the estimates */
	struct counters all_rows;	/* what the rows add up to */
	struct view_detail *details;	/* of the first n_rows */
	size_t n_rows;			/* at most so many are shown */
	/* With `then`: the inner rows of row i are inner.rows[inner_first[i]] and so on, of which inner_shown[i] are
	 * shown. Details are there for those alone: inner_details[inner.rows[k].id]. */
	struct view inner;
	size_t *inner_first, *inner_shown;
	struct view_detail *inner_details;
};

/* Each view, and for the live heap what came since the first mark. */
#define SHEETS_MAX (VIEW_KINDS + 1)

/* The sheets of the views (VIEW_BIT()s) that were asked for, in the order of view_kinds[]; all else in them is empty.
 * cum is ignored where the grouping or the view has none. Returns how many there are. */
size_t sheet_list(const struct recording *r, uint32_t views, const struct view_by *by, const struct view_by *then,
		  enum metric metric, bool cum, struct sheet out[SHEETS_MAX]);
/* top: so many rows are to be shown, 0: all. With `then`, so many rows, and of all inner rows in these the
 * heaviest; and of each row one at least. */
void sheet_fill(struct sheet *s, size_t top);
/* With `then`: shows fewer, after sheet_fill(). top: at least 1. */
void sheet_show_fewer(struct sheet *s, size_t top);
/* Frees what sheet_fill() made. */
void sheet_free(struct sheet *s);

/* Of the whole table, by the metric: 0 … 1. */
double sheet_share(const struct sheet *s, struct counters c);

#endif
