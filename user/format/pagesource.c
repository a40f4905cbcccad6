/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/pagesource.h"

#include <string.h>

#include "base/text.h"
#include "format/sourcefile.h"

#define CONTEXT 4	/* lines shown around those that allocate */
#define TAB 8
#define LINE_MAX_BYTES 400
#define NO_LINE UINT32_MAX

struct sums {
	uint64_t flat[2], cum[2];	/* by enum metric */
};

struct line {
	uint32_t source, number;
	uint32_t seen_by;	/* the last stack that counted for cum, + 1 */
	struct sums sums[VIEW_KINDS];
};

struct source {	/* of a function, in a file */
	uint32_t function;
	const char *file;
	uint32_t seen_by;
	uint64_t cum;		/* of the first view */
	vec_of(uint32_t) lines;
};

struct sources {
	const struct page_tree *t;
	const struct report_options *o;
	struct strpool files;
	struct u64map known, known_lines;	/* function << 32 | file -> source; source << 32 | number -> line */
	vec_of(struct source) sources;
	vec_of(struct line) lines;
	uint32_t *line_of;	/* by page_tree.frame_functions */
	size_t text_bytes;
	struct buf plain;
};

static uint32_t line_of(struct sources *s, uint32_t function, const char *file, uint32_t number)
{
	const uint64_t key = (uint64_t)function << 32 | strpool_id(&s->files, file);
	bool is_new;
	uint64_t *source = u64map_put(&s->known, key, &is_new), *line;
	const uint32_t id = is_new ? s->sources.n : *source;

	*source = id;
	if (is_new)
		vec_push(&s->sources, ((struct source){.function = function, .file = file}));
	line = u64map_put(&s->known_lines, (uint64_t)id << 32 | number, &is_new);
	if (is_new) {
		*line = s->lines.n;
		vec_push(&s->sources.at[id].lines, s->lines.n);
		vec_push(&s->lines, ((struct line){.source = id, .number = number}));
	}
	return *line;
}

/* Of each name of each frame that was asked for. */
static void find_lines(struct sources *s)
{
	const struct page_tree *t = s->t;
	const struct profile *p = t->r->profile;

	s->line_of = xrealloc_array(NULL, t->frame_functions.n + 1, sizeof(*s->line_of));
	for (size_t i = 0; i < p->frames.n; i++) {
		const struct page_names *names = &t->sides[0].of_frame[i];
		const struct symbol *sym = names->n ? names_frame(t->r->names, &p->frames.at[i]) : NULL;

		for (uint32_t at = names->first + names->n; sym && at > names->first; sym = sym->into) {
			at--;
			s->line_of[at] = NO_LINE;
			if (sym->function && sym->file && sym->line && !sym->creator)
				s->line_of[at] = line_of(s, t->frame_functions.at[at], sym->file, sym->line);
		}
	}
}

static void count_line(struct sources *s, struct line *line, const struct page_stack *st, bool is_site)
{
	struct source *source = &s->sources.at[line->source];
	const bool first = line->seen_by != st->stack + 1, first_of_source = source->seen_by != st->stack + 1;

	if (!first && !is_site)
		return;
	for (uint32_t left = s->t->views; left; left &= left - 1) {
		const int view = __builtin_ctz(left);
		struct counters c = profile_sum(s->t->r->profile, view_kinds[view].counted, st->stack);

		for (int m = METRIC_BYTES; m <= METRIC_CALLS; m++) {
			line->sums[view].cum[m] += first ? counters_metric(c, m) : 0;
			line->sums[view].flat[m] += is_site ? counters_metric(c, m) : 0;
		}
		if (left == s->t->views && first_of_source)
			source->cum += counters_metric(c, s->o->metric);
	}
	line->seen_by = source->seen_by = st->stack + 1;
}

static void count_stack(struct sources *s, const struct page_stack *st)
{
	const struct page_tree *t = s->t;
	const struct profile *p = t->r->profile;
	uint32_t skip = st->skip;

	if (st->base || p->stacks.at[st->stack].end == STACK_END_LOST)
		return;
	for (uint32_t node = p->stacks.at[st->stack].node; node; node = p->nodes.at[node].parent) {
		const struct page_names *names = &t->sides[0].of_frame[p->nodes.at[node].frame];

		for (uint32_t at = names->first + names->n; at > names->first; skip--) {
			at--;
			if (s->line_of[at] != NO_LINE)
				count_line(s, &s->lines.at[s->line_of[at]], st, skip == 0);
		}
	}
}

/* --- writing */

void page_put_escaped(struct json_out *j, const char *key, const char *s, size_t len)
{
	struct buf text = {0};

	text_escape(&text, s, len);
	json_out_string(j, key, buf_cstr(&text));
	buf_free(&text);
}

/* A line of the source, tabs as spaces; what is too long is cut, and says so. */
static void put_text(struct sources *s, struct json_out *j, const char *text, size_t len)
{
	bool cut = len > LINE_MAX_BYTES;

	buf_reset(&s->plain);
	len = cut ? LINE_MAX_BYTES : len;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r')
			continue;
		do
			buf_char(&s->plain, text[i] == '\t' ? ' ' : text[i]);
		while (text[i] == '\t' && s->plain.len % TAB);
	}
	buf_str(&s->plain, cut ? " \xe2\x80\xa6" : "");
	s->text_bytes += s->plain.len;
	page_put_escaped(j, NULL, buf_cstr(&s->plain), s->plain.len);
}

/* line NULL: it is there for its neighbours; sf NULL: the text is not known. */
static void put_line(struct sources *s, struct json_out *j, const struct line *line, uint32_t number,
		     const struct sourcefile *sf)
{
	const char *text = "";
	size_t len = 0;

	if (sf)
		text = sourcefile_line(sf, number, &len);
	json_out_array(j, NULL);
	json_out_u64(j, NULL, number);
	put_text(s, j, text, len);
	for (uint32_t left = line ? s->t->views : 0; left; left &= left - 1) {
		const struct sums *sums = &line->sums[__builtin_ctz(left)];

		json_out_u64(j, NULL, sums->flat[METRIC_BYTES]);
		json_out_u64(j, NULL, sums->flat[METRIC_CALLS]);
		json_out_u64(j, NULL, sums->cum[METRIC_BYTES]);
		json_out_u64(j, NULL, sums->cum[METRIC_CALLS]);
	}
	json_out_end(j);
}

static void put_lines(struct sources *s, struct json_out *j, const struct source *source, const struct sourcefile *sf)
{
	const uint32_t last = sf && sf->starts.n ? (uint32_t)sf->starts.n - 1 : 0;
	uint32_t shown = 0;

	for (size_t i = 0; i < source->lines.n; i++) {
		const struct line *line = &s->lines.at[source->lines.at[i]];
		const bool is_last = i + 1 == source->lines.n;
		const uint32_t next = is_last ? UINT32_MAX : s->lines.at[source->lines.at[i + 1]].number;
		uint32_t at = line->number > CONTEXT ? line->number - CONTEXT : 1;

		for (at = at > shown ? at : shown + 1; sf && at < line->number && at <= last; at++)
			put_line(s, j, NULL, at, sf);
		put_line(s, j, line, line->number, sf);
		for (at = line->number + 1; sf && at <= last && at < next && at - line->number <= CONTEXT; at++)
			put_line(s, j, NULL, at, sf);
		shown = at - 1;
	}
}

static int compare_lines(const void *a, const void *b, void *arg)
{
	const struct sources *s = arg;
	uint32_t x = s->lines.at[*(const uint32_t *)a].number, y = s->lines.at[*(const uint32_t *)b].number;

	return x < y ? -1 : x > y;
}

static void put_source(struct sources *s, struct json_out *j, struct source *source)
{
	struct sourcefile sf;
	const bool found = s->text_bytes < PAGE_SOURCE_BYTES &&
			   !sourcefile_open(source->file, s->o->source_path, s->o->rights, &sf);

	qsort_r(source->lines.at, source->lines.n, sizeof(*source->lines.at), compare_lines, s);
	json_out_object(j, NULL);
	json_out_u64(j, "fn", source->function);
	page_put_escaped(j, "file", source->file, strlen(source->file));
	json_out_bool(j, "found", found);
	json_out_array(j, "lines");
	put_lines(s, j, source, found ? &sf : NULL);
	json_out_end(j);
	json_out_end(j);
	if (found)
		sourcefile_free(&sf);
}

static int compare_sources(const void *a, const void *b)
{
	const struct source *x = a, *y = b;
	int c;

	if (x->cum != y->cum)
		return x->cum > y->cum ? -1 : 1;
	c = strcmp(x->file, y->file);
	return c ? c : x->function < y->function ? -1 : x->function > y->function;
}

void page_put_sources(const struct page_tree *t, const struct report_options *o, struct json_out *j)
{
	struct sources s = {.t = t, .o = o};
	size_t n;

	find_lines(&s);
	for (size_t i = 0; i < t->stacks.n && s.lines.n; i++)
		count_stack(&s, &t->stacks.at[i]);
	if (s.sources.n)
		qsort(s.sources.at, s.sources.n, sizeof(*s.sources.at), compare_sources);
	n = s.sources.n < PAGE_SOURCES_MAX ? s.sources.n : PAGE_SOURCES_MAX;
	json_out_array(j, "sources");
	for (size_t i = 0; i < n; i++)
		put_source(&s, j, &s.sources.at[i]);
	json_out_end(j);
	json_out_u64(j, "sourcesLeft", s.sources.n - n);
	for (size_t i = 0; i < s.sources.n; i++)
		vec_free(&s.sources.at[i].lines);
	vec_free(&s.sources);
	vec_free(&s.lines);
	strpool_free(&s.files);
	u64map_free(&s.known);
	u64map_free(&s.known_lines);
	free(s.line_of);
	buf_free(&s.plain);
}
