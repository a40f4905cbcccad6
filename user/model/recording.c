// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/recording.h"

#include <math.h>

/* Of calls that map memory. */
static double lost_maps(const struct recording *r)
{
	const uint64_t lost = r->mapped.lost;

	if (!lost)
		return 0;
	return (double)lost / ((double)lost + (double)recording_total(r, PROFILE_MAPPED).calls +
			       (double)r->mapped.allocator_calls);
}

double recording_lost_share(const struct recording *r)
{
	const uint64_t left_out = r->filtered + r->account.unsampled;
	uint64_t lost = 0, wanted = r->seen.calls > left_out ? r->seen.calls - left_out : 0;

	for (size_t i = 0; i < r->n_losses; i++)
		lost += r->losses[i].n;
	return fmax(lost < wanted ? (double)lost / wanted : lost > 0, lost_maps(r));
}
