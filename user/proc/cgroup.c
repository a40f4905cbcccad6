/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "proc/cgroup_files.h"
#include "proc/container.h"
#include "proc/container_name.h"

#define KERNFS_HANDLE 0xfe	/* FILEID_KERNFS: the 64-bit number of a directory, since Linux 4.14 */
#define SHORT_ID 12		/* hexadecimal digits, as docker ps shows them */
#define DIRECTORIES_MAX (1 << 20)	/* that one search looks into */

struct hierarchy {
	struct cgroup_mount mount;
	int fd;				/* of the mount point; -1: there is none */
	struct u64map by_id;		/* index in places, plus one; 0: not known */
};

struct cgroups {
	struct hierarchy all[CGROUP_HIERARCHIES];
	char *root;			/* before all paths; "" */
	bool handles;			/* numbers are the kernel's: there is no other root */
	struct container_names *names;
	struct strpool paths;
	vec_of(struct cgroup_place *) places;	/* by what paths has */
	bool full;
};

static const struct cgroup_place nowhere;

static struct cgroups *make(const char *root)
{
	struct cgroups *c = xcalloc(1, sizeof(*c));

	c->root = xstrdup(root);
	c->handles = !*root;
	c->names = container_names_new(root);
	for (int i = 0; i < CGROUP_HIERARCHIES; i++) {
		struct hierarchy *h = &c->all[i];

		if (i != CGROUP_NONE)
			cgroup_mount_find(root, i == CGROUP_V2, &h->mount);
		h->fd = h->mount.point ? open(h->mount.point, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	}
	return c;
}

struct cgroups *cgroups_new(void)
{
	return make("");
}

struct cgroups *cgroups_new_below(const char *root)
{
	return make(root);
}

static void free_place(struct cgroup_place *p)
{
	free((char *)p->path);
	free((char *)p->unit);
	free((char *)p->id);
	free((char *)p->name);
	free((char *)p->container);
	free(p);
}

void cgroups_free(struct cgroups *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->places.n; i++)
		free_place(c->places.at[i]);
	vec_free(&c->places);
	strpool_free(&c->paths);
	container_names_free(c->names);
	for (int i = 0; i < CGROUP_HIERARCHIES; i++) {
		u64map_free(&c->all[i].by_id);
		cgroup_mount_free(&c->all[i].mount);
		if (c->all[i].fd >= 0)
			close(c->all[i].fd);
	}
	free(c->root);
	free(c);
}

enum cgroup_hierarchy cgroups_hierarchy(const struct cgroups *c)
{
	return c->all[CGROUP_V2].fd >= 0 ? CGROUP_V2 :
	       c->all[CGROUP_V1_MEMORY].fd >= 0 ? CGROUP_V1_MEMORY : CGROUP_NONE;
}

/* --- by path */

/* As docker ps shows it; a pod's UID has dashes in between. */
static char *short_id(const char *id)
{
	size_t len = 0;

	for (int digits = 0; id[len] && digits < SHORT_ID; len++)
		digits += id[len] != '-';
	return xasprintf("%.*s", (int)len, id);
}

static struct cgroup_place *describe(struct cgroups *c, const char *path)
{
	struct cgroup_place *p = xcalloc(1, sizeof(*p));
	struct container found;

	container_of_path(path, &found);
	container_names_find(c->names, &found);
	p->path = xstrdup(path);
	p->unit = found.unit;
	p->runtime = found.runtime;
	p->id = found.id;
	if (found.runtime) {
		p->name = found.name ? found.name : short_id(found.id);
		p->container = xasprintf("%s:%s", p->runtime, p->name);
	}
	return p;
}

/* Index in places, plus one; 0: there are too many. */
static size_t place_of(struct cgroups *c, const char *path)
{
	size_t i;

	if (c->places.n == CGROUPS_MAX) {
		if (!c->full)
			warn("more than %d cgroups: further ones have no name", CGROUPS_MAX);
		c->full = true;
		return 0;
	}
	i = strpool_id(&c->paths, path);
	if (i == c->places.n)
		vec_push(&c->places, describe(c, path));
	return i + 1;
}

static const struct cgroup_place *place_at(const struct cgroups *c, size_t i)
{
	return i ? c->places.at[i - 1] : &nowhere;
}

const struct cgroup_place *cgroups_by_path(struct cgroups *c, const char *path)
{
	return place_at(c, place_of(c, path));
}

/* --- by number */

/* The path of the directory in the hierarchy, from where it is below the mount point ("" is that). */
static size_t place_below(struct cgroups *c, const struct hierarchy *h, const char *below)
{
	char *path = xasprintf("%s%s", strcmp(h->mount.root, "/") ? h->mount.root : "", below);
	size_t i = place_of(c, *path ? path : "/");

	free(path);
	return i;
}

/* 0 or -errno: -ESTALE if there is no such cgroup, which is final. */
static int find_by_handle(struct cgroups *c, const struct hierarchy *in, uint64_t id, size_t *place)
{
	_Alignas(struct file_handle) unsigned char bytes[sizeof(struct file_handle) + sizeof(id)] = {0};
	struct file_handle *h = (struct file_handle *)bytes;
	const size_t point_len = strcmp(in->mount.point, "/") ? strlen(in->mount.point) : 0;
	char link[40], path[PATH_MAX + 1];
	ssize_t n;
	int fd;

	h->handle_bytes = sizeof(id);
	h->handle_type = KERNFS_HANDLE;
	memcpy(h->f_handle, &id, sizeof(id));
	fd = open_by_handle_at(in->fd, h, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX);
	close(fd);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	cgroup_cut_deleted(path);
	if (strncmp(path, in->mount.point, point_len) != 0 || (path[point_len] && path[point_len] != '/'))
		return -ESTALE;		/* of the hierarchy, and not below the mount point */
	*place = place_below(c, in, path + point_len);
	return 0;
}

struct search {
	uint64_t id;
	char *below;
};

static bool is_wanted(void *arg, uint64_t id, const char *below)
{
	struct search *s = arg;

	if (id != s->id)
		return true;
	s->below = xstrdup(below);
	return false;
}

static int find_by_search(struct cgroups *c, const struct hierarchy *in, uint64_t id, size_t *place)
{
	struct search s = {.id = id};
	int err = cgroup_walk(in->fd, DIRECTORIES_MAX, is_wanted, &s);

	if (s.below)
		*place = place_below(c, in, s.below);
	free(s.below);
	return s.below ? 0 : err ? err : -ESTALE;
}

const struct cgroup_place *cgroups_by_id_in(struct cgroups *c, enum cgroup_hierarchy which, uint64_t id)
{
	struct hierarchy *h = &c->all[which];
	const uint64_t *known = u64map_find(&h->by_id, id);
	size_t place = 0;
	int err;

	if (known)
		return place_at(c, *known);
	if (h->fd < 0)
		return &nowhere;
	err = c->handles ? find_by_handle(c, h, id, &place) : -EPERM;
	if (err == -EPERM || err == -EOPNOTSUPP || err == -ENOSYS) {
		c->handles = false;
		err = find_by_search(c, h, id, &place);
	}
	/* Numbers are not given twice. What failed by us (no descriptor left) is tried again. */
	if (!err || err == -ESTALE)
		*u64map_put(&h->by_id, id, NULL) = place;
	return place_at(c, place);
}

/* --- by process */

const struct cgroup_place *cgroups_of_pid(struct cgroups *c, pid_t pid)
{
	char *path = cgroup_of_process(c->root, pid);
	const size_t place = path ? place_of(c, path) : 0;

	free(path);
	return place_at(c, place);
}

/* --- all */

struct each {
	struct cgroups *c;
	struct hierarchy *in;
	void (*take)(void *arg, uint64_t id, const struct cgroup_place *p);
	void *arg;
};

static bool take_each(void *arg, uint64_t id, const char *below)
{
	const struct each *e = arg;
	const uint64_t *known = u64map_find(&e->in->by_id, id);
	const size_t place = known && *known ? *known : place_below(e->c, e->in, below);

	*u64map_put(&e->in->by_id, id, NULL) = place;
	e->take(e->arg, id, place_at(e->c, place));
	return !e->c->full;
}

int cgroups_each_in(struct cgroups *c, enum cgroup_hierarchy which,
		    void (*take)(void *arg, uint64_t id, const struct cgroup_place *p), void *arg)
{
	struct each e = {c, &c->all[which], take, arg};

	return e.in->fd < 0 ? -ENOENT : cgroup_walk(e.in->fd, DIRECTORIES_MAX, take_each, &e);
}
