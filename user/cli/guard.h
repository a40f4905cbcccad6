/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the end of tracing, whatever the main thread is in: a target may give it more to read, to name or to wait for
 * than there is time. A thread of its own sees the signals that the main thread did not take within GUARD_GRACE_NS, and
 * the time when tracing is to end. At either it stops the counting and takes the probes out; the main thread finishes
 * when it can. If it can't, alloctrace ends without a report:
 *
 *     a signal before everything is attached        GUARD_ATTACH_NS later
 *     it, or the thread that makes a report, hangs  GUARD_HANG_NS later: it has used no CPU for that long
 *     in a system call
 */
#ifndef ALLOCTRACE_CLI_GUARD_H
#define ALLOCTRACE_CLI_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>

#define GUARD_GRACE_NS 30000000ULL
#define GUARD_ATTACH_NS 60000000ULL
#define GUARD_HANG_NS 10000000000ULL

struct guard;

/* All are called by the guard's thread. */
struct guard_calls {
	/* A signal that the main thread did not take. True: tracing is to end for it. */
	bool (*on_signal)(void *arg, const struct signalfd_siginfo *si);
	/* Nothing is counted from now on, and the probes go. Called once. */
	void (*end)(void *arg);
	/* Says that there will be no report, and leaves what is traced in a good state; alloctrace ends then. Returns
	 * the exit status. hangs: in a system call, while it makes the report; otherwise nothing was traced yet. */
	int (*give_up)(void *arg, bool hangs);
	void *arg;
};

/* Call it from the main thread. signals: blocked in all threads, and read by the main thread from a signalfd of its
 * own. Returns 0, or -errno after logging an error. */
int guard_start(const sigset_t *signals, const struct guard_calls *calls, struct guard **out);
/* The calling thread makes a report: that it hangs is as if the main thread did; and it is done. One at a time. */
void guard_watch(struct guard *g);
void guard_unwatch(struct guard *g);
/* Everything is attached; tracing ends then (monotonic_ns(); UINT64_MAX: not by time). */
void guard_attached(struct guard *g, uint64_t end_ns);
/* The main thread knows that tracing is over. */
void guard_ending(struct guard *g);
/* The report is made: from here on only signals matter. */
void guard_done(struct guard *g);
/* NULL is a no-op. */
void guard_free(struct guard *g);

#endif
