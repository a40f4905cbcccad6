/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forks while it is traced: parent and child allocate in functions of their own, before and after the fork.
 *
 * usage: forker [-w]
 * On stdout: before BYTES CALLS, child BYTES CALLS, parent BYTES CALLS.
 */
#include "workload.h"

#include <sys/wait.h>

#define CALLS_BEFORE 211
#define SIZE_BEFORE 101
#define CALLS_CHILD 307
#define SIZE_CHILD 103
#define CALLS_PARENT 401
#define SIZE_PARENT 107

#define ALLOCATE(name)					\
	NOINLINE void name(size_t calls, size_t size);	\
	NOINLINE void name(size_t calls, size_t size)	\
	{						\
		for (size_t i = 0; i < calls; i++)	\
			free(opaque(malloc(size)));	\
	}

ALLOCATE(before_fork)
ALLOCATE(in_child)
ALLOCATE(in_parent)

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc > 1 && !strcmp(argv[1], "-w"))
		wait_for_go();
	before_fork(CALLS_BEFORE, SIZE_BEFORE);
	pid = fork();
	if (pid < 0)
		return 1;
	if (!pid) {
		in_child(CALLS_CHILD, SIZE_CHILD);
		_exit(0);
	}
	in_parent(CALLS_PARENT, SIZE_PARENT);
	if (waitpid(pid, &status, 0) != pid || status)
		return 1;
	say("before_fork %d %d\n", CALLS_BEFORE * SIZE_BEFORE, CALLS_BEFORE);
	say("in_child %d %d\n", CALLS_CHILD * SIZE_CHILD, CALLS_CHILD);
	say("in_parent %d %d\n", CALLS_PARENT * SIZE_PARENT, CALLS_PARENT);
	return 0;
}
