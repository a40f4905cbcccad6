/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap whose highest moment lies in the middle, and is one event: what each function had live just then is known.
 *
 *           /|                 the summit is one block of `spike`, freed at once
 *          / |   _             `hill` and `base` climb to it; half of base is freed on the way
 *         /  |__/ \            `later` climbs afterwards, to 1 byte below the summit
 *      __/         \__
 *
 * usage: peak [-w] [-s]
 * On stdout: FUNCTION, live at the summit BYTES BLOCKS, live in the end BYTES BLOCKS; at last "summit BYTES".
 */
#include "workload.h"


ALLOCATOR(base, malloc(size))
ALLOCATOR(hill, malloc(size))
ALLOCATOR(seed_regrown, malloc(size))
ALLOCATOR(spike, malloc(size))
ALLOCATOR(later, malloc(size))
ALLOCATOR(later_end, malloc(size))
ALLOCATOR(churn, malloc(size))
REALLOCATOR(regrown, realloc(old, size))

static void *bases[600], *hills[2003], *laters[4096];
static size_t live;	/* bytes */

static void churning(size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(churn(17));
}

int main(int argc, char **argv)
{
	size_t summit, n = 0, rest;
	const bool sleep_after = wait_if_told(argc, argv);
	void *p;

	for (size_t i = 0; i < 600; i++)
		bases[i] = base(1009);
	churning(500);
	p = seed_regrown(4001);
	for (size_t i = 0; i < 2003; i++) {
		hills[i] = hill(307);
		if (i % 7 == 0 && i / 7 < 211)
			free(bases[i / 7]);
	}
	/* A realloc just below the summit: the old block counts no more. */
	p = regrown(p, 8009);
	churning(300);
	live = (600 - 211) * 1009 + 2003 * 307 + 8009;
	summit = live + 100003;
	free(spike(100003));

	/* Down; up again to one byte less, by other functions. */
	for (size_t i = 0; i < 1500; i++)
		free(hills[i]);
	churning(100);
	live -= 1500 * 307;
	while (summit - 1 - live > 1013) {
		laters[n++] = later(509);
		live += 509;
	}
	rest = summit - 1 - live;
	free(later_end(rest));
	for (size_t i = 0; i < n; i++)
		free(laters[i]);
	churning(100);

	say("base %d 389 %d 389\n", 389 * 1009, 389 * 1009);
	say("hill %d 2003 %d 503\n", 2003 * 307, 503 * 307);
	say("seed_regrown 0 0 0 0\nregrown 8009 1 8009 1\n");
	say("spike 100003 1 0 0\nlater 0 0 0 0\nlater_end 0 0 0 0\nchurn 0 0 0 0\n");
	say("summit %zu\n", summit);
	if (sleep_after)
		sleep_until_killed();
	return 0;
}
