/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nothing.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "proc/procfs.h"

#define TASKS_MAX 65536		/* of a process, and processes of the system, that are looked at */
#define CHILDREN_SHOWN 3
#define CHILDREN_NS 50000000	/* of CPU time, before they are reported beside what was recorded */

/* CPU time in ns. */
struct usage {
	bool known;		/* the process is there */
	bool stopped;		/* and was stopped */
	uint64_t own, reaped;	/* its own; of children that have ended and were waited for */
	uint64_t ran;		/* its own again, by the scheduler: finer, but of the threads that are there */
};

struct child {
	pid_t pid;
	uint64_t used;
};

struct nothing {
	pid_t pid;
	struct usage before, noted;	/* noted: own and reaped only */
	struct u64map children;	/* pid -> CPU time before */
};

static uint64_t ticks_ns(unsigned long long ticks)
{
	long hz = sysconf(_SC_CLK_TCK);

	return ticks * (1000000000ull / (hz > 0 ? (unsigned long)hz : 100));
}

static bool read_stat(pid_t pid, char *state, pid_t *parent, uint64_t *own, uint64_t *reaped)
{
	unsigned long long user, system, c_user, c_system;
	struct buf b = {0};
	const char *after;
	int ppid;
	bool ok;

	ok = !procfs_read(pid, "stat", &b);
	after = ok ? strrchr(buf_cstr(&b), ')') : NULL;
	ok = after && sscanf(after, ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", state, &ppid,
			     &user, &system, &c_user, &c_system) == 6;
	if (ok) {
		*parent = ppid;
		*own = ticks_ns(user + system);
		*reaped = ticks_ns(c_user + c_system);
	}
	buf_free(&b);
	return ok;
}

/* Calls back for each number among the names of a directory. */
static void each_number(const char *path, void (*on_number)(void *arg, pid_t n), void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	size_t left = TASKS_MAX;

	while (dir && left-- && (e = readdir(dir))) {
		pid_t n = procfs_pid_of_name(e->d_name);

		if (n)
			on_number(arg, n);
	}
	if (dir)
		closedir(dir);
}

/* /proc/PID/task/TID/schedstat: "ran waited slices", in ns. */
static void add_thread(void *arg, pid_t tid)
{
	struct usage *u = arg;
	struct buf b = {0};
	unsigned long long ran;

	if (!procfs_read(tid, "schedstat", &b) && sscanf(buf_cstr(&b), "%llu", &ran) == 1)
		u->ran += ran;
	buf_free(&b);
}

static struct usage usage_of(pid_t pid)
{
	struct usage u = {0};
	char path[40], state;
	pid_t parent;

	u.known = read_stat(pid, &state, &parent, &u.own, &u.reaped) && !strchr("ZX", state);
	u.stopped = u.known && strchr("Tt", state);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	if (u.known)
		each_number(path, add_thread, &u);
	return u;
}

static void note_child(void *arg, pid_t pid)
{
	struct nothing *n = arg;
	uint64_t own, reaped;
	pid_t parent;
	char state;

	if (read_stat(pid, &state, &parent, &own, &reaped) && parent == n->pid)
		*u64map_put(&n->children, (uint64_t)pid, NULL) = own + reaped;
}

struct nothing *nothing_begin(pid_t pid)
{
	struct nothing *n = xcalloc(1, sizeof(*n));

	n->pid = pid;
	n->before = usage_of(pid);
	each_number("/proc", note_child, n);
	return n;
}

void nothing_free(struct nothing *n)
{
	if (!n)
		return;
	u64map_free(&n->children);
	free(n);
}

void nothing_note(struct nothing *n)
{
	pid_t parent;
	char state;

	if (n)
		n->noted.known |= read_stat(n->pid, &state, &parent, &n->noted.own, &n->noted.reaped);
}

struct workers {
	const struct nothing *n;
	vec_of(struct child) list;
	uint64_t used;
};

static void add_worker(void *arg, pid_t pid)
{
	struct workers *w = arg;
	uint64_t own, reaped, *before = u64map_find(&w->n->children, (uint64_t)pid);
	pid_t parent;
	char state;

	if (!read_stat(pid, &state, &parent, &own, &reaped) || parent != w->n->pid)
		return;
	own += reaped;
	if (before && *before <= own)
		own -= *before;
	if (!own)
		return;
	w->used += own;
	vec_push(&w->list, ((struct child){pid, own}));
}

static int by_use(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	return x->used < y->used ? 1 : x->used > y->used ? -1 : 0;
}

/* Its children used more than itself, and at least that. */
static bool say_children(const struct nothing *n, const struct usage *now, uint64_t least_ns, struct buf *out)
{
	struct workers w = {.n = n, .used = now->reaped - n->before.reaped};
	bool most;

	each_number("/proc", add_worker, &w);
	most = w.used > now->own - n->before.own && w.used >= least_ns;
	if (most) {
		buf_str(out, "its children did the work; they are separate processes and not traced (");
		text_duration(out, w.used);
		buf_str(out, " of CPU time");
		if (w.list.n)
			qsort(w.list.at, w.list.n, sizeof(*w.list.at), by_use);
		for (size_t i = 0; i < w.list.n && i < CHILDREN_SHOWN; i++) {
			char *comm = procfs_comm(w.list.at[i].pid);

			buf_printf(out, "%s%s %d", i ? ", " : "): trace them by -p: ", comm, (int)w.list.at[i].pid);
			free(comm);
		}
		buf_str(out, w.list.n ? "" : ")");
	}
	vec_free(&w.list);
	return most;
}

/* A program that runs others by translating their code, by what it is called or has mapped; NULL: none is known. */
static const char *translator(pid_t pid)
{
	char link[40], exe[PATH_MAX];
	const char *base, *found = NULL;
	struct buf maps = {0};
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	len = readlink(link, exe, sizeof(exe) - 1);
	exe[len > 0 ? len : 0] = '\0';
	base = strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe;
	if (!strncmp(base, "qemu-", 5))
		return "qemu";
	if (procfs_read(pid, "maps", &maps))
		return NULL;
	if (strstr(buf_cstr(&maps), "/vgpreload_") || strstr(exe, "/valgrind/"))
		found = "valgrind";
	else if (strstr(buf_cstr(&maps), "/libdynamorio.so"))
		found = "DynamoRIO";
	else if (!strcmp(base, "pinbin"))
		found = "Pin";
	buf_free(&maps);
	return found;
}

static void say_process(const struct nothing *n, const struct usage *now, size_t n_probes, struct buf *out)
{
	const char *by = translator(n->pid);

	if (by) {
		buf_printf(out, "it runs under %s, which executes a translation of its code, without probes", by);
	} else if (now->own == n->before.own && now->ran == n->before.ran) {
		buf_str(out, now->stopped && n->before.stopped ? "it was stopped all the time" :
			     now->stopped ? "it is stopped, and used no CPU time" : "it slept all the time");
	} else {
		uint64_t own = now->own - n->before.own, ran = now->ran > n->before.ran ? now->ran - n->before.ran : 0;

		buf_str(out, "it used ");
		text_duration(out, own > ran ? own : ran);
		buf_printf(out, " of CPU time, and called none of the %zu probed functions", n_probes);
	}
}

static void say_why(const struct nothing *n, uint64_t hits, size_t n_probes, struct buf *out)
{
	struct usage now = usage_of(n->pid);

	if (hits)
		buf_printf(out, "%llu calls hit a probe, and none of them allocated", (unsigned long long)hits);
	else if (!n_probes)	/* what is live of Go, by records */
		buf_str(out, now.known ? "its runtime has sampled no allocation yet" :
					 "it exited, and its runtime's records went with it");
	else if (!now.known)
		buf_str(out, "it exited without an allocation");
	else if (!say_children(n, &now, 0, out))
		say_process(n, &now, n_probes, out);
}

void nothing_warn(const struct nothing *n, bool filtered, uint64_t hits, size_t n_probes)
{
	struct buf why = {0};

	if (filtered)
		buf_str(&why, "the target made no allocation of that size in that time");
	else if (n)
		say_why(n, hits, n_probes, &why);
	else
		buf_str(&why, "the targets made no allocation in that time");
	warn("nothing was recorded: %s", why.data);
	buf_free(&why);
}

void nothing_warn_children(const struct nothing *n)
{
	struct buf text = {0};

	if (n && n->noted.known && say_children(n, &n->noted, CHILDREN_NS, &text))
		warn("process %d: %s", (int)n->pid, text.data);
	buf_free(&text);
}
