/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snapshot/account.h"

struct recording_account account_of(const uint64_t c[COUNT_MAX], uint64_t recorded, uint64_t lost_frames,
				 bool checked)
{
	struct recording_account a = {
		.seen = c[COUNT_SEEN], .recorded = recorded, .filtered = c[COUNT_FILTERED],
		.unsampled = c[COUNT_UNSAMPLED], .lost = kern_lost(c) + lost_frames, .checked = checked,
	};
	uint64_t sum = a.recorded + a.filtered + a.unsampled + a.lost;

	a.unaccounted = sum > a.seen ? sum - a.seen : a.seen - sum;
	return a;
}

size_t account_losses(const uint64_t c[COUNT_MAX], uint64_t lost_frames, uint64_t lost_room,
		      const struct recording_account *a, struct recording_count losses[ACCOUNT_MAX_LOSSES])
{
	const struct recording_count all[ACCOUNT_MAX_LOSSES] = {
		{"stack table full (--max-stacks)", c[COUNT_LOST_TABLE]},
		{"frames never arrived (--ring-size)", lost_frames - lost_room},
		{"no memory left for stacks (--max-memory)", lost_room},
		{"table of live blocks full (--max-blocks)", c[COUNT_LOST_BLOCK]},
		{"table of histograms full (--max-stacks)", c[COUNT_LOST_HIST]},
		{"no working memory", c[COUNT_LOST_SCRATCH]},
		{"came in the midst of another's being counted", c[COUNT_LOST_MISSED]},
		{"arguments of a USDT probe unreadable", c[COUNT_LOST_ARGS]},
		{"return not seen", c[COUNT_LOST_RETURN]},
		{"unaccounted", a->checked ? a->unaccounted : 0},
	};
	size_t n = 0;

	for (size_t i = 0; i < ACCOUNT_MAX_LOSSES; i++)
		if (all[i].n)
			losses[n++] = all[i];
	return n;
}
