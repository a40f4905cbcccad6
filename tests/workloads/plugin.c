/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library that dlopener loads. */
#include "workload.h"

#define CALLS 601
#define SIZE 607

void plugin_work(size_t *bytes, size_t *calls);
void plugin_work(size_t *bytes, size_t *calls)
{
	for (size_t i = 0; i < CALLS; i++)
		free(opaque(malloc(SIZE)));
	*bytes += CALLS * SIZE;
	*calls += CALLS;
}
