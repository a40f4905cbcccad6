/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what was counted in sampling windows to the totals: pure arithmetic. Probes come and go (kern/governor.h), and
 * time is cut into strata, each with one window:
 *
 *     stratum  |--------------------------------|-----------------------|---------------------
 *     window          |======|                              |======|          |======|
 *     calls            c1                                    c2                 c3
 *     work     |  w1                            |  w2                   |  w3
 *
 * A target that is slowed down by probes makes fewer calls in a window than in as much time without probes. It still
 * makes as many per request. So each window is scaled by work that the target has done, which is read at the edges of
 * windows and strata:
 *
 *     total = sum over strata of (calls in the window / work in the window) * work in the stratum
 *
 * A ratio for each window, not one of sums: where phases differ, windows in the phase that probes slow most have done
 * the least work, and would count for too little. What is work is chosen by kind, never by the smallest variance,
 * because a wrong measure is as steady as a right one (measured: 1.33 times the truth, by all system calls, with a
 * standard error of 0.0004). The first of these that will do is taken:
 *
 *     SCALE_READ_BYTES  what was read, if in three of four strata a read brings over a tenth more in the window, or
 *                     less, than around it: a stream that waits while its reader is slowed down. Not otherwise,
 *                     since one large file between two windows would count for many requests.
 *     SCALE_READS     read calls. A window with fewer than 20 says little; it is taken together with the next. It will
 *                     do if no more than a tenth of the calls were made in such windows, and the standard error is
 *                     below 10 %. Not together with writes: an event loop reads requests one by one and writes all
 *                     answers at its end (redis), and with probes one turn can take longer than a window. Windows
 *                     have reads then and no writes, or the other way round (by the sum up to 1.7 times the truth).
 *     SCALE_IO        read and write calls, for programs that read little.
 *     SCALE_MESSAGES  the same of messages on sockets, for programs that use recv and send, which are no I/O calls to
 *                     the kernel's accounting.
 *     SCALE_CPU       CPU time without that of the probes (pace/own.h). Where they take most of it, what is left is a
 *                     small difference of large numbers, so only while they take less than three fifths; and with the
 *                     error that what they take is known with.
 *     reads, reads and writes, or messages, if the error is below 100 %
 *     SCALE_TIME      a lower bound, since probes only slow down. No error can be given.
 *
 * The error comes from the differences of neighbouring windows, as if each stratum had its window where its ratio may
 * differ from the next one's as much as ratios do on average: that of a stratum's own neighbour may be 0 by chance. Few
 * windows say little of how ratios differ, so it is widened by Student's factor for their number. What no window has
 * seen cannot be in it: work of another kind that is rarer than windows are.
 *
 * The weight of a call in a table is settled when it is recorded, by what earlier windows show (scale_slowdown()).
 * Later all rows are scaled by one factor, so that their sum is the total here; their shares are as recorded.
 */
#ifndef ALLOCTRACE_PACE_SCALE_H
#define ALLOCTRACE_PACE_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include "pace/own.h"

enum scale_kind {
	SCALE_READ_BYTES, SCALE_READS, SCALE_IO, SCALE_MESSAGES, SCALE_CPU, SCALE_TIME, SCALE_KINDS
};

/* Since any time, the same for all readings; none ever gets smaller. */
struct scale_reading {
	double calls, bytes;		/* counted, in windows alone */
	double work[SCALE_KINDS];	/* bytes, calls, calls, messages, ns of CPU time with that of probes, ns */
	double probes_ns;		/* CPU time of probes, as calibrated */
	struct own_ticks ticks;		/* 0: not known */
	double waits;			/* times that a thread has gone to sleep */
};

struct scale;

/* A stratum begins, and its window, which lasts until the stratum ends: all is counted for now. */
struct scale *scale_new(const struct scale_reading *now);
/* There is no window yet, after all. */
void scale_wait(struct scale *s);
/* NULL is a no-op. */
void scale_free(struct scale *s);

/* Windows. */
void scale_attached(struct scale *s, const struct scale_reading *now);
void scale_detached(struct scale *s, const struct scale_reading *now);
/* A stratum ends, and the next one begins. Not in a window. */
void scale_next(struct scale *s, const struct scale_reading *now);

/* So far there was too little I/O to go by: messages should be counted, if they are not. */
bool scale_lacks_io(const struct scale *s);
/* Messages are counted from now on. Not in a window, and not between one and scale_next(). */
void scale_count_messages(struct scale *s, const struct scale_reading *now);
/* By how much more the target does without probes than with them, of late; 1 if that is not known. */
double scale_slowdown(const struct scale *s);

struct scale_total {
	enum scale_kind kind;
	double calls, bytes;
	/* Relative standard error of both: how ratios of neighbouring windows differ, and what can't be seen by that;
	 * the truth is within twice that in 19 of 20 runs. 0: all was traced. For SCALE_TIME not to be shown. */
	double error;
	bool mixed;	/* per work the target waits much less or more often in windows: it may do other work then */
	bool batched;	/* reads are of other sizes in windows, and were counted none the less */
};

/* Up to now, in a window or not. */
struct scale_total scale_total(const struct scale *s, const struct scale_reading *now);
/* The same by that kind, chosen or not. */
struct scale_total scale_total_by(const struct scale *s, enum scale_kind kind, const struct scale_reading *now);

#endif
