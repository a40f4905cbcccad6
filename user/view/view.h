/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a profile is grouped into rows: a table of groupings, one small file (or function) each. */
#ifndef ALLOCTRACE_VIEW_VIEW_H
#define ALLOCTRACE_VIEW_VIEW_H

#include "model/recording.h"

enum metric { METRIC_BYTES, METRIC_CALLS };

static inline uint64_t counters_metric(struct counters c, enum metric m)
{
	return m == METRIC_BYTES ? c.bytes : c.calls;
}

/* Relative standard error of the estimate; 0: it is exact, or nothing. */
double counters_error(struct counters c, enum metric m);

/* What a view can be written as, and what a format writes. */
enum view_form {
	VIEW_AS_TABLE = 1,	/* rows with columns */
	VIEW_AS_STACKS = 2,	/* stacks with a number each */
	VIEW_AS_SOURCE = 4,	/* lines of the source with numbers */
	VIEW_AS_RECORDING = 8,	/* all that is known */
	VIEW_AS_BENCHMARK = 16,	/* numbers of an operation (recording.ops) */
};

struct sheet;

/* What is shown: allocations, the live heap, …; a report may show several. */
struct view_kind {
	const char *name;	/* as --view takes it, and as its heading begins */
	const char *help;
	enum profile_kind counted;	/* what ranks its rows */
	unsigned int forms;	/* enum view_form: it can be written as each of these */
	const char *counts_head;	/* of what is counted beside bytes; NULL: CALLS, or BLOCKS */
	bool blocks;		/* blocks must be followed */
	bool state;		/* shows one moment: there is no "in the interval alone" */
	bool in_summary;	/* where it is the only one, the summary says what its heading does */
	bool by_age;		/* its rows show their oldest block, and whether they grow */
	bool part;		/* its rows show their share of the calls */
	bool generations;	/* its rows are live blocks since the first mark, by generation */
	bool histogram;		/* of `hist`; its rows have no cumulative counts */
	enum profile_hist hist;
	/* What its table is about, for the line above it: "12.3 MiB in 1.23k blocks"; appends, with VIEW_BREAKs. */
	void (*heading)(const struct sheet *s, struct buf *out);
};

/* A heading may be broken here, where it has a space otherwise. Nothing that was escaped has one. */
#define VIEW_BREAK "\n"

enum view_id {
	VIEW_ALLOC, VIEW_LIVE, VIEW_LEAKS, VIEW_PEAK, VIEW_TEMP, VIEW_LIFETIMES, VIEW_SIZES, VIEW_RSS,
	VIEW_MAPPED, VIEW_MAPPINGS,
	VIEW_KINDS,
};

extern const struct view_kind view_kinds[];	/* by enum view_id; ends with a NULL name */
/* What stands below those by age where marks were set; not to be asked for by itself. */
extern const struct view_kind view_since_mark;

#define VIEW_BIT(id) (1U << (id))
/* VIEW_BIT()s of those that are by_age. */
uint32_t views_by_age(void);

/* What the table of a view shows of a row beside its counters. */
struct view_detail {
	struct counters alloc, freed;	/* since the start, by all stacks of the row */
	uint64_t oldest_ns;		/* when its oldest live block was allocated; 0: none is known */
	struct counters generations[PROFILE_GENERATIONS];	/* live, from profile.first_generation on */
	int64_t growth;			/* bytes, since the latest reading before */
	unsigned int grew;		/* so many intervals in a row, up to PROFILE_PAST */
	double buckets[PROFILE_BUCKETS];	/* of the view's histogram */
};

struct view_rows;	/* rows being gathered; inside view/ only */

/* A grouping: by site (the place that calls the allocator), function, line, module, stack, thread, type, … */
struct view_by {
	const char *name;	/* as --by takes it; its plural is name + "s" */
	const char *help;
	bool has_cum;		/* cumulative counts mean something here */
	bool is_frame;		/* a row's name is a frame, and the chain its callers; else the chain is a stack */
	bool by_thread;		/* the threads of a process are counted separately, */
	bool by_process;	/* the processes of a program are, */
	bool by_goroutine;	/* its goroutines are, */
	bool by_label;		/* or goroutines that have different labels */
	/* Fills the rows: flat, cum, name. */
	void (*group)(const struct recording *r, struct view_rows *rows);
	bool by_chain;		/* rows of one name differ in their callers */
};

/* What rows of rows need to have counted separately: what either grouping does. then: NULL: there is one. */
struct view_by view_both(const struct view_by *by, const struct view_by *then);
/* Whether cumulative counts mean something: with two groupings, inside of rows that share no stack. */
bool view_has_cum(const struct view_by *by, const struct view_by *then);

struct view_row {
	char *name;		/* not escaped */
	struct counters flat;	/* allocated by it itself (the innermost frame of the group) */
	struct counters cum;	/* by it or what it calls, once for each stack it is on; flat's value without by_cum */
	uint32_t stack;		/* the heaviest (by the metric) stack of the row: its callers are the chain shown */
	uint32_t chain_skip;	/* innermost names of that stack that the chain leaves out (view_chain()) */
	uint32_t n_stacks;	/* that flat is the sum of */
	uint32_t id;		/* inside view/; of a sheet's inner rows: which of its details, VIEW_NO_ROW: none */
};

#define VIEW_NO_ROW UINT32_MAX

struct view {
	struct view_row *rows;	/* by metric (cum with by_cum), descending; ties by name, then by their stacks */
	size_t n;
	uint32_t *row_of;	/* by stack of the profile: the row whose flat it is a part of; VIEW_NO_ROW: none */
	size_t n_stacks;
	struct counters total;
};

/*
 * The names of a stack, innermost first: of each frame, the functions that are inlined there, then the function proper.
 *
 *     for (view_names_start(&n, r, node); n.sym; view_names_next(&n))
 */
struct view_names {
	const struct recording *r;
	uint32_t node;			/* of the frame */
	const struct symbol *sym;	/* NULL at the end */
};

void view_names_start(struct view_names *n, const struct recording *r, uint32_t node);
void view_names_next(struct view_names *n);
/* What a function may be to a request for memory. The site is the innermost of a stack's functions of the highest. */
enum view_rank {
	VIEW_FORWARDS,	/* only passes it on to malloc: C++ operator new, Go's growslice, allocators of libraries */
	VIEW_RUNTIME,	/* of a language's runtime: it allocates for the program, or what it needs itself */
	VIEW_PROGRAM,
};

enum view_rank view_rank(const struct symbol *sym);
/* It is not the program's: the site is what calls it, if anything of the program does. */
bool view_forwards(const struct symbol *sym);
/* Appends a regular expression of whole names: of those functions of Go's runtime that rank as VIEW_FORWARDS. */
void view_put_runtime_allocators(struct buf *out);
/* The site of a stack, whose innermost frame is node (not 0). *skipped: how many names are further in. */
const struct symbol *view_site(const struct recording *r, uint32_t node, size_t *skipped);

extern const struct view_by view_bys[];	/* ends with a NULL name */
const struct view_by *view_by_find(const char *name);

/* Only rows with something in them. by_cum is ignored where by has no cum. *out is to be freed with view_free.
 * Only what the rows need is named: the sites; with by_cum every frame. */
void view_build(const struct recording *r, enum profile_kind kind, const struct view_by *by,
		enum metric metric, bool by_cum, struct view *out);
void view_free(struct view *v);
/* The same of the stacks of each of the first n_rows rows of v, which was built of kind: the rows of all one after the
 * other. Returns where those of row i begin: at [i], and those of the last one end at [n_rows]. To be freed; so is *out
 * with view_free(). */
size_t *view_build_inner(const struct recording *r, enum profile_kind kind, const struct view *v, size_t n_rows,
			 const struct view_by *by, enum metric metric, bool by_cum, struct view *out);
/* Of the first n rows of a view that was built of kind->counted; out has room for n. last: this is the end of the run,
 * less than an interval after the latest reading: what has not grown since then may yet have grown in all of them. */
void view_details(const struct view *v, const struct profile *p, const struct view_kind *kind, bool last, size_t n,
		  struct view_detail *out);

/* Appends the chain of callers of a stack for display: the names after the first `skip` ones, innermost first, short
 * names joined by " < ", a repeated one as "name (x3)", at the end how the stack was truncated if it was. Escaped.
 * Stops after the frame with which it is wider than max_width columns, so that what doesn't fit costs nothing. */
void view_chain(const struct recording *r, uint32_t stack, size_t skip, size_t max_width,
		struct buf *out);

/* Appends the name that a function has as a row, not escaped: what the compiler made of one function is one. */
void view_function_name(const struct symbol *sym, struct buf *out);
/* Appends a function's name without parameter lists and with template arguments as "<…>":
 * "std::vector<int, std::allocator<int> >::push_back(int&&)" becomes "std::vector<…>::push_back". */
void view_short_name(const char *name, struct buf *out);

#endif
