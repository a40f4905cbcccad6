// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/outfile.h"
#include "base/thread.h"

/* While there is something to wait for: until the probes go, and then. */
#define TICK_MS 10
#define SLOW_TICK_MS 100
#define GUARD_STACK ((size_t)256 << 10)

enum phase { ATTACHING, TRACING, ENDING, DONE };

/* A thread that may hang. */
struct watched {
	pid_t tid;		/* 0: there is none */
	clockid_t cpu;		/* its CPU time */
	uint64_t cpu_ns, moved_ns;	/* that, and when it was last seen to change; 0: it was not looked at */
};

struct guard {
	struct guard_calls calls;
	pthread_t thread;
	struct watched main;
	pthread_mutex_t lock;	/* of reporter */
	struct watched reporter;
	int signals;		/* signalfd */
	int wake;		/* eventfd: the phase has changed */
	_Atomic(enum phase) phase;
	_Atomic(uint64_t) end_ns;
	_Atomic(bool) quit;
	/* Of the thread alone: */
	uint64_t stop_ns;	/* when tracing was to end; 0: it is not */
	bool ended;
};

/* The system calls in which only a file, or the kernel's work on it, can hold a thread up. What a reader of our output
 * or a server that is asked for debug files makes it wait for is none. */
static bool hangs_in_file(pid_t tid)
{
	static const int calls[] = {
		SYS_read, SYS_pread64, SYS_open, SYS_openat, SYS_openat2, SYS_stat, SYS_lstat, SYS_fstat,
		SYS_newfstatat,
		SYS_statx, SYS_statfs, SYS_fstatfs, SYS_readlink, SYS_readlinkat, SYS_access, SYS_faccessat,
		SYS_getdents64, SYS_bpf, SYS_perf_event_open, SYS_process_vm_readv, -1,
	};
	char path[64], text[32] = "";
	int fd, nr;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	if (sscanf(text, "%d", &nr) != 1)
		return false;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == nr)
			return true;
	return false;
}

static bool is_hung(struct watched *w, uint64_t now)
{
	struct timespec ts;
	uint64_t cpu_ns;

	if (!w->tid || clock_gettime(w->cpu, &ts))
		return false;
	cpu_ns = (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
	if (!w->moved_ns || cpu_ns != w->cpu_ns || !hangs_in_file(w->tid)) {
		w->cpu_ns = cpu_ns;
		w->moved_ns = now;
	}
	return now - w->moved_ns >= GUARD_HANG_NS;
}

static bool reporter_hangs(struct guard *g, uint64_t now)
{
	bool yes;

	pthread_mutex_lock(&g->lock);
	yes = is_hung(&g->reporter, now);
	pthread_mutex_unlock(&g->lock);
	return yes;
}

static void give_up(struct guard *g, bool hangs)
{
	int status = g->calls.give_up(g->calls.arg, hangs);

	outfile_cleanup_on_exit();
	_exit(status);
}

/* The main thread has had its time to see that tracing is to end. */
static void check(struct guard *g, uint64_t now)
{
	enum phase phase = atomic_load(&g->phase);

	if (!g->stop_ns && phase == TRACING && now >= atomic_load(&g->end_ns))
		g->stop_ns = now;
	if (!g->stop_ns && phase == ENDING)
		g->stop_ns = now;
	if (!g->stop_ns || phase == DONE)
		return;
	if (!g->ended && now - g->stop_ns >= GUARD_GRACE_NS) {
		g->ended = true;
		g->calls.end(g->calls.arg);
	}
	if (phase == ATTACHING && now - g->stop_ns >= GUARD_ATTACH_NS)
		give_up(g, false);
	if (is_hung(&g->main, now) || reporter_hangs(g, now))
		give_up(g, true);
}

static void pause_ns(uint64_t ns)
{
	const struct timespec ts = {.tv_nsec = (long)ns};

	nanosleep(&ts, NULL);
}

static void take_signals(struct guard *g)
{
	struct signalfd_siginfo si;

	/* The main thread takes them if it can. */
	pause_ns(GUARD_GRACE_NS);
	while (read(g->signals, &si, sizeof(si)) == sizeof(si))
		if (g->calls.on_signal(g->calls.arg, &si) && !g->stop_ns)
			g->stop_ns = monotonic_ns() - GUARD_GRACE_NS;
}

/* In ms; -1: until something happens. */
static int timeout(const struct guard *g)
{
	uint64_t now = monotonic_ns(), end = atomic_load(&g->end_ns), ms;
	enum phase phase = atomic_load(&g->phase);

	if (g->stop_ns && phase != DONE)
		return g->ended ? SLOW_TICK_MS : TICK_MS;
	if (phase != TRACING || end == UINT64_MAX)
		return -1;
	ms = end > now ? (end - now) / 1000000 + 1 : 0;
	return ms < 3600000 ? (int)ms : 3600000;
}

static void *run(void *arg)
{
	struct guard *g = arg;

	while (!atomic_load(&g->quit)) {
		struct pollfd fds[2] = {{.fd = g->signals, .events = POLLIN}, {.fd = g->wake, .events = POLLIN}};
		uint64_t n;

		poll(fds, 2, timeout(g));
		if (fds[1].revents && read(g->wake, &n, sizeof(n)) < 0)
			continue;
		if (fds[0].revents & POLLIN)
			take_signals(g);
		if (!atomic_load(&g->quit))
			check(g, monotonic_ns());
	}
	return NULL;
}

static void wake(struct guard *g)
{
	const uint64_t one = 1;

	if (write(g->wake, &one, sizeof(one)) < 0)
		note("cannot wake the guard thread: %s", strerror(errno));
}

static void close_fds(struct guard *g)
{
	if (g->signals >= 0)
		close(g->signals);
	if (g->wake >= 0)
		close(g->wake);
	free(g);
}

/* The calling thread. */
static int watch(struct watched *w)
{
	*w = (struct watched){.tid = gettid()};
	return -pthread_getcpuclockid(pthread_self(), &w->cpu);
}

int guard_start(const sigset_t *signals, const struct guard_calls *calls, struct guard **out)
{
	struct guard *g = xcalloc(1, sizeof(*g));
	int err = 0;

	g->calls = *calls;
	g->end_ns = UINT64_MAX;
	pthread_mutex_init(&g->lock, NULL);
	g->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	g->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (g->signals < 0 || g->wake < 0)
		err = -errno;
	if (!err)
		err = watch(&g->main);
	if (!err)
		err = thread_start(&g->thread, GUARD_STACK, run, g);
	if (err) {
		close_fds(g);
		return fail(err, "cannot start the guard thread: %s", strerror(-err));
	}
	*out = g;
	return 0;
}

void guard_watch(struct guard *g)
{
	pthread_mutex_lock(&g->lock);
	if (watch(&g->reporter))
		g->reporter.tid = 0;
	pthread_mutex_unlock(&g->lock);
}

void guard_unwatch(struct guard *g)
{
	pthread_mutex_lock(&g->lock);
	g->reporter.tid = 0;
	pthread_mutex_unlock(&g->lock);
}

void guard_attached(struct guard *g, uint64_t end_ns)
{
	atomic_store(&g->end_ns, end_ns);
	atomic_store(&g->phase, TRACING);
	wake(g);
}

void guard_ending(struct guard *g)
{
	atomic_store(&g->phase, ENDING);
	wake(g);
}

void guard_done(struct guard *g)
{
	atomic_store(&g->phase, DONE);
	wake(g);
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	atomic_store(&g->quit, true);
	wake(g);
	pthread_join(g->thread, NULL);
	close_fds(g);
}
