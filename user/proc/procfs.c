/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/rights.h"

#define PROC_FILE_MAX ((size_t)256 << 20)	/* two million mappings */
#define PF_KTHREAD 0x00200000			/* linux/sched.h */
#define PF_EXITING 0x00000004

int procfs_read(pid_t pid, const char *name, struct buf *b)
{
	const size_t chunk_size = 64 << 10;
	char path[64], *chunk;
	ssize_t n;
	int fd;

	buf_reset(b);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	chunk = xmalloc(chunk_size);
	do {
		n = read(fd, chunk, chunk_size);
		if (n > 0)
			buf_add(b, chunk, n);
	} while ((n > 0 && b->len < PROC_FILE_MAX) || (n < 0 && errno == EINTR));
	n = n < 0 ? -errno : 0;
	free(chunk);
	close(fd);
	return n;
}

/*	4242 (any ) bytes (of the target) S 17 4242 4242 34816 5000 4194560 …
 *	pid   comm                        state parent …              flags, the seventh after comm	*/
int procfs_stat(pid_t pid, struct proc_stat *out)
{
	struct buf b = {0};
	unsigned long long start;
	unsigned int flags;
	const char *after;
	int err = procfs_read(pid, "stat", &b), parent;

	if (!err) {
		after = strrchr(buf_cstr(&b), ')');
		if (after && sscanf(after, ") %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d "
				    "%llu", &out->state, &parent, &flags, &out->threads, &start) == 5) {
			out->parent = parent;
			out->kernel_thread = flags & PF_KTHREAD;
			out->exiting = (flags & PF_EXITING) || strchr("ZXx", out->state);
			out->start_ns = start * (1000000000ULL / (unsigned long)sysconf(_SC_CLK_TCK));
		} else {
			err = -ESRCH;
		}
	}
	buf_free(&b);
	return err;
}

int procfs_ids(pid_t pid, pid_t *tgid, uid_t *euid)
{
	struct buf b = {0};
	const char *tgid_line, *uid_line;
	unsigned int uid;
	int id, err = procfs_read(pid, "status", &b);

	if (!err) {
		/* comm stands before them, but its newlines are escaped here. */
		tgid_line = strstr(buf_cstr(&b), "\nTgid:");
		uid_line = strstr(buf_cstr(&b), "\nUid:");
		if (tgid_line && uid_line && sscanf(tgid_line, "\nTgid: %d", &id) == 1 &&
		    sscanf(uid_line, "\nUid: %*u %u", &uid) == 1) {
			*tgid = id;
			*euid = uid;
		} else {
			err = -ESRCH;
		}
	}
	buf_free(&b);
	return err;
}

#define READ_ALL_CAPS (1ULL << 1 | 1ULL << 2)	/* CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH */

static void parse_groups(const char *at, struct rights *out)
{
	char *end;

	/* Up to the line's end: strtoul() would go on to the next. */
	for (at += strspn(at, " \t"); *at >= '0' && *at <= '9' && out->n_groups < RIGHTS_GROUPS_MAX; at = end) {
		out->groups[out->n_groups++] = (gid_t)strtoul(at, &end, 10);
		end += strspn(end, " \t");
	}
}

bool procfs_rights_ids(pid_t pid, struct rights *out)
{
	const char *uid, *gid, *groups, *caps;
	unsigned long long effective = 0;
	struct buf b = {0};

	*out = (struct rights){0};
	if (procfs_read(pid, "status", &b))
		return false;
	uid = strstr(buf_cstr(&b), "\nUid:");
	gid = strstr(buf_cstr(&b), "\nGid:");
	groups = strstr(buf_cstr(&b), "\nGroups:");
	caps = strstr(buf_cstr(&b), "\nCapEff:");
	if (uid && gid && groups && caps && sscanf(uid, "\nUid: %*u %*u %*u %u", &out->uid) == 1 &&
	    sscanf(gid, "\nGid: %*u %*u %*u %u", &out->gid) == 1 && sscanf(caps, "\nCapEff: %llx", &effective) == 1) {
		parse_groups(groups + strlen("\nGroups:"), out);
		out->known = out->uid || (effective & READ_ALL_CAPS);
	}
	buf_free(&b);
	return out->known;
}

static bool same_as_ours(pid_t pid, const char *name)
{
	char path[64], self[64];
	struct stat a, b;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	snprintf(self, sizeof(self), "/proc/self/%s", name);
	return !stat(path, &a) && !stat(self, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool procfs_rights(pid_t pid, struct rights *out)
{
	out->known = procfs_rights_ids(pid, out) && same_as_ours(pid, "ns/user") && same_as_ours(pid, "ns/mnt") &&
		     same_as_ours(pid, "root");
	return out->known;
}

pid_t procfs_debugger(pid_t pid)
{
	struct buf b = {0};
	const char *line;
	int debugger = 0;

	if (!procfs_read(pid, "status", &b)) {
		line = strstr(buf_cstr(&b), "\nTracerPid:");
		if (line && sscanf(line, "\nTracerPid: %d", &debugger) != 1)
			debugger = 0;
	}
	buf_free(&b);
	return debugger;
}

bool procfs_stop_is_pending(pid_t pid)
{
	struct buf b = {0};
	unsigned long long set = 0;
	const char *line;

	if (!procfs_read(pid, "status", &b)) {
		line = strstr(buf_cstr(&b), "\nShdPnd:");
		if (line && sscanf(line, "\nShdPnd: %llx", &set) != 1)
			set = 0;
	}
	buf_free(&b);
	return set >> (SIGSTOP - 1) & 1;
}

char *procfs_comm(pid_t pid)
{
	struct buf b = {0};
	char *comm;

	if (procfs_read(pid, "comm", &b) || !b.len) {
		buf_reset(&b);
		buf_str(&b, "?");
	} else if (b.data[b.len - 1] == '\n') {
		b.data[--b.len] = '\0';
	}
	comm = xstrdup(buf_cstr(&b));
	buf_free(&b);
	return comm;
}

pid_t procfs_pid_of_name(const char *name)
{
	uint64_t n;

	return !parse_u64(name, &n) && n <= INT_MAX ? (pid_t)n : 0;
}

static bool is_live(pid_t tid)
{
	struct proc_stat st;

	return !procfs_stat(tid, &st) && !strchr("ZXx", st.state);
}

pid_t procfs_live_thread(pid_t pid)
{
	char path[40];
	struct dirent *e;
	pid_t found = 0;
	DIR *dir;

	if (is_live(pid))
		return pid;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!found && (e = readdir(dir))) {
		pid_t tid = procfs_pid_of_name(e->d_name);

		if (tid && is_live(tid))
			found = tid;
	}
	closedir(dir);
	return found;
}

static uint64_t boottime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

bool procfs_goes_on(pid_t pid, uint64_t time_ns)
{
	struct proc_stat st;

	if ((kill(pid, 0) && errno == ESRCH) || procfs_stat(pid, &st))
		return false;
	return st.start_ns <= boottime_ns() - (monotonic_ns() - time_ns) && (st.threads > 1 || !st.exiting);
}

uint64_t procfs_start_stack(pid_t pid)
{
	pid_t tid = procfs_live_thread(pid);
	struct buf b = {0};
	uint64_t value = 0;
	char *at;

	if (tid && !procfs_read(tid, "stat", &b)) {
		at = strrchr(buf_cstr(&b), ')');
		for (int field = 2; at && field < 28; field++)
			at = strchr(at + 1, ' ');
		if (at)
			value = strtoull(at + 1, NULL, 10);
	}
	buf_free(&b);
	return value;
}
