/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much less a program does while there are probes. Pure arithmetic.
 *
 * What is counted in a window stands for the time without probes around it. But a program that has no idle time, or
 * that others wait for, does less in a window: it pays for each hit. What it does goes with the CPU time that it has
 * for its own work; so what is counted has to be multiplied by
 *
 *	slowdown = own time per time, without probes / own time per time, with probes
 *
 * Both are sampled (bpf/owntime.bpf.c). The processes' clocks would be exact without probes, but count what samples
 * can't see: on the way into sleep and out of it interrupts are off. Of a program that wakes up 1,700 times a second
 * for a few microseconds they told seven times as much. A program that does the same either way, as one that works at
 * a given rate, has a slowdown of 1, and none is taken for it unless it stands out of the noise: tracing makes nothing
 * faster. Nor is it more than what the probes have taken of the program's time: where they took little, and it did
 * little, there was little to do just then.
 */
#ifndef ALLOCTRACE_KERN_SLOWDOWN_H
#define ALLOCTRACE_KERN_SLOWDOWN_H

/* Of the times with probes, or without; older ones count for less. {0}: nothing is known. */
struct slowdown_share {
	double period_ns;
	double own, busy, ns;		/* samples */
	double n, sum, square;		/* of these times: own time per time */
};

struct slowdown {
	struct slowdown_share with, without;
};

/* In a time of ns, with one sample each period_ns (the same each time): how many were of the program's own work, and
 * how many of that and of probes. */
void slowdown_add(struct slowdown_share *s, double own, double busy, double period_ns, double ns);
/* At least 1; 1 as long as nothing else can be told. *error: its relative standard error. */
double slowdown_factor(const struct slowdown *s, double *error);

#endif
