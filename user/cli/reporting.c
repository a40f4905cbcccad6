// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/reporting.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/memlimit.h"
#include "base/outfile.h"
#include "base/text.h"
#include "base/timelimit.h"
#include "cli/account.h"
#include "format/report.h"
#include "pace/rate.h"
#include "sym/debuginfod.h"

struct reporting {
	const struct options *o;
	struct tracer *tracer;
	struct symbolizer *sym;
	pid_t first_pid;	/* what %p stands for */
	char *last_path;	/* of the report before */
	struct outfile *file;	/* opened ahead; NULL: opened for each report */
	bool to_stderr;		/* the command owns stdout */
	size_t drawn;		/* lines on the terminal that the next refresh replaces */
	struct hit_cost hit;
	bool calibrated;
	struct suppressions *suppressions;
	vec_of(uint64_t) marks_ns;	/* since the start */
	/* With --delta: as of the last report. */
	uint64_t last_counts[COUNT_MAX];
	struct adapt_account last_account;
	uint64_t last_ended;
	struct report_count losses[ACCOUNT_MAX_LOSSES], ends[STACK_END_MAX];
};

static int open_file(struct reporting *r, struct outfile **file)
{
	char pid[16], *path = NULL;
	int err;

	if (!r->o->output)
		return outfile_open(NULL, file);
	snprintf(pid, sizeof(pid), "%d", (int)r->first_pid);
	err = outfile_expand(r->o->output, pid, time(NULL), &path);
	/* %t counts seconds: two reports of one second must not be one file. */
	while (!err && r->last_path && !strcmp(path, r->last_path) && options_output_has_time(r->o->output)) {
		usleep(10000);
		free(path);
		path = NULL;
		err = outfile_expand(r->o->output, pid, time(NULL), &path);
	}
	if (!err)
		err = outfile_open(path, file);
	free(r->last_path);
	r->last_path = path;
	return err;
}

int reporting_open(const struct options *o, struct tracer *t, pid_t first_pid, struct reporting **out)
{
	struct reporting *r = xcalloc(1, sizeof(*r));
	int err = 0;

	r->o = o;
	r->tracer = t;
	r->first_pid = first_pid;
	r->to_stderr = o->argv && !o->output;
	r->sym = symbolizer_new(tracer_modules(t), (struct symbolizer_options){
		.demangle = !o->no_demangle, .no_inline = o->no_inline,
	});
	if (o->suppress)
		err = suppress_open(o->suppress, &r->suppressions);
	if (!err && o->output && !o->interval_ns)
		err = open_file(r, &r->file);
	if (err) {
		reporting_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void reporting_close(struct reporting *r)
{
	if (!r)
		return;
	outfile_abort(r->file);
	symbolizer_free(r->sym);
	suppress_close(r->suppressions);
	vec_free(&r->marks_ns);
	free(r->last_path);
	free(r);
}

void reporting_mark(struct reporting *r, uint64_t since_ns)
{
	vec_push(&r->marks_ns, since_ns);
	note("mark %zu", r->marks_ns.n);
}

/* "redis-server (pid 4711)", or "3 processes (nginx, redis-server)" with each name once. */
static void describe_target(const struct reporting *r, struct buf *out)
{
	const struct processes *ps = tracer_processes(r->tracer);
	struct strpool seen = {0};

	if (ps->list.n == 1) {
		text_name(out, ps->list.at[0]->name, false);
		buf_printf(out, " (pid %d)", (int)ps->list.at[0]->pid);
		return;
	}
	buf_printf(out, "%zu processes", ps->list.n);
	for (size_t i = 0; i < ps->list.n; i++) {
		size_t before = seen.n;

		strpool_id(&seen, ps->list.at[i]->name);
		if (seen.n == before)
			continue;
		buf_str(out, before ? ", " : " (");
		text_name(out, ps->list.at[i]->name, false);
	}
	buf_str(out, seen.n ? ")" : "");
	strpool_free(&seen);
}

/* Stacks whose frames never arrived are losses: they are in the profile's sums, but nobody can tell whose they are. */
static struct counters delivered(const struct profile *p)
{
	struct counters all = profile_total(p, PROFILE_ALLOC);

	for (size_t i = 0; i < p->stacks.n; i++)
		if (p->stacks.at[i].end == STACK_END_LOST)
			all = counters_sub(all, profile_sum(p, PROFILE_ALLOC, i));
	return all;
}

/* Of the time that the report covers: all, or since the last one. */
static struct adapt_account account_since(struct reporting *r, struct adapt *adapt, bool delta)
{
	const struct adapt_account now = adapt_account(adapt), last = r->last_account;
	struct adapt_account a = now;

	r->last_account = now;
	if (!delta)
		return a;
	/* What is known by now may also change what was told then. */
	a.total.calls = fmax(a.total.calls - last.total.calls, 0);
	a.total.bytes = fmax(a.total.bytes - last.total.bytes, 0);
	a.weighted_calls -= last.weighted_calls;
	a.weighted_bytes -= last.weighted_bytes;
	a.elapsed_ns -= last.elapsed_ns;
	a.traced_ns -= last.traced_ns;
	a.windows -= last.windows;
	a.cost_ns -= last.cost_ns;
	if (a.elapsed_ns)
		a.total.error = fmin(a.total.error * sqrt((double)now.elapsed_ns / a.elapsed_ns), 1);
	return a;
}

static double ratio(double a, double b)
{
	return b > 0 ? a / b : 1;
}

/*
 * Of what is estimated by windows, which are only where allocations alone are counted. All rows by the same factors,
 * such that they come to the total: what a window stands for is known only after it (kern/scale.h).
 */
static void scale(struct profile *p, const struct adapt_account *a)
{
	const double calls = ratio(a->total.calls, a->weighted_calls);
	const double bytes = ratio(a->total.bytes, a->weighted_bytes);

	for (size_t i = 0; i < p->sums[PROFILE_ALLOC].n; i++) {
		struct counters *c = &p->sums[PROFILE_ALLOC].at[i];

		c->bytes = llround(c->bytes * bytes);
		c->calls = llround(c->calls * calls);
		c->bytes_var *= bytes * bytes;
		c->calls_var *= calls * calls;
	}
	for (size_t i = 0; i < p->hists[PROFILE_SIZES].n; i++)
		p->hists[PROFILE_SIZES].at[i].calls *= calls;
}

static double share_of(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / whole : 0;
}

static const char *const scale_names[SCALE_KINDS] = {
	[SCALE_IO] = "the target's reads and writes", [SCALE_MESSAGES] = "the target's messages on sockets",
	[SCALE_CPU] = "the target's own CPU time", [SCALE_TIME] = "time",
};

static void fill_windows(struct reporting *r, const struct reporting_moment *m, const uint64_t c[COUNT_MAX],
			 struct report *rep)
{
	const struct adapt_account a = account_since(r, m->adapt, rep->delta);

	rep->cost_ns = a.cost_ns;
	if (!a.scaled)
		return;
	scale(tracer_profile(r->tracer), &a);
	/* The total is of all calls, whatever their size. */
	rep->recorded = (struct counters){
		.bytes = a.total.bytes * (1 - share_of(c[COUNT_FILTERED_BYTES], c[COUNT_SEEN_BYTES])),
		.calls = a.total.calls * (1 - share_of(c[COUNT_FILTERED], c[COUNT_SEEN])),
	};
	rep->windows = (struct report_windows){
		.scaled = true, .n = a.windows, .by = scale_names[a.total.kind], .limit = r->o->max_overhead,
		.load = a.load,
		.at_least = a.total.kind == SCALE_TIME,
		.error = a.total.kind == SCALE_TIME ? 0 : a.total.error, .mixed = a.total.mixed,
		.slowdown = a.slowdown,
		.share = a.elapsed_ns ? (double)a.traced_ns / a.elapsed_ns : 1,
	};
}

static void fill_cost(const struct reporting *r, const uint64_t c[COUNT_MAX], struct report *rep)
{
	uint64_t recorded = c[COUNT_RECORDED] < c[COUNT_HITS] ? c[COUNT_RECORDED] : c[COUNT_HITS];
	double ns = recorded * r->hit.recorded + (c[COUNT_HITS] - recorded) * r->hit.other;

	rep->hits = c[COUNT_HITS];
	rep->hit_ns = rep->hits ? ns / rep->hits : 0;
	if (!rep->windows.scaled)
		rep->cost_ns = ns;
}

/* Of the time that the report covers. */
static void read_counts(struct reporting *r, bool delta, uint64_t c[COUNT_MAX])
{
	uint64_t now[COUNT_MAX];

	kern_counts(tracer_kern(r->tracer), now);
	for (int i = 0; i < COUNT_MAX; i++)
		c[i] = now[i] - (delta ? r->last_counts[i] : 0);
	memcpy(r->last_counts, now, sizeof(now));
}

/* estimated: calls that the tables have, by their weights; of the same calls there are `recorded`. */
static void fill_account(struct reporting *r, const uint64_t c[COUNT_MAX], uint64_t recorded, uint64_t estimated,
			 struct report *rep)
{
	const uint64_t without = tracer_lost_frames(r->tracer), no_room = tracer_lost_room(r->tracer);
	const double share = estimated > without ? (double)without / estimated : without > 0;
	const uint64_t lost = recorded == estimated ? without : ceil(share * recorded);

	/* While calls are still coming in, the two sides are not read in one instant. */
	rep->account = account_of(c, recorded - lost, lost, !rep->interval);
	rep->losses = r->losses;
	rep->n_losses = account_losses(c, lost, without ? (double)no_room / without * lost : 0, &rep->account,
				       r->losses);
	if (rep->account.checked && rep->account.unaccounted)
		warn("%llu of %llu calls are unaccounted for: this is a bug, and the counts may be wrong",
		     (unsigned long long)rep->account.unaccounted, (unsigned long long)rep->account.seen);
}

static void fill_calls(struct reporting *r, const struct reporting_moment *m, const uint64_t c[COUNT_MAX],
		       struct report *rep)
{
	struct counters all;
	bool exact;

	rep->seen = (struct counters){.bytes = c[COUNT_SEEN_BYTES], .calls = c[COUNT_SEEN]};
	rep->nested = c[COUNT_NESTED];
	rep->failed = c[COUNT_FAILED];
	rep->filtered = c[COUNT_FILTERED];
	fill_windows(r, m, c, rep);
	fill_cost(r, c, rep);
	all = profile_total(rep->profile, PROFILE_ALLOC);
	exact = !(all.bytes_var > 0 || all.calls_var > 0 || rep->windows.scaled);
	if (exact)
		rep->recorded = delivered(rep->profile);
	else if (!rep->windows.scaled)
		rep->recorded = (struct counters){
			.bytes = c[COUNT_SEEN_BYTES] - c[COUNT_FILTERED_BYTES],
			.calls = c[COUNT_SEEN] - c[COUNT_FILTERED],
		};
	/* Where the tables hold estimates, the calls behind them are counted apart. */
	fill_account(r, c, exact ? all.calls : c[COUNT_RECORDED], all.calls, rep);
}

static void fill_heap(struct reporting *r, const struct reporting_moment *m, const uint64_t c[COUNT_MAX],
		      struct report *rep)
{
	const struct heap heap = kern_heap(tracer_kern(r->tracer));

	rep->heap = (struct report_heap){
		.peak_bytes = heap.peak_bytes,
		/* A command's first calls may come before its start is noted. */
		.peak_ns = heap.peak_ns > m->start_ns ? heap.peak_ns - m->start_ns : 0,
		.frees = c[COUNT_FREES], .frees_unknown = c[COUNT_FREES_UNKNOWN], .replaced = c[COUNT_REPLACED],
		.ended_blocks = rep->profile->ended_blocks - (rep->delta ? r->last_ended : 0),
		.unfollowed = c[COUNT_UNFOLLOWED],
		.min_age_ns = m->min_age_ns, .temp_age_ns = r->o->temp_age_ns, .ended = m->ended,
		.marks_ns = r->marks_ns.at, .n_marks = r->marks_ns.n,
	};
	r->last_ended = rep->profile->ended_blocks;
}

/* HotSpot's compiled code keeps no frame pointer unless it is told to. */
static const char *end_text(const struct profile *p, enum stack_end end)
{
	for (size_t i = 0; end == STACK_END_JIT && i < p->modules->list.n; i++)
		if (!strcmp(module_basename(modules_get(p->modules, i)), "libjvm.so"))
			return "JIT boundary (Java needs -XX:+PreserveFramePointer)";
	return stack_end_text(end);
}

static void fill_ends(struct reporting *r, struct report *rep)
{
	const struct profile *p = rep->profile;
	uint64_t n[STACK_END_MAX] = {0};

	for (size_t i = 0; i < p->stacks.n; i++)
		n[p->stacks.at[i].end] += profile_sum(p, PROFILE_ALLOC, i).calls;
	rep->ends = r->ends;
	for (int e = 0; e < STACK_END_MAX; e++)
		if (n[e] && stack_end_mark(e) && e != STACK_END_LOST)
			r->ends[rep->n_ends++] = (struct report_count){end_text(p, e), n[e]};
}

/* Stacks in which callers may be missing, in calls. */
static uint64_t count_uncertain(const struct profile *p)
{
	bool *below = xcalloc(p->nodes.n, sizeof(*below));	/* by node: it or one above it is a gap */
	uint64_t calls = 0;

	for (size_t i = 1; i < p->nodes.n; i++)
		below[i] = below[p->nodes.at[i].parent] ||
			   p->frames.at[p->nodes.at[i].frame].module == MODULE_UNCERTAIN;
	for (size_t i = 0; i < p->stacks.n; i++)
		if (below[p->stacks.at[i].node])
			calls += profile_sum(p, PROFILE_ALLOC, i).calls;
	free(below);
	return calls;
}

/* Once, when the depth of the program's stacks is known; if it wasn't done before. */
static void calibrate(struct reporting *r, struct adapt *adapt)
{
	const struct kern *k = tracer_kern(r->tracer);
	enum unwind_mode unwind = kern_unwinds_by_tables(k) ? UNWIND_EH_FRAME : UNWIND_FP;
	unsigned int depth = tracer_mean_depth(r->tracer) + 0.5;
	const struct hit_cost *known;

	if (r->calibrated || r->o->quiet)
		return;
	r->calibrated = true;
	known = adapt_hit_cost(adapt);
	if (known)
		r->hit = *known;
	else if (kern_calibrate(kern_mode(k), unwind, tracer_cost(r->tracer), depth ? depth : 1, &r->hit))
		note("what a probe hit costs could not be measured");
}

/* The size of the terminal that the report goes to; width 0 if it is none. */
static bool terminal_size(int fd, size_t *width, size_t *height)
{
	struct winsize ws;

	*width = *height = 0;
	if (!isatty(fd))
		return false;
	*width = 80;
	*height = 24;
	if (!ioctl(fd, TIOCGWINSZ, &ws) && ws.ws_col > 0 && ws.ws_row > 0) {
		*width = ws.ws_col;
		*height = ws.ws_row;
	}
	return true;
}

/* On a terminal a refresh takes the place of the one before: rendered to memory first, to be drawn in one go. */
static int draw(struct reporting *r, FILE *f, const struct report *rep, const struct report_options *ro)
{
	char *text = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&text, &len);

	int err = mem ? r->o->format->write(mem, rep, ro) : -ENOMEM;

	if (mem && fclose(mem))
		err = -ENOMEM;
	if (err) {
		free(text);
		return fail(err, "cannot make a report: %s", strerror(-err));
	}
	if (r->drawn)
		fprintf(f, "\033[%zuA\r\033[J", r->drawn);
	fwrite(text, 1, len, f);
	fflush(f);
	r->drawn = rep->interval ? text_lines(text, len) : 0;
	free(text);
	return 0;
}

/* An error of the stream stays with it: outfile_commit() says it, with the file's name. */
static int write_report(struct reporting *r, struct outfile *file, const struct report *rep, struct report_options *ro)
{
	FILE *f = r->to_stderr ? stderr : outfile_stream(file);
	bool terminal = terminal_size(fileno(f), &ro->width, &ro->height);
	size_t height = ro->height;

	ro->colour = terminal && !getenv("NO_COLOR") && (!getenv("TERM") || strcmp(getenv("TERM"), "dumb"));
	ro->height = rep->interval && height > 1 ? height - 1 : 0;
	if (terminal && !r->o->format->machine && (rep->interval || r->drawn))
		return draw(r, f, rep, ro);
	r->o->format->write(f, rep, ro);
	if (rep->interval && !r->o->format->machine)
		fputc('\n', f);
	return 0;
}

static void write_summary(const struct reporting *r, const struct report *rep, struct report_options ro)
{
	if (!r->o->format->machine || r->o->quiet)
		return;
	terminal_size(STDERR_FILENO, &ro.width, &ro.height);
	ro.colour = false;
	report_summary(stderr, rep, &ro);
}

int reporting_write(struct reporting *r, const struct reporting_moment *m, struct reporting_result *result)
{
	const struct rights rights = tracer_rights(r->tracer);
	struct report_options ro = {
		.views = r->o->views, .by = r->o->by, .metric = r->o->metric, .cum = r->o->cum, .top = r->o->top,
		.list = r->o->list, .rights = &rights, .source_path = r->o->source_path,
	};
	struct profile *p = tracer_profile(r->tracer);
	const uint64_t law = kern_sample_law(tracer_kern(r->tracer));
	struct report rep = {
		.profile = p, .sym = r->sym, .duration_ns = m->duration_ns, .interval = m->interval,
		.delta = r->o->delta && m->interval, .sample_auto = !r->o->sample_bytes,
		.sample_mean = SAMPLE_LAW_MEAN(law),
		.sample_calls = (double)SAMPLE_LAW_MEAN(law) / SAMPLE_LAW_CALL(law),
		.exact_calls = r->o->sample_bytes ? 0 : RATE_EXACT_CALLS, .suppressions = r->suppressions,
	};
	struct buf target = {0}, allocators = {0}, gaps = {0};
	struct outfile *file = r->file;
	uint64_t counts[COUNT_MAX];
	int err = 0;

	/* Servers may take their time: not while anything is traced. */
	if (!m->interval)
		debuginfod_allow();
	timelimit_start(r->o->max_naming_ns);
	symbolizer_refresh(r->sym);
	if (r->suppressions)
		suppress_leaks(r->suppressions, p, r->sym);
	describe_target(r, &target);
	tracer_allocators(r->tracer, &allocators);
	tracer_gaps(r->tracer, &gaps);
	calibrate(r, m->adapt);
	read_counts(r, rep.delta, counts);
	fill_calls(r, m, counts, &rep);
	fill_ends(r, &rep);
	rep.uncertain = count_uncertain(rep.profile);
	fill_heap(r, m, counts, &rep);
	rep.target = buf_cstr(&target);
	rep.allocator = allocators.len ? allocators.data : NULL;
	rep.gaps = gaps.len ? gaps.data : NULL;
	result->recorded = rep.recorded.calls;
	result->hits = counts[COUNT_HITS];
	result->filtered = rep.filtered;
	result->lost_share = report_lost_share(&rep);

	if (!file)
		err = open_file(r, &file);
	r->file = NULL;
	/* Nobody may wait for the disk while there is something to trace. */
	if (!err && m->interval)
		outfile_no_sync(file);
	if (!err)
		err = write_report(r, file, &rep, &ro);
	if (timelimit_stop())
		warn("looking up names took longer than --max-naming: some are missing");
	if (err)
		outfile_abort(file);
	else
		err = outfile_commit(file);
	if (err == -EPIPE) {
		result->reader_gone = true;
		err = 0;
	} else if (!err && !m->interval) {
		write_summary(r, &rep, ro);
	}
	if (m->interval && r->o->views & VIEWS_BY_AGE)
		profile_remember(p);
	buf_free(&target);
	buf_free(&allocators);
	buf_free(&gaps);
	return err;
}
