/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be shown of a profile. A new view is a row here, a heading, and what fills the kind of counters it shows. */
#include "view/headings.h"

#define NO_STACKS (VIEW_AS_TABLE | VIEW_AS_RECORDING)
#define NO_OPS (NO_STACKS | VIEW_AS_STACKS | VIEW_AS_SOURCE)
#define ANY_FORM (NO_OPS | VIEW_AS_BENCHMARK)

const struct view_kind view_kinds[VIEW_KINDS + 1] = {
	[VIEW_ALLOC] = {
		"alloc", "what was allocated",
		.counted = PROFILE_ALLOC, .forms = ANY_FORM, .in_summary = true, .heading = heading_alloc,
	},
	[VIEW_LIVE] = {
		"live", "what is live now: allocated, and not freed yet",
		.counted = PROFILE_LIVE, .forms = ANY_FORM, .blocks = true, .state = true, .by_age = true,
		.heading = heading_live,
	},
	[VIEW_LEAKS] = {
		"leaks", "what is live, and older than --min-age",
		.counted = PROFILE_LEAKS, .forms = ANY_FORM, .blocks = true, .state = true, .by_age = true,
		.heading = heading_leaks,
	},
	[VIEW_PEAK] = {
		"peak", "what was live when the live heap was at its highest",
		.counted = PROFILE_PEAK, .forms = NO_OPS, .blocks = true, .state = true, .heading = heading_peak,
	},
	[VIEW_TEMP] = {
		"temp", "what was freed within --temp-age, or before the thread's next allocation",
		.counted = PROFILE_TEMP, .forms = ANY_FORM, .blocks = true, .part = true, .heading = heading_temp,
	},
	[VIEW_LIFETIMES] = {
		"lifetimes", "how long blocks lived until they were freed, by powers of two",
		.counted = PROFILE_FREED, .forms = NO_STACKS, .blocks = true, .state = true, .histogram = true,
		.hist = PROFILE_LIFETIMES, .heading = heading_lifetimes,
	},
	[VIEW_SIZES] = {
		"sizes", "sizes of allocations, by powers of two",
		.counted = PROFILE_ALLOC, .forms = NO_STACKS, .state = true, .histogram = true,
		.hist = PROFILE_SIZES, .heading = heading_sizes,
	},
	[VIEW_RSS] = {
		"rss", "what made resident memory grow, at page faults",
		.counted = PROFILE_ALLOC, .forms = NO_OPS, .counts_head = "FAULTS", .in_summary = true,
		.heading = heading_rss,
	},
	[VIEW_MAPPED] = {
		"mapped", "what the program mapped itself: mmap, mremap, brk",
		.counted = PROFILE_MAPPED, .forms = NO_OPS, .heading = heading_mapped,
	},
	[VIEW_MAPPINGS] = {
		"mappings", "what of this is still mapped",
		.counted = PROFILE_MAPPED_LIVE, .forms = NO_OPS, .counts_head = "MAPS", .state = true,
		.heading = heading_mappings,
	},
};

const struct view_kind view_since_mark = {
	.name = "since mark", .counted = PROFILE_MARKED, .forms = VIEW_AS_TABLE, .blocks = true, .state = true,
	.generations = true, .heading = heading_since_mark,
};

uint32_t views_by_age(void)
{
	uint32_t views = 0;

	for (uint32_t i = 0; i < VIEW_KINDS; i++)
		views |= view_kinds[i].by_age ? VIEW_BIT(i) : 0;
	return views;
}
