/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * N distinct stacks of the same depth, the same number of calls each: a stack is a number, its bits the way down.
 *
 *     descend -> one -> descend -> zero -> … -> leaf -> malloc
 *
 * usage: stacks [-w] N [ROUNDS [DEPTH]]     (N <= 2^DEPTH, DEPTH <= 40, 14 unless told)
 * On stdout: ns NANOSECONDS per call; bytes BYTES calls CALLS.
 */
#include "workload.h"

#include <stdbool.h>

#define SIZE 13

NOINLINE void descend(unsigned long bits, unsigned depth);

NOINLINE void leaf(void);
NOINLINE void leaf(void)
{
	free(opaque(malloc(SIZE)));
}

NOINLINE void zero(unsigned long bits, unsigned depth);
NOINLINE void zero(unsigned long bits, unsigned depth)
{
	descend(bits >> 1, depth - 1);
	opaque(NULL);
}

NOINLINE void one(unsigned long bits, unsigned depth);
NOINLINE void one(unsigned long bits, unsigned depth)
{
	descend(bits >> 1, depth - 1);
	opaque(NULL);
}

void descend(unsigned long bits, unsigned depth)
{
	if (!depth)
		leaf();
	else if (bits & 1)
		one(bits, depth);
	else
		zero(bits, depth);
	opaque(NULL);
}

int main(int argc, char **argv)
{
	unsigned long arg[3] = {10, 1009, 14};
	bool wait = false;
	uint64_t t;

	for (int i = 1, n = 0; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			wait = true;
		else if (n < 3)
			arg[n++] = number(argv[i]);
	}
	if (arg[2] > 40 || arg[0] > 1ul << arg[2] || !arg[0] || !arg[1])
		return 2;
	if (wait)
		wait_for_go();
	t = now_ns();
	for (unsigned long round = 0; round < arg[1]; round++) {
		for (unsigned long s = 0; s < arg[0]; s++)
			descend(s, (unsigned)arg[2]);
	}
	t = now_ns() - t;
	say("ns %.1f\nbytes %lu calls %lu\n", (double)t / (double)(arg[0] * arg[1]), arg[0] * arg[1] * SIZE,
	    arg[0] * arg[1]);
	return 0;
}
