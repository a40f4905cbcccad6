/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of Go's benchmark format (golang.org/design/14313-benchmark-format), which benchstat compares:
 *
 *     goos: linux
 *     view: alloc
 *     by: site
 *     BenchmarkTotal	1001	32549 B/op	11.65 allocs/op
 *     BenchmarkSite/main.(*Ledger).Rich~(ledger.go:38)	1001	32208 B/op	9 allocs/op
 *     BenchmarkRest	1001	341 B/op	2.65 allocs/op
 *
 * With --by A,B a row's line is followed by those of what is inside of it: "BenchmarkProgram/nginx/Site/main". What one
 * level has adds up to the total, so that readers that sum up lines take those of one.
 *
 * benchstat compares results of the same name and of the same configuration, and takes several of one name for several
 * runs: names are unique, and no configuration line differs from one run to the next. Fields end at white space, "/"
 * begins the name of a part, which "=" may divide, and "-8" at the end of a name is GOMAXPROCS: in names, a space is
 * "~", and what would mean something is %XX. A row that has the name of one before is that name with "#2".
 *
 * Where numbers are estimates, a line has their standard errors as measurements of their own.
 */
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "format/render.h"
#include "view/sheet.h"

/* Readers take lines of at most 64 KiB (Go's bufio.Scanner). A longer name is cut, and ends in "[...]". */
#define NAME_MAX_BYTES 32768

struct bench {
	const struct recording *r;
	const struct sheet *s;
	struct strpool names;
	vec_of(uint32_t) seen;	/* by name: rows that have it */
	struct buf out, name;
};

static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && !strchr("%~/=#", c);
}

/* What would be taken for GOMAXPROCS: "-" and digits up to the end. */
static bool ends_in_number(const char *s)
{
	return *s == '-' && s[1] && !s[1 + strspn(s + 1, "0123456789")];
}

static void put_escaped(struct buf *out, const char *s)
{
	const size_t start = out->len;

	for (; *s && out->len - start < NAME_MAX_BYTES; s++) {
		if (*s == ' ')
			buf_char(out, '~');
		else if (is_plain(*s) && !ends_in_number(s))
			buf_char(out, *s);
		else
			buf_printf(out, "%%%02X", (unsigned char)*s);
	}
	if (*s)
		buf_str(out, "[...]");
}

static void put_part(struct bench *b, const struct view_by *by, const struct view_row *row)
{
	struct buf full = {0}, chain = {0};

	/* A recording has names so that a terminal can show them: the lines are the same whatever they are made of. */
	if (*row->name)
		text_escape(&full, row->name, strlen(row->name));
	else
		buf_str(&full, "[no name]");
	if (by->by_chain) {
		view_chain(b->r, row->stack, row->chain_skip, NAME_MAX_BYTES, &chain);
		buf_printf(&full, "%s%s", chain.len ? " < " : "", buf_cstr(&chain));
	}
	buf_printf(&b->name, "%c%s/", by->name[0] - 'a' + 'A', by->name + 1);
	put_escaped(&b->name, buf_cstr(&full));
	buf_free(&full);
	buf_free(&chain);
}

/* Sets b->name to what it is with a number if a row before had that name. */
static void number_name(struct bench *b)
{
	const uint32_t id = strpool_id(&b->names, buf_cstr(&b->name));

	if (id == b->seen.n)
		vec_push(&b->seen, 0);
	if (++b->seen.at[id] > 1)
		buf_printf(&b->name, "#%u", b->seen.at[id]);
}

/* "Site/NAME", which no row had before; "Program/NAME/Site/NAME" of a row inside of a row. */
static void name_row(struct bench *b, const struct view_row *row)
{
	buf_reset(&b->name);
	put_part(b, b->s->by, row);
	number_name(b);
}

static void put_measurement(struct bench *b, struct value v, const char *unit)
{
	buf_printf(&b->out, "\t%.15g %s", v.per_op, unit);
	if (v.error > 0)
		buf_printf(&b->out, "\t%.15g stderr-%s", v.error, unit);
}

static void put_line(struct bench *b, const char *name, struct counters c)
{
	buf_printf(&b->out, "Benchmark%s\t%llu", name, (unsigned long long)b->r->ops);
	put_measurement(b, value_per_op(b->r, c, METRIC_BYTES), "B/op");
	put_measurement(b, value_per_op(b->r, c, METRIC_CALLS), b->s->kind->state ? "blocks/op" : "allocs/op");
	buf_char(&b->out, '\n');
}

/* What is inside of row i, whose name b->name is. */
static void put_inner(struct bench *b, size_t i)
{
	const struct sheet *s = b->s;
	const size_t first = s->inner_first[i], shown = s->inner_shown[i], start = b->name.len;
	struct counters above = {0};

	for (size_t k = first; k < first + shown; k++) {
		b->name.len = start;
		buf_char(&b->name, '/');
		put_part(b, s->then, &s->inner.rows[k]);
		number_name(b);
		put_line(b, buf_cstr(&b->name), s->inner.rows[k].flat);
		above = counters_add(above, s->inner.rows[k].flat);
	}
	if (first + shown == s->inner_first[i + 1])
		return;
	b->name.len = start;
	buf_str(&b->name, "/Rest");
	put_line(b, buf_cstr(&b->name), counters_sub(s->view.rows[i].flat, above));
}

static int write_lines(FILE *f, struct bench *b)
{
	const struct sheet *s = b->s;
	struct counters above = {0};
	int err = 0;

	/* Of allocations, the total is exact although rows may be estimates. */
	put_line(b, "Total", b->r->whole ? s->all_rows : s->kind->counted == PROFILE_ALLOC ? b->r->recorded :
		 s->view.total);
	for (size_t i = 0; i < s->n_rows && !err; i++) {
		name_row(b, &s->view.rows[i]);
		put_line(b, buf_cstr(&b->name), s->view.rows[i].flat);
		above = counters_add(above, s->view.rows[i].flat);
		if (s->then)
			put_inner(b, i);
		if (b->out.len > 65536)
			err = render_flush(f, &b->out);
	}
	if (s->n_rows < s->view.n)
		put_line(b, "Rest", counters_sub(s->all_rows, above));
	return err ? err : render_flush(f, &b->out);
}

int report_write_benchfmt(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct recording rec = *r;
	struct sheet sheets[SHEETS_MAX];
	struct bench b = {.r = &rec, .s = &sheets[0]};
	int err;

	/* Where nobody said how many operations there were, the run is one. */
	rec.ops = r->ops ? r->ops : 1;
	sheet_list(&rec, o->views, o->by, o->then, o->metric, false, sheets);
	sheet_fill(&sheets[0], o->top);
	/* Another program's file does not say on what system it was. */
	if (!r->missing)
		buf_str(&b.out, "goos: linux\n");
	buf_printf(&b.out, "view: %s\nby: %s%s%s\n", sheets[0].kind->name, o->by->name, o->then ? "," : "",
		   o->then ? o->then->name : "");
	err = write_lines(f, &b);
	sheet_free(&sheets[0]);
	strpool_free(&b.names);
	vec_free(&b.seen);
	buf_free(&b.out);
	buf_free(&b.name);
	return render_end(f, err);
}
