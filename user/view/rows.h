/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside view/: what a grouping fills. */
/* Part of view/view.h. */
#ifndef ALLOCTRACE_VIEW_ROWS_H
#define ALLOCTRACE_VIEW_ROWS_H

#include "view/view.h"

struct view_row_extra {
	uint32_t module;	/* distinguishes rows of one name; VIEW_NO_ROW: nothing does */
	const char *source;	/* does instead of the module where it is not NULL: a path, of the symbolizer's */
	bool has_stack;
	uint64_t heaviest;	/* the metric of view_row.stack */
};

struct view_rows {
	const struct profile *profile;
	enum profile_kind kind;
	enum metric metric;
	bool by_cum;
	vec_of(struct view_row) rows;
	vec_of(struct view_row_extra) extras;	/* of each row */
	struct strpool keys;			/* a key's id is its row */
	uint32_t *row_of;			/* by stack; VIEW_NO_ROW */
};

/* Whether a stack is to be in a row. Where something else than allocations is counted, rows also show what their sites
 * have allocated: stacks that have nothing else belong to them, too. */
static inline bool view_takes(const struct profile *p, const struct view_rows *rows, uint32_t stack)
{
	return !counters_none(profile_sum(p, rows->kind, stack)) ||
	       !counters_none(profile_sum(p, PROFILE_ALLOC, stack));
}

/* Finds or adds the row of a key; the name is copied for a new one. */
uint32_t view_rows_find(struct view_rows *rows, const char *key, const char *name, uint32_t module);
/* Whether a stack is a row's heaviest rather than another one. Of two that weigh the same it doesn't matter which was
 * seen first. */
bool view_heavier(const struct profile *p, uint32_t stack, uint64_t weight, uint32_t than, uint64_t its_weight);
/* A stack that the row itself allocates with; c: the stack's sum, which may be nothing. */
void view_rows_add(struct view_rows *rows, uint32_t row, uint32_t stack, struct counters c);
/* The same for cum: c of all stacks that go through the row, of which `stack` is the heaviest with `weight`. */
void view_rows_add_cum(struct view_rows *rows, uint32_t row, uint32_t stack, uint64_t weight, struct counters c);
/* Sets every row's chain_skip so that the chain starts `after` frames after the site. */
void view_rows_chain_from_site(const struct recording *r, struct view_rows *rows, size_t after);

/* A grouping whose key is a property of one frame, or of one name of it. */
struct view_frame_kind {
	bool is_frame;	/* as in struct view_by */
	bool each_name;	/* inlined functions count for rows of their own; else a frame is one row */
	bool by_source;	/* rows of one name are distinguished by the source file's path */
	/* Each appends. What has the same key is one row. */
	void (*name)(const struct symbol *sym, struct buf *out);
	void (*key)(const struct symbol *sym, const struct module *mod, const char *name, struct buf *key);
};

/* A key for a name that is of one file: functions of the same name in two libraries are two rows. */
void view_key_in_module(const struct symbol *sym, const struct module *mod, const char *name, struct buf *key);
void view_group_by_frame(const struct recording *r, struct view_rows *rows,
			 const struct view_frame_kind *kind);

#define VIEW_NO_FRAMES "[no frames]"
/* What stands for the site of a stack that has no frames; NULL if it has. */
const char *view_frameless(const struct profile_stack *st);

/* The groupings of view_bys[], a file each. */
void view_group_site(const struct recording *r, struct view_rows *rows);
void view_group_function(const struct recording *r, struct view_rows *rows);
void view_group_line(const struct recording *r, struct view_rows *rows);
void view_group_module(const struct recording *r, struct view_rows *rows);
void view_group_stack(const struct recording *r, struct view_rows *rows);
void view_group_thread(const struct recording *r, struct view_rows *rows);
void view_group_process(const struct recording *r, struct view_rows *rows);
void view_group_program(const struct recording *r, struct view_rows *rows);
void view_group_container(const struct recording *r, struct view_rows *rows);
void view_group_user(const struct recording *r, struct view_rows *rows);
void view_group_cgroup(const struct recording *r, struct view_rows *rows);
void view_group_type(const struct recording *r, struct view_rows *rows);
void view_group_cache(const struct recording *r, struct view_rows *rows);
void view_group_goroutine(const struct recording *r, struct view_rows *rows);
void view_group_label(const struct recording *r, struct view_rows *rows);

#endif
