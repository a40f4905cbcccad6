/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a run to what is written: fills a report and hands it to the format that was chosen, where it was asked for. */
#ifndef ALLOCTRACE_CLI_REPORTING_H
#define ALLOCTRACE_CLI_REPORTING_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/adapt.h"
#include "cli/options.h"
#include "trace/tracer.h"

struct reporting;

/* What a report came to, for the exit status. */
struct reporting_result {
	uint64_t recorded;	/* calls */
	double lost_share;	/* report_lost_share() */
	bool reader_gone;	/* of a pipe */
	uint64_t hits;		/* of probes */
	uint64_t filtered;	/* calls that were left out by their size */
};

/* Opens the output file where it is one that is written once, so that a path that cannot be written is said before
 * anything is traced. first_pid: what %p stands for. Everything is borrowed. 0, or -errno with a message said. */
int reporting_open(const struct options *o, struct tracer *t, pid_t first_pid, struct reporting **out);
/* Gives an output up that has not been written. close(NULL) is fine. */
void reporting_close(struct reporting *r);

/* A mark was set. since_ns: the start of the run. */
void reporting_mark(struct reporting *r, uint64_t since_ns);

struct reporting_moment {
	uint64_t interval;	/* from 1; 0: the last (or only) report */
	uint64_t start_ns;	/* of the run, CLOCK_MONOTONIC */
	uint64_t duration_ns;	/* what the counters cover */
	uint64_t min_age_ns;	/* of leaks, as they were collected */
	bool ended;		/* the command is over */
	struct adapt *adapt;
};

/* A report of what was collected. 0, or -errno with a message said. */
int reporting_write(struct reporting *r, const struct reporting_moment *m, struct reporting_result *result);

#endif
