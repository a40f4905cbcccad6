/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all groupings share: the table of them, gathering rows, their order. */
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "view/rows.h"

const struct view_by view_bys[] = {
	{ "site", "the place in the code that calls the allocator", true, true, false, .group = view_group_site },
	{ "function", "the function that calls the allocator", true, true, false, .group = view_group_function },
	{ "line", "the source line that calls the allocator", true, true, false, .group = view_group_line },
	{ "module", "the program or library that calls the allocator", true, false, false, .group = view_group_module },
	{ "stack", "each distinct chain of callers", false, true, false,
	  .group = view_group_stack, .by_chain = true },
	{ "thread", "the thread that allocates", false, false, true, .group = view_group_thread, .by_process = true },
	{ "process", "the process that allocates", false, false, false,
	  .group = view_group_process, .by_process = true },
	{ "program", "all processes of a name", false, false, false, .group = view_group_program },
	{ "container", "the container (docker:web) that they are in", false, false, false,
	  .group = view_group_container },
	{ "user", "whose processes they are", false, false, false, .group = view_group_user },
	{ "cgroup", "the control group that they are in", false, false, false, .group = view_group_cgroup },
	{ "type", "the Go type that is allocated", false, false, false, .group = view_group_type },
	{ "cache", "with --kernel: the slab cache, or the size of pages", false, false, false,
	  .group = view_group_cache },
	{ "goroutine", "the goroutine of a Go program that allocates", false, false, false,
	  .group = view_group_goroutine, .by_goroutine = true },
	{ "label", "the labels of a Go program's goroutines (pprof.Do)", false, false, false,
	  .group = view_group_label, .by_label = true },
	{ 0 }
};

const struct view_by *view_by_find(const char *name)
{
	for (const struct view_by *by = view_bys; by->name; by++)
		if (!strcmp(by->name, name))
			return by;
	return NULL;
}

struct view_by view_both(const struct view_by *by, const struct view_by *then)
{
	struct view_by both = *by;

	if (then) {
		both.by_thread |= then->by_thread;
		both.by_process |= then->by_process;
		both.by_goroutine |= then->by_goroutine;
		both.by_label |= then->by_label;
	}
	return both;
}

bool view_has_cum(const struct view_by *by, const struct view_by *then)
{
	return then ? then->has_cum && !by->has_cum : by->has_cum;
}

uint32_t view_rows_find(struct view_rows *rows, const char *key, const char *name, uint32_t module)
{
	uint32_t row = strpool_id(&rows->keys, key);

	if (row == rows->rows.n) {
		vec_push(&rows->rows, ((struct view_row){.name = xstrdup(name)}));
		vec_push(&rows->extras, ((struct view_row_extra){.module = module}));
	}
	return row;
}

bool view_heavier(const struct profile *p, uint32_t stack, uint64_t weight, uint32_t than, uint64_t its_weight)
{
	return weight > its_weight || (weight == its_weight && profile_compare_stacks(p, stack, than) < 0);
}

/* The first stack of a row becomes its heaviest even if it weighs nothing (all its calls were malloc(0)). */
static void offer_heaviest(struct view_rows *rows, uint32_t row, uint32_t stack, uint64_t weight)
{
	struct view_row_extra *extra = &rows->extras.at[row];

	if (extra->has_stack && !view_heavier(rows->profile, stack, weight, rows->rows.at[row].stack, extra->heaviest))
		return;
	extra->has_stack = true;
	extra->heaviest = weight;
	rows->rows.at[row].stack = stack;
}

void view_rows_add(struct view_rows *rows, uint32_t row, uint32_t stack, struct counters c)
{
	struct view_row *r = &rows->rows.at[row];

	rows->row_of[stack] = row;
	if (counters_none(c))
		return;
	r->flat = counters_add(r->flat, c);
	r->n_stacks++;
	if (!rows->by_cum)
		offer_heaviest(rows, row, stack, counters_metric(c, rows->metric));
}

void view_rows_add_cum(struct view_rows *rows, uint32_t row, uint32_t stack, uint64_t weight, struct counters c)
{
	rows->rows.at[row].cum = counters_add(rows->rows.at[row].cum, c);
	offer_heaviest(rows, row, stack, weight);
}

void view_rows_chain_from_site(const struct recording *r, struct view_rows *rows, size_t after)
{
	for (size_t i = 0; i < rows->rows.n; i++) {
		struct view_row *row = &rows->rows.at[i];
		const struct profile_stack *st;
		size_t skipped = 0;

		/* A row that nothing was added to names no stack. */
		if (!rows->extras.at[i].has_stack)
			continue;
		st = &r->profile->stacks.at[row->stack];
		if (view_frameless(st))
			continue;
		view_site(r, st->node, &skipped);
		row->chain_skip = skipped + after;
	}
}

const char *view_frameless(const struct profile_stack *st)
{
	if (st->end == STACK_END_LOST)
		return stack_end_mark(STACK_END_LOST);
	return st->node ? NULL : VIEW_NO_FRAMES;
}

static int compare_names(const void *a, const void *b, void *arg)
{
	const struct view_row *rows = arg;

	return strcmp(rows[*(const uint32_t *)a].name, rows[*(const uint32_t *)b].name);
}

/* What is shown of a row's module to distinguish it from another; NULL: nothing. */
static const char *module_hint(const struct view_rows *rows, const struct modules *modules, uint32_t row, bool path)
{
	uint32_t id = rows->extras.at[row].module;
	const struct module *mod;

	if (id == VIEW_NO_ROW)
		return NULL;
	if (rows->extras.at[row].source)
		return path ? rows->extras.at[row].source : NULL;
	mod = modules_get(modules, id);
	return path ? mod->shown : module_basename(mod);
}

/* Appends " [module]" to each of the rows order[0 … n - 1], which have the same name, if that makes a difference. */
static void tell_apart(struct view_rows *rows, const struct modules *modules, const uint32_t *order, size_t n,
		       bool path)
{
	const char *first = module_hint(rows, modules, order[0], path);
	bool differ = false;

	for (size_t i = 1; i < n; i++) {
		const char *hint = module_hint(rows, modules, order[i], path);

		differ |= !first || !hint || strcmp(first, hint);
	}
	for (size_t i = 0; differ && i < n; i++) {
		const char *hint = module_hint(rows, modules, order[i], path);
		struct buf shown = {0};
		char *plain = rows->rows.at[order[i]].name;

		if (!hint)
			continue;
		text_name(&shown, hint, true);
		rows->rows.at[order[i]].name = xasprintf("%s [%s]", plain, buf_cstr(&shown));
		buf_free(&shown);
		free(plain);
	}
}

/* Rows of the same name (static functions of two libraries) get the module's name or path beside theirs. */
static void name_uniquely(struct view_rows *rows, const struct modules *modules, bool path)
{
	size_t n = rows->rows.n;
	uint32_t *order = xmalloc((n + 1) * sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), compare_names, rows->rows.at);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n; end++)
			if (compare_names(&order[i], &order[end], rows->rows.at))
				break;
		if (end > i + 1)
			tell_apart(rows, modules, order + i, end - i, path);
	}
	free(order);
}

struct order {
	const struct profile *p;
	enum metric metric;
	bool by_cum;
};

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct view_row *x = a, *y = b;
	const struct order *o = arg;
	uint64_t mx = counters_metric(o->by_cum ? x->cum : x->flat, o->metric);
	uint64_t my = counters_metric(o->by_cum ? y->cum : y->flat, o->metric);
	int c;

	if (mx != my)
		return mx > my ? -1 : 1;
	/* With --cum callers of the same thing weigh the same: the one that allocates itself comes first. */
	mx = counters_metric(x->flat, o->metric);
	my = counters_metric(y->flat, o->metric);
	if (mx != my)
		return mx > my ? -1 : 1;
	c = strcmp(x->name, y->name);
	if (c)
		return c;
	return profile_compare_stacks(o->p, x->stack, y->stack);
}

/* Moves the rows with something in them to *out. */
static void take_rows(struct view_rows *rows, struct view *out)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->rows.n; i++) {
		struct view_row row = rows->rows.at[i];

		row.id = i;
		if (!rows->by_cum)
			row.cum = row.flat;
		if (counters_none(row.flat) && counters_none(row.cum))
			free(row.name);
		else
			rows->rows.at[n++] = row;
	}
	out->rows = rows->rows.at;
	out->n = n;
}

/* From rows as they were found to rows as they are sorted now. */
static void map_stacks(const struct profile *p, struct view_rows *rows, size_t n_found, struct view *out)
{
	uint32_t *place = xmalloc((n_found + 1) * sizeof(*place));

	for (size_t i = 0; i < n_found; i++)
		place[i] = VIEW_NO_ROW;
	for (size_t i = 0; i < out->n; i++)
		place[out->rows[i].id] = i;
	for (size_t i = 0; i < p->stacks.n; i++)
		if (rows->row_of[i] != VIEW_NO_ROW)
			rows->row_of[i] = place[rows->row_of[i]];
	out->row_of = rows->row_of;
	out->n_stacks = p->stacks.n;
	free(place);
}

void view_build(const struct recording *r, enum profile_kind kind, const struct view_by *by,
		enum metric metric, bool by_cum, struct view *out)
{
	const struct profile *p = r->profile;
	struct view_rows rows = {.profile = p, .kind = kind, .metric = metric, .by_cum = by_cum && by->has_cum};
	struct order order = {p, metric, rows.by_cum};
	size_t n_found;

	rows.row_of = xmalloc((p->stacks.n + 1) * sizeof(*rows.row_of));
	for (size_t i = 0; i < p->stacks.n; i++)
		rows.row_of[i] = VIEW_NO_ROW;
	by->group(r, &rows);
	name_uniquely(&rows, p->modules, false);
	name_uniquely(&rows, p->modules, true);
	n_found = rows.rows.n;
	take_rows(&rows, out);
	out->total = profile_total(p, kind);
	if (out->n)
		qsort_r(out->rows, out->n, sizeof(*out->rows), compare_rows, &order);
	map_stacks(p, &rows, n_found, out);
	strpool_free(&rows.keys);
	vec_free(&rows.extras);
}

void view_free(struct view *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->rows[i].name);
	free(v->rows);
	free(v->row_of);
	*v = (struct view){0};
}
