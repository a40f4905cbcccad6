/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a cell of a table says: a number with its unit and its standard error. Text, JSON and the rest print the same
 * values, each in its way; value_put() is the way of people.
 */
#ifndef ALLOCTRACE_VIEW_VALUE_H
#define ALLOCTRACE_VIEW_VALUE_H

#include "base/buf.h"
#include "view/view.h"

enum value_kind {
	VALUE_NONE,		/* there is nothing to say */
	VALUE_BYTES,
	VALUE_COUNT,
	VALUE_DURATION,		/* ns */
	VALUE_SHARE,		/* of a whole: 0 … 1 */
	VALUE_ERROR,		/* a relative standard error */
	VALUE_GROWTH,		/* bytes, of either sign */
	VALUE_BYTES_PER_OP, VALUE_COUNT_PER_OP,
	VALUE_HISTOGRAM,
};

struct value {
	enum value_kind kind;
	bool below;		/* it is an upper bound that is not reached */
	double error;		/* standard error in the same unit; 0: it is exact, or has none */
	union {
		uint64_t number;	/* BYTES, COUNT, DURATION */
		double share;		/* SHARE, ERROR */
		int64_t growth;
		double per_op;		/* BYTES_PER_OP, COUNT_PER_OP */
		const double *buckets;	/* HISTOGRAM: calls, PROFILE_BUCKETS of them; borrowed */
	};
};

/* Relative standard error of a metric of the recording; 0: exact. */
double value_error(const struct recording *r, struct counters c, enum metric m);

struct value value_bytes(const struct recording *r, struct counters c);
struct value value_calls(const struct recording *r, struct counters c);
struct value value_metric(const struct recording *r, struct counters c, enum metric m);

/* Of an operation of the run (recording.ops), of which there is at least one. */
struct value value_per_op(const struct recording *r, struct counters c, enum metric m);

/* Appends it in no more digits than the error leaves: "12.3 MiB", "4.56k", "7.89 s", "45.6" (a share, in per cent),
 * "+1.2 MiB", "<128 B"; nothing for NONE, and for HISTOGRAM, which has no text but a picture. */
void value_put(struct buf *out, struct value v);

void value_put_bytes(struct buf *out, const struct recording *r, struct counters c);
void value_put_calls(struct buf *out, const struct recording *r, struct counters c);
/* "12.3 MiB in 4.56k blocks"; what: "block", which gets an s unless there is one. */
void value_put_sum(struct buf *out, const struct recording *r, struct counters c, const char *what);
/* In a sentence: "12.3 %", "<0.01 %" for something that isn't nothing; share is 0 … 1. */
void value_put_share(struct buf *out, double share);

#endif
