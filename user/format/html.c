/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page that needs nothing else: its script and style (user/format/html/), which a Content-Security-Policy admits by
 * their SHA-256 and nothing beside them, and its data, which no browser takes for anything but text:
 *
 *     base64(gzip(length of the JSON as varint, JSON, columns of pagetree.h))
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "format/html.h"
#include "format/pagesource.h"
#include "format/pagetree.h"
#include "html_page.h"
#include "record/gzip.h"

void html_put_string(struct buf *out, const char *s)
{
	buf_char(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_char(out, '\\');
		buf_char(out, *s);
	}
	buf_char(out, '"');
}

void html_put_escaped(struct buf *out, const char *s, size_t len)
{
	struct buf text = {0};

	text_escape(&text, s, len);
	html_put_string(out, buf_cstr(&text));
	buf_free(&text);
}

void html_put_key(struct buf *out, const char *key)
{
	const char last = out->len ? out->data[out->len - 1] : '{';

	buf_printf(out, "%s\"%s\":", last == '{' || last == '[' ? "" : ",", key);
}

static void put_pool(struct buf *out, const char *key, const struct strpool *pool)
{
	html_put_key(out, key);
	for (size_t i = 0; i < pool->n; i++) {
		buf_char(out, i ? ',' : '[');
		html_put_string(out, strpool_str(pool, i));
	}
	buf_str(out, pool->n ? "]" : "[]");
}

static void put_functions(struct buf *out, const struct page_tree *t)
{
	html_put_key(out, "functions");
	buf_char(out, '[');
	for (size_t i = 0; i < t->functions.n; i++) {
		buf_str(out, i ? "," : "");
		html_put_string(out, t->functions.at[i].name);
	}
	buf_char(out, ']');
	html_put_key(out, "moduleOf");
	buf_char(out, '[');
	for (size_t i = 0; i < t->functions.n; i++)
		buf_printf(out, "%s%d", i ? "," : "", (int)t->functions.at[i].module);
	buf_char(out, ']');
	html_put_key(out, "kindOf");
	buf_char(out, '[');
	for (size_t i = 0; i < t->functions.n; i++)
		buf_printf(out, "%s%d", i ? "," : "", t->functions.at[i].kind);
	buf_char(out, ']');
}

static void put_views(struct buf *out, const struct page_tree *t)
{
	html_put_key(out, "views");
	buf_char(out, '[');
	for (uint32_t left = t->views; left; left &= left - 1) {
		const enum view_id view = __builtin_ctz(left);
		const struct counters total = profile_total(t->r->profile, view_kinds[view].counted);

		buf_str(out, left == t->views ? "{" : ",{");
		html_put_key(out, "name");
		html_put_string(out, view_kinds[view].name);
		html_put_key(out, "help");
		html_put_string(out, view_kinds[view].help);
		html_put_key(out, "blocks");
		buf_str(out, view_kinds[view].blocks ? "true" : "false");
		html_put_key(out, "errors");
		buf_str(out, page_tree_has_errors(t, view) ? "true" : "false");
		html_put_key(out, "total");
		buf_printf(out, "[%llu,%llu]}", (unsigned long long)total.bytes, (unsigned long long)total.calls);
	}
	buf_char(out, ']');
}

/* The summary, as [label, text] for each of its lines. */
static void put_facts(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct buf lines = {0};

	summary_head(r, o, &lines);
	summary_unnamed(r, o, &lines);
	html_put_key(out, "facts");
	buf_char(out, '[');
	for (char *line = lines.data, *end; line && *line; line = end + 1) {
		size_t label = SUMMARY_LABEL;

		end = strchr(line, '\n');
		*end = '\0';
		while (label && line[label - 1] == ' ')
			label--;
		buf_str(out, line == lines.data ? "[" : ",[");
		html_put_escaped(out, line, label);
		buf_char(out, ',');
		html_put_escaped(out, line + SUMMARY_LABEL, end - line - SUMMARY_LABEL);
		buf_char(out, ']');
	}
	buf_char(out, ']');
	buf_free(&lines);
}

/* Buckets from the first to the last that have calls, as [least value, calls]. */
static void put_buckets(struct buf *out, const struct profile *p, enum profile_hist hist)
{
	double calls[PROFILE_BUCKETS] = {0};
	struct buf text = {0};
	bool any = false;
	int last = -1;

	for (size_t i = 0; i < p->hists[hist].n; i++)
		calls[p->hists[hist].at[i].bucket] += p->hists[hist].at[i].calls;
	for (int i = 0; i < PROFILE_BUCKETS; i++)
		last = calls[i] > 0 ? i : last;
	buf_char(out, '[');
	for (int i = 0; i <= last; i++) {
		if (!any && !(calls[i] > 0))
			continue;
		buf_reset(&text);
		value_put(&text, columns_bucket(hist, i));
		buf_str(out, any ? ",[" : "[");
		html_put_escaped(out, buf_cstr(&text), text.len);
		buf_printf(out, ",%.0f]", calls[i]);
		any = true;
	}
	buf_char(out, ']');
	buf_free(&text);
}

static void put_histograms(struct buf *out, const struct recording *r, uint32_t views)
{
	html_put_key(out, "histograms");
	buf_char(out, '[');
	for (uint32_t left = views; left; left &= left - 1) {
		const struct view_kind *kind = &view_kinds[__builtin_ctz(left)];

		if (!kind->histogram)
			continue;
		buf_str(out, out->data[out->len - 1] == '[' ? "{" : ",{");
		html_put_key(out, "name");
		html_put_string(out, kind->name);
		html_put_key(out, "help");
		html_put_string(out, kind->help);
		html_put_key(out, "buckets");
		put_buckets(out, r->profile, kind->hist);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

/* The views that have stacks; that of allocations where none of those that are asked for has. */
static uint32_t stack_views(uint32_t views)
{
	uint32_t out = 0;

	for (uint32_t left = views; left; left &= left - 1)
		out |= view_kinds[__builtin_ctz(left)].forms & VIEW_AS_STACKS ? left & -left : 0;
	return out ? out : VIEW_BIT(VIEW_ALLOC);
}

static void put_data(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const struct report_options plain = {.views = o->views, .by = o->by, .metric = o->metric};
	struct page_tree t;
	struct buf json = {0};

	page_tree_make(&t, r, stack_views(o->views));
	buf_char(&json, '{');
	html_put_key(&json, "version");
	buf_char(&json, '1');
	html_put_key(&json, "by");
	html_put_string(&json, "alloctrace " ALLOCTRACE_VERSION);
	html_put_key(&json, "target");
	html_put_escaped(&json, r->target ? r->target : "", r->target ? strlen(r->target) : 0);
	html_put_key(&json, "metric");
	buf_printf(&json, "%d", o->metric);
	html_put_key(&json, "windowError");
	buf_printf(&json, "%.6f", r->windows.error);
	html_put_key(&json, "nodes");
	buf_printf(&json, "%zu", t.nodes.n);
	html_put_key(&json, "stacks");
	buf_printf(&json, "%zu", t.n_groups);
	put_views(&json, &t);
	put_functions(&json, &t);
	put_pool(&json, "modules", &t.modules);
	put_pool(&json, "tasks", &t.tasks);
	put_pool(&json, "allocators", &t.allocators);
	put_pool(&json, "types", &t.types);
	put_histograms(&json, r, o->views);
	page_put_sources(&t, o, &json);
	put_facts(&json, r, &plain);
	buf_char(&json, '}');
	page_put_varint(out, json.len);
	buf_add(out, json.data, json.len);
	buf_free(&json);
	page_tree_put(&t, out);
	page_tree_free(&t);
}

/* --- the page */

static void put_base64(struct buf *out, const unsigned char *s, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = s[i] << 16 | (i + 1 < len ? s[i + 1] << 8 : 0) | (i + 2 < len ? s[i + 2] : 0);
		char four[5] = {digits[bits >> 18], digits[bits >> 12 & 63],
				i + 1 < len ? digits[bits >> 6 & 63] : '=', i + 2 < len ? digits[bits & 63] : '='};

		buf_add(out, four, 4);
		if (i % 90 == 87)
			buf_char(out, '\n');
	}
}

static int pack(const struct buf *data, struct buf *out)
{
	size_t size = 0;
	char *packed = NULL;
	FILE *mem = open_memstream(&packed, &size);
	int err = mem ? gzip_write(mem, data->data, data->len) : -ENOMEM;

	if (mem && fclose(mem) && !err)
		err = -ENOMEM;
	if (!err)
		put_base64(out, (unsigned char *)packed, size);
	free(packed);
	return err;
}

/* The script's text follows its hash; so it must not hold the end of its own element (page.js has none). */
static void put_head(struct buf *out)
{
	buf_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"script-src 'sha256-" PAGE_js_SHA256 "'; style-src 'sha256-" PAGE_css_SHA256 "'; img-src data:; "
		"base-uri 'none'; form-action 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<title>alloctrace</title>\n<style>");
	buf_str(out, page_css);
	buf_str(out, "</style>\n</head>\n<body>\n<noscript>This report needs JavaScript, which it brings along; it loads "
		"nothing from elsewhere.</noscript>\n");
}

int report_write_html(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct buf data = {0}, out = {0};
	int err;

	put_data(&data, r, o);
	put_head(&out);
	buf_str(&out, "<script type=\"text/plain\" id=\"data\">\n");
	err = pack(&data, &out);
	buf_str(&out, "\n</script>\n<script>");
	buf_str(&out, page_js);
	buf_str(&out, "</script>\n</body>\n</html>\n");
	if (!err)
		err = render_flush(f, &out);
	buf_free(&data);
	buf_free(&out);
	return render_end(f, err);
}
