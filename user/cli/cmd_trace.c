// SPDX-License-Identifier: GPL-2.0-or-later
/* alloctrace -p PID, alloctrace CMD: attach or launch, wait, report. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memlimit.h"
#include "base/thread.h"
#include "cli/run.h"
#include "cli/settings.h"
#include "cli/ulimits.h"

#define DEFAULT_REFRESH_NS 1000000000ULL
#define WINDOW_WAIT_NS 50000000ULL
#define EVENTS_GATHER_NS 4000000ULL	/* one CPU writes 1,000 records in that time at most: a ring holds 2,600 */

/* A stop of ours (the command has mapped new files) is ended once the probes are in them. */
static void reap(struct run *r)
{
	bool stopped = false;

	if (!r->launch || r->cmd_ended)
		return;
	if (launch_ended(r->launch)) {
		tracer_before_reap(r->tracer);
		if (!r->ending)
			nothing_note(r->nothing);
	}
	if (launch_reap(r->launch, &r->cmd_status, &stopped)) {
		r->cmd_ended = true;
		tracer_exited(r->tracer, launch_pid(r->launch));
	} else if (tracer_held(r->tracer, stopped)) {
		launch_signal(r->launch, SIGCONT);
	}
}

static int add_pids(struct run *r)
{
	int err = target_attach(r->target, r->tracer);

	return err ? err : tracer_check_named(r->tracer);
}

/* Which of the two ways sees all that the processes do. */
static void choose_attach(struct run *r)
{
	if (!r->o.blocks || r->o.attach != ATTACH_AUTO || !target_clones(r->target))
		return;
	note("the program calls clone() itself: attaching by perf, which sees children that share its memory");
	r->o.attach = ATTACH_PERF;
}

/* Before anything is traced: what can't be written, or read, is an error now. */
static int open_reports(struct run *r)
{
	const struct options *o = &r->o;
	struct snapshot_options so = settings_snapshot(o);
	int err;

	so.selection = selection_text(o, &r->selected);
	err = snapshot_open(&so, r->tracer, &r->snapshot);
	if (!err)
		err = present_open(o, target_pid(r->target), &r->present);
	if (!err)
		r->reporter = reporter_new(o, r->snapshot, r->present, r->guard);
	return err;
}

static int find_target(struct run *r)
{
	int err;

	if (r->launch || !r->o.pids) {
		r->target = r->launch ? target_of_command(r->launch) : target_of_all();
		return 0;
	}
	err = target_of_list(r->o.pids, &r->target);
	return err ? err : run_watch_fd(r, target_fd(r->target));
}

static int start(struct run *r)
{
	struct pace_options pace;
	struct kern_options ko;
	const char *why;
	int err = 0;

	/* Before anything else: the command inherits the limits and the signal mask of our own start. */
	if (r->o.argv)
		err = launch_new(r->o.argv, &r->launch);
	if (err)
		return err;
	memlimit_set(r->o.max_memory);
	err = limits_raise();
	if (!err)
		err = run_open_signals(r);
	if (!err)
		err = run_start_guard(r);
	if (!err)
		err = find_target(r);
	if (!err)
		choose_attach(r);
	if (!err && r->o.views & VIEW_BIT(VIEW_RSS) && !feature(FEATURE_RSS, &why))
		err = fail(-ENOTSUP, "--view rss: %s", why);
	if (!err && r->o.kernel && !feature(FEATURE_KERNEL, &why))
		err = fail(-ENOTSUP, "--kernel: %s", why);
	pace = settings_pace(&r->o);
	ko = settings_kern(&r->o, adapt_governs(&pace));
	if (!err)
		err = selection_read(&r->o, &r->selection);
	if (!err)
		selection_set(&r->o, r->launch ? launch_file(r->launch) : NULL, target_count(r->target),
			      &r->selection, &ko);
	/* Until the table of a new file is there, stacks through it end early. */
	if (!err && ko.wide)
		thread_raise();
	if (!err)
		err = tracer_open(&ko, &r->tracer);
	if (!err)
		r->opened = r->tracer;
	if (!err)
		err = open_reports(r);
	if (!err)
		r->adapt = adapt_new(&pace, r->tracer);
	if (!err)
		err = run_watch_fd(r, tracer_events_fd(r->tracer));
	if (!err)
		err = run_watch_fd(r, tracer_frames_fd(r->tracer));
	if (!err && r->launch)
		err = tracer_hold(r->tracer, launch_pid(r->launch));
	if (!err)
		err = r->launch ? launch_exec(r->launch) : add_pids(r);
	r->start_ns = r->collected_ns = monotonic_ns();
	if (!err && target_is_single(r->target) && !ko.wide)
		r->nothing = nothing_begin(target_pid(r->target));
	if (!err)
		adapt_start(r->adapt);
	r->end_ns = r->o.duration_ns ? r->start_ns + r->o.duration_ns : UINT64_MAX;
	r->next_ns = r->o.interval_ns ? r->start_ns + r->o.interval_ns : UINT64_MAX;
	if (!err)
		guard_attached(r->guard, r->end_ns);
	return err;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * A process that starts writes about ten records, and all processes of the host do in a wide run: each would wake us.
 * So those that come within EVENTS_GATHER_NS of the last are waited for, unless something else comes.
 */
static void gather_events(const struct run *r, uint64_t now, uint64_t until)
{
	struct pollfd others[] = {
		{.fd = r->signals, .events = POLLIN},
		{.fd = target_fd(r->target), .events = POLLIN},
		{.fd = tracer_frames_fd(r->tracer), .events = POLLIN},
	};
	struct timespec rest;

	until = earlier(until, r->events_ns + EVENTS_GATHER_NS);
	if (!tracer_is_wide(r->tracer) || until <= now)
		return;
	rest = (struct timespec){.tv_nsec = (long)(until - now)};
	ppoll(others, 3, &rest, NULL);
}

static void wait_for_events(struct run *r)
{
	struct epoll_event evs[16];
	uint64_t next = reporter_is_free(r->reporter) ? r->next_ns : UINT64_MAX;
	uint64_t now = monotonic_ns(), until = earlier(earlier(r->end_ns, next), adapt_wake_ns(r->adapt)), ms;
	int n;

	gather_events(r, now, until);
	now = monotonic_ns();
	ms = until > now ? (until - now + 999999) / 1000000 : 0;
	n = epoll_wait(r->epoll, evs, 16, (int)earlier(ms, TRACER_POLL_MS));
	for (int i = 0; i < n; i++) {
		if (evs[i].data.fd == tracer_events_fd(r->tracer))
			r->events_ns = monotonic_ns();
		else if (evs[i].data.fd == r->signals)
			run_read_signals(r);
		else if (evs[i].data.fd == target_fd(r->target) && !target_reap(r->target, r->tracer))
			r->list_ended = true;
	}
}

static int write_report(struct run *r, const struct snapshot_moment *m)
{
	const struct rights rights = tracer_rights(r->tracer);
	struct recording rec;

	snapshot_take(r->snapshot, m, &rec);
	r->result = (struct result){
		.recorded = rec.recorded.calls + rec.runtime.records +
			    profile_total(rec.profile, PROFILE_MAPPED).calls,
		.hits = rec.hits, .filtered = rec.filtered,
		.lost_share = recording_lost_share(&rec), .reader_gone = r->result.reader_gone,
	};
	if (!m->interval)
		return reporter_write(r->reporter, &rec, &rights, &r->result.reader_gone);
	reporter_start(r->reporter, &rec, &rights);
	return 0;
}

/* The report that was made beside the tracing is written, or its reader went away. */
static int check_reporter(struct run *r)
{
	int err;

	if (!reporter_is_free(r->reporter))
		return 0;
	err = reporter_finish(r->reporter, &r->result.reader_gone);
	if (r->result.reader_gone)
		r->stop = true;
	return err;
}

/* interval: from 1; 0: the last report. */
static int report(struct run *r, uint64_t interval)
{
	const struct options *o = &r->o;
	bool ended = r->cmd_ended && !interval;
	const struct collect_options co = {
		.delta = o->delta && interval,
		.blocks = o->blocks,
		.ages = o->views & views_by_age(),
		/* What a command has left at its end was never freed, however young it is. */
		.min_age_ns = ended && !o->min_age_given ? 0 : o->min_age_ns,
		.generation = r->generation,
	};
	int err = tracer_collect(r->tracer, &co);
	uint64_t since_ns = co.delta ? r->collected_ns : r->start_ns;
	uint64_t until_ns = r->ended_ns && !interval ? r->ended_ns : monotonic_ns();
	const struct snapshot_moment m = {
		.interval = interval, .start_ns = r->start_ns, .duration_ns = until_ns - since_ns,
		.until_ns = until_ns - r->start_ns,
		.min_age_ns = co.min_age_ns, .ended = ended, .adapt = r->adapt,
		.cpu_ns = r->launch ? launch_cpu_ns(r->launch) : 0,
	};

	r->collected_ns = since_ns + m.duration_ns;
	if (!err && !interval)
		err = reporter_finish(r->reporter, &r->result.reader_gone);
	return err || r->result.reader_gone ? err : write_report(r, &m);
}

static int interval_report(struct run *r)
{
	int err = report(r, ++r->interval);

	/* Late: the next whole interval, not several at once. */
	do
		r->next_ns += r->o.interval_ns;
	while (r->next_ns <= monotonic_ns());
	return err;
}

/* A report is not made in the midst of a window, unless it is a long one, nor while the one before is written. */
static bool interval_is_over(const struct run *r)
{
	uint64_t now = monotonic_ns();

	return reporter_is_free(r->reporter) && now >= r->next_ns &&
	       (!adapt_in_window(r->adapt) || now - r->next_ns > WINDOW_WAIT_NS);
}

/* What was to be traced is over, and what it started, if that is followed. */
static void check_end(struct run *r)
{
	size_t left;

	if (!r->cmd_ended && !r->list_ended)
		return;
	left = tracer_followed(r->tracer);
	r->stop |= !left;
	if (left && !r->said_left)
		warn("%s has ended; %zu process%s that it started %s traced on (Ctrl-C ends tracing)",
		     r->launch ? r->o.argv[0] : "the target", left, left == 1 ? "" : "es", left == 1 ? "is" : "are");
	r->said_left |= left != 0;
}

static int trace(struct run *r)
{
	int err = 0;

	while (!r->stop && !err) {
		wait_for_events(r);
		reap(r);
		tracer_lend_files(r->tracer, !reporter_is_free(r->reporter));
		err = tracer_poll(r->tracer);
		check_end(r);
		if (!err)
			err = adapt_tick(r->adapt);
		if (!err)
			err = check_reporter(r);
		/* Probes that are not put back any more. */
		if (err == -ECANCELED && r->stop)
			err = 0;
		if (adapt_exceeded(r->adapt) || monotonic_ns() >= r->end_ns)
			r->stop = true;
		if (!err && !r->stop && interval_is_over(r))
			err = interval_report(r);
	}
	return err;
}

static int final_report(struct run *r)
{
	guard_ending(r->guard);
	if (!r->cmd_ended)
		nothing_note(r->nothing);
	r->ending = true;
	/* All at once: probes that go one after another would leave frees uncounted whose allocations were. */
	adapt_stop(r->adapt);
	tracer_detach(r->tracer);
	thread_lower();
	if (r->result.reader_gone)
		return 0;
	if (r->launch)
		r->unnamed = tracer_check_named(r->tracer) != 0;
	if (!r->launch || r->o.views & VIEW_BIT(VIEW_RSS) || r->o.kernel || tracer_probes(r->tracer) ||
	    tracer_has_go(r->tracer))
		return report(r, 0);
	if (tracer_refused(r->tracer))
		return -ENOTSUP;
	if (tracer_saw_32bit(r->tracer))
		return fail(-ENOTSUP, "%s: 32-bit programs are not supported", r->o.argv[0]);
	return tracer_fail_without_probes(r->tracer, r->o.argv[0]);
}

/* The command goes on without us (-d was over, or the reader went away); its status is ours. */
static void wait_for_command(struct run *r)
{
	struct pollfd p = {.fd = r->signals, .events = POLLIN};

	guard_done(r->guard);
	reap(r);
	while (r->launch && !r->cmd_ended) {
		poll(&p, 1, -1);
		run_read_signals(r);
		reap(r);
	}
}

static int exit_status(const struct run *r, int err)
{
	const struct result *result = &r->result;

	if (err == -ECANCELED && r->stop)
		return STATUS_NOTHING;
	if (err || r->unnamed)
		return STATUS_FAILED;
	if (r->launch)
		return launch_exit_status(r->cmd_status);
	if (result->reader_gone)
		return STATUS_DONE;
	if (adapt_exceeded(r->adapt))
		return STATUS_INCOMPLETE;
	if (!result->recorded && !(result->lost_share > 0) && r->o.views & VIEW_BIT(VIEW_RSS)) {
		warn("nothing was recorded: resident memory did not grow in that time");
		return STATUS_NOTHING;
	}
	if (!result->recorded && !(result->lost_share > 0) && r->o.kernel) {
		warn("nothing was recorded: %s", result->filtered ? "no allocation was of these sizes" :
		     "the kernel allocated nothing for it in that time, or nothing that was sampled (--sample)");
		return STATUS_NOTHING;
	}
	if (!result->recorded && !(result->lost_share > 0)) {
		nothing_warn(r->nothing, result->filtered, result->hits, tracer_probes(r->tracer));
		return STATUS_NOTHING;
	}
	if (result->lost_share > RECORDING_LOST_LIMIT) {
		warn("incomplete: %.1f %% of the calls were lost", 100 * result->lost_share);
		return STATUS_INCOMPLETE;
	}
	return STATUS_DONE;
}

static void finish(struct run *r)
{
	/* Signals and hangs are seen to while the last report at an interval is waited for. */
	reporter_free(r->reporter);
	guard_free(r->guard);
	adapt_free(r->adapt);
	present_close(r->present);
	snapshot_close(r->snapshot);
	nothing_free(r->nothing);
	tracer_close(r->tracer);
	/* It may just have been stopped for probes that do not come any more. */
	if (r->launch && !r->cmd_ended)
		launch_signal(r->launch, SIGCONT);
	launch_free(r->launch);
	target_free(r->target);
	buf_free(&r->selected);
	if (r->epoll >= 0)
		close(r->epoll);
	if (r->signals >= 0)
		close(r->signals);
}

int cmd_trace(const struct options *o)
{
	static struct run r;	/* 43 KiB: limits_raise() has not been called yet, so the stack may be small */
	int err, status;

	if (o->instant)
		return cmd_instant(o);
	r = (struct run){.o = *o, .epoll = -1, .signals = -1};
	/* sudo alloctrace -p PID, nothing else said: a display that refreshes. */
	if (!o->argv && !o->interval_ns && !o->duration_ns && !o->output[0] && !options_has_machine(o) &&
	    isatty(STDOUT_FILENO))
		r.o.interval_ns = DEFAULT_REFRESH_NS;
	err = start(&r);
	if (err == -ECANCELED && r.stop)
		warn("interrupted by a signal before all probes were attached: nothing was recorded");
	err = err ? err : trace(&r);
	err = err ? err : final_report(&r);
	if (!err && (r.launch || r.result.recorded))
		nothing_warn_children(r.nothing);
	if (!err)
		wait_for_command(&r);
	status = exit_status(&r, err);
	finish(&r);
	return status;
}
