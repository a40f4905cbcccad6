/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands, one cmd_*.c each. They return the exit status. */
/* Part of cli/options.h. */
#ifndef ALLOCTRACE_CLI_CMD_H
#define ALLOCTRACE_CLI_CMD_H

#include "cli/options.h"

enum exit_status {
	STATUS_DONE,
	STATUS_FAILED,		/* the reason was logged */
	STATUS_USAGE,
	STATUS_NOTHING,		/* nothing was recorded */
	STATUS_INCOMPLETE,	/* more than 1 % was lost, or tracing cost more than --max-overhead */
	STATUS_HUNG,		/* there is no report: making it hung in a system call */
};

/* Traces, and reports. With a launched command that ran to its end: the command's own status (128 + signal if a signal
 * killed it), unless alloctrace itself failed. */
int cmd_trace(const struct options *o);
/* cmd_trace() with --duration 0. */
int cmd_instant(const struct options *o);
/* Shows recordings. */
int cmd_report(const struct options *o);
/* Compares recordings; STATUS_FAILED where --fail-above fires, too. */
int cmd_diff(const struct options *o);
/* Shows what grows over recordings. */
int cmd_trend(const struct options *o);
/* Shows what this kernel, these privileges and the processes of -p allow. */
int cmd_check(const struct options *o);

#endif
