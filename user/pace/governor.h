/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --max-overhead: decides when the probes are attached, so that tracing costs no more than a share of a CPU. Pure
 * logic: it takes the time and the hits, and returns what to do.
 *
 *   phase   ALWAYS              REST     WAIT      WINDOW   REST       WAIT            WINDOW  REST
 *   probes  ====================|                 |======|                            |=====|
 *           all is counted, f=1 |<----- stratum C, f = C/W -------->|<----- stratum C, f = C/W ------->|
 *
 * While the cost is within the budget, the probes stay. When the debt (cost less budget, with a credit of at most 2 s;
 * until it is used up for the first time, 5 ms of cost, since a program that has just begun may end soon) is used up,
 * time is cut into strata, and in each there is one window, at a random place, in which the probes are
 * attached; what is counted in it stands for the whole stratum, so it is multiplied by f = C/W. Each moment of a
 * stratum is in its window with the same probability W/C, whatever the program does and however periodically, and C and
 * W are settled before the stratum begins, from the past alone: that makes the sum unbiased. One ratio for the whole
 * run (time / time traced) would not do: busy times get small shares, that is the purpose, and would count for too
 * little beside idle ones. So f belongs to the samples, like their weight, and has to be applied when they are counted.
 * It is a forecast: what a window really stands for, in time or better in work, pace/scale.h works out afterwards.
 *
 * The windows' length: a stratum is a second, and its window as long as the budget allows, but 20 ms at least; if that
 * is too dear, strata are longer. What matters for the error is the number of windows, but attaching and detaching have
 * their price as well:
 *
 * Detaching takes 30 to 60 ms. The kernel takes the programs off the probes first, then waits for an RCU grace period
 * in percpu_down_write(&dup_mmap_sem), and only then removes the breakpoints (kernel/events/uprobes.c
 * register_for_each_vma()): until then the process takes a trap for each call that nobody counts (measured on 6.18). It
 * doesn't wait if the semaphore was taken just before. So whoever detaches should attach and keep some probe that is
 * never hit first, and let that wait, while counting goes on; breakpoints are then gone after 1 ms. Hence tail_ns, and
 * why a window ends some time after it was told to, which is learnt and planned for.
 */
#ifndef ALLOCTRACE_PACE_GOVERNOR_H
#define ALLOCTRACE_PACE_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

enum governor_action { GOVERNOR_NONE, GOVERNOR_ATTACH, GOVERNOR_DETACH };

struct governor_options {
	double budget;		/* CPUs: 0.05 is 5 % of one. For n processes, n times that */
	double hit_ns;		/* what one hit costs */
	double switch_ns;	/* what attaching and detaching cost the processes together, hits apart */
	double tail_ns;		/* how long probes are hit, and not counted, after counting has stopped */
	uint64_t seed;
};

struct governor;

/* The probes are attached, and calls counted, from now on. now_ns: CLOCK_MONOTONIC. hits: of all probes since any time,
 * counted or not. */
struct governor *governor_new(const struct governor_options *o, uint64_t now_ns, uint64_t hits);
/* NULL is a no-op. */
void governor_free(struct governor *g);
/* The budget (a process has come or gone), and the cost of the hits to come, as it is known better (sampling). */
void governor_set(struct governor *g, double budget, double hit_ns);

/*
 * What to do now. ATTACH: attach, not counting yet; then governor_attached(). DETACH: stop counting, detach, then
 * governor_detached(). Until that is called, it gives no other advice.
 */
enum governor_action governor_tick(struct governor *g, uint64_t now_ns, uint64_t hits);
/* How many strata have begun: the next one does in governor_tick() and governor_detached(). */
uint64_t governor_strata(const struct governor *g);
/* When to call governor_tick() at the latest, ns; UINT64_MAX: it doesn't matter. */
uint64_t governor_wake_ns(const struct governor *g);
/*
 * All are attached. slowdown: by how much more each process does without probes (kern/slowdown.h), 1 if that isn't
 * known. Returns, << 16 and at least 1 << 16, what each sample that is counted from now_ns on stands for: itself, and
 * f - 1 times slowdown of the time without probes.
 */
uint64_t governor_attached(struct governor *g, uint64_t now_ns, uint64_t hits, double slowdown);
/* f: the time that each moment since then stands for. */
double governor_stretch(const struct governor *g);
/* Instead of detaching, what cost so much was done away with. */
void governor_stays(struct governor *g);
/* All are detached. Counting stopped at stop_ns, with stop_hits. */
void governor_detached(struct governor *g, uint64_t stop_ns, uint64_t stop_hits, uint64_t now_ns, uint64_t hits);

struct governor_account {
	uint64_t elapsed_ns, traced_ns;	/* traced: counting */
	double cost_ns;			/* CPU time that tracing took */
	uint64_t windows;		/* closed */
};

/* As of now; while attached or not. */
struct governor_account governor_account(const struct governor *g, uint64_t now_ns, uint64_t hits);

#endif
