/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates, then becomes another program under the same pid. The first image's stacks must still get its names.
 *
 * usage: execer [-w] CMD [ARG...]
 * On stdout: before_exec BYTES CALLS, then whatever CMD says.
 */
#include "workload.h"

#define CALLS 509
#define SIZE 1021

NOINLINE void before_exec(void);
NOINLINE void before_exec(void)
{
	for (size_t i = 0; i < CALLS; i++)
		free(opaque(malloc(SIZE)));
}

int main(int argc, char **argv)
{
	argc--, argv++;
	if (argc > 0 && !strcmp(argv[0], "-w")) {
		wait_for_go();
		argc--, argv++;
	}
	if (argc < 1)
		return 2;
	before_exec();
	say("before_exec %d %d\n", CALLS * SIZE, CALLS);
	execvp(argv[0], argv);
	return 127;
}
