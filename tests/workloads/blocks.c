/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Very many live blocks, of 24 bytes each, that are all freed in the end.
 *
 * usage: blocks [-w] [N]
 *   -w  says "ready" and waits for a line on stdin before it allocates; says "kept N" and waits for another one before
 *       it frees
 * On stdout in the end: ns NANOSECONDS for one malloc, most NANOSECONDS for a thousand of them in a row, free
 * NANOSECONDS.
 */
#include "workload.h"

#include <stdbool.h>
#include <sys/mman.h>

#define SIZE 24
#define BATCH 1000

NOINLINE void *kept(void);
NOINLINE void *kept(void)
{
	return opaque(malloc(SIZE));
}

int main(int argc, char **argv)
{
	uint64_t start, took, most = 0, last;
	size_t n = 1000000;
	bool wait = false;
	void **blocks;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			wait = true;
		else
			n = number(argv[i]);
	}
	if (!n || n > SIZE_MAX / sizeof(*blocks))
		return 2;
	blocks = mmap(NULL, n * sizeof(*blocks), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		      -1, 0);
	if (blocks == MAP_FAILED)
		return 1;
	if (wait)
		wait_for_go();
	start = last = now_ns();
	for (size_t i = 0; i < n; i++) {
		blocks[i] = kept();
		if ((i + 1) % BATCH == 0) {
			const uint64_t now = now_ns();

			if (now - last > most)
				most = now - last;
			last = now;
		}
	}
	took = now_ns() - start;
	say("kept %zu\n", n);
	if (wait)
		wait_for_go();
	start = now_ns();
	for (size_t i = 0; i < n; i++)
		free(blocks[i]);
	say("ns %.1f\nmost %llu\nfree %.1f\n", (double)took / (double)n, (unsigned long long)most,
	    (double)(now_ns() - start) / (double)n);
	return 0;
}
