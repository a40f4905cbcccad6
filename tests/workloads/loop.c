/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tight malloc/free loop behind three frames (main or thread_main, outer, inner), for the cost of one call.
 *
 * usage: loop [-w] [-f] [THREADS [PAIRS]]
 *   -w  says "ready" and waits for a line on stdin, threads made
 *   -f  for ever: never ends by itself
 * On stdout: ns NANOSECONDS per pair, the mean over the threads; bytes BYTES calls CALLS.
 */
#include "workload.h"

#include <pthread.h>
#include <stdbool.h>

#define MAX_THREADS 64
#define SIZE 31

static size_t pairs = 1000003;
static pthread_barrier_t start;

NOINLINE void inner(size_t n);
NOINLINE void inner(size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(opaque(malloc(SIZE)));
}

NOINLINE void outer(size_t n);
NOINLINE void outer(size_t n)
{
	inner(n);
	opaque(NULL);
}

static void *thread_main(void *arg)
{
	uint64_t *ns = arg;

	pthread_barrier_wait(&start);
	*ns = now_ns();
	outer(pairs);
	*ns = now_ns() - *ns;
	return NULL;
}

int main(int argc, char **argv)
{
	static pthread_t threads[MAX_THREADS];
	static uint64_t ns[MAX_THREADS];
	bool wait = false, forever = false;
	size_t n = 1, numbers = 0;
	double sum = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			wait = true;
		else if (!strcmp(argv[i], "-f"))
			forever = true;
		else if (!numbers++)
			n = number(argv[i]);
		else
			pairs = number(argv[i]);
	}
	if (!n || n > MAX_THREADS || !pairs)
		return 2;
	pthread_barrier_init(&start, NULL, (unsigned)n);
	for (size_t i = 1; i < n; i++) {
		if (pthread_create(&threads[i], NULL, thread_main, &ns[i]))
			return 1;
	}
	if (wait)
		wait_for_go();
	do {
		thread_main(&ns[0]);
	} while (forever && n == 1);
	for (size_t i = 1; i < n; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < n; i++)
		sum += (double)ns[i];
	say("ns %.1f\nbytes %zu calls %zu\n", sum / (double)n / (double)pairs, n * pairs * SIZE, n * pairs);
	return 0;
}
