/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/cgroup_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "proc/mounts.h"

#define FILE_BYTES_MAX (16 << 20)

/* The file, at most so much of it. */
static bool read_file(const char *path, struct buf *b)
{
	char chunk[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf_reset(b);
	if (fd < 0)
		return false;
	while (b->len < FILE_BYTES_MAX && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n > 0)
			buf_add(b, chunk, n);
		else if (errno != EINTR)
			break;
	}
	close(fd);
	return true;
}

/* The next line without its newline, which becomes a NUL. NULL at the end. */
static char *next_line(char **at)
{
	char *line = *at, *newline;

	if (!line || !*line)
		return NULL;
	newline = strchr(line, '\n');
	if (newline)
		*newline = '\0';
	*at = newline ? newline + 1 : NULL;
	return line;
}

/* The next field of a line, up to a blank. */
static char *next_field(char **at)
{
	char *field;

	do
		field = strsep(at, " ");
	while (field && !*field);
	return field;
}

static bool has_word(const char *list, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ',') && (!at[len] || at[len] == ','))
			return true;
	return false;
}

/* --- mounts */

/*	35 30 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
 *	           root  point                                  type            options	*/
struct mount_line {
	char *root, *point;
	bool v2, v1_memory;
};

static bool parse_mount(char *line, struct mount_line *m)
{
	char *after = strstr(line, " - "), *type, *options;

	if (!after)
		return false;
	*after = '\0';
	after += 3;
	for (int i = 0; i < 3; i++)
		if (!next_field(&line))
			return false;
	m->root = next_field(&line);
	m->point = next_field(&line);
	type = next_field(&after);
	options = next_field(&after) ? next_field(&after) : NULL;
	if (!m->root || !m->point || !type)
		return false;
	m->v2 = !strcmp(type, "cgroup2");
	m->v1_memory = !strcmp(type, "cgroup") && options && has_word(options, "memory");
	mounts_unescape(m->root);
	mounts_unescape(m->point);
	return m->v2 || m->v1_memory;
}

void cgroup_mount_find(const char *root, bool v2, struct cgroup_mount *out)
{
	char *path = xasprintf("%s/proc/self/mountinfo", root), *at, *line;
	struct buf text = {0};
	struct mount_line m;

	*out = (struct cgroup_mount){0};
	at = read_file(path, &text) ? text.data : NULL;
	while ((line = next_line(&at))) {
		if (!parse_mount(line, &m) || m.v2 != v2 || (out->point && !strcmp(out->root, "/")))
			continue;
		cgroup_mount_free(out);
		*out = (struct cgroup_mount){.point = xasprintf("%s%s", root, m.point), .root = xstrdup(m.root)};
	}
	buf_free(&text);
	free(path);
}

void cgroup_mount_free(struct cgroup_mount *m)
{
	free(m->point);
	free(m->root);
	*m = (struct cgroup_mount){0};
}

/* --- processes */

void cgroup_cut_deleted(char *path)
{
	static const char suffix[] = " (deleted)";
	const size_t len = strlen(path), n = sizeof(suffix) - 1;

	if (len > n && !strcmp(path + len - n, suffix))
		path[len - n] = '\0';
}

/* Keeps path if nothing better than the root is there. */
static void take_path(const char **best, const char *path)
{
	if (path && (!*best || !strcmp(*best, "/")))
		*best = path;
}

/*	4:memory:/docker/6f1c...
 *	1:name=systemd:/system.slice/docker.service
 *	0::/system.slice/docker.service			(that is v2's)	*/
char *cgroup_of_process(const char *root, pid_t pid)
{
	char *file = xasprintf("%s/proc/%d/cgroup", root, (int)pid), *at, *line, *path = NULL;
	const char *v2 = NULL, *memory = NULL, *systemd = NULL, *best = NULL;
	struct buf text = {0};

	at = read_file(file, &text) ? text.data : NULL;
	while ((line = next_line(&at))) {
		const char *number = strsep(&line, ":"), *controllers = strsep(&line, ":");

		if (!controllers || !line || line[0] != '/')
			continue;
		cgroup_cut_deleted(line);
		if (!strcmp(number, "0") && !*controllers)
			v2 = line;
		else if (has_word(controllers, "memory"))
			memory = line;
		else if (!strcmp(controllers, "name=systemd"))
			systemd = line;
	}
	take_path(&best, v2);
	take_path(&best, memory);
	take_path(&best, systemd);
	if (best)
		path = xstrdup(best);
	buf_free(&text);
	free(file);
	return path;
}

/* --- directories */

struct todo {
	vec_of(char *) below;
};

/* The directories in it, by name. */
static void add_children(struct todo *t, DIR *dir, const char *below)
{
	struct dirent *e;

	while ((e = readdir(dir)))
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			vec_push(&t->below, xasprintf("%s/%s", below, e->d_name));
}

/* 0 also if it has gone meanwhile; 1: take() wants no more. */
static int walk_one(int dir, const char *below, struct todo *t,
		    bool (*take)(void *arg, uint64_t id, const char *below), void *arg)
{
	int fd = openat(dir, *below ? below + 1 : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), enough = 0;
	struct stat st;
	DIR *d;

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	if (!fstat(fd, &st))
		enough = !take(arg, st.st_ino, below);
	add_children(t, d, below);
	closedir(d);
	return enough;
}

int cgroup_walk(int dir, size_t most, bool (*take)(void *arg, uint64_t id, const char *below), void *arg)
{
	struct todo t = {0};
	int err = 0;

	vec_push(&t.below, xstrdup(""));
	for (size_t n = 0; t.below.n && !err; n++) {
		char *below = t.below.at[--t.below.n];

		err = n < most ? walk_one(dir, below, &t, take, arg) : -E2BIG;
		free(below);
	}
	for (size_t i = 0; i < t.below.n; i++)
		free(t.below.at[i]);
	vec_free(&t.below);
	return err < 0 ? err : 0;
}
