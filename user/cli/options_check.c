/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What options mean together, and what contradicts. */
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/user.h"
#include "base/log.h"
#include "base/outfile.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/options_table.h"
#include "cli/selection.h"

#define DEFAULT_OVERHEAD 5	/* per cent */

bool options_output_has_time(const char *pattern)
{
	for (const char *p = pattern; (p = strchr(p, '%')) && p[1]; p += 2)
		if (p[1] == 't')
			return true;
	return false;
}

bool options_has_machine(const struct options *o)
{
	for (size_t i = 0; i < o->n_outputs; i++)
		if (o->outputs[i].format->machine)
			return true;
	return false;
}

static int check_pattern(const char *pattern)
{
	char *path;
	int err = outfile_expand(pattern, "1", 0, &path);

	if (!err)
		free(path);
	return err;
}

bool options_are_given(options_given given, size_t offset)
{
	for (size_t i = 0; option_rows[i].name; i++)
		if (option_rows[i].offset == offset && given >> i & 1)
			return true;
	return false;
}

static const struct report_format *format_of_name(const char *name)
{
	const struct report_format *found = NULL;

	/* The longest: .speedscope.json is another one than .json. */
	for (const struct report_format *f = report_formats; f->name; f++)
		if (f->ending && strlen(name) > strlen(f->ending) &&
		    !strcmp(name + strlen(name) - strlen(f->ending), f->ending) &&
		    (!found || strlen(found->ending) < strlen(f->ending)))
			found = f;
	return found;
}

/* Which file is in which format: as --format says, else as its name ends. */
static int set_outputs(struct options *o, options_given given)
{
	const bool format_given = options_are_given(given, offsetof(struct options, format));
	int err = 0;

	for (size_t i = 0; o->output[i] && !err; i++) {
		const struct report_format *by_name = format_given ? NULL : format_of_name(o->output[i]);

		o->outputs[o->n_outputs++] = (struct output){o->output[i], by_name ? by_name : o->format};
		err = check_pattern(o->output[i]);
	}
	if (!o->n_outputs)
		o->outputs[o->n_outputs++] = (struct output){NULL, o->format};
	return err;
}

/* Options that mean something only with one of certain views. */
static const struct {
	size_t offset;
	const char *name;
	uint32_t views;		/* 0: views_by_age() */
	const char *needs;
} view_options[] = {
	{ offsetof(struct options, min_age_ns), "min-age", VIEW_BIT(VIEW_LEAKS), "--leaks" },
	{ offsetof(struct options, suppress), "suppress", VIEW_BIT(VIEW_LEAKS), "--leaks" },
	{ offsetof(struct options, temp_age_ns), "temp-age", VIEW_BIT(VIEW_TEMP), "--view temp" },
	{ offsetof(struct options, mark), "mark", 0, "--view live or --leaks" },
};

/* Before the name of a format: some are options of their own. */
static const char *written_as(const struct options *o)
{
	return o->list || o->peek || o->callers || o->callees || o->tree ? "--" : "--format ";
}

static int check_view(const struct options *o, const struct view_kind *kind, bool alone)
{
	if (o->delta && kind->state)
		return option_error("--delta has no meaning with --view %s%s", kind->name, kind->histogram ? "" :
				   ", which shows one moment; with --interval, live and leaks show growth");
	if (o->cum && kind->histogram)
		return option_error("--cum has no meaning with --view %s", kind->name);
	for (size_t i = 0; i < o->n_outputs; i++) {
		const struct report_format *f = o->outputs[i].format;

		if (!(kind->forms & f->form))
			return option_error("--view %s cannot be written as %s%s", kind->name, written_as(o), f->name);
		if (f->one_view && !alone)
			return option_error("%s%s takes one --view, not several", written_as(o), f->name);
	}
	return 0;
}

static int check_view_option(const struct options *o, options_given given, size_t i)
{
	const uint32_t views = view_options[i].views ? view_options[i].views : views_by_age();

	if (!options_are_given(given, view_options[i].offset) || o->views & views)
		return 0;
	return option_error("--%s needs %s", view_options[i].name, view_options[i].needs);
}

static int check_views(struct options *o, options_given given)
{
	int err;

	o->views |= (o->leaks ? VIEW_BIT(VIEW_LEAKS) : 0) | (o->lifetimes ? VIEW_BIT(VIEW_LIFETIMES) : 0) |
		    (o->sizes ? VIEW_BIT(VIEW_SIZES) : 0);
	if (!o->views)
		o->views = VIEW_BIT(VIEW_ALLOC);
	err = options_check_mmap(o);
	for (size_t i = 0; i < VIEW_KINDS && !err; i++) {
		if (!(o->views & VIEW_BIT(i)))
			continue;
		o->blocks |= view_kinds[i].blocks;
		err = check_view(o, &view_kinds[i], o->views == VIEW_BIT(i));
	}
	for (size_t i = 0; i < sizeof(view_options) / sizeof(view_options[0]) && !err; i++)
		err = check_view_option(o, given, i);
	if (!err && o->command->bit & FOR_TRACE)
		err = options_check_resident(o, given);
	o->min_age_given = options_are_given(given, offsetof(struct options, min_age_ns));
	if (!options_are_given(given, offsetof(struct options, max_overhead)))
		o->max_overhead = !o->argv && o->views == VIEW_BIT(VIEW_ALLOC) ? DEFAULT_OVERHEAD : 0;
	return err ? err : options_check_kernel(o, given);
}

/* --duration 0: no time in which anything could be counted. */
static int check_instant(struct options *o, options_given given)
{
	o->instant = options_are_given(given, offsetof(struct options, duration_ns)) && !o->duration_ns;
	if (!o->instant)
		return 0;
	if (o->kernel)
		return option_error("--duration 0 reads what Go's runtimes say: there is no --kernel");
	if (!o->pids)
		return option_error("--duration 0 is for running processes: give --pid");
	if (o->interval_ns)
		return option_error("--duration 0 and --interval contradict each other");
	if (o->views & ~views_by_age())
		return option_error("--duration 0 shows what is live in Go programs at one moment: with --view live "
				    "or --leaks only");
	return 0;
}

static int check_regex(const char *option, const char *pattern)
{
	regex_t regex;
	char why[256];
	int err;

	if (!pattern)
		return 0;
	err = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (err) {
		regerror(err, &regex, why, sizeof(why));
		return option_error("--%s %s is not a regular expression: %s", option, pattern, why);
	}
	regfree(&regex);
	return 0;
}

/* What is shown instead of the table, which is for people alone. */
static int set_format(struct options *o, const char *option, const char *what, const struct report_format *format)
{
	for (size_t i = 0; i < o->n_outputs; i++)
		if (o->outputs[i].format->machine)
			return option_error("--%s shows %s, which --format %s cannot hold", option, what,
					   o->outputs[i].format->name);
	for (size_t i = 0; i < o->n_outputs; i++)
		o->outputs[i].format = format;
	return 0;
}

static int check_list(struct options *o)
{
	int err = check_regex("list", o->list);

	return err || !o->list ? err : set_format(o, "list", "source", &report_format_list);
}

static int check_peek(struct options *o)
{
	const char *const patterns[] = {o->peek, o->callers, o->callees};
	static const char *const names[] = {"peek", "callers", "callees"};
	int err = 0, given = 0;

	for (int i = 0; i < 3 && !err; i++) {
		err = check_regex(names[i], patterns[i]);
		given += patterns[i] != NULL;
	}
	if (err || !(given || o->tree))
		return err;
	if (given + o->tree + (o->list != NULL) > 1)
		return option_error("--peek, --callers, --callees, --tree and --list: give one of them");
	return set_format(o, o->tree ? "tree" : names[o->peek ? 0 : o->callers ? 1 : 2], "calls", &report_format_peek);
}

/* --alloc-fn and the like: rows of their own from now on. */
static int check_functions(const struct options *o)
{
	const char *const *const lists[] = {o->alloc_fns, o->free_fns, o->objects};
	static const char *const names[] = {"alloc-fn", "free-fn", "object"};
	struct buf why = {0};
	int err = 0;

	alloc_user_clear();
	for (int k = 0; k < 3 && !err; k++)
		for (size_t i = 0; lists[k][i] && !err; i++) {
			err = k < 2 ? alloc_user_add(lists[k][i], k == 1, &why) :
				      alloc_user_add_object(lists[k][i], &why);
			if (err)
				option_error("--%s %s: %s", names[k], lists[k][i], buf_cstr(&why));
		}
	if (!err) {
		err = alloc_user_check(&why);
		if (err)
			option_error("%s", buf_cstr(&why));
	}
	buf_free(&why);
	return err ? -EINVAL : 0;
}

/* What all commands that show something share. */
static int check_shown(struct options *o)
{
	const struct view_by both = view_both(o->by, o->then);

	if (o->then == o->by)
		return option_error("--by %s,%s: the two are the same", o->by->name, o->by->name);
	if (both.by_goroutine && both.by_label)
		return option_error("--by %s,%s: a goroutine is known by its number or by its labels, not by both",
				    o->by->name, o->then->name);
	if (o->cum && !view_has_cum(o->by, o->then))
		return option_error("--cum has no meaning with --by %s%s%s", o->by->name, o->then ? "," : "",
				    o->then ? o->then->name : "");
	if (o->quiet && o->verbose)
		return option_error("--quiet and --verbose contradict each other");
	return 0;
}

/* Whether reports of intervals are told apart where they go. */
static int check_interval(const struct options *o, const struct output *out)
{
	const struct report_format *f = out->format;

	if (f->latest && o->delta)
		return option_error("--format %s has what was counted since the start: there is no --delta", f->name);
	if (!f->machine || f->lines || (out->pattern && options_output_has_time(out->pattern)))
		return 0;
	if (f->whole && out->pattern && !o->delta)
		return 0;
	if ((f->latest || (f->whole && !o->delta)) && !out->pattern)
		return option_error("--interval with --format %s needs --output FILE, which each report replaces",
				    f->name);
	return f->latest ? 0 : option_error("--interval with --format %s needs a file per interval: --output FILE "
					    "with %%t in its name", f->name);
}

static int check_time(const struct options *o)
{
	struct buf d = {0}, i = {0};
	int err;

	if (o->delta && !o->interval_ns)
		return option_error("--delta needs --interval TIME");
	if (o->duration_ns && o->interval_ns > o->duration_ns) {
		text_duration(&d, o->duration_ns);
		text_duration(&i, o->interval_ns);
		option_error("--interval %s is longer than --duration %s", i.data, d.data);
		buf_free(&d);
		buf_free(&i);
		return -EINVAL;
	}
	for (size_t k = 0; k < o->n_outputs && o->interval_ns; k++) {
		err = check_interval(o, &o->outputs[k]);
		if (err)
			return err;
	}
	return 0;
}

static bool is_number(const char *s)
{
	uint64_t n;

	return !parse_u64(s, &n);
}

static int check_target(const struct options *o)
{
	if (o->pids && o->argv && is_number(o->argv[0]))
		return option_error("--pid %s and a command, %s; for two processes use a comma: -p %s,%s",
				   o->pids, o->argv[0], o->pids, o->argv[0]);
	if (o->pids && o->argv)
		return option_error("--pid %s and a command, %s: give one of them", o->pids, o->argv[0]);
	if (o->all && (o->pids || o->argv))
		return option_error("--all and %s: give one of them", o->pids ? "--pid" : "a command");
	if (o->follow && o->no_follow)
		return option_error("--follow and --no-follow contradict each other");
	if ((o->follow || o->no_follow) && !o->pids && !o->argv)
		return option_error("--%sfollow is for --pid or a command", o->follow ? "" : "no-");
	if (!o->pids && !o->argv && !o->all && !selection_has_rules(o)) {
		fail(-EINVAL, "nothing to trace: give -p PID, a command or -a (see alloctrace --help)");
		fail(-EINVAL, "usage: alloctrace %s", commands[0].usage);
		return -EINVAL;
	}
	return 0;
}

static int check_names(const struct options *o)
{
	for (size_t i = 0; i < o->n_outputs && o->no_names; i++)
		if (strcmp(o->outputs[i].format->name, "pprof") != 0)
			return option_error("--no-names is for recordings: --format pprof, or --output FILE.pb.gz");
	return 0;
}

static int check_go_samples(const struct options *o)
{
	if (o->go_samples && o->no_go_samples)
		return option_error("--go-samples and --no-go-samples contradict each other");
	if (o->go_samples && !(o->views & (VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_SIZES))))
		return option_error("--go-samples is about what is allocated: with --view alloc or sizes; what is "
				    "live of Go is sampled in any case");
	return 0;
}

/* Nobody can say how many there were up to an interval's end. */
static int check_ops(const struct options *o)
{
	for (size_t i = 0; i < o->n_outputs && o->ops && o->interval_ns; i++)
		if (o->outputs[i].format->form == VIEW_AS_BENCHMARK)
			return option_error("--ops is of the whole run: with --format %s, there is no --interval",
					   o->outputs[i].format->name);
	return 0;
}

int options_check_trace(struct options *o, options_given given)
{
	int err = check_target(o);

	if (!err)
		err = set_outputs(o, given);
	if (!err)
		err = check_list(o);
	if (!err)
		err = check_time(o);
	if (!err)
		err = check_views(o, given);
	if (!err)
		err = check_instant(o, given);
	if (!err)
		err = check_functions(o);
	if (!err)
		err = check_names(o);
	if (!err)
		err = check_ops(o);
	if (!err)
		err = check_go_samples(o);
	if (!err && o->min_size > o->max_size)
		err = option_error("--min-size %llu is above --max-size %llu: nothing would be counted",
				   (unsigned long long)o->min_size, (unsigned long long)o->max_size);
	return err ? err : check_shown(o);
}

int options_check_record(struct options *o, options_given given)
{
	if (!options_are_given(given, offsetof(struct options, format)))
		o->format = report_format_find("pprof");
	if (!o->output[0])
		o->output[0] = "alloctrace.pb.gz";
	return options_check_trace(o, given);
}

static int check_filter(const struct options *o)
{
	char *why = filter_error(&o->filter);
	int err = why ? option_error("%s", why) : 0;

	free(why);
	return err;
}

/* One end of it; "": that of the run. */
static int parse_end(const char *text, size_t len, uint64_t otherwise, uint64_t *ns)
{
	char *end = xasprintf("%.*s", (int)len, text);
	int err = 0;

	*ns = otherwise;
	if (len)
		err = parse_duration(end, ns);
	free(end);
	return err;
}

static int check_part_of_time(struct options *o)
{
	const char *comma = o->time ? strchr(o->time, ',') : NULL;

	if (!o->time)
		return 0;
	if (!comma || parse_end(o->time, comma - o->time, 0, &o->from_ns) ||
	    parse_end(comma + 1, strlen(comma + 1), UINT64_MAX, &o->until_ns))
		return option_error("--time %s: it takes FROM,TO, two times since the start of the run, as in "
				    "10s,1m30s; 10s, is from then on", o->time);
	if (o->from_ns >= o->until_ns)
		return option_error("--time %s: it ends before it begins", o->time);
	if (o->views & ~VIEW_BIT(VIEW_ALLOC) || o->leaks || o->lifetimes || o->sizes)
		return option_error("--time is for --view alloc: the other views are recorded for the whole run only");
	return 0;
}

static int check_base(const struct options *o)
{
	for (size_t i = 0; i < o->n_outputs && o->diff_base; i++)
		if (!o->outputs[i].format->compares)
			return option_error("--diff-base is for --format table, folded and html, not %s%s",
					    written_as(o), o->outputs[i].format->name);
	if (o->diff_base && (o->then || o->cum))
		return option_error("--diff-base shows rows of one grouping, by what they allocate themselves: "
				    "there is no %s", o->cum ? "--cum" : "--by A,B");
	return 0;
}

int options_check_report(struct options *o, options_given given)
{
	int err = set_outputs(o, given);

	if (!err)
		err = check_list(o);
	if (!err)
		err = check_peek(o);
	if (!err)
		err = check_base(o);
	if (!err)
		err = check_filter(o);
	if (!err)
		err = check_part_of_time(o);
	if (!err && (o->leaks || o->lifetimes || o->sizes || o->views))
		err = check_views(o, given);
	return err ? err : check_shown(o);
}

/* A table of one view, or what it shows as JSON, to one place. */
static int check_comparison(struct options *o, options_given given)
{
	const char *name = o->command->name;
	int err = set_outputs(o, given);

	o->views |= o->leaks ? VIEW_BIT(VIEW_LEAKS) : 0;
	if (!err && o->n_outputs > 1)
		err = option_error("%s writes one --output", name);
	if (!err && o->outputs[0].format->machine && strcmp(o->outputs[0].format->name, "json") != 0)
		err = option_error("%s writes a table or json, not --format %s", name, o->outputs[0].format->name);
	if (!err && o->views & (o->views - 1))
		err = option_error("%s takes one --view, not several", name);
	for (size_t i = 0; i < VIEW_KINDS && !err; i++)
		if (o->views & VIEW_BIT(i) && view_kinds[i].histogram)
			err = option_error("%s has nothing to compare in --view %s", name, view_kinds[i].name);
	return err ? err : check_shown(o);
}

int options_check_diff(struct options *o, options_given given)
{
	if (!options_are_given(given, offsetof(struct options, fail_above)))
		o->fail_above = NAN;
	if (o->ops && !options_are_given(given, offsetof(struct options, normalize)))
		o->normalize = SERIES_PER_OP;
	if (o->ops && o->normalize != SERIES_PER_OP)
		return option_error("--ops divides by operations: it contradicts --normalize");
	return check_comparison(o, given);
}

int options_check_trend(struct options *o, options_given given)
{
	if (o->views & ~views_by_age())
		return option_error("trend is about what is live: with --view live or --leaks only");
	return check_comparison(o, given);
}

int options_check_check(struct options *o, options_given given)
{
	int err = check_functions(o);

	return err ? err : check_shown(o);
}
