/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source of functions with what each line allocates, as --list asks for it:
 *
 *     parse_value in json-test
 *     /usr/src/json/parse.c
 *        BYTES  CALLS       CUM  CALLS   LINE
 *      512 KiB  4.10k  1.23 MiB  8.19k         all
 *                                          40  static struct value *parse_value(struct parser *p)
 *                                          41  {
 *      512 KiB  4.10k   512 KiB  4.10k     42          struct value *v = malloc(sizeof(*v));
 *                                           …
 *                        736 KiB  4.10k    61          v->text = copy_text(p);
 *
 * BYTES and CALLS are of what the line itself allocates, CUM and the CALLS after it of that and what it calls.
 */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/render.h"
#include "format/sourcefile.h"

#define CONTEXT 4	/* lines shown around those that allocate */
#define TAB 8

struct line {
	uint32_t number;	/* 0: not known */
	struct counters flat, cum;
	uint32_t seen_by;	/* the last stack that counted for cum, + 1 */
};

struct listing {	/* one function, in one source file */
	const char *function, *file;	/* file NULL: no lines are known */
	uint32_t module;
	struct counters flat, cum;
	uint32_t seen_by;
	vec_of(struct line) lines;
};

/* A name of a frame that matches. */
struct match {
	const struct symbol *sym;
	uint32_t listing, line;
};

struct frame_matches {
	bool asked;
	uint32_t first, n;	/* in list.matches */
};

struct list {
	const struct recording *r;
	const struct report_options *o;
	enum profile_kind kind;
	regex_t regex;
	vec_of(struct listing) listings;
	struct strpool keys;	/* a key's id is its listing */
	struct u64map lines;	/* listing << 32 | line number -> its index */
	struct frame_matches *frames;
	vec_of(struct match) matches;
	size_t no_source;	/* files that were not found, */
	const char *missing;	/* and the first */
	struct buf out, text, cell;
};

static uint32_t listing_of(struct list *l, const struct symbol *sym, uint32_t module)
{
	struct buf key = {0};
	uint32_t id;

	buf_printf(&key, "%u %zu:%s%s", module, strlen(sym->function), sym->function, sym->file ? sym->file : "");
	id = strpool_id(&l->keys, buf_cstr(&key));
	buf_free(&key);
	if (id == l->listings.n)
		vec_push(&l->listings,
			 ((struct listing){.function = sym->function, .file = sym->file, .module = module}));
	return id;
}

static uint32_t line_of(struct list *l, uint32_t listing, uint32_t number)
{
	struct listing *li = &l->listings.at[listing];
	bool is_new;
	uint64_t *index = u64map_put(&l->lines, (uint64_t)listing << 32 | number, &is_new);

	if (is_new) {
		*index = li->lines.n;
		vec_push(&li->lines, ((struct line){.number = number}));
	}
	return (uint32_t)*index;
}

static const struct frame_matches *matches_of(struct list *l, uint32_t frame)
{
	const struct profile_frame *f = &l->r->profile->frames.at[frame];
	struct frame_matches *fm = &l->frames[frame];
	const struct symbol *sym;

	if (fm->asked)
		return fm;
	fm->asked = true;
	fm->first = l->matches.n;
	for (sym = names_frame(l->r->names, f); sym && !sym->hidden; sym = sym->into) {
		struct match m = {.sym = sym};

		if (!sym->function || sym->creator || regexec(&l->regex, sym->function, 0, NULL, 0) != 0)
			continue;
		m.listing = listing_of(l, sym, f->module);
		m.line = line_of(l, m.listing, sym->line);
		vec_push(&l->matches, m);
	}
	fm->n = l->matches.n - fm->first;
	return fm;
}

static void count_match(struct list *l, const struct match *m, uint32_t stack, struct counters c)
{
	struct listing *li = &l->listings.at[m->listing];
	struct line *line = &li->lines.at[m->line];

	if (li->seen_by != stack + 1)
		li->cum = counters_add(li->cum, c);
	if (line->seen_by != stack + 1)
		line->cum = counters_add(line->cum, c);
	li->seen_by = line->seen_by = stack + 1;
}

static void count_flat(struct list *l, const struct match *m, struct counters c)
{
	struct listing *li = &l->listings.at[m->listing];

	li->flat = counters_add(li->flat, c);
	li->lines.at[m->line].flat = counters_add(li->lines.at[m->line].flat, c);
}

static void count_stack(struct list *l, uint32_t stack)
{
	const struct profile *p = l->r->profile;
	const struct profile_stack *st = &p->stacks.at[stack];
	struct counters sum = profile_sum(p, l->kind, stack);
	size_t skipped;
	const struct symbol *site = st->node ? view_site(l->r, st->node, &skipped) : NULL;

	for (uint32_t node = st->node; node; node = p->nodes.at[node].parent) {
		const struct frame_matches *fm = matches_of(l, p->nodes.at[node].frame);

		for (uint32_t i = fm->first; i < fm->first + fm->n; i++) {
			const struct match *m = &l->matches.at[i];

			count_match(l, m, stack, sum);
			if (m->sym != site)
				continue;
			count_flat(l, m, sum);
			site = NULL;	/* once, however often the function calls itself */
		}
	}
}

static void gather(struct list *l)
{
	const struct profile *p = l->r->profile;

	l->frames = xcalloc(p->frames.n + 1, sizeof(*l->frames));
	for (size_t i = 0; i < p->stacks.n; i++)
		if (!counters_none(profile_sum(p, l->kind, i)) && p->stacks.at[i].end != STACK_END_LOST)
			count_stack(l, i);
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int compare_listings(const void *a, const void *b, void *arg)
{
	const struct listing *x = a, *y = b;
	enum metric metric = *(const enum metric *)arg;
	uint64_t mx = counters_metric(x->cum, metric), my = counters_metric(y->cum, metric);
	int c;

	if (mx != my)
		return mx > my ? -1 : 1;
	c = strcmp(x->function, y->function);
	if (!c)
		c = strcmp(x->file ? x->file : "", y->file ? y->file : "");
	return c ? c : x->module < y->module ? -1 : x->module > y->module;
}

/* --- writing */

static void put_counters(struct list *l, struct counters c)
{
	buf_reset(&l->cell);
	if (c.bytes)
		value_put_bytes(&l->cell, l->r, c);
	buf_printf(&l->out, "%8s  ", buf_cstr(&l->cell));
	buf_reset(&l->cell);
	if (c.calls)
		value_put_calls(&l->cell, l->r, c);
	buf_printf(&l->out, "%5s  ", buf_cstr(&l->cell));
}

#define COUNTERS_WIDTH 34
#define LINE_WIDTH 7

static void end_line(struct list *l)
{
	while (l->out.len && l->out.data[l->out.len - 1] == ' ')
		l->out.len--;
	buf_char(&l->out, '\n');
}

/* A line of the source, tabs as spaces. */
static void put_source(struct list *l, const char *s, size_t len)
{
	size_t used = COUNTERS_WIDTH + LINE_WIDTH, column = 0;
	struct buf plain = {0};

	while (len && (s[len - 1] == '\r' || s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	for (size_t i = 0; i < len; i++) {
		do
			buf_char(&plain, s[i] == '\t' ? ' ' : s[i]);
		while (++column % TAB && s[i] == '\t');
	}
	buf_reset(&l->text);
	text_escape(&l->text, buf_cstr(&plain), plain.len);
	if (l->o->width > used && text_width(buf_cstr(&l->text)) > l->o->width - used)
		text_fit(&l->out, l->text.data, l->o->width - used, false, false);
	else
		buf_str(&l->out, buf_cstr(&l->text));
	buf_free(&plain);
}

static void put_line(struct list *l, const struct line *line, const char *number, const char *s, size_t len)
{
	bool hot = l->o->colour && !counters_none(line->cum);

	buf_str(&l->out, hot ? STYLE_BOLD : "");
	put_counters(l, line->flat);
	put_counters(l, line->cum);
	buf_printf(&l->out, "%5s  ", number);
	put_source(l, s, len);
	if (hot)
		buf_str(&l->out, STYLE_OFF);
	end_line(l);
}

static void put_escaped(struct list *l, const char *before, const char *s)
{
	buf_reset(&l->text);
	text_escape(&l->text, s, strlen(s));
	buf_str(&l->out, before);
	buf_str(&l->out, buf_cstr(&l->text));
}

static void put_head(struct list *l, const struct listing *li)
{
	struct line all = {.flat = li->flat, .cum = li->cum};
	struct buf file = {0};

	buf_char(&l->out, '\n');
	put_escaped(l, "", li->function);
	put_escaped(l, " in ", module_basename(modules_get(l->r->profile->modules, li->module)));
	buf_char(&l->out, '\n');
	if (li->file) {
		text_name(&file, li->file, false);
		put_escaped(l, "", buf_cstr(&file));
		buf_free(&file);
		buf_char(&l->out, '\n');
	}
	buf_printf(&l->out, "%8s  %5s  %8s  %5s   LINE\n", "BYTES", "CALLS", "CUM", "CALLS");
	put_line(l, &all, "", "all", 3);
}

/* sf may be NULL. */
static void put_numbered(struct list *l, const struct line *line, uint32_t at, const struct sourcefile *sf)
{
	const char *text = "";
	char number[16] = "?";
	size_t len = 0;

	if (at)
		snprintf(number, sizeof(number), "%u", at);
	if (sf)
		text = sourcefile_line(sf, at, &len);
	put_line(l, line, number, text, len);
}

static void put_lines(struct list *l, const struct listing *li, const struct sourcefile *sf)
{
	uint32_t at = 0, last = sf ? (uint32_t)sf->starts.n - 1 : 0;
	static const struct line nothing;

	for (size_t i = 0; i < li->lines.n; i++) {
		const struct line *line = &li->lines.at[i], *next = i + 1 < li->lines.n ? line + 1 : NULL;
		uint32_t from = line->number > CONTEXT ? line->number - CONTEXT : 1;
		uint32_t to = line->number <= UINT32_MAX - CONTEXT ? line->number + CONTEXT : UINT32_MAX;

		if (at && from > at + 1)
			buf_printf(&l->out, "%*s\xe2\x80\xa6\n", COUNTERS_WIDTH + 4, "");
		for (at = from > at ? from : at + 1; at < line->number && sf && at <= last; at++)
			put_numbered(l, &nothing, at, sf);
		at = line->number;
		put_numbered(l, line, at, sf);
		while (sf && at && at < to && at < last && !(next && at + 1 >= next->number))
			put_numbered(l, &nothing, ++at, sf);
	}
}

static void put_listing(struct list *l, struct listing *li)
{
	struct sourcefile sf;
	bool found = li->file && sourcefile_open(li->file, l->o->source_path, l->o->rights, &sf) == 0;

	qsort(li->lines.at, li->lines.n, sizeof(*li->lines.at), compare_lines);
	put_head(l, li);
	put_lines(l, li, found ? &sf : NULL);
	if (found) {
		sourcefile_free(&sf);
	} else if (li->file) {
		if (!l->no_source++)
			l->missing = li->file;
	}
}

static void put_end(struct list *l, size_t left)
{
	if (left)
		buf_printf(&l->out, "\n\xe2\x80\xa6 and %zu more function%s\n", left, left == 1 ? "" : "s");
	if (!l->listings.n) {
		put_escaped(l, "\nno function on any stack matches ", l->o->list);
		buf_char(&l->out, '\n');
	}
	if (l->no_source) {
		put_escaped(l, "\nsource not found: ", l->missing);
		if (l->no_source > 1)
			buf_printf(&l->out, " and %zu more", l->no_source - 1);
		buf_str(&l->out, " (try --source-path DIR)\n");
	}
}

static int report_write_list(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct list l = {.r = r, .o = o, .kind = report_only_view(o)->counted};
	enum metric metric = o->metric;
	size_t n;
	int err;

	if (regcomp(&l.regex, o->list, REG_EXTENDED | REG_NOSUB) != 0)
		return -EINVAL;
	gather(&l);
	if (l.listings.n)
		qsort_r(l.listings.at, l.listings.n, sizeof(*l.listings.at), compare_listings, &metric);
	summary_head(r, o, &l.out);
	n = o->top && o->top < l.listings.n ? o->top : l.listings.n;
	for (size_t i = 0; i < n; i++)
		put_listing(&l, &l.listings.at[i]);
	put_end(&l, l.listings.n - n);
	if (o->height)
		render_cut_lines(&l.out, o->height);
	err = render_flush_text(f, &l.out);
	for (size_t i = 0; i < l.listings.n; i++)
		vec_free(&l.listings.at[i].lines);
	vec_free(&l.listings);
	vec_free(&l.matches);
	strpool_free(&l.keys);
	u64map_free(&l.lines);
	free(l.frames);
	regfree(&l.regex);
	buf_free(&l.out);
	buf_free(&l.text);
	buf_free(&l.cell);
	return render_end(f, err);
}

const struct report_format report_format_list = {
	"list", "the source of functions with what each line allocates", report_write_list, VIEW_AS_SOURCE,
	.one_view = true
};
