/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms, one line each:
 *
 *     16 B         1.00 MiB
 *     ▁▂▅█▆▂▁      ▁▃▂▁
 *
 * A column is a power of two, or several where there is no room; its height is the number of calls in proportion to the
 * row's highest column, and a single call shows.
 */
#include "base/text.h"
#include "format/table.h"

#define LEVELS 8

void bars_lay_out(struct bars *b, const struct view_detail *details, size_t n, size_t room)
{
	unsigned int range;

	*b = (struct bars){.first = PROFILE_BUCKETS};
	for (size_t i = 0; i < n; i++) {
		for (unsigned int k = 0; k < PROFILE_BUCKETS; k++) {
			if (!(details[i].buckets[k] > 0))
				continue;
			b->first = k < b->first ? k : b->first;
			b->last = k > b->last ? k : b->last;
		}
	}
	if (b->first == PROFILE_BUCKETS || !room)
		return;
	range = b->last - b->first + 1;
	b->per_column = (range + room - 1) / room;
	b->width = (range + b->per_column - 1) / b->per_column;
}

void bars_put_head(const struct bars *b, enum profile_hist hist, struct buf *out)
{
	struct buf from = {0}, to = {0};
	size_t used;

	value_put(&from, columns_bucket(hist, b->first));
	value_put(&to, columns_bucket(hist, b->first + b->width * b->per_column));
	used = from.len + to.len;
	if (used + 1 <= b->width)
		buf_printf(out, "%s%*s%s", from.data, (int)(b->width - used), "", to.data);
	else
		text_fit(out, from.data, b->width, false, true);
	buf_free(&from);
	buf_free(&to);
}

static double column_calls(const struct bars *b, const double *buckets, size_t column)
{
	double calls = 0;

	for (unsigned int i = 0; i < b->per_column; i++) {
		unsigned int bucket = b->first + column * b->per_column + i;

		calls += bucket < PROFILE_BUCKETS ? buckets[bucket] : 0;
	}
	return calls;
}

void bars_put(const struct bars *b, const double *buckets, struct buf *out)
{
	double most = 0;

	for (size_t i = 0; i < b->width; i++)
		most = column_calls(b, buckets, i) > most ? column_calls(b, buckets, i) : most;
	for (size_t i = 0; i < b->width; i++) {
		double calls = column_calls(b, buckets, i);
		int level = calls > 0 ? (int)(calls / most * LEVELS + 0.5) : 0;

		if (!(calls > 0))
			buf_char(out, ' ');
		else	/* U+2581 … U+2588 */
			buf_printf(out, "\xe2\x96%c", 0x80 + (level > 1 ? level : 1));
	}
}
