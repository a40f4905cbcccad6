/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library for dlopener: what is left of a call on the stack, in a frame that does not write there, while another one
 * is made from that frame.
 */
#include "workload.h"

#define CALLS 601

static NOINLINE void first(void)
{
	opaque(malloc(11));
}

static NOINLINE void second(void)
{
	char room[1024];

	opaque(room);
	opaque(malloc(607));
}

void plugin_work(size_t *bytes, size_t *calls);
void plugin_work(size_t *bytes, size_t *calls)
{
	for (int i = 0; i < CALLS; i++) {
		first();
		second();
	}
	*bytes += CALLS * (11 + 607);
	*calls += CALLS * 2;
}
