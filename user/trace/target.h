/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is traced: the processes of a list (-p), or a command that is launched. Of a list, those that can't be traced are
 * skipped, with a warning, while any other is left.
 */
#ifndef ALLOCTRACE_TRACE_TARGET_H
#define ALLOCTRACE_TRACE_TARGET_H

#include "proc/launch.h"
#include "trace/tracer.h"

struct target;

/* Finds the processes of the list ("4711,nginx"), checks them and watches for their exit. Returns 0, or -errno after a
 * message. */
int target_of_list(const char *list, struct target **out);
/* Every process that the rules of the tracer take. */
struct target *target_of_all(void);
/* The command; it is borrowed. */
struct target *target_of_command(struct launch *l);
/* NULL is a no-op. */
void target_free(struct target *t);

/* The command, or the first process of the list; 0: all. */
pid_t target_pid(const struct target *t);
/* How many are on the list; 0: it is no list. */
size_t target_count(const struct target *t);
/* There is no other. */
bool target_is_single(const struct target *t);
/* A program of it calls clone() itself (trace/sharing.h). */
bool target_clones(const struct target *t);

/* Attaches to the processes of the list. Returns 0, or -errno after a message: none is left. */
int target_attach(struct target *t, struct tracer *tracer);
/* For epoll: readable when a process of the list has exited; -1: it is a command. */
int target_fd(const struct target *t);
/* Tells the tracer which have exited. Returns how many are left. */
size_t target_reap(struct target *t, struct tracer *tracer);

#endif
