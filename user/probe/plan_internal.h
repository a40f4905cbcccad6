/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan in the making: shared by plan.c and plan_nest.c only. */
/* Part of probe/plan.h. */
#ifndef ALLOCTRACE_PROBE_PLAN_INTERNAL_H
#define ALLOCTRACE_PROBE_PLAN_INTERNAL_H

#include "base/map.h"
#include "base/mem.h"
#include "elf/eachfunc.h"
#include "elf/ehframe.h"
#include "elf/fdestart.h"
#include "elf/imports.h"
#include "elf/symbols.h"
#include "probe/flow.h"
#include "probe/plan.h"
#include "probe/reach.h"

/* Enough for every path that matters in the allocators known; a longer one counts as not followed. */
#define WALK_INSNS 1200

/* Of what a resolver may choose. */
#define PLAN_IFUNC_TARGETS 16

/* One row of the families, or of the command line, as it is in this file. */
struct candidate {
	const struct alloc_function *fn;
	int id;			/* of fn; several candidates may have one */
	const char *name;	/* of the symbol: fn's, with a prefix, or what a glob matched */
	struct elf_symbol sym;	/* sym.name is NULL if the file has no such function */
	int prefix;		/* which of the file's; 0: none */
	bool chosen;		/* sym is a resolver, and what it chooses has candidates */
	char refused[80];	/* why the command line is wrong about it; "" if it is not */
	bool probed;		/* as far as is known by now */
	int heads;		/* the family whose malloc it is, of a function that the command line names; 0: none */
	int same_as;		/* the first row with this address; itself if it is the first */
	int forwards;		/* the row that does all its work, -1 */
	struct flow_result flow;
	uint8_t skip_arg;
	uint64_t skip_max;
	struct reach_result reach;
	struct site site;
	uint8_t *body;
	size_t body_size;
};

struct planner {
	const struct elf_file *ef;
	struct elf_imports *imports;
	struct flow_file *ff;
	struct flow_file *prove;	/* for plan_doubt(), NULL until it is asked */
	struct u64map families;	/* prefix -> plan_doubt() of all of it */
	const struct plan_input *in;
	struct candidate *c;	/* PLAN_MAX_FUNCTIONS of them */
	int n;
	int in_file;		/* of them, those that the file has and that are wanted */
	int n_prefixes;
	bool local_family;	/* malloc and free are there, and malloc is a local symbol */
	bool stripped;		/* and no separate symbols were found */
	bool full;		/* there are more candidates than have room */
	bool usdt_unfit;	/* it tells of its own samples, and not all places that do so can be probed */
	char *go;		/* Go and its version, in `names`; NULL: it is no Go program */
	char go_gap[96];	/* why it is one that is not traced */
	struct plan_go go_records;
	bool has_malloc, is_allocator;	/* as in struct plan */
	struct plan_range threads;
	vec_of(struct plan_range) allocator;
	struct elf_fdes *fdes;	/* one of these two, once can_unwind() was asked */
	struct unwind_table *rows;
	bool asked, rows_asked;
	struct reach *reach;
	vec_of(struct plan_probe) probes;
	vec_of(struct plan_skip) skips;
	vec_of(struct plan_ifunc) ifuncs;
	vec_of(char *) names;
};

/* Probes of a Go program (plan_go.c). */
void plan_add_go(struct planner *p);
/* Functions that map memory, and the code of allocators (plan_maps.c). */
void plan_add_maps(struct planner *p);
/* USDT probes by which a process tells of its own samples (plan_usdt.c). */
void plan_add_usdt(struct planner *p);
/* PLAN_USDT_ALONE: once everything else is there. */
void plan_keep_usdt_alone(struct planner *p);
/* Finds the candidates (plan_find.c). How many there are in the file, or -errno. */
int plan_find(struct planner *p);
/* Without following blocks, functions that free are as any other. */
bool plan_is_wanted(const struct planner *p, const struct alloc_function *fn);
/* The start of the function around the address, by .eh_frame_hdr. False: it has none that knows it. */
bool plan_function_start(struct planner *p, uint64_t vaddr, uint64_t *start);
/* Whether the file has code of a function there that begins with it. */
bool plan_starts_function(struct planner *p, uint64_t vaddr);
/* Calls back for the functions of the file's separate symbols, if it is stripped (plan_debug.c). False: it is, and
 * there are none. */
bool plan_each_debug_function(const struct planner *p, void (*on_function)(void *arg, const struct elf_function *f),
			      void *arg);
/* The functions whose addresses the resolver may return, by its code: how many (plan_ifunc.c). */
size_t plan_ifunc_targets(struct planner *p, const struct candidate *resolver, uint64_t at[PLAN_IFUNC_TARGETS]);
/* Why a function with a prefix, or with a local symbol, is not taken for an allocator's; NULL: it is (plan_prove.c). */
const char *plan_doubt(struct planner *p, int id);

/* A return with a constant that says "failed"; of a function that frees, one without a block. */
bool plan_is_failure(const struct candidate *c, const struct flow_end *e);

/* The call or jump at the end hands on what this function was asked for, unchanged: the bytes, the block given up. */
bool plan_hands_on(const struct planner *p, int id, const struct flow_end *e);

/* How the functions nest (plan_nest.c). By jumps that an argument decides: fills skip_arg, skip_max. */
void plan_find_tails(struct planner *p, int id);
/* Fills outer, jumps and bodies; ip: the probe's address in the file. */
void plan_fill_nest(const struct candidate *c, uint64_t ip, struct plan_probe *out);

#endif
