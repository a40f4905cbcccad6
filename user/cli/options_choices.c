/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/options_choices.h"

#include <assert.h>
#include <stddef.h>

/* The tables of other modules begin as struct choice does. */
static_assert(offsetof(struct view_by, name) == offsetof(struct choice, name) &&
	      offsetof(struct view_by, help) == offsetof(struct choice, help), "struct view_by is no choice");
static_assert(offsetof(struct report_format, name) == offsetof(struct choice, name) &&
	      offsetof(struct report_format, help) == offsetof(struct choice, help),
	      "struct report_format is no choice");

const struct choice option_metric_choices[] = {
	[METRIC_BYTES] = { "bytes", "bytes" },
	[METRIC_CALLS] = { "calls", "calls of an allocator function; in live-heap views, blocks" },
	{ NULL, NULL },
};

const struct choice option_sort_choices[] = {
	{ "bytes", "bytes that a row allocates itself" },
	{ "calls", "calls, or blocks" },
	{ "cum", "what a row and its callees allocate, by --metric" },
	{ NULL, NULL },
};

static_assert(offsetof(struct view_kind, name) == offsetof(struct choice, name) &&
	      offsetof(struct view_kind, help) == offsetof(struct choice, help), "struct view_kind is no choice");

const struct choice option_attach_choices[] = {
	[ATTACH_AUTO] = { "auto", "multi where available, otherwise perf" },
	[ATTACH_MULTI] = { "multi", "uprobe_multi links; need Linux 6.10" },
	[ATTACH_PERF] = { "perf", "one perf event per probe and process" },
	{ NULL, NULL },
};

const struct choice option_unwind_choices[] = {
	[UNWIND_AUTO] = { "auto", "eh_frame if the kernel accepts its program, otherwise fp" },
	[UNWIND_EH_FRAME] = { "eh_frame", "the unwind tables that every program has for exceptions" },
	[UNWIND_FP] = { "fp", "frame pointers: complete only for programs built with them" },
	{ NULL, NULL },
};

const struct choice option_normalize_choices[] = {
	[SERIES_PLAIN] = { "none", "as recorded" },
	[SERIES_PER_TIME] = { "time", "per second of the recording" },
	[SERIES_PER_CALL] = { "calls", "per call that was recorded" },
	[SERIES_PER_OP] = { "ops", "per operation: those of --ops, or of the recording" },
	{ NULL, NULL },
};

/* In the order of enum bench_mode, less the first. */
const struct choice option_bench_choices[] = {
	{ "empty", "what a probe alone costs" },
	{ "stackid", "what bpf_get_stackid() costs" },
	{ NULL, NULL },
};

/* In the order of enum generate, less the first. */
const struct choice option_generate_choices[] = {
	{ "man", "the manual page" },
	{ "completion", "the completion for bash" },
	{ NULL, NULL },
};

void option_set_metric(struct options *o, size_t i)
{
	o->metric = i;
}

void option_set_sort(struct options *o, size_t i)
{
	o->cum |= i == 2;
	o->metric = i == 1 ? METRIC_CALLS : i == 0 ? METRIC_BYTES : o->metric;
}

void option_add_view(struct options *o, size_t i)
{
	o->views |= VIEW_BIT(i);
}

void option_set_by(struct options *o, size_t i)
{
	o->by = &view_bys[i];
	o->then = NULL;
}

void option_set_then(struct options *o, size_t i)
{
	o->then = &view_bys[i];
}

void option_set_normalize(struct options *o, size_t i)
{
	o->normalize = i;
}

void option_set_format(struct options *o, size_t i)
{
	o->format = &report_formats[i];
}

void option_set_attach(struct options *o, size_t i)
{
	o->attach = i;
}

void option_set_unwind(struct options *o, size_t i)
{
	o->unwind = i;
}

void option_set_bench(struct options *o, size_t i)
{
	o->bench = BENCH_EMPTY + i;
}

void option_set_generate(struct options *o, size_t i)
{
	o->generate = GENERATE_MAN + i;
}
