/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `--sample auto`: how thinly to sample, from how fast the processes allocate. Knows nothing of the kernel: it takes
 * counters, some twenty times a second, and answers the mean distance of samples in bytes, T, and how many bytes each
 * call counts for beside its own, c (bpf/sample.h).
 *
 * A run is exact until RATE_EXACT_CALLS are recorded: that is a fifth of a second of its time, and short programs are
 * not thinned for nothing. Meanwhile the mean follows the rate without being in force; the BPF side puts it in force by
 * itself, from one call to the next, so that it does not matter how much later user space gets to know.
 *
 * Then every call is a sample while that stays below the target. A sample costs some 0.4 us more than a call that is
 * none, so the default of 20,000 a second is 0.8 % of a CPU; a row with 1 % of the samples then has a standard error of
 * 7 % after a second and 2.2 % after ten.
 *
 * Up at once, down slowly. Up: to a mean that the rate would stay below 0.7 of the target with, whatever the calls'
 * sizes. Down: at most to 1/16, when the samples of a whole hold time (2 s) say that not even a burst among them would
 * have come above half the target. Going down too early makes the hold time longer, up to a minute, so that a program
 * that works in bursts doesn't get every burst recorded in full.
 *
 * c is such that one sample in five comes by calls, whatever T is: with C calls and S samples, S/5 = C c/T. A quarter
 * of the mean size is the most that can be; what it should be, where a few calls have most of the bytes, the samples
 * tell.
 */
#ifndef ALLOCTRACE_PACE_RATE_H
#define ALLOCTRACE_PACE_RATE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "sample.h"

#define RATE_DEFAULT_TARGET	20000	/* samples a second, of all processes together */
#define RATE_PERIOD_NS		50000000ULL
#define RATE_MEAN_MAX		(16ULL << 20)
/* The smallest mean but 1. Below, hardly any call is spared, and the variances, which are stored >> 8, lose digits. */
#define RATE_MEAN_MIN		64ULL
#define RATE_EXACT_CALLS	250000
/* Where nothing is known yet: a program that is through with the calls above within the first period. */
#define RATE_FIRST_MEAN		32768ULL
#define RATE_FIRST_CALL		16ULL

/* Since the start. */
struct rate_counters {
	uint64_t calls, bytes;	/* that could have been sampled: seen, less those filtered */
	uint64_t samples;	/* recorded, and those that were to be but were lost */
};

struct rate {
	double target;
	uint64_t mean, call;	/* T, c; bytes */
	struct rate_counters last;
	uint64_t last_ns;
	double excess;		/* samples above the target, not yet made up for */
	/* While the mean has not changed, since since_ns: the most of any period, per second. */
	double most_samples, most_calls;
	uint64_t since_ns;
	uint64_t hold_ns;	/* how long before the mean goes down */
	uint64_t lowered_ns;	/* when it last did; 0: never */
	double mix_calls, mix_samples;	/* since mean or call changed */
};

/* target: samples a second, more than 0. The mean is 1 at first. now_ns: any clock, the same for all calls. */
void rate_init(struct rate *r, double target, uint64_t now_ns);
/* Sets the mean to use from now on: 1, or a power of two; and the call. Calls that come before most of a period is over
 * change nothing, so it may be called as often as one likes. */
void rate_update(struct rate *r, uint64_t now_ns, const struct rate_counters *c);
/* The law is in force from about now on: what was recorded before is no burst. */
void rate_begin(struct rate *r, uint64_t now_ns, const struct rate_counters *c);
/* The same while every call is recorded, whatever the mean: to what the period that is over asks for. */
void rate_foresee(struct rate *r, uint64_t now_ns, const struct rate_counters *c);
/* The same for the call alone, where the mean is given. */
void rate_update_call(struct rate *r, const struct rate_counters *c);
/* The mean is given, and nothing is known yet. */
void rate_fix(struct rate *r, uint64_t mean);
/* The call that goes with a mean then. */
uint64_t rate_first_call(uint64_t mean);
/* A new start with another target, as for a window of time: at the mean that so many calls and bytes a second ask for.
 * c: as of now. */
void rate_restart(struct rate *r, double target, double calls, double bytes, uint64_t now_ns,
		  const struct rate_counters *c);
/* Samples a second to expect, at most, of so many calls and bytes a second, whatever the calls' sizes. */
double rate_expected(double calls, double bytes, uint64_t mean);

#endif
