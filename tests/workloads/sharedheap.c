/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap that processes share. In the end live: of kept() 100 blocks of 100 bytes, of helper() 100 of 200, of given()
 * none: children with the same memory have freed them. -w, -s: as everywhere. Or, as the last argument:
 *   -v  only a vfork() whose child takes its time
 *   -g  only a child that has the memory, and forks one that has a copy: "grandchild PID"
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

static void by_slow_vfork(void)
{
	pid_t pid = vfork();

	if (!pid) {
		sleep(1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static int forking_child(void *unused __attribute__((unused)))
{
	pid_t pid = fork();

	if (!pid) {
		sleep(2);
		_exit(0);
	}
	say("grandchild %d\n", (int)pid);
	waitpid(pid, NULL, 0);
	return 0;
}

static pid_t share(int (*function)(void *))
{
	return clone(function, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
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

	if (argc > 1 && !strcmp(argv[argc - 1], "-v")) {
		kept(100);
		by_slow_vfork();
		return 0;
	}
	if (argc > 1 && !strcmp(argv[argc - 1], "-g")) {
		kept(100);
		waitpid(share(forking_child), NULL, 0);
		return 0;
	}
	for (int i = 0; i < N; i++) {
		kept(100);
		blocks[i] = given(300);
		blocks[i + N] = given(300);
	}
	pid = share(child);
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
