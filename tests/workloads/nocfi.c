// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two halves, to be built in two ways (live/nocfi.sh): 103 calls of malloc, all with the stack
 *
 *     leaf < middle < outer < with_rules < above < main
 *
 * of which the first three are the half without unwind rules (-DBARE).
 */
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

void *outer(int n);

#ifdef BARE
NOINLINE static void *leaf(int n)
{
	void *p = malloc(n);

	*(volatile int *)&n;
	return p;
}

NOINLINE static void *middle(int n, void *(*f)(int))
{
	char b[64];
	void *p;

	((volatile char *)b)[n & 63] = 1;
	p = f(n);
	((volatile char *)b)[0] = 2;
	return p;
}

NOINLINE void *outer(int n)
{
	int a = n * 2;
	void *p = middle(n, leaf);

	((volatile int *)&a)[0]++;
	return p;
}
#else
NOINLINE static void with_rules(void)
{
	for (int i = 0; i < 103; i++)
		*(void *volatile *)&(void *){0} = outer(100);
}

NOINLINE static void above(void)
{
	with_rules();
	__asm__ volatile("");
}

int main(void)
{
	above();
	return 0;
}
#endif
