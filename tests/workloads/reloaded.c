/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Libraries that take each other's place (reloader.c): the same code but for the name and the size of a frame, so that
 * the rules of one find no way through the stack of the other. Built with SITE, SIZE (of the block), ROOM (bytes).
 */
#include "workload.h"

NOINLINE void SITE(void);
NOINLINE void SITE(void)
{
	volatile char room[ROOM];

	room[0] = 1;
	free(opaque(malloc(SIZE)));
	room[1] = room[0];
}

void run(void);
void run(void)
{
	SITE();
	opaque(NULL);
}

/* No other address than its arguments': it can be run wherever it is mapped. */
void run_mapped(void *(*allocate)(size_t), void (*release)(void *));
void run_mapped(void *(*allocate)(size_t), void (*release)(void *))
{
	volatile char room[ROOM];

	room[0] = 1;
	release(allocate(SIZE));
	room[1] = room[0];
}
