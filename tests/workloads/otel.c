/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates known numbers of blocks by an allocator that samples itself (otel_sampler.c), frees those of one function,
 * and says what there is. Before that, after each line on stdin, it says how many listen to its probes.
 *
 * usage: otel [-k] [-c] [-e PROGRAM]
 *        -k: a child is forked, and says what it sees; -c: a child does the work; -e: in the end it becomes the program
 *        otel -w PAIRS N [on]
 *        says "ready", waits for a line, and says what a pair of malloc and free takes: "ns". One call in N is a sample
 *        while someone listens; with "on" always
 */
#include "workload.h"

#include <sys/wait.h>

#ifdef WRAPS
extern void *sampled_malloc(size_t n);
extern void sampled_free(void *p);
#define malloc sampled_malloc
#define free sampled_free
#endif
extern int otel_listeners(void);
extern void otel_sample(size_t one_in, int even_unheard);

#define KEPT 700	/* multiples of 7, so that the samples of a function are as many as its share */
#define GONE 490
#define KEPT_BYTES 1009
#define GONE_BYTES 37

ALLOCATOR(take_kept, malloc(size))
ALLOCATOR(take_gone, malloc(size))

static void *gone[GONE];

static void loop(size_t pairs, size_t one_in, bool unheard)
{
	struct timespec from, to;

	otel_sample(one_in, unheard);
	wait_for_go();
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (size_t i = 0; i < pairs; i++)
		free(take_gone(GONE_BYTES));
	clock_gettime(CLOCK_MONOTONIC, &to);
	say("ns %.2f\n", ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / (double)pairs);
}

int main(int argc, char **argv)
{
	bool forks = false, child_works = false;
	char *become[2] = {0};

	if (argc > 3 && !strcmp(argv[1], "-w")) {
		loop(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), argc > 4);
		return 0;
	}
	for (int i = 1; i < argc; i++) {
		forks |= !strcmp(argv[i], "-k");
		child_works |= !strcmp(argv[i], "-c");
		if (!strcmp(argv[i], "-e"))
			become[0] = argv[i + 1];
	}
	wait_for_go();
	say("listeners %d\n", otel_listeners());
	if (forks) {
		pid_t child = fork();

		if (!child) {
			do {
				wait_for_go();
				say("child %d\n", otel_listeners());
			} while (otel_listeners());
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
	if (child_works) {
		pid_t child = fork();

		if (child) {
			waitpid(child, NULL, 0);
			return 0;
		}
	}
	for (int i = 0; i < KEPT; i++)
		take_kept(KEPT_BYTES);
	for (int i = 0; i < GONE; i++)
		gone[i] = take_gone(GONE_BYTES);
	for (int i = 0; i < GONE; i++)
		free(gone[i]);
	row("take_kept", KEPT, KEPT_BYTES, KEPT);
	row("take_gone", 0, GONE_BYTES, GONE);
	wait_for_go();
	say("listeners %d\n", otel_listeners());
	if (become[0])
		execv(become[0], become);
	return 0;
}
