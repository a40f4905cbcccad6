/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells when it begins to be traced: it times each malloc/free pair; a bare one takes 10 to 50 ns, one with a probe at
 * least 400. Once eight in a row were slow it prints  traced NANOSECONDS  (CLOCK_MONOTONIC, of the first of the eight),
 * then, once a thousand in a row were fast again,  untraced NANOSECONDS, and ends.
 *
 * usage: latency
 */
#include "workload.h"

#define SLOW_NS 250
#define SLOW_ROW 8
#define FAST_ROW 1000
#define LIMIT_NS 60000000000u

static uint64_t started;

NOINLINE uint64_t pair(void);
NOINLINE uint64_t pair(void)
{
	uint64_t t = now_ns();

	free(opaque(malloc(17)));
	return now_ns() - t;
}

/* The time of the first of `row` pairs that were slow (or fast). */
static uint64_t wait_until(int slow, unsigned row)
{
	uint64_t first = 0;

	for (unsigned n = 0; n < row;) {
		uint64_t at = now_ns();

		if (at - started > LIMIT_NS)
			_exit(3);
		if ((pair() > SLOW_NS) != slow)
			n = 0;
		else if (!n++)
			first = at;
	}
	return first;
}

int main(void)
{
	started = now_ns();
	say("ready\n");
	say("traced %llu\n", (unsigned long long)wait_until(1, SLOW_ROW));
	say("untraced %llu\n", (unsigned long long)wait_until(0, FAST_ROW));
	return 0;
}
