/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and writes reports: from files of the target that may be large or damaged, to readers that may be slow. Reports
 * at intervals are made in a thread of their own, one at a time, so that tracing goes on meanwhile.
 */
#ifndef ALLOCTRACE_CLI_REPORTER_H
#define ALLOCTRACE_CLI_REPORTER_H

#include <stdbool.h>

#include "base/rights.h"
#include "cli/guard.h"
#include "cli/options.h"
#include "cli/present.h"
#include "model/recording.h"
#include "snapshot/snapshot.h"

struct reporter;

/* Everything is borrowed. */
struct reporter *reporter_new(const struct options *o, struct snapshot *s, struct present *p, struct guard *g);
/* Waits for the report under way. NULL is a no-op. */
void reporter_free(struct reporter *rp);
/* False: a report is under way, and its recording must not change. */
bool reporter_is_free(const struct reporter *rp);
/* Makes a report of what snapshot_take() has filled; *rec and *rights are copied. The reporter must be free. */
void reporter_start(struct reporter *rp, const struct recording *rec, const struct rights *rights);
/* Waits for the report under way, if there is one. Returns 0, or -errno of a report since the last call, which was
 * logged; *reader_gone is set where the reader of a pipe went away, which is no error. */
int reporter_finish(struct reporter *rp, bool *reader_gone);
/* The same at once, by the calling thread: the last report, which may fetch debug files from servers. */
int reporter_write(struct reporter *rp, const struct recording *rec, const struct rights *rights, bool *reader_gone);

#endif
