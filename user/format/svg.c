/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flame graph, its root above: one file, a picture for any viewer, and in a browser one that zooms and searches
 * (svg/flame.js). Ids and classes are those that flamegraph.pl uses, for scripts that look for them.
 *
 *     <g class="func_g" data-depth="1"><title>main (576 bytes, 100.00%)</title>
 *     <rect x="0.0000%" y="16" width="100.0000%" height="15" class="m0 s1"/><text …>main</text></g>
 *
 * Frames are placed in per cent of the width. Those that would be narrower than a tenth of a pixel have no element, nor
 * has what they call; together they are one grey frame beside their siblings, so that sums are whole.
 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "format/render.h"
#include "svg_parts.h"
#include "view/calltree.h"
#include "view/sheet.h"

#define WIDTH 1200
#define MARGIN 10
#define TOP 64		/* for titles, buttons, and what is under the pointer */
#define BOTTOM 10
#define ROW 16
#define CHAR_WIDTH 6.6	/* of the fixed-width font at 11 px */
#define NARROWEST 0.1	/* pixels */
#define PALETTE 7	/* classes m0 … of svg/flame.css */

struct svg {
	FILE *f;
	const struct recording *r;
	const struct report_options *o;
	const struct view_kind *kind;
	const char *unit;
	struct calltree tree;
	uint64_t *total, *start;	/* by node; where it begins, and later where its next child does */
	uint64_t *narrow;		/* by node: what its children have that are too narrow */
	uint32_t *depth, *n_narrow;
	uint64_t all;
	uint32_t deepest;		/* of those that are drawn, and the grey ones */
	struct strpool modules;
	struct buf out, name, text;
};

/* XML 1.0 has no U+FFFE and U+FFFF; control characters are escaped before. */
static void put_xml(struct buf *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			buf_str(out, "&amp;");
			break;
		case '<':
			buf_str(out, "&lt;");
			break;
		case '>':
			buf_str(out, "&gt;");
			break;
		case '"':
			buf_str(out, "&quot;");
			break;
		default:
			if (!strncmp(s, "\xef\xbf\xbe", 3) || !strncmp(s, "\xef\xbf\xbf", 3)) {
				buf_str(out, "\xef\xbf\xbd");
				s += 2;
			} else {
				buf_char(out, *s);
			}
		}
	}
}

/* "1,342,177,280" */
static void put_grouped(struct buf *out, uint64_t n)
{
	char digits[24];
	const int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf_char(out, ',');
		buf_char(out, digits[i]);
	}
}

static double percent(const struct svg *s, uint64_t n)
{
	return s->all ? 100.0 * (double)n / (double)s->all : 100;
}

static bool is_drawn(const struct svg *s, uint64_t value)
{
	return (double)value * (WIDTH - 2 * MARGIN) >= NARROWEST * (double)s->all;
}

/* --- where frames are */

/* The first node behind i that is not below it. */
static size_t behind(const struct svg *s, size_t i)
{
	const uint32_t depth = s->depth[i];

	for (i++; i < s->tree.nodes.n && s->depth[i] > depth; i++)
		;
	return i;
}

static void lay_out(struct svg *s)
{
	const size_t n = s->tree.nodes.n;

	s->start = xcalloc(n, sizeof(*s->start));
	s->narrow = xcalloc(n, sizeof(*s->narrow));
	s->n_narrow = xcalloc(n, sizeof(*s->n_narrow));
	s->depth = xcalloc(n, sizeof(*s->depth));
	for (size_t i = 1; i < n; i++)
		s->depth[i] = s->depth[s->tree.nodes.at[i].parent] + 1;
	for (size_t i = 1; i < n;) {
		const uint32_t parent = s->tree.nodes.at[i].parent;

		if (s->total[i] && s->depth[i] > s->deepest)
			s->deepest = s->depth[i];
		if (is_drawn(s, s->total[i]) && s->total[i]) {
			i++;
			continue;
		}
		s->narrow[parent] += s->total[i];
		s->n_narrow[parent] += s->total[i] > 0;
		i = behind(s, i);
	}
}

/* --- frames */

static const char *class_of(struct svg *s, const struct calltree_name *name)
{
	static char class[16];

	if (name->kind == CALLTREE_MARK)
		return "mark";
	if (name->kind != CALLTREE_FUNCTION || !name->module)
		return name->kind == CALLTREE_HEAD ? "head" : "plain";
	snprintf(class, sizeof(class), "m%u s%u", strpool_id(&s->modules, name->module) % PALETTE,
		 (unsigned int)(mix64(strlen(name->text) * 31 + (unsigned char)name->text[0]) % 3));
	return class;
}

/* A frame of s->name with this value at this place; more: what its tip says after that. */
static void put_frame(struct svg *s, uint32_t depth, uint64_t start, uint64_t value, const char *class,
		      const char *more)
{
	const double pixels = percent(s, value) / 100 * (WIDTH - 2 * MARGIN);
	const uint32_t y = depth * ROW;

	buf_printf(&s->out, "<g class=\"func_g\" data-depth=\"%u\"><title>", depth);
	put_xml(&s->out, buf_cstr(&s->name));
	buf_str(&s->out, " (");
	put_grouped(&s->out, value);
	buf_printf(&s->out, " %s, %.2f%%)", s->unit, percent(s, value));
	put_xml(&s->out, more);
	buf_printf(&s->out, "</title><rect x=\"%.4f%%\" y=\"%u\" width=\"%.4f%%\" height=\"%d\" class=\"%s\"/>",
		   s->all ? percent(s, start) : 0, y, percent(s, value), ROW - 1, class);
	buf_printf(&s->out, "<text x=\"%.4f%%\" dx=\"3\" y=\"%.1f\">", s->all ? percent(s, start) : 0, y + 11.5);
	buf_reset(&s->text);
	if (pixels >= 6 + 3 * CHAR_WIDTH)
		text_fit(&s->text, buf_cstr(&s->name), (size_t)((pixels - 6) / CHAR_WIDTH), false, false);
	put_xml(&s->out, buf_cstr(&s->text));
	buf_str(&s->out, "</text></g>\n");
}

static void put_node(struct svg *s, uint32_t node, uint64_t self)
{
	const uint32_t parent = s->tree.nodes.at[node].parent;
	const struct calltree_name *name = node ? &s->tree.names.at[s->tree.nodes.at[node].name] : NULL;
	struct buf more = {0};

	if (node) {
		s->start[node] = s->start[parent];
		s->start[parent] += s->total[node];
	}
	buf_reset(&s->name);
	buf_str(&s->name, name ? name->text : "all");
	if (name && name->module) {
		buf_str(&more, "\nin ");
		text_escape(&more, name->module, strlen(name->module));
	}
	if (self && self < s->total[node]) {
		buf_printf(&more, "%s", more.len ? ", itself " : "\nitself ");
		put_grouped(&more, self);
	}
	put_frame(s, s->depth[node], s->start[node], s->total[node], name ? class_of(s, name) : "head",
		  buf_cstr(&more));
	buf_free(&more);
}

/* Once the children of a node are there, what is too narrow stands behind them. */
static void put_narrow(struct svg *s, uint32_t node)
{
	if (!is_drawn(s, s->narrow[node]) || !s->narrow[node])
		return;
	buf_reset(&s->name);
	buf_printf(&s->name, "(%u narrow frame%s)", s->n_narrow[node], s->n_narrow[node] == 1 ? "" : "s");
	put_frame(s, s->depth[node] + 1, s->start[node], s->narrow[node], "narrow", "");
}

/* In pre-order; a node's grey frame comes when the walk leaves it. */
static int put_frames(struct svg *s)
{
	uint64_t *self = calltree_self(&s->tree, s->r->profile, s->kind->counted, s->o->metric);
	uint32_t open = 0;
	int err = 0;

	put_node(s, 0, 0);
	for (size_t i = 1; i < s->tree.nodes.n && !err;) {
		const uint32_t parent = s->tree.nodes.at[i].parent;

		for (; open != parent; open = s->tree.nodes.at[open].parent)
			put_narrow(s, open);
		if (!is_drawn(s, s->total[i]) || !s->total[i]) {
			i = behind(s, i);
			continue;
		}
		put_node(s, i, self[i]);
		open = i++;
		if (s->out.len > 65536)
			err = render_flush(s->f, &s->out);
	}
	for (; open; open = s->tree.nodes.at[open].parent)
		put_narrow(s, open);
	put_narrow(s, 0);
	free(self);
	return err;
}

/* --- around them */

static void put_plain(struct buf *out, const char *s)
{
	struct buf escaped = {0};

	text_escape(&escaped, s, strlen(s));
	put_xml(out, buf_cstr(&escaped));
	buf_free(&escaped);
}

/* "live: 12.3 MiB in 1.23k blocks", and below it who it was, how long, and what is wrong with it. */
static void put_titles(struct svg *s)
{
	const struct recording *r = s->r;
	const struct counters total = profile_total(r->profile, s->kind->counted);
	const double lost = r->missing ? 0 : recording_lost_share(r);

	buf_reset(&s->text);
	buf_printf(&s->text, "%s: ", s->kind->name);
	value_put_sum(&s->text, r, total, s->kind->state ? "block" : "call");
	buf_str(&s->out, "<text id=\"title\" x=\"50%\" y=\"20\">");
	put_xml(&s->out, buf_cstr(&s->text));
	buf_str(&s->out, "</text>\n<text id=\"subtitle\" x=\"50%\" y=\"38\">");
	put_plain(&s->out, r->host.selection ? r->host.selection : r->target);
	if (r->allocator) {
		buf_str(&s->out, ", ");
		put_plain(&s->out, r->allocator);
	}
	buf_reset(&s->text);
	if (r->duration_ns) {
		buf_str(&s->text, ", ");
		text_duration(&s->text, r->duration_ns);
	}
	if (value_error(r, total, s->o->metric) > 0)
		buf_printf(&s->text, ", estimates (\xc2\xb1%.1f %%)", 100 * value_error(r, total, s->o->metric));
	if (lost > 0) {
		buf_str(&s->text, ", lost ");
		value_put_share(&s->text, lost);
	}
	put_xml(&s->out, buf_cstr(&s->text));
	buf_str(&s->out, "</text>\n");
}

static void put_button(struct svg *s, const char *id, const char *place, int y, const char *text, const char *tip)
{
	buf_printf(&s->out, "<text id=\"%s\" class=\"button js\" role=\"button\" tabindex=\"0\" %s y=\"%d\">"
		   "%s<title>%s</title></text>\n", id, place, y, text, tip);
}

static void put_head(struct svg *s)
{
	const uint32_t height = TOP + (s->deepest + 1) * ROW + BOTTOM;

	buf_printf(&s->out, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" height=\"%u\" "
		   "viewBox=\"0 0 %d %u\">\n<desc>alloctrace " ALLOCTRACE_VERSION "</desc>\n<style>\n%s</style>\n"
		   "<rect id=\"background\" width=\"100%%\" height=\"100%%\"/>\n", WIDTH, height, WIDTH, height,
		   svg_css);
	put_titles(s);
	put_button(s, "unzoom", "x=\"10\"", 20, "Reset zoom", "Esc");
	put_button(s, "flip", "x=\"10\"", 38, "Flame", "root above or below");
	put_button(s, "search", "x=\"100%\" dx=\"-10\"", 20, "Search", "Ctrl-F, F3");
	put_button(s, "ignorecase", "x=\"100%\" dx=\"-10\"", 38, "Ignore case", "Ctrl-I");
	buf_printf(&s->out,
		   "<text id=\"details\" x=\"10\" y=\"%d\"></text>\n"
		   "<text id=\"matched\" x=\"100%%\" dx=\"-10\" y=\"%d\"></text>\n"
		   "<svg id=\"frames\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%u\">\n", TOP - 9, TOP - 9,
		   MARGIN, TOP, WIDTH - 2 * MARGIN, (s->deepest + 1) * ROW);
}

static int write_graph(struct svg *s)
{
	int err;

	s->total = calltree_self(&s->tree, s->r->profile, s->kind->counted, s->o->metric);
	calltree_add_up(&s->tree, s->total);
	s->all = s->total[0];
	lay_out(s);
	put_head(s);
	err = put_frames(s);
	buf_printf(&s->out, "</svg>\n<script><![CDATA[\n%s]]></script>\n</svg>\n", svg_js);
	return err ? err : render_flush(s->f, &s->out);
}

int report_write_svg(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct svg s = {.f = f, .r = r, .o = o, .kind = report_only_view(o)};
	int err;

	s.unit = o->metric == METRIC_BYTES ? "bytes" : s.kind->state ? "blocks" : "calls";
	calltree_make(r, 1ULL << s.kind->counted, view_both(o->by, o->then).by_thread, &s.tree);
	err = write_graph(&s);
	calltree_free(&s.tree);
	strpool_free(&s.modules);
	free(s.total);
	free(s.start);
	free(s.narrow);
	free(s.n_narrow);
	free(s.depth);
	buf_free(&s.out);
	buf_free(&s.name);
	buf_free(&s.text);
	return render_end(f, err);
}
