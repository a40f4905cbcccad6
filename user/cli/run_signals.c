// SPDX-License-Identifier: GPL-2.0-or-later
/* Signals of a run, and what of them is served where the main thread hangs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "cli/run.h"

int run_watch_fd(struct run *r, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &ev))
		return fail(-errno, "cannot wait for events: %s", strerror(errno));
	return 0;
}

/* The second one: out at once. Probes end with us. */
static void quit_by(int sig)
{
	sigset_t set;

	outfile_cleanup_on_exit();
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
}

/* By nohup: a signal that is blocked would be taken all the same. */
static bool ignores_hangup(void)
{
	struct sigaction sa;

	return !sigaction(SIGHUP, NULL, &sa) && sa.sa_handler == SIG_IGN;
}

int run_open_signals(struct run *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (!ignores_hangup())
		sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	/* Only a command has a use for these; without one they keep their meaning. */
	if (r->launch) {
		sigaddset(&set, SIGQUIT);
		sigaddset(&set, SIGUSR2);
	}
	if (r->launch || r->o.mark)
		sigaddset(&set, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signal_set = set;
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->signals < 0 || r->epoll < 0)
		return fail(-errno, "cannot wait for signals: %s", strerror(errno));
	return run_watch_fd(r, r->signals);
}

/* A new generation of blocks, numbered from 1. */
static void set_mark(struct run *r)
{
	r->generation = tracer_mark(r->tracer);
	snapshot_mark(r->snapshot, monotonic_ns() - r->start_ns);
}

static void on_signal(struct run *r, const struct signalfd_siginfo *si)
{
	int sig = si->ssi_signo;

	if (sig == SIGCHLD)
		return;
	if (sig == SIGUSR1 && r->o.mark) {
		set_mark(r);
		return;
	}
	if ((sig == SIGINT || !r->launch) && atomic_fetch_add(&r->interrupts, 1))
		quit_by(sig);
	/* What the terminal sends, a command has got as well: it is in the same process group. */
	if (!r->launch || r->cmd_ended)
		r->stop = true;
	else if (si->ssi_code != SI_KERNEL)
		launch_signal(r->launch, sig);
}

static bool guard_on_signal(void *arg, const struct signalfd_siginfo *si)
{
	struct run *r = arg;

	on_signal(r, si);
	return r->stop;
}

static void guard_end(void *arg)
{
	struct run *r = arg;
	struct tracer *t = r->opened;

	r->ended_ns = monotonic_ns();
	r->stop = true;
	if (t)
		tracer_end(t);
}

static int guard_give_up(void *arg, bool hangs)
{
	struct run *r = arg;
	struct tracer *t = r->opened;

	if (hangs)
		fail(0, "no report: reading the target's mapped files hangs (unresponsive file system?)");
	else
		fail(0, "interrupted by a signal before all probes were attached: nothing was recorded");
	if (r->launch)
		launch_signal(r->launch, SIGCONT);
	if (t)
		tracer_end_wait(t);
	return hangs ? STATUS_HUNG : STATUS_NOTHING;
}

/* What the guard takes where the main thread doesn't: all but those that only the main thread can serve. */
int run_start_guard(struct run *r)
{
	sigset_t signals = r->signal_set;
	const struct guard_calls calls = {
		.on_signal = guard_on_signal, .end = guard_end, .give_up = guard_give_up, .arg = r,
	};

	sigdelset(&signals, SIGCHLD);
	if (r->o.mark)
		sigdelset(&signals, SIGUSR1);
	return guard_start(&signals, &calls, &r->guard);
}

void run_read_signals(struct run *r)
{
	struct signalfd_siginfo si;

	while (read(r->signals, &si, sizeof(si)) == sizeof(si))
		on_signal(r, &si);
}
