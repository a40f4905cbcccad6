/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/value.h"

#include <math.h>

#include "base/text.h"

double counters_error(struct counters c, enum metric m)
{
	double var = m == METRIC_BYTES ? c.bytes_var : c.calls_var;
	uint64_t n = counters_metric(c, m);

	return var > 0 && n ? sqrt(var) / (double)n : 0;
}

double value_error(const struct recording *r, struct counters c, enum metric m)
{
	return counters_metric(c, m) ? hypot(counters_error(c, m), r->windows.error) : 0;
}

struct value value_metric(const struct recording *r, struct counters c, enum metric m)
{
	uint64_t n = counters_metric(c, m);

	return (struct value){
		.kind = m == METRIC_BYTES ? VALUE_BYTES : VALUE_COUNT, .number = n, .error = value_error(r, c, m) * n,
	};
}

struct value value_bytes(const struct recording *r, struct counters c)
{
	return value_metric(r, c, METRIC_BYTES);
}

struct value value_calls(const struct recording *r, struct counters c)
{
	return value_metric(r, c, METRIC_CALLS);
}

struct value value_per_op(const struct recording *r, struct counters c, enum metric m)
{
	double per_op = (double)counters_metric(c, m) / r->ops;

	return (struct value){
		.kind = m == METRIC_BYTES ? VALUE_BYTES_PER_OP : VALUE_COUNT_PER_OP, .per_op = per_op,
		.error = value_error(r, c, m) * per_op,
	};
}

/* A share in per cent: no digit after the point where the error has a digit before it. */
static void put_percent(struct buf *out, double share, double error)
{
	buf_printf(out, error >= 0.01 ? "%.0f" : "%.1f", 100 * share);
}

static void put_error(struct buf *out, double error)
{
	buf_printf(out, error < 0.0995 ? "%.1f" : "%.0f", error < 9.995 ? 100 * error : 999.0);
}

static void put_growth(struct buf *out, int64_t growth, double error)
{
	buf_char(out, growth > 0 ? '+' : '-');
	text_bytes_about(out, growth > 0 ? (uint64_t)growth : 0 - (uint64_t)growth, error);
}

void value_put(struct buf *out, struct value v)
{
	if (v.below)
		buf_char(out, '<');
	switch (v.kind) {
	case VALUE_NONE:
	case VALUE_HISTOGRAM:
		break;
	case VALUE_BYTES:
		text_bytes_about(out, v.number, v.error);
		break;
	case VALUE_COUNT:
		text_count_about(out, v.number, v.error);
		break;
	case VALUE_DURATION:
		text_duration(out, v.number);
		break;
	case VALUE_SHARE:
		put_percent(out, v.share, v.error);
		break;
	case VALUE_ERROR:
		put_error(out, v.share);
		break;
	case VALUE_GROWTH:
		put_growth(out, v.growth, v.error);
		break;
	case VALUE_BYTES_PER_OP:
	case VALUE_COUNT_PER_OP:
		text_decimal_about(out, v.per_op, v.error);
		break;
	}
}

void value_put_bytes(struct buf *out, const struct recording *r, struct counters c)
{
	value_put(out, value_bytes(r, c));
}

void value_put_calls(struct buf *out, const struct recording *r, struct counters c)
{
	value_put(out, value_calls(r, c));
}

void value_put_sum(struct buf *out, const struct recording *r, struct counters c, const char *what)
{
	value_put_bytes(out, r, c);
	buf_str(out, " in ");
	value_put_calls(out, r, c);
	buf_printf(out, " %s%s", what, c.calls == 1 ? "" : "s");
}

void value_put_share(struct buf *out, double share)
{
	double percent = share * 100;

	if (percent > 0 && percent < 0.005)
		buf_str(out, "<0.01 %");
	else
		buf_printf(out, percent < 0.1 ? "%.2f %%" : "%.1f %%", percent);
}
