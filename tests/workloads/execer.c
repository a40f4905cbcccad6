/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates, then becomes another program under the same pid. The first image's stacks must still get its names.
 *
 * usage: execer [-w] [-t] CMD [ARG...]
 * -t: a thread other than the first becomes it, so that the first one is gone
 * On stdout: before_exec BYTES CALLS, then whatever CMD says.
 */
#include <pthread.h>
#include <stdbool.h>

#include "workload.h"

#define CALLS 509
#define SIZE 1021

NOINLINE void before_exec(void);
NOINLINE void before_exec(void)
{
	for (size_t i = 0; i < CALLS; i++)
		free(opaque(malloc(SIZE)));
}

static void *become(void *argv)
{
	execvp(*(char **)argv, argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	bool by_thread = false;
	pthread_t thread;

	argc--, argv++;
	if (argc > 0 && !strcmp(argv[0], "-w")) {
		wait_for_go();
		argc--, argv++;
	}
	if (argc > 0 && !strcmp(argv[0], "-t")) {
		by_thread = true;
		argc--, argv++;
	}
	if (argc < 1)
		return 2;
	before_exec();
	say("before_exec %d %d\n", CALLS * SIZE, CALLS);
	if (!by_thread)
		become(argv);
	if (!pthread_create(&thread, NULL, become, argv))
		pthread_join(thread, NULL);
	return 127;
}
