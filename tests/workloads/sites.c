/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fifty places that allocate, site_00 to site_49, each with 0.85 times the bytes of the one before it, from 64 KiB
 * a round on, in sizes from 24 to 4096 bytes, so that their order by calls is another one. The calls of a round are
 * mixed, in every round alike.
 *
 * usage: sites [-w] [-k N] [-r CALLS] [-t MS] [ROUNDS]
 *   -w  says "ready" and waits for a line on stdin
 *   -k  every Nth block of each site is kept; the others are freed at once
 *   -r  at that many calls per second, evenly (default: as fast as it goes)
 *   -t  for that long, whatever the number of rounds
 * On stdout: FUNCTION, live BYTES BLOCKS, allocated BYTES CALLS; at last "ns N", of one call, sleep included, and
 * "size FUNCTION BYTES" before it for each.
 */
#include "workload.h"

#define SITES 50
#define FIRST_BYTES 65536	/* of site_00 in a round */

#define SITE(n) ALLOCATOR(site_##n, malloc(size))
#define TEN(t) SITE(t##0) SITE(t##1) SITE(t##2) SITE(t##3) SITE(t##4) SITE(t##5) SITE(t##6) SITE(t##7) SITE(t##8) \
	SITE(t##9)
TEN(0) TEN(1) TEN(2) TEN(3) TEN(4)

#define NAMES(t) site_##t##0, site_##t##1, site_##t##2, site_##t##3, site_##t##4, site_##t##5, site_##t##6, \
	site_##t##7, site_##t##8, site_##t##9
static void *(*const allocate[SITES])(size_t) = {NAMES(0), NAMES(1), NAMES(2), NAMES(3), NAMES(4)};

static const size_t some_sizes[] = {24, 512, 56, 4096, 120, 1024, 40, 2048, 88, 264};

static size_t sizes[SITES], calls[SITES], per_round[SITES];
static unsigned char order[65536];	/* sites by call, of one round */
static size_t n_order;

static void plan(void)
{
	double bytes = FIRST_BYTES;
	uint64_t s = 88172645463325252ULL;

	for (size_t i = 0; i < SITES; i++, bytes *= 0.85) {
		sizes[i] = some_sizes[i % 10];
		if (sizes[i] > bytes)
			sizes[i] = (size_t)bytes;
		per_round[i] = (size_t)(bytes / (double)sizes[i] + 0.5);
		for (size_t k = 0; k < per_round[i]; k++)
			order[n_order++] = (unsigned char)i;
	}
	for (size_t i = n_order - 1; i; i--) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		const size_t j = s % (i + 1);
		const unsigned char t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
}

int main(int argc, char **argv)
{
	size_t rounds = 100, keep = 0, rate = 0, total = 0;
	uint64_t limit_ns = 0, start, took;

	plan();
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			wait_for_go();
		else if (!strcmp(argv[i], "-k") && i + 1 < argc)
			keep = number(argv[++i]);
		else if (!strcmp(argv[i], "-r") && i + 1 < argc)
			rate = number(argv[++i]);
		else if (!strcmp(argv[i], "-t") && i + 1 < argc)
			limit_ns = number(argv[++i]) * 1000000u;
		else
			rounds = number(argv[i]);
	}
	start = now_ns();
	for (size_t r = 0; limit_ns || r < rounds; r++) {
		if (limit_ns && now_ns() - start >= limit_ns)
			break;
		for (size_t i = 0; i < n_order; i++) {
			const size_t site = order[i];
			void *p = allocate[site](sizes[site]);

			if (!keep || ++calls[site] % keep)
				free(p);
			/* In bursts of 100. */
			if (rate && ++total % 100 == 0) {
				const uint64_t due = start + (uint64_t)((double)total / (double)rate * 1e9);
				const uint64_t now = now_ns();

				if (due > now)
					nanosleep(&(struct timespec){(time_t)((due - now) / 1000000000u),
								     (long)((due - now) % 1000000000u)}, NULL);
			}
		}
		if (!keep) {
			for (size_t i = 0; i < SITES; i++)
				calls[i] += per_round[i];
		}
	}
	took = now_ns() - start;
	total = 0;
	for (size_t i = 0; i < SITES; i++) {
		const size_t live = keep ? calls[i] / keep : 0;

		total += calls[i];
		say("site_%02zu %zu %zu %zu %zu\n", i, live * sizes[i], live, calls[i] * sizes[i], calls[i]);
	}
	for (size_t i = 0; i < SITES; i++)
		say("size site_%02zu %zu\n", i, sizes[i]);
	say("ns %.1f\n", (double)took / (double)(total + !total));
	return 0;
}
