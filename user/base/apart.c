// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * As vfork() does it, but for the descriptors (CLONE_FILES): the calling thread stands still until the process is gone,
 * which has its thread-local storage meanwhile, so that all of libc works there. It is another process (no
 * CLONE_THREAD), in a process group and with a name of its own: signals for us, for our group, or for all of our name
 * are not for it.
 */
#include "base/apart.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES (24 << 10)

struct apart {
	void (*run)(void *arg);
	void *arg;
};

static int child(void *arg)
{
	struct apart *a = arg;

	setpgid(0, 0);
	prctl(PR_SET_NAME, "probe-switch");
	a->run(a->arg);
	return 0;
}

void run_apart(void (*run)(void *arg), void *arg)
{
	struct apart a = {run, arg};
	_Alignas(64) char stack[STACK_BYTES];
	pid_t pid = -1;

#ifndef __SANITIZE_ADDRESS__	/* which follows each thread's stack */
	pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_FILES, &a);
#endif
	if (pid < 0) {
		run(arg);
		return;
	}
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}
