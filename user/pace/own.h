/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU time that a target takes for itself in sampling windows: all of it, less that of the probes.
 *
 * What a hit costs is measured before (kern_calibrate()), elsewhere and at another time. On a machine that
 * others keep busy windows of one run differ widely in what hits seem to cost. But probes take system time, and the
 * kernel's clock tick samples who runs, in user or in system mode: if a window has more system time for the same user
 * time than the time around it, that is the probes'. Both kinds slow down alike when the CPU does.
 *
 *     ticks in windows    user = u + PHI h     system = r u + (1 - PHI) h     u: the target's own, h: the probes'
 *     around them         r = system / user
 *
 * Both measurements are combined, weighted by their variances; where they contradict, the error covers it.
 *
 * PHI: a part of each trap is with interrupts off, and a tick that comes then is delivered in user mode. Ticks are few,
 * and PHI is known roughly.
 */
#ifndef ALLOCTRACE_PACE_OWN_H
#define ALLOCTRACE_PACE_OWN_H

struct own_ticks {
	double user, system;
};

struct own_cpu {
	double cpu_ns, probes_ns;	/* in windows: all, and of that the probes', as calibrated */
	struct own_ticks inside, outside;	/* of windows */
};

struct own_factor {
	double factor;	/* by which the calibrated cost of a hit has to be multiplied */
	double error;	/* relative standard error of it */
};

/* What the kernel's clock tick lasts, ns. */
double own_tick_ns(void);

struct own_factor own_factor(const struct own_cpu *c);

#endif
