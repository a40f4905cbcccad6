/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes the user means, and whether they can be traced. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parse.h"
#include "proc/process.h"
#include "proc/procfs.h"

#define ANCESTORS_MAX 256

static int fail_no_process(pid_t pid)
{
	/* /proc mounted with hidepid=2 hides what the signal's permission check still tells apart. */
	if (kill(pid, 0) && errno == EPERM)
		return fail(-EACCES, "process %d belongs to another user; run alloctrace as root (sudo)", (int)pid);
	return fail(-ESRCH, "no such process: %d", (int)pid);
}

static int fail_no_access(pid_t pid, const char *comm, uid_t uid)
{
	if (!geteuid())
		return fail(-EACCES,
			    "access to process %d (%s) is denied even to root, by a container without CAP_SYS_PTRACE "
			    "or a security module",
			    (int)pid, comm);
	if (uid == geteuid())
		return fail(-EACCES, "access to process %d (%s) is denied; run alloctrace as root (sudo)", (int)pid,
			    comm);
	return fail(-EACCES, "process %d (%s) belongs to another user (uid %u); run alloctrace as root (sudo)",
		    (int)pid, comm, (unsigned int)uid);
}

/* 0 where the file cannot be read: that alone is no reason to refuse. */
static int executable_class(pid_t pid)
{
	unsigned char ident[EI_NIDENT];
	char path[40];
	int fd, class = 0;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0;
	if (pread(fd, ident, sizeof(ident), 0) == sizeof(ident) && !memcmp(ident, ELFMAG, SELFMAG))
		class = ident[EI_CLASS];
	close(fd);
	return class;
}

/* Reading is tried, rather than guessed from user ids: capabilities, dumpability and security modules all count. */
static bool may_read_maps(pid_t tid)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno != EACCES && errno != EPERM;
	close(fd);
	return true;
}

static int check_named(pid_t pid, const char *comm, uid_t uid)
{
	struct proc_stat st;
	pid_t tid;
	int err = procfs_stat(pid, &st);

	if (err)
		return fail_no_process(pid);
	if (st.kernel_thread)
		return fail(-EINVAL, "%d (%s) is a kernel thread; only processes of user programs can be traced",
			    (int)pid, comm);
	tid = procfs_live_thread(pid);
	if (!tid)
		return fail(-ESRCH, "process %d (%s) is a zombie: its parent %d has not waited for it",
			    (int)pid, comm, (int)st.parent);
	if (tid != pid)
		return fail(-ENOTSUP,
			    "the main thread of process %d (%s) has exited; the kernel cannot attach uprobes to the "
			    "remaining threads; launch the program under alloctrace, or attach earlier",
			    (int)pid, comm);
	if (!may_read_maps(pid))
		return fail_no_access(pid, comm, uid);
	if (executable_class(pid) == ELFCLASS32)
		return fail(-ENOTSUP,
			    "process %d (%s) is a 32-bit process: 32-bit processes are not supported, only x86-64",
			    (int)pid, comm);
	return 0;
}

int process_check(pid_t pid)
{
	pid_t tgid;
	uid_t uid;
	char *comm;
	int err;

	if (pid <= 0)
		return fail(-ESRCH, "no such process: %d", (int)pid);
	err = procfs_ids(pid, &tgid, &uid);
	if (err == -EACCES || err == -EPERM)
		return fail(err, "process %d belongs to another user; run alloctrace as root (sudo)", (int)pid);
	if (err)
		return fail_no_process(pid);
	comm = procfs_comm(pid);
	if (tgid != pid)
		err = fail(-EINVAL, "%d (%s) is a thread of process %d; use -p %d to trace the whole process", (int)pid,
			   comm, (int)tgid, (int)tgid);
	else
		err = check_named(pid, comm, uid);
	free(comm);
	return err;
}

/* --- names */

struct pid_list {
	pid_t *at;
	size_t n;
};

static void add_once(struct pid_list *list, pid_t pid)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i] == pid)
			return;
	list->at = xrealloc_array(list->at, list->n + 1, sizeof(*list->at));
	list->at[list->n++] = pid;
}

/*
 * alloctrace itself and what started it (sudo, a shell): never meant by a name. Not process 1: in a container that may
 * be the very program.
 */
static size_t find_ancestors(pid_t *list, size_t max)
{
	struct proc_stat st;
	size_t n = 0;

	for (pid_t pid = getpid(); pid > 1 && n < max; pid = st.parent) {
		list[n++] = pid;
		if (procfs_stat(pid, &st))
			break;
	}
	return n;
}

static bool base_name_is(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, name);
}

static bool executable_is(pid_t pid, const char *name)
{
	static const char suffix[] = " (deleted)";
	char link[40], path[PATH_MAX + 1];
	size_t len;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	if (base_name_is(path, name))
		return true;
	len = n;
	if (len <= sizeof(suffix) - 1 || strcmp(path + len - (sizeof(suffix) - 1), suffix))
		return false;
	path[len - (sizeof(suffix) - 1)] = '\0';
	return base_name_is(path, name);
}

static bool is_called(pid_t pid, const char *name)
{
	struct buf cmdline = {0};
	char *comm = procfs_comm(pid);
	bool yes = !strcmp(comm, name) || executable_is(pid, name);

	free(comm);
	/* argv[0] ends at the first NUL. */
	if (!yes && !procfs_read(pid, "cmdline", &cmdline))
		yes = base_name_is(buf_cstr(&cmdline), name);
	buf_free(&cmdline);
	return yes;
}

static bool is_candidate(pid_t pid, const pid_t *ancestors, size_t n_ancestors)
{
	struct proc_stat st;

	for (size_t i = 0; i < n_ancestors; i++)
		if (ancestors[i] == pid)
			return false;
	return !procfs_stat(pid, &st) && !st.kernel_thread && procfs_live_thread(pid);
}

static int add_named(struct pid_list *list, const char *name)
{
	pid_t ancestors[ANCESTORS_MAX];
	size_t n_ancestors = find_ancestors(ancestors, ANCESTORS_MAX);
	bool found = false;
	struct dirent *e;
	DIR *dir = opendir("/proc");

	if (!dir)
		return fail(-errno, "cannot read /proc: %s", strerror(errno));
	while ((e = readdir(dir))) {
		pid_t pid = procfs_pid_of_name(e->d_name);

		if (pid && is_called(pid, name) && is_candidate(pid, ancestors, n_ancestors)) {
			add_once(list, pid);
			found = true;
		}
	}
	closedir(dir);
	if (!found)
		return fail(-ESRCH,
			    "no such process: '%s' (compared with command name, executable and argv[0]); "
			    "ps -e lists processes",
			    name);
	return 0;
}

static int add_item(struct pid_list *list, const char *arg, const char *item)
{
	char path[40];
	uint64_t number;

	if (!*item)
		return fail(-EINVAL, "-p '%s': empty item; expected comma-separated PIDs and process names",
			    arg);
	if (item[strspn(item, "0123456789")])
		return add_named(list, item);
	if (parse_u64(item, &number) || !number || number > INT_MAX)
		return fail(-ESRCH, "no such process: %s", item);
	snprintf(path, sizeof(path), "/proc/%d", (int)number);
	if (access(path, F_OK))
		return fail_no_process(number);
	add_once(list, number);
	return 0;
}

void skipped_add(struct skipped *s, int err, const struct buf *text)
{
	if (!s->why.n)
		s->err = err;
	vec_push(&s->why, xstrdup(buf_cstr(text)));
}

int skipped_end(struct skipped *s, bool left)
{
	const int err = left ? 0 : s->err;

	for (size_t i = 0; i < s->why.n; i++) {
		if (left)
			warn("skipped: %s", s->why.at[i]);
		else
			fail(err, "%s", s->why.at[i]);
		free(s->why.at[i]);
	}
	vec_free(&s->why);
	return err;
}

/* What is wrong with the list as it is written is always an error. */
static int try_item(struct pid_list *list, const char *arg, const char *item, struct skipped *skip)
{
	struct buf why = {0};
	int err;

	log_catch(&why);
	err = add_item(list, arg, item);
	log_catch(NULL);
	if (err == -EINVAL)
		fail(err, "%s", buf_cstr(&why));
	else if (err)
		skipped_add(skip, err, &why);
	buf_free(&why);
	return err == -EINVAL ? err : 0;
}

int processes_parse_list(const char *arg, pid_t **pids, size_t *n, struct skipped *skip)
{
	struct pid_list list = {*pids, *n};
	char *copy = xstrdup(arg), *rest = copy, *item;
	int err = 0;

	while (!err && (item = strsep(&rest, ",")))
		err = skip ? try_item(&list, arg, item, skip) : add_item(&list, arg, item);
	free(copy);
	*pids = list.at;
	*n = list.n;
	return err;
}

int processes_each(const char *list, int (*take)(void *arg, pid_t pid), void *arg)
{
	struct skipped skip = {0};
	struct buf why = {0};
	pid_t *pids = NULL;
	size_t n = 0;
	int err = processes_parse_list(list, &pids, &n, &skip), refused;
	bool taken = false;

	for (size_t i = 0; i < n && !err; i++) {
		buf_reset(&why);
		log_catch(&why);
		refused = take(arg, pids[i]);
		log_catch(NULL);
		taken |= !refused;
		if (refused)
			skipped_add(&skip, refused, &why);
	}
	buf_free(&why);
	free(pids);
	refused = skipped_end(&skip, taken || err);
	return err ? err : refused;
}
