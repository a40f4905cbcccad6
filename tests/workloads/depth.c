/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tight malloc/free loop behind exactly FRAMES frames, for what walking a stack costs by its depth:
 *
 *     _start, __libc_start_main, __libc_start_call_main, main -> step_0 -> step_1 -> ... -> bottom -> malloc
 *
 * The steps have frames of different sizes that save different registers, so that neighbours differ in their rule.
 * Built twice: without frame pointers, as distributions build, and as depth-fp with them.
 *
 * usage: depth [-w] FRAMES [PAIRS]
 *   -w  says "ready" and waits for a line on stdin
 * On stdout: ns NANOSECONDS per pair; bytes BYTES calls CALLS.
 */
#include "workload.h"

#include <stdbool.h>

#define SIZE 31
#define AROUND 5	/* frames that are no steps: bottom, main and those above it in libc */
#define STEPS 7

typedef void step_fn(unsigned left, unsigned long a, unsigned long b);

static step_fn *steps[STEPS];
static size_t pairs = 300007;

NOINLINE void bottom(size_t n);
NOINLINE void bottom(size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(opaque(malloc(SIZE)));
}

static inline __attribute__((always_inline)) void go_on(unsigned left, unsigned long a, unsigned long b)
{
	if (left)
		steps[left % STEPS](left - 1, a, b);
	else
		bottom(pairs);
	opaque(NULL);
}

/* What lives across the call is in registers that the step has to save. */
#define LIVES(v) __asm__ volatile("" : "+r"(v))

#define STEP(n, locals, keep) \
	static NOINLINE void step_##n(unsigned left, unsigned long a, unsigned long b) \
	{ \
		char local[locals]; \
		unsigned long c = a ^ b, d = a + b; \
 \
		opaque(local); \
		LIVES(c); \
		LIVES(d); \
		go_on(left, d, c); \
		if (keep > 0) \
			LIVES(a); \
		if (keep > 1) \
			LIVES(b); \
		if (keep > 2) \
			LIVES(c); \
		if (keep > 3) \
			LIVES(d); \
		opaque(local); \
	}

STEP(0, 8, 0)
STEP(1, 24, 1)
STEP(2, 8, 2)
STEP(3, 120, 4)
STEP(4, 40, 3)
STEP(5, 8, 4)
STEP(6, 72, 1)

static step_fn *steps[STEPS] = {step_0, step_1, step_2, step_3, step_4, step_5, step_6};

int main(int argc, char **argv)
{
	unsigned long frames = 0, numbers = 0;
	bool wait = false;
	uint64_t t;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			wait = true;
		else if (!numbers++)
			frames = number(argv[i]);
		else
			pairs = number(argv[i]);
	}
	if (frames <= AROUND || frames > 1000 || !pairs)
		return 2;
	if (wait)
		wait_for_go();
	t = now_ns();
	steps[0]((unsigned)frames - AROUND - 1, frames, pairs);
	t = now_ns() - t;
	say("ns %.1f\nbytes %zu calls %zu\n", (double)t / (double)pairs, pairs * SIZE, pairs);
	return 0;
}
