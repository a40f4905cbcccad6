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
 * Without probes all CPU time is its own; with them it is sampled what is (bpf/owntime.bpf.c). A program that does the
 * same either way, as one that works at a given rate, has a slowdown of 1, and none is taken for it unless it stands
 * out of the noise: tracing makes nothing faster.
 */
#ifndef ALLOCTRACE_KERN_SLOWDOWN_H
#define ALLOCTRACE_KERN_SLOWDOWN_H

/* {0}: nothing is known. Older windows count for less. */
struct slowdown {
	double in_samples, in_ns;	/* with probes */
	double out_own_ns, out_ns;	/* without */
	double n, sum, square;		/* of the windows: own time per time */
};

/* samples: of the program's own work, one each period_ns, in ns of time with probes. */
void slowdown_in(struct slowdown *s, double samples, double ns, double period_ns);
/* own_ns: CPU time, in ns of time without probes. */
void slowdown_out(struct slowdown *s, double own_ns, double ns);
/* At least 1; 1 as long as nothing else can be told. *error: its relative standard error. period_ns: as above. */
double slowdown_factor(const struct slowdown *s, double period_ns, double *error);

#endif
