/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ALLOCTRACE_BASE_THREAD_H
#define ALLOCTRACE_BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* Starts a thread that takes no signals: those are for the threads that wait for them. 0 or -errno. */
int thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg);

#endif
