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

/* The least value of a bucket, or the first one above it. */
static void put_value(enum profile_hist hist, unsigned int bucket, struct buf *out)
{
	uint64_t value = bucket > 64 ? UINT64_MAX : bucket ? 1ULL << (bucket - 1) : 0;

	if (hist == PROFILE_LIFETIMES)
		text_duration(out, value);
	else
		text_bytes(out, value);
}

void bars_put_head(const struct bars *b, enum profile_hist hist, struct buf *out)
{
	struct buf from = {0}, to = {0};
	size_t used;

	put_value(hist, b->first, &from);
	put_value(hist, b->first + b->width * b->per_column, &to);
	used = from.len + to.len;
	if (used + 1 <= b->width)
		buf_printf(out, "%s%*s%s", from.data, (int)(b->width - used), "", to.data);
	else
		text_fit(out, from.data, b->width, false, true);
	buf_free(&from);
	buf_free(&to);
}

static double column_calls(const struct bars *b, const struct view_detail *d, size_t column)
{
	double calls = 0;

	for (unsigned int i = 0; i < b->per_column; i++) {
		unsigned int bucket = b->first + column * b->per_column + i;

		calls += bucket < PROFILE_BUCKETS ? d->buckets[bucket] : 0;
	}
	return calls;
}

void bars_put(const struct bars *b, const struct view_detail *d, struct buf *out)
{
	double most = 0;

	for (size_t i = 0; i < b->width; i++)
		most = column_calls(b, d, i) > most ? column_calls(b, d, i) : most;
	for (size_t i = 0; i < b->width; i++) {
		double calls = column_calls(b, d, i);
		int level = calls > 0 ? (int)(calls / most * LEVELS + 0.5) : 0;

		if (!(calls > 0))
			buf_char(out, ' ');
		else	/* U+2581 … U+2588 */
			buf_printf(out, "\xe2\x96%c", 0x80 + (level > 1 ? level : 1));
	}
}

void bars_put_median(const struct view_detail *d, enum profile_hist hist, struct buf *out)
{
	double all = 0, below = 0;
	unsigned int i;

	for (i = 0; i < PROFILE_BUCKETS; i++)
		all += d->buckets[i];
	if (!(all > 0))
		return;
	for (i = 0; i < PROFILE_BUCKETS; i++) {
		below += d->buckets[i];
		if (below * 2 >= all)
			break;
	}
	buf_char(out, '<');
	put_value(hist, i + 1, out);
}
