/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page that needs nothing else: its script and style (user/format/html/), which a Content-Security-Policy admits by
 * their SHA-256 and nothing beside them, and its data, which no browser takes for anything but text:
 *
 *     base64(gzip(length of the JSON as varint, JSON, columns of pagetree.h))
 */
#include <errno.h>
#include <string.h>

#include "format/pagesource.h"
#include "format/pagetree.h"
#include "html_page.h"
#include "record/gzip.h"
#include "view/columns.h"

static void put_pool(struct json_out *j, const char *key, const struct strpool *pool)
{
	json_out_array(j, key);
	for (size_t i = 0; i < pool->n; i++)
		json_out_string(j, NULL, strpool_str(pool, i));
	json_out_end(j);
}

static void put_functions(struct json_out *j, const struct page_tree *t)
{
	json_out_array(j, "functions");
	for (size_t i = 0; i < t->functions.n; i++)
		json_out_string(j, NULL, t->functions.at[i].name);
	json_out_end(j);
	json_out_array(j, "moduleOf");
	for (size_t i = 0; i < t->functions.n; i++)
		json_out_i64(j, NULL, (int32_t)t->functions.at[i].module);
	json_out_end(j);
	json_out_array(j, "kindOf");
	for (size_t i = 0; i < t->functions.n; i++)
		json_out_u64(j, NULL, t->functions.at[i].kind);
	json_out_end(j);
}

static void put_views(struct json_out *j, const struct page_tree *t)
{
	json_out_array(j, "views");
	for (uint32_t left = t->views; left; left &= left - 1) {
		const enum view_id view = __builtin_ctz(left);

		json_out_object(j, NULL);
		json_out_string(j, "name", view_kinds[view].name);
		json_out_string(j, "help", view_kinds[view].help);
		json_out_bool(j, "blocks", view_kinds[view].blocks);
		json_out_bool(j, "errors", page_tree_has_errors(t, view));
		json_out_u64(j, "past", page_tree_past(t, view));
		json_out_end(j);
	}
	json_out_end(j);
}

/* The summary, as [label, text] for each of its lines. */
static void put_facts(struct json_out *j, const char *key, const struct recording *r, const struct report_options *o)
{
	struct buf lines = {0};

	summary_head(r, o, &lines);
	summary_unnamed(r, o, &lines);
	json_out_array(j, key);
	for (char *line = lines.data, *end; line && *line; line = end + 1) {
		size_t label = SUMMARY_LABEL;

		end = strchr(line, '\n');
		*end = '\0';
		while (label && line[label - 1] == ' ')
			label--;
		json_out_array(j, NULL);
		page_put_escaped(j, NULL, line, label);
		page_put_escaped(j, NULL, line + SUMMARY_LABEL, end - line - SUMMARY_LABEL);
		json_out_end(j);
	}
	json_out_end(j);
	buf_free(&lines);
}

static void add_calls(const struct profile *p, enum profile_hist hist, double *calls)
{
	for (size_t i = 0; i < p->hists[hist].n; i++)
		calls[p->hists[hist].at[i].bucket] += p->hists[hist].at[i].calls;
}

/* From the first to the last that have calls: [least value as text, calls, of a comparison: calls of the base]. */
static void put_buckets(struct json_out *j, const struct page_tree *t, enum profile_hist hist)
{
	double calls[2][PROFILE_BUCKETS] = {0};
	int first = PROFILE_BUCKETS, last = -1;
	struct buf text = {0};

	for (int side = 0; side < 2 && t->sides[side].r; side++)
		add_calls(t->sides[side].r->profile, hist, calls[side]);
	for (int i = 0; i < PROFILE_BUCKETS; i++) {
		if (!(calls[0][i] > 0 || calls[1][i] > 0))
			continue;
		first = first < i ? first : i;
		last = i;
	}
	json_out_array(j, "buckets");
	for (int i = first; i <= last; i++) {
		buf_reset(&text);
		value_put(&text, columns_bucket(hist, i));
		json_out_array(j, NULL);
		json_out_string(j, NULL, buf_cstr(&text));
		json_out_double(j, NULL, calls[0][i]);
		if (t->base)
			json_out_double(j, NULL, calls[1][i]);
		json_out_end(j);
	}
	json_out_end(j);
	buf_free(&text);
}

static void put_histograms(struct json_out *j, const struct page_tree *t, uint32_t views)
{
	json_out_array(j, "histograms");
	for (uint32_t left = views; left; left &= left - 1) {
		const struct view_kind *kind = &view_kinds[__builtin_ctz(left)];

		if (!kind->histogram)
			continue;
		json_out_object(j, NULL);
		json_out_string(j, "name", kind->name);
		json_out_string(j, "help", kind->help);
		put_buckets(j, t, kind->hist);
		json_out_end(j);
	}
	json_out_end(j);
}

/* The views that have stacks; that of allocations where none of those that are asked for has. */
static uint32_t stack_views(uint32_t views)
{
	uint32_t out = 0;

	for (uint32_t left = views; left; left &= left - 1)
		out |= view_kinds[__builtin_ctz(left)].forms & VIEW_AS_STACKS ? left & -left : 0;
	return out ? out : VIEW_BIT(VIEW_ALLOC);
}

static void put_target(struct json_out *j, const char *key, const struct recording *r)
{
	page_put_escaped(j, key, r->target ? r->target : "", r->target ? strlen(r->target) : 0);
}

/* What the recording is compared with; without it, these keys are not there. */
static void put_base(struct json_out *j, const struct recording *base, const struct report_options *o)
{
	put_target(j, "baseTarget", base);
	json_out_double(j, "baseWindowError", base->windows.error);
	put_facts(j, "baseFacts", base, o);
}

static void put_json(struct json_out *j, const struct page_tree *t, const struct report_options *o)
{
	const struct report_options plain = {.views = o->views, .by = o->by, .metric = o->metric};
	const struct recording *r = t->r;

	json_out_object(j, NULL);
	json_out_u64(j, "version", 1);
	json_out_string(j, "by", "alloctrace " ALLOCTRACE_VERSION);
	put_target(j, "target", r);
	json_out_u64(j, "metric", o->metric);
	json_out_double(j, "windowError", r->windows.error);
	json_out_u64(j, "nodes", t->nodes.n);
	json_out_u64(j, "stacks", t->n_groups);
	put_views(j, t);
	put_functions(j, t);
	put_pool(j, "modules", &t->modules);
	put_pool(j, "tasks", &t->tasks);
	put_pool(j, "allocators", &t->allocators);
	put_pool(j, "types", &t->types);
	put_histograms(j, t, o->views);
	page_put_sources(t, o, j);
	put_facts(j, "facts", r, &plain);
	if (t->base)
		put_base(j, t->base, &plain);
	json_out_end(j);
}

static void put_data(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct page_tree t;
	struct buf json = {0};
	struct json_out j = {.out = &json};

	page_tree_make(&t, r, o->base, stack_views(o->views));
	put_json(&j, &t, o);
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
	buf_str(out, "</style>\n</head>\n<body>\n<noscript>This report needs JavaScript, which it brings along; it "
		"loads nothing from elsewhere.</noscript>\n");
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
