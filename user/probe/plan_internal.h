/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan in the making: shared by plan.c and plan_nest.c only. */
#ifndef ALLOCTRACE_PROBE_PLAN_INTERNAL_H
#define ALLOCTRACE_PROBE_PLAN_INTERNAL_H

#include "base/map.h"
#include "base/mem.h"
#include "elf/ehframe.h"
#include "elf/fdestart.h"
#include "elf/imports.h"
#include "elf/symbols.h"
#include "probe/flow.h"
#include "probe/plan.h"

/* Enough for every path that matters in the allocators known; a longer one counts as not followed. */
#define WALK_INSNS 1200

/* One row of the families as it is in this file. */
struct candidate {
	const struct alloc_function *fn;
	struct elf_symbol sym;
	bool probed;		/* as far as is known by now */
	int same_as;		/* the first row with this address; itself if it is the first */
	int forwards;		/* the row that does all its work, -1 */
	struct flow_result flow;
	uint8_t skip_arg;
	uint64_t skip_max;
	const char *overlap;
	bool nests;		/* as in struct plan_probe */
	struct site site;
	uint8_t *body;
	size_t body_size;
	vec_of(struct flow_range) callers;	/* vaddrs [lo, hi) */
};

/* A set of rows. */
struct rows {
	uint64_t bits[PLAN_MAX_FUNCTIONS / 64];
};

struct planner {
	const struct elf_file *ef;
	unsigned int flags;
	struct elf_imports *imports;
	struct flow_file *ff;
	struct candidate *c;
	int n;
	struct elf_fdes *fdes;	/* one of these two, once can_unwind() was asked */
	struct unwind_table *rows;
	bool asked;
	struct u64map helpers;	/* a helper's vaddr -> its place in tails */
	vec_of(struct rows) tails;	/* what a helper jumps to */
	vec_of(struct plan_probe) probes;
	vec_of(struct plan_skip) skips;
};

/* A return with a constant that says "failed"; of a function that frees, one without a block. */
bool plan_is_failure(const struct candidate *c, const struct flow_end *e);

/* How the functions nest (plan_nest.c). By jumps: fills skip_arg, skip_max or overlap. */
void plan_find_tails(struct planner *p, int id);
/* By calls of functions that hand on their work: fills overlap. */
void plan_find_overlaps(struct planner *p, int id);
/* By calls: fills the callers of those that this one calls. */
void plan_find_callees(struct planner *p, int id);
/* The callers, joined where only padding is between, as distances from the probe. false if they do not all fit. */
bool plan_fill_callers(struct candidate *c, uint64_t ip, struct plan_probe *out);

#endif
