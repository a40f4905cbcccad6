/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of every call that a probe saw. */
#ifndef ALLOCTRACE_SNAPSHOT_ACCOUNT_H
#define ALLOCTRACE_SNAPSHOT_ACCOUNT_H

#include "kern/kern.h"
#include "model/recording.h"

#define ACCOUNT_MAX_LOSSES 10

/* recorded: calls that are in the tables. lost_frames: others, whose frames never arrived. checked: they were read in
 * the same instant as the counts. */
struct recording_account account_of(const uint64_t counts[COUNT_MAX], uint64_t recorded, uint64_t lost_frames,
				 bool checked);
/* The losses that there are, by reason; returns how many reasons. lost_room: of lost_frames, those that came and found
 * no memory. */
size_t account_losses(const uint64_t counts[COUNT_MAX], uint64_t lost_frames, uint64_t lost_room,
		      const struct recording_account *a, struct recording_count losses[ACCOUNT_MAX_LOSSES]);

#endif
