/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/survey.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/survey_file.h"
#include "proc/cgroup.h"
#include "proc/copier.h"
#include "proc/mapfile.h"
#include "proc/maps.h"
#include "proc/procfs.h"
#include "proc/users.h"

/* What is needed while processes are looked at. */
struct look {
	struct survey *survey;
	struct survey_files *files;
	struct cgroups *cgroups;
	struct users *users;
	struct u64map starters;		/* the pids of what started us */
	struct buf maps, path;
};

/* What one process has mapped. */
struct mapped {
	vec_of(const char *) allocators;	/* of its files that are probed, each once */
	char exe[PATH_MAX + 1];			/* as its link says, "" if it can't be read */
	const struct survey_file *executed;	/* NULL: not known */
	const char *operators;	/* a file that has operators new alone, which is named if there is no other */
	const char *own;	/* the program's allocator, if it could be probed */
	bool exe_has_code;	/* it is mapped to be executed, and not copied */
	bool unreadable;	/* so is a file with code */
	bool refused;		/* a file with an allocator is mapped so that it can't be probed */
};

static const char *intern(struct strpool *p, const char *s)
{
	const uint32_t id = strpool_id(p, s);

	return strpool_str(p, id);
}

void survey_add(struct survey *h, const struct survey_group *g)
{
	const char *const texts[] = {g->name, g->exe, g->user, g->container, g->allocators};
	struct buf key = {0};
	bool is_new;
	uint64_t *i;

	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
		buf_printf(&key, "%u ", strpool_id(&h->texts, texts[k]));
	buf_printf(&key, "%d", (int)g->gap);
	i = u64map_put(&h->by_key, strpool_id(&h->keys, key.data), &is_new);
	if (is_new) {
		*i = h->groups.n;
		vec_push(&h->groups, ((struct survey_group){
			.name = intern(&h->texts, g->name), .exe = intern(&h->texts, g->exe),
			.user = intern(&h->texts, g->user), .container = intern(&h->texts, g->container),
			.allocators = intern(&h->texts, g->allocators), .gap = g->gap,
		}));
	}
	h->groups.at[*i].processes++;
	buf_free(&key);
}

void survey_free(struct survey *h)
{
	vec_free(&h->groups);
	u64map_free(&h->by_key);
	strpool_free(&h->texts);
	strpool_free(&h->keys);
}

/* --- mappings */

static void take_allocator(struct mapped *m, const char *name)
{
	for (size_t i = 0; i < m->allocators.n; i++)
		if (!strcmp(m->allocators.at[i], name))
			return;
	vec_push(&m->allocators, name);
}

static void take_line(struct look *l, pid_t pid, const struct maps_line *line, struct mapped *m)
{
	const bool is_exe = !strcmp(line->path, m->exe);
	const struct survey_file *f;

	if (mapping_kind(line->path) != MAPPING_FILE)
		return;
	if (is_exe && !m->executed)
		m->executed = survey_file_executed(l->files, pid, line);
	if (!line->exec)
		return;
	f = survey_file_mapped(l->files, pid, line);
	m->unreadable |= f->unreadable;
	m->exe_has_code |= is_exe;
	if (f->allocator && (line->write || line->shared))
		m->refused = true;
	else if (f->operators)
		m->operators = f->allocator;
	else if (f->allocator && !is_exe)
		take_allocator(m, f->allocator);
	else if (f->allocator)
		m->own = f->allocator;
}

static void read_exe(pid_t pid, char exe[PATH_MAX + 1])
{
	char link[40];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, exe, PATH_MAX);
	exe[n > 0 ? n : 0] = '\0';
}

/* 0 or -errno: -ESRCH if the process has no memory (any more). */
static int read_mapped(struct look *l, pid_t pid, pid_t tid, struct mapped *m)
{
	struct maps_line line;
	const char *at;
	int err = procfs_read(tid, "maps", &l->maps);

	if (err)
		return err == -ENOENT ? -ESRCH : err;
	if (!l->maps.len)
		return -ESRCH;
	read_exe(pid, m->exe);
	at = l->maps.data;
	while (maps_next(&at, l->maps.data + l->maps.len, &line, &l->path))
		take_line(l, pid, &line, m);
	return 0;
}

/* --- processes */

static bool will_copy(pid_t pid, const struct survey_file *f)
{
	return f && f->copies && (!f->if_told || copier_is_told(pid));
}

/* Takes the program's own allocator if it is probed. */
static enum survey_gap gap_of(pid_t pid, struct mapped *m)
{
	const struct survey_file *f = m->executed;

	if (f && f->is_32bit)
		return SURVEY_32BIT;
	if (f && f->allocator && !m->exe_has_code)
		return SURVEY_COPIED;
	if (m->own && will_copy(pid, f))
		return SURVEY_COPIES;
	if (m->own)
		take_allocator(m, m->own);
	if (m->operators && !m->allocators.n)
		take_allocator(m, m->operators);
	if (m->refused)
		return SURVEY_REFUSED;
	if (m->allocators.n)
		return SURVEY_SEEN;
	if (m->unreadable)
		return SURVEY_UNREADABLE;
	return f && f->is_static && f->stripped ? SURVEY_STRIPPED : SURVEY_OWN;
}

static void add_process(struct look *l, pid_t pid, uid_t uid, const struct mapped *m, enum survey_gap gap)
{
	const struct cgroup_place *place = cgroups_of_pid(l->cgroups, pid);
	struct buf allocators = {0};
	char *name = procfs_comm(pid);

	for (size_t i = 0; i < m->allocators.n; i++)
		buf_printf(&allocators, "%s%s", i ? ", " : "", m->allocators.at[i]);
	survey_add(l->survey, &(struct survey_group){
		.name = name, .exe = m->exe, .user = users_name(l->users, uid),
		.container = place->container ? place->container : "", .allocators = buf_cstr(&allocators), .gap = gap,
	});
	buf_free(&allocators);
	free(name);
}

static bool is_denied(int err)
{
	return err == -EACCES || err == -EPERM;
}

/* The owner of its directory, where its files tell nothing. */
static uid_t owner_of(pid_t pid)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &st) ? 0 : st.st_uid;
}

static void look_at(struct look *l, pid_t pid)
{
	struct mapped m = {.exe = ""};
	struct proc_stat st;
	pid_t tgid, tid = pid;
	uid_t uid = 0;
	int err = procfs_stat(pid, &st);

	if (!err && st.kernel_thread)
		return;
	if (!err)
		err = procfs_ids(pid, &tgid, &uid);
	if (is_denied(err))
		uid = owner_of(pid);
	if (!err && strchr("ZXx", st.state)) {
		tid = procfs_live_thread(pid);
		err = tid ? 0 : -ESRCH;
	}
	if (!err && u64map_find(&l->starters, pid)) {
		read_exe(pid, m.exe);
		add_process(l, pid, uid, &m, SURVEY_STARTER);
		return;
	}
	if (!err)
		err = read_mapped(l, pid, tid, &m);
	if (is_denied(err))
		add_process(l, pid, uid, &m, SURVEY_DENIED);
	else if (err)
		l->survey->exited++;
	else
		add_process(l, pid, uid, &m, tid != pid ? SURVEY_LEADER : gap_of(pid, &m));
	vec_free(&m.allocators);
}

/* As tracing every process leaves them out. Process 1 is none: in a container that may be the very program. */
static void find_starters(struct look *l)
{
	struct proc_stat st;
	bool is_new = true;

	for (pid_t pid = getpid(); is_new && !procfs_stat(pid, &st) && st.parent > 1; pid = st.parent)
		u64map_put(&l->starters, st.parent, &is_new);
}

int survey_read(struct survey *h)
{
	DIR *dir = opendir("/proc");
	struct look l = {.survey = h};
	struct dirent *e;

	if (!dir)
		return fail(-errno, "cannot read /proc: %s", strerror(errno));
	l.files = survey_files_new();
	l.cgroups = cgroups_new();
	l.users = users_new();
	find_starters(&l);
	/* Every namespace of processes has a first one. */
	h->hidden = access("/proc/1", F_OK) && errno == ENOENT;
	while ((e = readdir(dir))) {
		const pid_t pid = procfs_pid_of_name(e->d_name);

		if (pid && pid != getpid())
			look_at(&l, pid);
	}
	closedir(dir);
	survey_files_count(l.files, &h->files, &h->with_allocator, &h->unreadable);
	survey_files_free(l.files);
	cgroups_free(l.cgroups);
	users_free(l.users);
	u64map_free(&l.starters);
	buf_free(&l.maps);
	buf_free(&l.path);
	return 0;
}
