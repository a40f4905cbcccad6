/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What www.speedscope.app opens: a profile for each view and metric, with functions that were inlined. Its schema:
 * speedscope.app/file-format-schema.json.
 *
 *     {"$schema":"…","shared":{"frames":[{"name":"main","file":"main.c"},…]},
 *      "profiles":[{"type":"sampled","name":"alloc: bytes","unit":"bytes","startValue":0,"endValue":576,
 *                   "samples":[[0,1,2],[0,3,2]],"weights":[512,64]},…]}
 */
#include <stdlib.h>

#include "format/json.h"
#include "view/calltree.h"

struct speedscope {
	FILE *f;
	const struct recording *r;
	const struct report_options *o;
	struct calltree tree;
	vec_of(uint32_t) path;
	struct json_out j;
	struct buf out, text;
};

static int flush(struct speedscope *s)
{
	return s->out.len > 65536 ? render_flush(s->f, &s->out) : 0;
}

static int put_frames(struct speedscope *s)
{
	int err = 0;

	json_out_object(&s->j, "shared");
	json_out_array(&s->j, "frames");
	for (size_t i = 0; i < s->tree.names.n && !err; i++) {
		const struct calltree_name *name = &s->tree.names.at[i];

		json_out_object(&s->j, NULL);
		json_out_string(&s->j, "name", name->text);
		if (name->file)
			json_put_name(&s->j, "file", name->file);
		json_out_end(&s->j);
		err = flush(s);
	}
	json_out_end(&s->j);
	json_out_end(&s->j);
	return err;
}

/* The names from the root to the node. */
static void put_sample(struct speedscope *s, uint32_t node)
{
	s->path.n = 0;
	for (; node; node = s->tree.nodes.at[node].parent)
		vec_push(&s->path, s->tree.nodes.at[node].name);
	json_out_array(&s->j, NULL);
	while (s->path.n)
		json_out_u64(&s->j, NULL, s->path.at[--s->path.n]);
	json_out_end(&s->j);
}

static int put_values(struct speedscope *s, const uint64_t *self)
{
	int err = 0;

	json_out_array(&s->j, "samples");
	for (size_t i = 1; i < s->tree.nodes.n && !err; i++) {
		if (self[i])
			put_sample(s, i);
		err = flush(s);
	}
	json_out_end(&s->j);
	json_out_array(&s->j, "weights");
	for (size_t i = 1; i < s->tree.nodes.n && !err; i++) {
		if (self[i])
			json_out_u64(&s->j, NULL, self[i]);
		err = flush(s);
	}
	json_out_end(&s->j);
	return err;
}

static int put_profile(struct speedscope *s, const struct view_kind *kind, enum metric m)
{
	const struct profile *p = s->r->profile;
	uint64_t *self = calltree_self(&s->tree, p, kind->counted, m);
	int err;

	buf_reset(&s->text);
	buf_printf(&s->text, "%s: %s", kind->name, m == METRIC_BYTES ? "bytes" : kind->state ? "blocks" : "calls");
	json_out_object(&s->j, NULL);
	json_out_string(&s->j, "type", "sampled");
	json_out_string(&s->j, "name", buf_cstr(&s->text));
	json_out_string(&s->j, "unit", m == METRIC_BYTES ? "bytes" : "none");
	json_out_u64(&s->j, "startValue", 0);
	json_out_u64(&s->j, "endValue", counters_metric(profile_total(p, kind->counted), m));
	err = put_values(s, self);
	json_out_end(&s->j);
	free(self);
	return err;
}

static uint64_t kinds_of(uint32_t views)
{
	uint64_t kinds = 0;

	for (uint32_t i = 0; i < VIEW_KINDS; i++)
		kinds |= views & VIEW_BIT(i) ? 1ULL << view_kinds[i].counted : 0;
	return kinds;
}

/* Every metric of every view; which is shown first is the metric's, of the first view. */
static int put_profiles(struct speedscope *s)
{
	int err = 0;

	json_out_array(&s->j, "profiles");
	for (uint32_t i = 0; i < VIEW_KINDS && !err; i++) {
		if (!(s->o->views & VIEW_BIT(i)))
			continue;
		err = put_profile(s, &view_kinds[i], METRIC_BYTES);
		if (!err)
			err = put_profile(s, &view_kinds[i], METRIC_CALLS);
	}
	json_out_end(&s->j);
	json_out_u64(&s->j, "activeProfileIndex", s->o->metric == METRIC_CALLS);
	return err;
}

int report_write_speedscope(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct speedscope s = {.f = f, .r = r, .o = o};
	int err;

	s.j.out = &s.out;
	calltree_make(r, kinds_of(o->views), view_both(o->by, o->then).by_thread, &s.tree);
	json_out_object(&s.j, NULL);
	json_out_string(&s.j, "$schema", "https://www.speedscope.app/file-format-schema.json");
	json_out_string(&s.j, "exporter", "alloctrace " ALLOCTRACE_VERSION);
	json_put_name(&s.j, "name", r->target);
	err = put_frames(&s);
	if (!err)
		err = put_profiles(&s);
	json_out_end(&s.j);
	buf_char(&s.out, '\n');
	if (!err)
		err = render_flush(f, &s.out);
	calltree_free(&s.tree);
	vec_free(&s.path);
	buf_free(&s.out);
	buf_free(&s.text);
	return render_end(f, err);
}
