/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap that processes share. In the end live: of kept() 100 blocks of 100 bytes, of helper() 100 of 200, of given()
 * none: children with the same memory have freed them. -w, -s: as everywhere.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "workload.h"

#define N 100

static void *blocks[2 * N];
static char stack[1 << 20] __attribute__((aligned(16)));

ALLOCATOR(kept, malloc(size))
ALLOCATOR(given, malloc(size))
ALLOCATOR(helper, malloc(size))

/* A process of its own with our memory. */
static int child(void *unused __attribute__((unused)))
{
	for (int i = 0; i < N; i++) {
		free(blocks[i]);
		helper(200);
	}
	return 0;
}

static void by_vfork(void)
{
	pid_t pid = vfork();

	if (!pid) {
		for (int i = N; i < 2 * N; i++)
			free(blocks[i]);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* Ends nobody's blocks but its own. */
static void exec_one(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	bool sleep_after = wait_if_told(argc, argv);
	pid_t pid;

	for (int i = 0; i < N; i++) {
		kept(100);
		blocks[i] = given(300);
		blocks[i + N] = given(300);
	}
	pid = clone(child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	if (pid < 0)
		return 1;
	waitpid(pid, NULL, 0);
	by_vfork();
	for (int i = 0; i < 20; i++)
		exec_one();
	say("done\n");
	if (sleep_after)
		pause();
	return 0;
}
