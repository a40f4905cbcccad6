/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/columns.h"

#include <assert.h>

/* --- when a column is there */

static bool by_bytes(const struct sheet *s)
{
	return s->metric == METRIC_BYTES;
}

static bool by_calls(const struct sheet *s)
{
	return s->metric == METRIC_CALLS;
}

static bool is_whole(const struct sheet *s)
{
	return !s->kind->generations;
}

static bool adds_up(const struct sheet *s)
{
	return is_whole(s) && !s->kind->histogram;
}

static bool is_estimate(const struct sheet *s)
{
	return value_error(s->r, s->view.total, s->metric) > 0;
}

static bool has_cum(const struct sheet *s)
{
	return s->cum;
}

static bool is_part(const struct sheet *s)
{
	return s->kind->part;
}

/* Columns by age are about what a row allocates itself, while with --cum it is shown for what it calls. */
static bool is_by_age(const struct sheet *s)
{
	return s->kind->by_age && !s->cum;
}

static bool has_past(const struct sheet *s)
{
	return is_by_age(s) && s->r->profile->n_past;
}

static bool is_histogram(const struct sheet *s)
{
	return s->kind->histogram;
}

static bool has_mean(const struct sheet *s)
{
	return !s->kind->histogram;
}

/* What an operation adds: not what was there at one moment. */
static bool has_ops(const struct sheet *s)
{
	return s->r->ops && s->kind->forms & VIEW_AS_BENCHMARK;
}

/* With one mark it's what BYTES says. */
static uint32_t generations(const struct sheet *s)
{
	uint32_t n = s->kind->generations ? s->r->profile->generations : 0;

	return n > 1 ? n : 0;
}

/* --- what its cells say */

#define NOTHING ((struct value){.kind = VALUE_NONE})

static struct value bytes(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return value_bytes(s->r, n->flat);
}

static struct value calls(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return value_calls(s->r, n->flat);
}

static struct value share_of(const struct sheet *s, struct counters c)
{
	double share = sheet_share(s, c);

	return (struct value){.kind = VALUE_SHARE, .share = share, .error = share * value_error(s->r, c, s->metric)};
}

static struct value share(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return share_of(s, n->flat);
}

static struct value sum_share(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return n->inner ? NOTHING : share_of(s, n->sum);
}

static struct value error(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	double e = value_error(s->r, s->cum ? n->cum : n->flat, s->metric);

	return e > 0 ? (struct value){.kind = VALUE_ERROR, .share = e} : NOTHING;
}

static struct value cum(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return value_metric(s->r, n->cum, s->metric);
}

static enum value_kind kind_of_metric(const struct sheet *s)
{
	return s->metric == METRIC_BYTES ? VALUE_BYTES : VALUE_COUNT;
}

static struct value cum_share(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return share_of(s, n->cum);
}

static struct value part(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	uint64_t all = n->detail->alloc.calls;
	double of_all;

	if (!all)
		return NOTHING;
	of_all = (double)n->flat.calls / all;
	return (struct value){
		.kind = VALUE_SHARE, .share = of_all, .error = of_all * value_error(s->r, n->flat, METRIC_CALLS),
	};
}

/* Its error is at most about that of what is live now. */
static struct value growth(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	if (!n->detail->growth)
		return NOTHING;
	return (struct value){
		.kind = VALUE_GROWTH, .growth = n->detail->growth, .error = value_bytes(s->r, n->flat).error,
	};
}

static struct value age(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	uint64_t now = s->r->profile->now_ns, oldest = n->detail->oldest_ns;

	if (!oldest)
		return NOTHING;
	return (struct value){.kind = VALUE_DURATION, .number = now > oldest ? now - oldest : 0};
}

static struct value allocated(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return value_bytes(s->r, n->detail->alloc);
}

static struct value freed(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return value_bytes(s->r, n->detail->freed);
}

static struct value generation(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	struct counters c = n->detail->generations[index];

	return counters_none(c) ? NOTHING : value_bytes(s->r, c);
}

static struct value mean(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	struct counters c = n->flat;

	if (!c.calls)
		return NOTHING;
	return (struct value){
		.kind = VALUE_BYTES, .number = c.bytes / c.calls,
		.error = value_error(s->r, c, METRIC_BYTES) * c.bytes / c.calls,
	};
}

static struct value bytes_per_op(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return value_per_op(s->r, n->flat, METRIC_BYTES);
}

static struct value calls_per_op(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return value_per_op(s->r, n->flat, METRIC_CALLS);
}

struct value columns_bucket(enum profile_hist hist, unsigned int bucket)
{
	return (struct value){
		.kind = hist == PROFILE_LIFETIMES ? VALUE_DURATION : VALUE_BYTES,
		.number = bucket > 64 ? UINT64_MAX : bucket ? 1ULL << (bucket - 1) : 0,
	};
}

static enum value_kind kind_of_buckets(const struct sheet *s)
{
	return columns_bucket(s->kind->hist, 0).kind;
}

/* Half of the values are below. */
static struct value median(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	const double *buckets = n->detail->buckets;
	double all = 0, below = 0;
	struct value v;
	unsigned int i;

	for (i = 0; i < PROFILE_BUCKETS; i++)
		all += buckets[i];
	if (!(all > 0))
		return NOTHING;
	for (i = 0; i < PROFILE_BUCKETS; i++) {
		below += buckets[i];
		if (below * 2 >= all)
			break;
	}
	v = columns_bucket(s->kind->hist, i + 1);
	v.below = true;
	return v;
}

static struct value histogram(const struct sheet *s, const struct numbers *n, uint32_t index)
{
	return (struct value){.kind = VALUE_HISTOGRAM, .buckets = n->detail->buckets};
}

/* --- the table */

const struct column columns[] = {
	{"share", "%", .kind = VALUE_SHARE, .width = 5, .applies = is_whole, .value = share},
	{"sum_share", "SUM%", .kind = VALUE_SHARE, .width = 5, .goes = 4, .applies = adds_up, .value = sum_share},
	{"error", "\xc2\xb1%", .kind = VALUE_ERROR, .width = 4, .goes = 10, .of_rows = true,
	 .applies = is_estimate, .value = error},
	{"cum", "CUM", .kind_of = kind_of_metric, .width = 8, .goes = 15, .of_rows = true,
	 .applies = has_cum, .value = cum},
	{"cum_share", "CUM%", .kind = VALUE_SHARE, .width = 5, .goes = 7, .of_rows = true,
	 .applies = has_cum, .value = cum_share},
	{"bytes", "BYTES", .kind = VALUE_BYTES, .width = 8, .goes = 14, .first = by_bytes, .value = bytes},
	{"calls", "CALLS", "BLOCKS", .kind = VALUE_COUNT, .width = 5, .goes = 5, .first = by_calls, .value = calls},
	{"bytes_per_op", "B/OP", .kind = VALUE_BYTES_PER_OP, .width = 9, .goes = 18,
	 .applies = has_ops, .value = bytes_per_op},
	{"calls_per_op", "ALLOCS/OP", "BLOCKS/OP", .kind = VALUE_COUNT_PER_OP, .width = 9, .goes = 17,
	 .applies = has_ops, .value = calls_per_op},
	{"temp_share", "TEMP%", .kind = VALUE_SHARE, .width = 5, .goes = 12, .of_rows = true,
	 .applies = is_part, .value = part},
	{"growth", "GROWTH", .kind = VALUE_GROWTH, .width = 9, .goes = 11, .of_rows = true,
	 .applies = has_past, .value = growth},
	{"oldest", "OLDEST", .kind = VALUE_DURATION, .width = 7, .goes = 9, .of_rows = true,
	 .applies = is_by_age, .value = age},
	{"allocated", "ALLOC", .kind = VALUE_BYTES, .width = 8, .goes = 3, .of_rows = true,
	 .applies = is_by_age, .value = allocated},
	{"freed", "FREED", .kind = VALUE_BYTES, .width = 8, .goes = 2, .of_rows = true,
	 .applies = is_by_age, .value = freed},
	/* The older ones go first. */
	{"mark", NULL, .kind = VALUE_BYTES, .width = 8, .goes = 6, .last_goes = 13, .of_rows = true,
	 .several = generations, .value = generation},
	{"mean", "MEAN", .kind = VALUE_BYTES, .width = 8, .goes = 1, .applies = has_mean, .value = mean},
	{"median", "MEDIAN", .kind_of = kind_of_buckets, .width = 9, .goes = 8, .of_rows = true,
	 .applies = is_histogram, .value = median},
	{"histogram", NULL, .kind = VALUE_HISTOGRAM, .goes = 16, .of_rows = true,
	 .applies = is_histogram, .value = histogram},
	{ 0 }
};

static_assert(sizeof(columns) / sizeof(columns[0]) + PROFILE_GENERATIONS <= COLUMNS_MAX, "more columns than room");

size_t columns_of(const struct sheet *s, struct column_at out[COLUMNS_MAX])
{
	size_t n = 0;

	for (const struct column *c = columns; c->key; c++)
		if (c->first && c->first(s))
			out[n++] = (struct column_at){c, 0};
	for (const struct column *c = columns; c->key; c++) {
		uint32_t several = c->several ? c->several(s) : 1;

		if ((c->first && c->first(s)) || (c->applies && !c->applies(s)))
			continue;
		for (uint32_t i = 0; i < several; i++)
			out[n++] = (struct column_at){c, i};
	}
	return n;
}

struct value column_value(const struct sheet *s, struct column_at at, const struct numbers *n)
{
	return at.column->of_rows && !n->detail ? NOTHING : at.column->value(s, n, at.index);
}

enum value_kind column_kind(const struct sheet *s, struct column_at at)
{
	return at.column->kind != VALUE_NONE ? at.column->kind : at.column->kind_of(s);
}

void column_head(const struct sheet *s, struct column_at at, struct buf *out)
{
	const struct column *c = at.column;
	bool of_blocks = s->kind->state && !s->kind->histogram;

	if (c->several) {
		uint32_t mark = s->r->profile->first_generation + at.index;

		buf_printf(out, mark < 1000 ? "MARK %u" : "#%u", mark);
	} else if (c->value == calls && s->kind->counts_head) {
		buf_str(out, s->kind->counts_head);
	} else if (c->head) {
		buf_str(out, of_blocks && c->head_of_blocks ? c->head_of_blocks : c->head);
	}
}

unsigned int column_goes(struct column_at at)
{
	const struct column *c = at.column;

	return c->several && at.index + 1 == PROFILE_GENERATIONS ? c->last_goes : c->goes;
}
