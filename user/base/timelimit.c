// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/timelimit.h"

#include "base/clock.h"

static _Thread_local uint64_t end_ns;	/* 0: none */

void timelimit_start(uint64_t ns)
{
	end_ns = monotonic_ns() + ns;
}

bool timelimit_stop(void)
{
	const bool over = timelimit_is_over();

	end_ns = 0;
	return over;
}

void timelimit_add(uint64_t ns)
{
	if (end_ns)
		end_ns += ns;
}

bool timelimit_is_over(void)
{
	return end_ns && monotonic_ns() >= end_ns;
}
