/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel reports about processes: executable mappings, fork, exec, exit, as perf side-band records (a dummy
 * software event per CPU with mmap2, comm and task set). No tracefs needed.
 */
#ifndef ALLOCTRACE_PROC_EVENTS_H
#define ALLOCTRACE_PROC_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum task_event_kind { TASK_MMAP, TASK_FORK, TASK_EXEC, TASK_RENAME, TASK_EXIT };

struct task_event {
	enum task_event_kind kind;
	uint64_t time_ns;	/* CLOCK_MONOTONIC */
	/* The process and the thread, TASK_EXEC and TASK_RENAME also of other threads than the first. TASK_EXIT: each
	 * thread's exit; with tid == pid the first one's, which other threads may outlive. */
	pid_t pid, tid;
	/* TASK_FORK: a new process (threads are left out), by that thread of that process */
	pid_t parent, parent_tid;
	/* TASK_EXEC, TASK_RENAME: the new comm; TASK_MMAP: the path. Not escaped. Valid during the callback. */
	const char *name;
	/* TASK_MMAP, executable mappings only */
	uint64_t start, len, offset, dev, ino;	/* dev as makedev() makes it */
};

struct task_events;

/* For all processes, on every CPU that is online now (one that comes later is not heard). Without `mappings` there is
 * no TASK_MMAP, for which the kernel allocates 4 KiB for a moment. Returns 0, or -errno after logging an error. */
int task_events_open(bool mappings, struct task_events **out);
/* NULL is a no-op. */
void task_events_close(struct task_events *te);
/* An epoll fd that is readable when there is something new since it was last asked: adding it to another epoll may
 * swallow that once (the kernel forgets a ring's readiness when it tells it), so call task_events_poll() after adding
 * it. */
int task_events_fd(const struct task_events *te);
/* Calls back for every record that is there, in order of time over all CPUs. (A record that a CPU was just writing
 * comes with the next call, microseconds late in the order.) The callback must not call back into te. Returns the
 * number of records the kernel had to drop since the last call (the reader should reread mappings then). */
uint64_t task_events_poll(struct task_events *te, void (*on_event)(void *arg, const struct task_event *ev), void *arg);

#endif
