/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compare/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "view/value.h"

/* Chains are there for so many rows of each recording, the heaviest ones, in so many columns. */
#define CHAINS 100
#define CHAIN_COLUMNS 120
/* Names of rows by whole stacks. */
#define STACK_COLUMNS 4096
/* Of a row with more processes than this in one recording, they are not known. */
#define PIDS_MAX 32

struct adding {
	struct series *s;
	const struct recording *r;
	struct sheet sheet;
	double divisor;
	struct buf name, text;
	uint32_t file;
};

void series_init(struct series *s)
{
	/* Id 0 is that of nobody. */
	strpool_id(&s->pid_sets, "");
}

static const char *unit_missing(const struct series *s, const struct recording *r, double *divisor)
{
	const uint64_t ops = s->ops ? s->ops : r->ops;

	switch (s->unit) {
	case SERIES_PLAIN:
		*divisor = 1;
		return NULL;
	case SERIES_PER_TIME:
		*divisor = r->duration_ns / 1e9;
		return r->duration_ns ? NULL : "it does not say how long it took (--normalize time)";
	case SERIES_PER_CALL:
		*divisor = r->recorded.calls;
		return r->recorded.calls ? NULL : "it has no calls (--normalize calls)";
	case SERIES_PER_OP:
		*divisor = ops;
		return ops ? NULL : "it does not say how many operations there were: give --ops N";
	}
	return NULL;
}

const char *series_unit_text(const struct series *s)
{
	static const char *const bytes[] = {"bytes", "bytes/s", "bytes per call", "B/op"};
	static const char *const calls[] = {"calls", "calls/s", "share of calls", "allocs/op"};
	static const char *const blocks[] = {"blocks", "blocks/s", "blocks per call", "blocks/op"};

	if (s->metric == METRIC_BYTES)
		return bytes[s->unit];
	return view_kinds[s->view].state ? blocks[s->unit] : calls[s->unit];
}

static void remember_builds(struct series *s, const struct recording *r, int side)
{
	const struct modules *m = r->profile->modules;
	struct buf text = {0};

	for (size_t i = 0; i < m->list.n; i++) {
		const struct module *mod = m->list.at[i];

		if (mod->kind != MODULE_ELF || !mod->build_id || !*mod->build_id)
			continue;
		strpool_id(&s->modules, module_basename(mod));
		buf_reset(&text);
		buf_printf(&text, "%s %s", module_basename(mod), mod->build_id);
		strpool_id(&s->builds, buf_cstr(&text));
	}
	for (size_t i = 0; i < r->profile->tasks.n; i++)
		strpool_id(&s->programs[side], r->profile->tasks.at[i].name);
	buf_free(&text);
}

static void add_file(struct adding *a, const char *path, int side)
{
	const struct sheet *sheet = &a->sheet;
	const struct counters total = sheet->kind->counted == PROFILE_ALLOC ? a->r->recorded : sheet->view.total;
	const double value = counters_metric(total, a->s->metric);

	vec_push(&a->s->files, ((struct series_file){
		.path = xstrdup(path), .side = side, .time_ns = a->r->time_ns, .duration_ns = a->r->duration_ns,
		.value = value / a->divisor, .error = value_error(a->r, total, a->s->metric) * value / a->divisor,
		.no_errors = a->r->missing != NULL,
		.estimate = a->r->windows.scaled || a->r->account.unsampled || a->r->runtime.records ||
			    a->r->sampler.used || a->r->by_usdt,
	}));
}

/* "4711.0 4712.0 ", ascending, of the processes that have stacks of the row. */
struct pids {
	uint64_t at[PIDS_MAX];
	size_t n;
	bool more;
};

static void pids_add(struct pids *pids, const struct profile_task *task)
{
	const uint64_t key = (uint64_t)task->pid << 32 | task->exec;
	size_t i = 0;

	/* All processes of a program. */
	if (!task->pid)
		pids->more = true;
	while (i < pids->n && pids->at[i] < key)
		i++;
	if (pids->more || (i < pids->n && pids->at[i] == key))
		return;
	if (pids->n == PIDS_MAX) {
		pids->more = true;
		return;
	}
	memmove(&pids->at[i + 1], &pids->at[i], (pids->n - i) * sizeof(pids->at[0]));
	pids->at[i] = key;
	pids->n++;
}

static uint32_t pids_id(struct adding *a, const struct pids *pids)
{
	if (pids->more || !pids->n)
		return 0;
	buf_reset(&a->text);
	for (size_t i = 0; i < pids->n; i++)
		buf_printf(&a->text, "%llx ", (unsigned long long)pids->at[i]);
	return strpool_id(&a->s->pid_sets, buf_cstr(&a->text));
}

/* By row of the view: its processes. To be freed. */
static struct pids *pids_of_rows(const struct adding *a, const struct view *v)
{
	const struct profile *p = a->r->profile;
	struct pids *pids = xcalloc(v->n + 1, sizeof(*pids));

	for (size_t i = 0; i < v->n_stacks && i < p->stacks.n; i++)
		if (v->row_of[i] != VIEW_NO_ROW && !counters_none(profile_sum(p, a->sheet.kind->counted, i)))
			pids_add(&pids[v->row_of[i]], &p->tasks.at[p->stacks.at[i].task]);
	return pids;
}

static void put_name(struct adding *a, const struct view_by *by, const struct view_row *row)
{
	struct buf chain = {0};

	series_cut_name(*row->name ? row->name : "[no name]", false, by->by_thread || by->by_process, &a->name);
	if (by->by_chain) {
		view_chain(a->r, row->stack, row->chain_skip, STACK_COLUMNS, &chain);
		buf_printf(&a->name, "%s%s", chain.len ? " < " : "", buf_cstr(&chain));
	}
	buf_free(&chain);
}

static struct series_row *row_named(struct adding *a)
{
	struct series *s = a->s;
	const uint32_t id = strpool_id(&s->names, buf_cstr(&a->name));

	if (id == s->rows.n) {
		vec_push(&s->rows, ((struct series_row){.name = NULL}));
		s->bytes += sizeof(struct series_row) + a->name.len + 64;
	}
	return &s->rows.at[id];
}

/* Of the heaviest of all recordings, whatever their order. */
static void offer_chain(struct adding *a, struct series_row *to, const struct view_row *row, double value)
{
	if (to->chain && value < to->chain_value)
		return;
	buf_reset(&a->text);
	view_chain(a->r, row->stack, row->chain_skip, CHAIN_COLUMNS, &a->text);
	if (to->chain && value == to->chain_value && strcmp(to->chain, buf_cstr(&a->text)) <= 0)
		return;
	free(to->chain);
	to->chain = xstrdup(buf_cstr(&a->text));
	to->chain_value = value;
}

/* Two rows of one name, of functions in two files, say, are one. */
static void add_value(struct adding *a, const struct view_row *row, uint32_t who, bool chain)
{
	struct series *s = a->s;
	const struct counters c = a->sheet.cum ? row->cum : row->flat;
	const double n = counters_metric(c, s->metric), value = n / a->divisor;
	const double error = value_error(a->r, c, s->metric) * value;
	struct series_row *to;

	if (n == 0)
		return;
	to = row_named(a);
	if (chain)
		offer_chain(a, to, row, value);
	if (to->cells.n && to->cells.at[to->cells.n - 1].file == a->file) {
		struct series_cell *cell = &to->cells.at[to->cells.n - 1];

		cell->value += value;
		cell->error = hypot(cell->error, error);
		cell->who = cell->who == who ? who : 0;
		return;
	}
	vec_push(&to->cells, ((struct series_cell){a->file, who, value, error}));
	s->bytes += sizeof(struct series_cell);
}

static void add_rows(struct adding *a, const struct view *v, const char *outer, size_t first, size_t end,
		     const struct pids *pids, const struct view_by *by)
{
	const size_t start = strlen(outer);

	for (size_t i = first; i < end && a->s->bytes <= a->s->most_bytes; i++) {
		buf_reset(&a->name);
		buf_add(&a->name, outer, start);
		put_name(a, by, &v->rows[i]);
		add_value(a, &v->rows[i], pids_id(a, &pids[i]), by->is_frame && !by->by_chain && i - first < CHAINS);
	}
}

static void add_all(struct adding *a)
{
	const struct sheet *sheet = &a->sheet;
	struct pids *pids = pids_of_rows(a, sheet->then ? &sheet->inner : &sheet->view);

	if (!sheet->then)
		add_rows(a, &sheet->view, "", 0, sheet->view.n, pids, sheet->by);
	for (size_t i = 0; sheet->then && i < sheet->n_rows; i++) {
		struct buf outer = {0};

		buf_reset(&a->name);
		put_name(a, sheet->by, &sheet->view.rows[i]);
		buf_printf(&outer, "%s, ", buf_cstr(&a->name));
		add_rows(a, &sheet->inner, buf_cstr(&outer), sheet->inner_first[i], sheet->inner_first[i + 1], pids,
			 sheet->then);
		buf_free(&outer);
	}
	free(pids);
}

static void set_target(struct series *s, const struct recording *r)
{
	if (!r->target || (s->target && r->time_ns < s->target_ns))
		return;
	free(s->target);
	s->target = xstrdup(r->host.selection ? r->host.selection : r->target);
	s->target_ns = r->time_ns;
}

int series_add(struct series *s, const struct recording *r, const char *path, int side)
{
	struct adding a = {.s = s, .r = r, .file = s->files.n};
	struct sheet sheets[SHEETS_MAX];
	const char *missing = unit_missing(s, r, &a.divisor);
	int err = 0;

	if (missing)
		return fail(-EINVAL, "%s: %s", path, missing);
	names_start(r->names);
	sheet_list(r, VIEW_BIT(s->view), s->by, s->then, s->metric, s->cum, sheets);
	a.sheet = sheets[0];
	sheet_fill(&a.sheet, 0);
	add_file(&a, path, side);
	remember_builds(s, r, side);
	add_all(&a);
	if (s->bytes > s->most_bytes)
		err = fail(-EFBIG, "%s: with its rows, there are more than %llu bytes of rows (--max-memory): "
			   "--by function or module makes fewer", path, (unsigned long long)s->most_bytes);
	set_target(s, r);
	sheet_free(&a.sheet);
	buf_free(&a.name);
	buf_free(&a.text);
	return err;
}

/* Two builds of one file; or two programs, none of which is on both sides. */
static bool builds_differ(const struct series *s)
{
	if (s->builds.n > s->modules.n)
		return true;
	if (!s->programs[1].n)
		return false;
	for (size_t i = 0; i < s->programs[0].n; i++)
		for (size_t k = 0; k < s->programs[1].n; k++)
			if (!strcmp(s->programs[0].strings[i], s->programs[1].strings[k]))
				return false;
	return true;
}

static void join_cells(struct series_row *to, struct series_row *from)
{
	vec_of(struct series_cell) cells = {0};
	size_t i = 0, k = 0;

	while (i < to->cells.n || k < from->cells.n) {
		const uint32_t a = i < to->cells.n ? to->cells.at[i].file : UINT32_MAX;
		const uint32_t b = k < from->cells.n ? from->cells.at[k].file : UINT32_MAX;
		struct series_cell cell = a <= b ? to->cells.at[i] : from->cells.at[k];

		if (a == b) {
			cell.value += from->cells.at[k].value;
			cell.error = hypot(cell.error, from->cells.at[k].error);
			cell.who = cell.who == from->cells.at[k].who ? cell.who : 0;
		}
		vec_push(&cells, cell);
		i += a <= b;
		k += b <= a;
	}
	vec_free(&to->cells);
	vec_free(&from->cells);
	to->cells.at = cells.at;
	to->cells.n = cells.n;
	to->cells.cap = cells.cap;
}

static void join(struct series_row *to, struct series_row *from)
{
	const double more = from->chain_value - to->chain_value;

	if (from->chain && (!to->chain || more > 0 || (more == 0 && strcmp(from->chain, to->chain) < 0))) {
		free(to->chain);
		to->chain = from->chain;
		to->chain_value = from->chain_value;
	} else {
		free(from->chain);
	}
	from->chain = NULL;
	join_cells(to, from);
}

static void cut_names(struct series *s)
{
	struct buf cut = {0};
	size_t n = 0;

	for (size_t i = 0; i < s->rows.n; i++) {
		uint32_t id;

		buf_reset(&cut);
		series_cut_name(s->rows.at[i].name, true, false, &cut);
		id = strpool_id(&s->cut_names, buf_cstr(&cut));
		if (id < n) {
			join(&s->rows.at[id], &s->rows.at[i]);
		} else {
			s->rows.at[n] = s->rows.at[i];
			n++;
		}
	}
	s->rows.n = n;
	for (size_t i = 0; i < n; i++)
		s->rows.at[i].name = strpool_str(&s->cut_names, i);
	buf_free(&cut);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct series_row *)a)->name, ((const struct series_row *)b)->name);
}

void series_finish(struct series *s)
{
	for (size_t i = 0; i < s->rows.n; i++)
		s->rows.at[i].name = strpool_str(&s->names, i);
	s->coarse = builds_differ(s);
	if (s->coarse)
		cut_names(s);
	if (s->rows.n)
		qsort(s->rows.at, s->rows.n, sizeof(*s->rows.at), compare_names);
}

void series_free(struct series *s)
{
	for (size_t i = 0; i < s->rows.n; i++) {
		vec_free(&s->rows.at[i].cells);
		free(s->rows.at[i].chain);
	}
	for (size_t i = 0; i < s->files.n; i++)
		free(s->files.at[i].path);
	vec_free(&s->rows);
	vec_free(&s->files);
	strpool_free(&s->names);
	strpool_free(&s->cut_names);
	strpool_free(&s->pid_sets);
	strpool_free(&s->modules);
	strpool_free(&s->builds);
	strpool_free(&s->programs[0]);
	strpool_free(&s->programs[1]);
	free(s->target);
}

size_t series_count(const struct series *s, int side)
{
	size_t n = 0;

	for (size_t i = 0; i < s->files.n; i++)
		n += s->files.at[i].side == side;
	return n;
}

size_t series_values(const struct series *s, const struct series_row *row, int side, double *values, double *errors)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < s->files.n; i++) {
		const bool has = row && at < row->cells.n && row->cells.at[at].file == i;

		if (s->files.at[i].side == side) {
			values[n] = !row ? s->files.at[i].value : has ? row->cells.at[at].value : 0;
			errors[n++] = !row ? s->files.at[i].error : has ? row->cells.at[at].error : 0;
		}
		at += has;
	}
	return n;
}

bool series_other_processes(const struct series *s, uint32_t a, uint32_t b)
{
	const char *of_a = strpool_str(&s->pid_sets, a), *of_b = strpool_str(&s->pid_sets, b);

	if (!a || !b)
		return false;
	/* Both are ascending: of equal numbers, equal words. */
	for (size_t len; *of_a; of_a += len) {
		len = strcspn(of_a, " ") + 1;
		for (const char *at = of_b; *at; at += strcspn(at, " ") + 1)
			if (!strncmp(at, of_a, len))
				return false;
	}
	return true;
}
