/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows that grow steadily over recordings. A row grows if its slope does (Mann and Kendall's test, adjusted for the
 * number of rows; the interval of Theil and Sen's slope lies above 0), if it still does in the last third of the
 * recordings, and if it does so by more than a share of what is live in an hour. A warm-up that levels off is none.
 */
#ifndef ALLOCTRACE_COMPARE_GROWTH_H
#define ALLOCTRACE_COMPARE_GROWTH_H

#include "compare/series.h"
#include "stat/stat.h"

enum growth_verdict {
	GROWTH_NONE,		/* no evidence for a rise */
	GROWTH_LEVELS_OFF,	/* it rose, but the last third does not */
	GROWTH_SLOW,		/* it rises by less than the floor */
	GROWTH_RISES,
};

struct growth_row {
	const struct series_row *row;	/* NULL: the whole view */
	struct stat_trend trend;	/* t in hours since the first recording */
	double p;			/* one-sided: that it rises */
	double q;			/* Benjamini and Hochberg, over all rows; of the whole view p */
	double first, last;		/* values in the first and the last recording */
	uint32_t parts;			/* of the series: one more than restarts */
	enum growth_verdict verdict;
};

struct growth {
	const struct series *s;
	double alpha, least;		/* least: per cent of the median of the whole view, in an hour */
	double floor;			/* that, in the unit of values per hour */
	double hours;			/* from the first recording to the last */
	uint64_t first_ns, last_ns;
	size_t runs;			/* of alloctrace that the recordings are of; 1: not known to be of several */
	struct growth_row total;
	vec_of(struct growth_row) rows;	/* that rise, the steepest first */
	size_t n_tested, n_levels_off, n_slow;
};

/* Makes *out of s, after series_finish(), which is borrowed. Returns 0, or -EINVAL after logging an error: too few
 * recordings, or two of the same time. */
int growth_make(const struct series *s, double alpha, double least, struct growth *out);
void growth_free(struct growth *g);

#endif
