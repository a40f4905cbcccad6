/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Callers and callees of functions (--peek), and the tree of calls (--tree), as text:
 *
 *        BYTES      %  CALLERS > FUNCTION > CALLEES
 *     1.10 MiB   40.1    main
 *      200 KiB    7.3    load
 *     1.30 MiB   47.4  parse_value
 *     1.20 MiB   43.7    malloc
 *      102 KiB    3.7    grow
 *
 * A stack counts once, however often the function is on it: its callers are those of the outermost call, its callees
 * those of the innermost one, and both add up to the function.
 */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/render.h"
#include "view/calltree.h"
#include "view/sheet.h"

/* Of the whole: less is not drawn of a tree. */
#define LEAST_SHARE 0.005

struct peek {
	FILE *f;
	const struct recording *r;
	const struct report_options *o;
	const struct view_kind *kind;
	struct calltree tree;
	uint64_t *total, *below;	/* by node */
	uint64_t *callers, *callees;	/* by name */
	bool *within;			/* by node: it, or what calls it, is the function */
	uint64_t all;
	struct buf out, cell;
};

struct ranked {
	uint32_t name;
	uint64_t value;
};

static void put_line(struct peek *p, uint64_t value, size_t indent, const char *name)
{
	const size_t width = p->o->width ? p->o->width : 200;
	struct value v = {.kind = p->o->metric == METRIC_BYTES ? VALUE_BYTES : VALUE_COUNT, .number = value};

	buf_reset(&p->cell);
	value_put(&p->cell, v);
	buf_printf(&p->out, "%8s  %5.1f  %*s", buf_cstr(&p->cell), p->all ? 100.0 * (double)value / (double)p->all : 0,
		   (int)indent, "");
	text_fit(&p->out, name, width > 17 + indent + 8 ? width - 17 - indent : 8, false, false);
	buf_char(&p->out, '\n');
}

static void put_header(struct peek *p, const char *what)
{
	const char *unit = p->o->metric == METRIC_BYTES ? "BYTES" : p->kind->state ? "BLOCKS" : "CALLS";

	buf_printf(&p->out, "%8s  %5s  %s\n", unit, "%", what);
}

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;	/* names are in the order of their texts */
}

/* Those with a value, the heaviest first, at most --top; what is left is one line. */
static void put_ranked(struct peek *p, const uint64_t *values)
{
	vec_of(struct ranked) list = {0};
	uint64_t rest = 0;
	char *text;

	for (size_t i = 0; i < p->tree.names.n; i++)
		if (values[i])
			vec_push(&list, ((struct ranked){i, values[i]}));
	if (list.n)
		qsort(list.at, list.n, sizeof(*list.at), compare_ranked);
	for (size_t i = 0; i < list.n; i++) {
		if (p->o->top && i >= p->o->top)
			rest += list.at[i].value;
		else
			put_line(p, list.at[i].value, 2, p->tree.names.at[list.at[i].name].text);
	}
	if (rest) {
		text = xasprintf("\xe2\x80\xa6 and %zu more", list.n - p->o->top);
		put_line(p, rest, 2, text);
		free(text);
	}
	vec_free(&list);
}

/* Sums up who calls the function, and what it calls; returns what it has itself and with its callees. */
static uint64_t sum_up(struct peek *p, uint32_t function)
{
	const struct calltree_node *nodes = p->tree.nodes.at;
	uint64_t sum = 0;

	memset(p->callers, 0, p->tree.names.n * sizeof(*p->callers));
	memset(p->callees, 0, p->tree.names.n * sizeof(*p->callees));
	memset(p->below, 0, p->tree.nodes.n * sizeof(*p->below));
	for (size_t i = 1; i < p->tree.nodes.n; i++) {
		const uint32_t parent = nodes[i].parent;

		p->within[i] = p->within[parent] || nodes[i].name == function;
		if (nodes[i].name != function || p->within[parent])
			continue;
		sum += p->total[i];
		if (parent)
			p->callers[nodes[parent].name] += p->total[i];
	}
	/* below: what the outermost calls of the function below a node have. */
	for (size_t i = p->tree.nodes.n; i-- > 1;)
		p->below[nodes[i].parent] += nodes[i].name == function ? p->total[i] : p->below[i];
	for (size_t i = 1; i < p->tree.nodes.n; i++) {
		const uint32_t parent = nodes[i].parent;

		if (parent && nodes[parent].name == function && nodes[i].name != function)
			p->callees[nodes[i].name] += p->total[i] - p->below[i];
	}
	return sum;
}

static void put_peek(struct peek *p, uint32_t function)
{
	const uint64_t sum = sum_up(p, function);

	if (!sum)
		return;
	buf_str(&p->out, "\n");
	put_header(p, p->o->callers ? "CALLERS > FUNCTION" : p->o->callees ? "FUNCTION > CALLEES" :
		   "CALLERS > FUNCTION > CALLEES");
	if (!p->o->callees)
		put_ranked(p, p->callers);
	put_line(p, sum, 0, p->tree.names.at[function].text);
	if (!p->o->callers)
		put_ranked(p, p->callees);
}

static int write_peeks(struct peek *p)
{
	regex_t regex;
	size_t n = 0;
	int err = 0;

	/* It was tried before (options_check.c). */
	if (regcomp(&regex, p->o->peek, REG_EXTENDED | REG_NOSUB))
		return -EINVAL;
	p->below = xcalloc(p->tree.nodes.n, sizeof(*p->below));
	p->within = xcalloc(p->tree.nodes.n, sizeof(*p->within));
	p->callers = xcalloc(p->tree.names.n + 1, sizeof(*p->callers));
	p->callees = xcalloc(p->tree.names.n + 1, sizeof(*p->callees));
	for (size_t i = 0; i < p->tree.names.n && !err; i++) {
		if (regexec(&regex, p->tree.names.at[i].text, 0, NULL, 0))
			continue;
		if (!p->o->top || n++ < p->o->top)
			put_peek(p, i);
		err = p->out.len > 65536 ? render_flush_text(p->f, &p->out) : 0;
	}
	regfree(&regex);
	if (p->o->top && n > p->o->top)
		buf_printf(&p->out, "\n\xe2\x80\xa6 and %zu more functions that match (--top)\n", n - p->o->top);
	free(p->below);
	free(p->within);
	free(p->callers);
	free(p->callees);
	return err;
}

struct branch {
	uint32_t node, depth;
	uint64_t value;
};

/* The lightest first: the last one is taken next. By name where they are the same. */
static int compare_branches(const void *a, const void *b)
{
	const struct branch *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->node > y->node ? -1 : x->node < y->node;
}

/* The last node of a chain in which each calls one thing alone, and has nothing itself. */
static uint32_t chain_end(const struct peek *p, uint32_t node, const uint32_t *size)
{
	while (size[node] > 1 && size[node + 1] == size[node] - 1 && p->total[node + 1] == p->total[node])
		node++;
	return node;
}

/* "main > parse > malloc" */
static void put_chain(struct peek *p, const struct branch *at, uint32_t last)
{
	const size_t indent = (size_t)(at->depth - 1) * 2, width = p->o->width ? p->o->width : 200;
	struct buf text = {0};

	for (uint32_t i = at->node; i <= last; i++)
		buf_printf(&text, "%s%s", i > at->node ? " > " : "", p->tree.names.at[p->tree.nodes.at[i].name].text);
	put_line(p, at->value, indent < width / 2 ? indent : width / 2, buf_cstr(&text));
	buf_free(&text);
}

/* Who calls what, from the root, what has most first. */
static int write_tree(struct peek *p)
{
	const struct calltree_node *nodes = p->tree.nodes.at;
	uint32_t *size = xcalloc(p->tree.nodes.n, sizeof(*size));	/* of the subtree */
	vec_of(struct branch) open = {0};
	uint64_t left_out = 0;
	int err = 0;

	for (size_t i = p->tree.nodes.n; i-- > 0;) {
		size[i]++;
		if (i)
			size[nodes[i].parent] += size[i];
	}
	buf_str(&p->out, "\n");
	put_header(p, "TREE");
	vec_push(&open, ((struct branch){0, 0, p->total[0]}));
	while (open.n && !err) {
		const struct branch at = open.at[--open.n];
		const size_t first = open.n;
		const uint32_t last = at.node ? chain_end(p, at.node, size) : 0;

		if (at.node)
			put_chain(p, &at, last);
		for (uint32_t i = last + 1; i < last + size[last]; i += size[i]) {
			if (p->total[i] && (double)p->total[i] >= LEAST_SHARE * (double)p->all)
				vec_push(&open, ((struct branch){i, at.depth + 1, p->total[i]}));
			else
				left_out += p->total[i];
		}
		if (open.n > first)
			qsort(open.at + first, open.n - first, sizeof(*open.at), compare_branches);
		err = p->out.len > 65536 ? render_flush_text(p->f, &p->out) : 0;
	}
	if (left_out)
		put_line(p, left_out, 0, "\xe2\x80\xa6 in branches of less than 0.5 %");
	free(size);
	vec_free(&open);
	return err;
}

static int write_peek(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct peek p = {.f = f, .r = r, .o = o, .kind = report_only_view(o)};
	int err;

	calltree_make(r, 1ULL << p.kind->counted, view_both(o->by, o->then).by_thread, &p.tree);
	p.total = calltree_self(&p.tree, r->profile, p.kind->counted, o->metric);
	calltree_add_up(&p.tree, p.total);
	p.all = r->whole ? counters_metric(r->whole[p.kind->counted], o->metric) : p.total[0];
	summary_head(r, o, &p.out);
	err = o->peek ? write_peeks(&p) : write_tree(&p);
	if (!err)
		err = render_flush_text(f, &p.out);
	calltree_free(&p.tree);
	free(p.total);
	buf_free(&p.out);
	buf_free(&p.cell);
	return render_end(f, err);
}

const struct report_format report_format_peek = {
	"peek", "callers and callees, or the tree", write_peek, VIEW_AS_STACKS, .machine = false, .one_view = true,
};
