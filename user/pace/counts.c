// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace/counts.h"

double counts_calls(const uint64_t c[COUNT_MAX])
{
	return c[COUNT_SEEN] + (double)c[COUNT_BEYOND_CALLS] / (1 << CALLS_SHIFT);
}

double counts_bytes(const uint64_t c[COUNT_MAX])
{
	return (double)c[COUNT_SEEN_BYTES] + c[COUNT_BEYOND_BYTES];
}

uint64_t counts_samples(const uint64_t c[COUNT_MAX])
{
	return c[COUNT_RECORDED] + kern_lost(c);
}

struct rate_counters counts_for_rate(const uint64_t c[COUNT_MAX])
{
	return (struct rate_counters){
		.calls = c[COUNT_SEEN] - c[COUNT_FILTERED],
		.bytes = c[COUNT_SEEN_BYTES] - c[COUNT_FILTERED_BYTES], .samples = counts_samples(c),
	};
}
