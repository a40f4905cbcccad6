/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by cmd_trace.c and run_signals.c only. */
/* Part of cli/cmd.h. */
#ifndef ALLOCTRACE_CLI_RUN_H
#define ALLOCTRACE_CLI_RUN_H

#include <signal.h>
#include <stdatomic.h>

#include "cli/cmd.h"
#include "cli/guard.h"
#include "cli/nothing.h"
#include "cli/present.h"
#include "cli/reporter.h"
#include "cli/selection.h"
#include "pace/adapt.h"
#include "proc/launch.h"
#include "snapshot/snapshot.h"
#include "trace/target.h"
#include "trace/tracer.h"

/* What a report came to, for the exit status. */
struct result {
	uint64_t recorded;	/* calls */
	double lost_share;	/* recording_lost_share() */
	bool reader_gone;	/* of a pipe */
	uint64_t hits;		/* of probes */
	uint64_t filtered;	/* calls that were left out by their size */
};

struct run {
	struct options o;	/* with what the terminal implies */
	struct tracer *tracer;
	struct snapshot *snapshot;
	struct present *present;
	struct reporter *reporter;
	struct adapt *adapt;
	struct launch *launch;
	struct guard *guard;
	struct tracer *_Atomic opened;	/* for the guard; NULL: nothing can be attached yet */
	struct target *target;
	struct selection selection;
	struct buf selected;	/* the same for people */
	int epoll, signals;
	sigset_t signal_set;	/* what comes by `signals` */
	_Atomic(int) interrupts;
	uint64_t start_ns, end_ns;
	uint64_t events_ns;	/* when the processes last had something to say */
	uint64_t interval, next_ns;	/* reports at intervals so far; when the next one is due */
	uint64_t collected_ns;	/* the latest report */
	struct result result;	/* of that */
	uint32_t generation;	/* marks that were set */
	struct nothing *nothing;	/* of the only process; NULL: there are several */
	bool unnamed;		/* a function of the command line was not found */
	_Atomic(bool) stop;	/* tracing is to end, with a report */
	_Atomic(uint64_t) ended_ns;	/* when the guard ended it; 0: it did not */
	bool list_ended, said_left;	/* every process of the list has; that others go on */
	bool cmd_ended, ending;	/* ending: what the target does from now on is not reported */
	int cmd_status;		/* as of waitpid() */
};

/* Signals come by a descriptor from here on, and the run waits for it. Returns 0, or -errno after logging an error. */
int run_open_signals(struct run *r);
void run_read_signals(struct run *r);
int run_start_guard(struct run *r);
/* The run waits for the descriptor, too. Returns 0, or -errno after logging an error. */
int run_watch_fd(struct run *r, int fd);

#endif
