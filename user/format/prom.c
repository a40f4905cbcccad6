/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prometheus' text format 0.0.4, for the textfile collector of node_exporter:
 *
 *     # HELP alloctrace_alloc_bytes_total Bytes: what was allocated
 *     # TYPE alloctrace_alloc_bytes_total counter
 *     alloctrace_alloc_bytes_total{target="redis-server",site="zmalloc+0x1c",id="9ae16a3b2f90404f"} 536870912
 *     alloctrace_alloc_bytes_total{target="redis-server",site="other",id="other"} 1234567
 *
 * There are as many series as --top says, and one for all other rows, so that sums are whole. An id is made of the
 * row's name alone, and is the same in every run.
 */
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "format/render.h"
#include "view/sheet.h"

/* Of a label's value, columns: it is stored with each series. */
#define LABEL_MAX 200
/* Of a stack that is a row's name. */
#define CHAIN_MAX 8192

struct prom {
	const struct recording *r;
	const struct sheet *s;
	struct buf target;		/* the label's value */
	struct u64map seen;		/* by hash of a row's key: rows that have it */
	struct u64map chains;		/* by what stands before a chain, and its stack: hash of all; for all views */
	vec_of(char *) labels;		/* of each row, and the rest */
	vec_of(struct counters) sums;
	struct buf out, text, key;
};

static void put_escaped(struct buf *out, const char *s)
{
	text_escape(out, s, strlen(s));
}

static void put_label(struct buf *out, const char *value)
{
	struct buf plain = {0}, cut = {0};

	put_escaped(&plain, value);
	text_fit(&cut, buf_cstr(&plain), LABEL_MAX, false, false);
	for (const char *c = buf_cstr(&cut); *c; c++) {
		if (*c == '\\' || *c == '"')
			buf_char(out, '\\');
		buf_char(out, *c);
	}
	buf_free(&plain);
	buf_free(&cut);
}

/* hash: of what stands before s; 0: nothing does. */
static uint64_t hash_text(uint64_t hash, const char *s)
{
	for (; *s; s++)
		hash = mix64(hash ^ ((unsigned char)*s + 0x100));
	return hash;
}

/* With the chain of a row's callers. Views have most of their rows in common. */
static uint64_t hash_chain(struct prom *pr, uint64_t hash, const struct view_row *row)
{
	const uint64_t key = mix64(hash ^ ((uint64_t)row->stack << 32 | row->chain_skip));
	bool is_new;
	uint64_t *known = u64map_put(&pr->chains, key, &is_new);

	if (!is_new)
		return *known;
	buf_reset(&pr->key);
	view_chain(pr->r, row->stack, row->chain_skip, CHAIN_MAX, &pr->key);
	*known = hash_text(hash, buf_cstr(&pr->key));
	return *known;
}

/* "site=\"main\",id=\"…\"" of a row; group: the name of the row that it is in, NULL: there is none. */
static void add_row(struct prom *pr, const char *group, const struct view_by *by, const struct view_row *row)
{
	uint64_t id, *seen;
	bool is_new;

	buf_reset(&pr->key);
	put_escaped(&pr->key, group ? group : "");
	buf_printf(&pr->key, "\x1f%s\x1f", by->name);
	put_escaped(&pr->key, row->name);
	buf_char(&pr->key, '\x1f');
	id = hash_text(0, buf_cstr(&pr->key));
	if (by->by_chain)
		id = hash_chain(pr, id, row);
	seen = u64map_put(&pr->seen, id, &is_new);
	*seen = is_new ? 1 : *seen + 1;
	/* No two series have the same labels. */
	if (*seen > 1) {
		buf_reset(&pr->key);
		buf_printf(&pr->key, "\x1f%u", (unsigned int)*seen);
		id = hash_text(id, buf_cstr(&pr->key));
	}
	buf_reset(&pr->text);
	if (group) {
		buf_printf(&pr->text, ",%s=\"", pr->s->by->name);
		put_label(&pr->text, group);
		buf_char(&pr->text, '"');
	}
	buf_printf(&pr->text, ",%s=\"", by->name);
	put_label(&pr->text, row->name);
	buf_printf(&pr->text, "\",id=\"%016llx\"", (unsigned long long)id);
	vec_push(&pr->labels, xstrdup(buf_cstr(&pr->text)));
	vec_push(&pr->sums, row->flat);
}

static void add_rest(struct prom *pr, const char *group, const struct view_by *by, struct counters rest)
{
	buf_reset(&pr->text);
	if (group) {
		buf_printf(&pr->text, ",%s=\"", pr->s->by->name);
		put_label(&pr->text, group);
		buf_char(&pr->text, '"');
	}
	buf_printf(&pr->text, ",%s=\"other\"", by->name);
	if (!group && pr->s->then)
		buf_printf(&pr->text, ",%s=\"other\"", pr->s->then->name);
	buf_str(&pr->text, ",id=\"other\"");
	vec_push(&pr->labels, xstrdup(buf_cstr(&pr->text)));
	vec_push(&pr->sums, rest);
}

static void add_inner(struct prom *pr, size_t i)
{
	const struct sheet *s = pr->s;
	const struct view_row *outer = &s->view.rows[i];
	const size_t first = s->inner_first[i], shown = s->inner_shown[i];
	struct counters above = {0};

	for (size_t k = first; k < first + shown; k++) {
		add_row(pr, outer->name, s->then, &s->inner.rows[k]);
		above = counters_add(above, s->inner.rows[k].flat);
	}
	if (first + shown < s->inner_first[i + 1])
		add_rest(pr, outer->name, s->then, counters_sub(outer->flat, above));
}

static void gather(struct prom *pr)
{
	const struct sheet *s = pr->s;
	struct counters above = {0};

	for (size_t i = 0; i < s->n_rows; i++) {
		if (s->then)
			add_inner(pr, i);
		else
			add_row(pr, NULL, s->by, &s->view.rows[i]);
		above = counters_add(above, s->view.rows[i].flat);
	}
	if (s->n_rows < s->view.n)
		add_rest(pr, NULL, s->by, counters_sub(s->all_rows, above));
}

static void forget_rows(struct prom *pr)
{
	for (size_t i = 0; i < pr->labels.n; i++)
		free(pr->labels.at[i]);
	pr->labels.n = pr->sums.n = 0;
	u64map_free(&pr->seen);
}

static void put_head(struct prom *pr, const char *name, const char *help, const char *more, bool counter)
{
	buf_printf(&pr->out, "# HELP %s %s%s\n# TYPE %s %s\n", name, help, more, name, counter ? "counter" : "gauge");
}

/* alloctrace_live_bytes, alloctrace_alloc_calls_total, … */
static int put_family(FILE *f, struct prom *pr, enum metric m)
{
	const struct view_kind *kind = pr->s->kind;
	const char *unit = m == METRIC_BYTES ? "bytes" : kind->state ? "blocks" : "calls";
	char *name = xasprintf("alloctrace_%s_%s%s", kind->name, unit, kind->state ? "" : "_total");
	char *help = xasprintf("%c%s: ", unit[0] - 'a' + 'A', unit + 1);
	int err = 0;

	put_head(pr, name, help, kind->help, !kind->state);
	for (size_t i = 0; i < pr->labels.n && !err; i++) {
		buf_printf(&pr->out, "%s{target=\"%s\"%s} %llu\n", name, buf_cstr(&pr->target), pr->labels.at[i],
			   (unsigned long long)counters_metric(pr->sums.at[i], m));
		if (pr->out.len > 65536)
			err = render_flush(f, &pr->out);
	}
	free(name);
	free(help);
	return err;
}

static int put_view(FILE *f, struct prom *pr, struct sheet *s, size_t top)
{
	int err;

	pr->s = s;
	sheet_fill(s, top);
	gather(pr);
	err = put_family(f, pr, METRIC_BYTES);
	if (!err)
		err = put_family(f, pr, METRIC_CALLS);
	forget_rows(pr);
	sheet_free(s);
	return err;
}

static void put_seconds(struct prom *pr, const char *name, const char *help, uint64_t ns)
{
	put_head(pr, name, help, "", false);
	buf_printf(&pr->out, "%s{target=\"%s\"} %.3f\n", name, buf_cstr(&pr->target), (double)ns / 1e9);
}

static void put_seen(struct prom *pr)
{
	put_head(pr, "alloctrace_seen_calls_total", "Calls that reached a probe", "", true);
	buf_printf(&pr->out, "alloctrace_seen_calls_total{target=\"%s\"} %llu\n", buf_cstr(&pr->target),
		   (unsigned long long)pr->r->seen.calls);
}

static void put_lost(struct prom *pr)
{
	put_head(pr, "alloctrace_lost_calls_total", "Calls that could not be recorded", "", true);
	for (size_t i = 0; i < pr->r->n_losses; i++) {
		buf_printf(&pr->out, "alloctrace_lost_calls_total{target=\"%s\",reason=\"", buf_cstr(&pr->target));
		put_label(&pr->out, pr->r->losses[i].reason);
		buf_printf(&pr->out, "\"} %llu\n", (unsigned long long)pr->r->losses[i].n);
	}
	if (!pr->r->n_losses)
		buf_printf(&pr->out, "alloctrace_lost_calls_total{target=\"%s\",reason=\"none\"} 0\n",
			   buf_cstr(&pr->target));
}

static void put_facts(struct prom *pr)
{
	const struct recording *r = pr->r;

	if (!r->missing) {
		put_seen(pr);
		put_lost(pr);
	}
	put_seconds(pr, "alloctrace_duration_seconds", "What the counters cover", r->duration_ns);
	if (r->time_ns)
		put_seconds(pr, "alloctrace_last_success_timestamp_seconds", "When the report was made", r->time_ns);
}

/* What does not change when a program is restarted: its name, where there is one. */
static void name_target(struct prom *pr)
{
	const struct recording *r = pr->r;
	struct profile_members m;
	const char *name = r->host.selection ? r->host.selection : r->target;

	profile_members_make(r->profile, &m);
	if (m.programs == 1 && !r->host.selection && r->profile->stacks.n)
		name = r->profile->tasks.at[m.leaders[r->profile->stacks.at[0].task]].name;
	profile_members_free(&m);
	put_label(&pr->target, name);
}

int report_write_prom(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct sheet sheets[SHEETS_MAX];
	struct prom pr = {.r = r};
	const size_t n = sheet_list(r, o->views, o->by, o->then, o->metric, false, sheets);
	int err = 0;

	name_target(&pr);
	for (size_t i = 0; i < n && !err; i++)
		if (!sheets[i].kind->generations)
			err = put_view(f, &pr, &sheets[i], o->top);
	put_facts(&pr);
	if (!err)
		err = render_flush(f, &pr.out);
	vec_free(&pr.labels);
	vec_free(&pr.sums);
	u64map_free(&pr.chains);
	buf_free(&pr.target);
	buf_free(&pr.out);
	buf_free(&pr.text);
	buf_free(&pr.key);
	return render_end(f, err);
}
