// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "base/thread.h"

#define RAISED (-10)

static _Atomic(bool) raised;

int thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_setstacksize(&attr, stack_bytes);
	err = pthread_create(thread, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

void thread_raise(void)
{
	errno = 0;
	if (!getpriority(PRIO_PROCESS, 0) && !errno && !setpriority(PRIO_PROCESS, 0, RAISED))
		raised = true;
}

void thread_lower(void)
{
	if (raised)
		setpriority(PRIO_PROCESS, 0, 0);
}
