/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ALLOCTRACE_BASE_THREAD_H
#define ALLOCTRACE_BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* Starts a thread that takes no signals: those are for the threads that wait for them. 0 or -errno. */
int thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg);

/* For work that is late if it waits behind what is traced. From then on the calling thread, and those that it starts,
 * run at nice -10; not if it had another nice value than 0, which is the user's choice, or if that is not permitted. */
void thread_raise(void);
/* Takes that back for the calling thread, or for one that it has started. */
void thread_lower(void);

#endif
