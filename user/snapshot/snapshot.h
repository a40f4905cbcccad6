/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a run to a recording: what the BPF side counted so far, scaled up where it was not counted all the time. */
#ifndef ALLOCTRACE_SNAPSHOT_SNAPSHOT_H
#define ALLOCTRACE_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/recording.h"
#include "pace/adapt.h"
#include "sym/symbolizer.h"
#include "trace/tracer.h"

struct snapshot;

struct snapshot_options {
	uint32_t views;		/* VIEW_BIT()s */
	uint64_t temp_age_ns, sample_bytes;
	double max_overhead;
	uint64_t ops;		/* of the whole run; 0: not known */
	bool delta;		/* intervals count alone */
	bool parts;		/* what was allocated in each is kept (profile_end_part()) */
	bool threads;		/* are told apart; */
	bool goroutines, labels;	/* likewise */
	bool unnamed;		/* frames are not to be named */
	bool identifies;	/* files are to be found again: modules_identify() of all */
	bool no_cost;		/* nobody asks what a probe hit costs */
	bool kernel;		/* nothing is hit: it is about what the kernel allocates */
	const char *selection;	/* who is traced, where processes come and go; NULL: the target says it. Borrowed */
	const char *suppress;	/* a file of suppressions; NULL: none */
	struct symbolizer_options naming;
};

/* The tracer is borrowed. Returns 0, or -errno after logging an error. */
int snapshot_open(const struct snapshot_options *o, struct tracer *t, struct snapshot **out);
/* NULL is a no-op. */
void snapshot_close(struct snapshot *s);

/* A mark was set. since_ns: the start of the run. */
void snapshot_mark(struct snapshot *s, uint64_t since_ns);

struct snapshot_moment {
	uint64_t interval;	/* from 1; 0: the last (or only) one */
	uint64_t start_ns;	/* of the run, CLOCK_MONOTONIC */
	uint64_t duration_ns;	/* that the counters cover */
	uint64_t until_ns;	/* when they were read, since the start */
	uint64_t min_age_ns;	/* of leaks, as they were collected */
	bool ended;		/* the command is over */
	uint64_t cpu_ns;	/* that it took in all; 0: not known */
	struct adapt *adapt;
};

/* After tracer_collect(), once. *r is valid until the next one, and the run does not change it: another thread may show
 * it while tracing goes on. The last one (interval 0) takes the profile out of the tracer. */
void snapshot_take(struct snapshot *s, const struct snapshot_moment *m, struct recording *r);
/* What a recording says of Go's records. */
struct recording_runtime snapshot_runtime(struct golive_sums go);
/* To be called before *r is shown, by the thread that shows it: what needs the target's files. Names are looked up when
 * they are asked for. */
void snapshot_name(struct snapshot *s, struct recording *r);
/* Growth in the next recordings is since this one, which was shown. */
void snapshot_remember(struct snapshot *s);

#endif
