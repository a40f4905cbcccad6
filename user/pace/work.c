// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "pace/groups.h"

/* What a process's clock counts, in the lowest bits of its id (Linux, CPUCLOCK_PROF and CPUCLOCK_VIRT): ticks in user
 * and system mode, or in user mode alone. clock_getcpuclockid() gives the third, which the scheduler keeps. */
#define CLOCK_MASK	3
#define CLOCK_BOTH	0
#define CLOCK_USER	1
#define THREADS_MAX 16	/* whose waits are read: a server's threads do the same, more or less */

struct counters_of {
	pid_t pid;
	int io_fd;	/* of /proc/PID/io; -1: can't be read */
	double reads, read_bytes, io, cpu_ns, user, both, waits;	/* the last time */
};

struct work {
	struct tracer *tracer;
	bool counts_messages;
	vec_of(struct counters_of) list;
	struct work_done done;
	double both_ticks, tick_ns;
	vec_of(struct group_now) groups;
};

struct work *work_new(struct tracer *t)
{
	struct work *w = xcalloc(1, sizeof(*w));

	w->tracer = t;
	w->tick_ns = own_tick_ns();
	work_read(w, true);
	return w;
}

void work_free(struct work *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->list.n; i++)
		if (w->list.at[i].io_fd >= 0)
			close(w->list.at[i].io_fd);
	vec_free(&w->list);
	vec_free(&w->groups);
	free(w);
}

/* The number behind that word, at the beginning of a line; -1: there is none. */
static double number_of(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	char *end;
	double n;

	if (!at || (at > text && at[-1] != '\n'))
		return -1;
	at += strlen(word);
	n = strtoull(at, &end, 10);
	return end > at ? n : -1;
}

/* Of a small file in /proc. False: it can't be read. */
static bool read_all(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return true;
}

static double read_cpu(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return -1;
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Clock ticks of a process: in user mode, or in both. */
static double read_ticks(pid_t pid, clockid_t which)
{
	struct timespec t, tick;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime((clock & ~CLOCK_MASK) | which, &t) ||
	    clock_getres(CLOCK_REALTIME_COARSE, &tick) || tick.tv_nsec <= 0)
		return -1;
	return (t.tv_sec * 1e9 + t.tv_nsec) / tick.tv_nsec;
}

static double read_thread_waits(pid_t pid, const char *tid)
{
	char path[64], text[4096];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%.10s/status", (int)pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ok = read_all(fd, text, sizeof(text));
	close(fd);
	return ok ? fmax(number_of(text, "voluntary_ctxt_switches:\t"), 0) : 0;
}

static double read_waits(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	double waits = 0;
	int left = THREADS_MAX;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && left && (entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			waits += read_thread_waits(pid, entry->d_name);
			left--;
		}
	if (dir)
		closedir(dir);
	return waits;
}

static struct counters_of *find(struct work *w, pid_t pid, bool *is_new)
{
	struct counters_of c = {.pid = pid};
	char path[64];

	*is_new = false;
	for (size_t i = 0; i < w->list.n; i++)
		if (w->list.at[i].pid == pid)
			return &w->list.at[i];
	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	c.io_fd = open(path, O_RDONLY | O_CLOEXEC);
	*is_new = true;
	vec_push(&w->list, c);
	if (w->counts_messages)
		tracer_count_messages_of(w->tracer, pid);
	return &w->list.at[w->list.n - 1];
}

/* A process's counter: what it has grown by. Threads that ended can make that of waits smaller. */
static void grow(double *all, double *last, double now, bool is_new)
{
	if (now < 0)
		return;
	if (!is_new && now > *last)
		*all += now - *last;
	*last = now;
}

static void grow_io(struct work_done *done, struct counters_of *c, bool is_new)
{
	char text[512];
	double reads, writes;

	if (c->io_fd < 0 || !read_all(c->io_fd, text, sizeof(text)))
		return;
	reads = number_of(text, "syscr: ");
	writes = number_of(text, "syscw: ");
	grow(&done->reads, &c->reads, reads, is_new);
	grow(&done->read_bytes, &c->read_bytes, number_of(text, "rchar: "), is_new);
	grow(&done->io, &c->io, reads < 0 || writes < 0 ? -1 : reads + writes, is_new);
}

static void take_group(void *arg, uint64_t program, const struct group_work *g)
{
	struct work *w = arg;
	struct work_done *d = &w->done;

	vec_push(&w->groups, ((struct group_now){program, *g}));
	d->reads += g->reads;
	d->read_bytes += g->read_bytes;
	d->io += g->reads + g->writes;
	d->cpu_ns += g->cpu_ns;
	d->ticks.user += g->user_ns / w->tick_ns;
	d->ticks.system += g->system_ns / w->tick_ns;
	d->waits += g->waits;
}

/* The BPF side has added it up, of processes that have ended as well. */
static struct work_done read_groups(struct work *w)
{
	struct work_done before = w->done;

	w->groups.n = 0;
	w->done = (struct work_done){0};
	if (tracer_group_work(w->tracer, take_group, w))
		w->done = before;
	return w->done;
}

const struct group_now *work_groups(const struct work *w, size_t *n)
{
	*n = w->groups.n;
	return w->groups.at;
}

struct work_done work_read(struct work *w, bool waits)
{
	const struct processes *ps = tracer_processes(w->tracer);

	if (tracer_is_wide(w->tracer))
		return read_groups(w);

	for (size_t i = 0; i < ps->list.n; i++) {
		const pid_t pid = ps->list.at[i]->pid;
		bool is_new;
		struct counters_of *c = find(w, pid, &is_new);

		grow_io(&w->done, c, is_new);
		grow(&w->done.cpu_ns, &c->cpu_ns, read_cpu(pid), is_new);
		grow(&w->done.ticks.user, &c->user, read_ticks(pid, CLOCK_USER), is_new);
		grow(&w->both_ticks, &c->both, read_ticks(pid, CLOCK_BOTH), is_new);
		if (waits)
			grow(&w->done.waits, &c->waits, read_waits(pid), is_new);
	}
	w->done.ticks.system = fmax(w->both_ticks - w->done.ticks.user, 0);
	w->done.messages = tracer_messages(w->tracer);
	return w->done;
}

int work_count_messages(struct work *w)
{
	int err;

	for (size_t i = 0; i < w->list.n; i++)
		tracer_count_messages_of(w->tracer, w->list.at[i].pid);
	err = tracer_count_messages(w->tracer);
	w->counts_messages = !err;
	note(err ? "cannot count messages on sockets: %s" : "counting messages on sockets from now on",
	     strerror(-err));
	return err;
}
