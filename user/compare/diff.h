/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two sets of recordings differ in, and what evidence there is for it. */
#ifndef ALLOCTRACE_COMPARE_DIFF_H
#define ALLOCTRACE_COMPARE_DIFF_H

#include "compare/series.h"
#include "stat/stat.h"

/* Of alpha, the gate gives the total this share and the rows together the rest: all of it fires without a reason in at
 * most alpha of the cases. With four runs a side, which are the fewest that say anything, the total is still enough. */
#define DIFF_TOTAL_SHARE 0.6
/* Rows below this share of the total are not tested for the gate, and so do not count among the tests. */
#define DIFF_LEAST_SHARE 0.001

struct diff_row {
	const struct series_row *row;	/* NULL: the whole view */
	struct stat_summary before, after;
	double p;
	double q;		/* of rows that are tested for the gate (Benjamini and Hochberg); else 1 */
	bool evident;		/* p <= alpha, and there is a difference */
	bool appeared, vanished;	/* it is in no recording of the other side */
	bool all_equal;
	bool unknown;		/* one recording a side, and the error of one is not known */
	bool over;		/* it is why the gate fires */
};

struct diff {
	const struct series *s;
	double alpha;
	double limit;		/* per cent of growth that the gate lets pass; NAN: there is none */
	size_t n[2];		/* recordings of each side */
	struct diff_row total;
	/* Those that differ: first those with evidence; by what they grew or shrank by, the largest first; by name. */
	vec_of(struct diff_row) rows;
	size_t n_evident;	/* of rows */
	size_t n_tested;	/* rows that were tested for the gate */
	size_t n_over;		/* of rows: why the gate fires */
	/* Of rows that are on both sides: geometric means of medians, and of their ratios. */
	size_t n_geomean, n_one_sided;
	double geomean[2], geomean_ratio;
};

/* s: after series_finish(), with files on both sides; borrowed. */
void diff_make(const struct series *s, double alpha, double limit, struct diff *out);
void diff_free(struct diff *d);
/* after / before - 1, as a share; INFINITY where it was 0, 0 where both are. */
double diff_change(const struct diff_row *row);
/* The gate fires. */
bool diff_fails(const struct diff *d);

#endif
