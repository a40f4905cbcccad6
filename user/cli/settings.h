/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command line means for each part of a run. */
#ifndef ALLOCTRACE_CLI_SETTINGS_H
#define ALLOCTRACE_CLI_SETTINGS_H

#include "cli/options.h"
#include "pace/adapt.h"
#include "snapshot/snapshot.h"

struct pace_options settings_pace(const struct options *o);
/* governed: adapt_governs(). */
struct kern_options settings_kern(const struct options *o, bool governed);
struct snapshot_options settings_snapshot(const struct options *o);

#endif
