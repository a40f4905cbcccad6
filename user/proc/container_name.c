/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/container_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "proc/mounts.h"
#include "proc/users.h"

#define FILE_BYTES_MAX (16 << 20)	/* of a file; thousands of containers have less */
#define NAMESPACES_MAX 256		/* directories of containerd that are looked into */

/* A containers.json, which has all containers: it is read again only when it has changed. */
struct storage {
	char *path;
	struct stat read;
	struct strpool ids;
	vec_of(char *) names;	/* by what ids has */
};

struct container_names {
	char *root;
	struct users *users;
	vec_of(struct storage) storages;
};

struct container_names *container_names_new(const char *root)
{
	struct container_names *n = xcalloc(1, sizeof(*n));

	n->root = xstrdup(root);
	n->users = users_new_below(root);
	return n;
}

static void forget_storage(struct storage *s)
{
	for (size_t i = 0; i < s->names.n; i++)
		free(s->names.at[i]);
	vec_free(&s->names);
	strpool_free(&s->ids);
	s->ids = (struct strpool){0};
}

void container_names_free(struct container_names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->storages.n; i++) {
		forget_storage(&n->storages.at[i]);
		free(n->storages.at[i].path);
	}
	vec_free(&n->storages);
	users_free(n->users);
	free(n->root);
	free(n);
}

/* --- files */

/* Where to look: the system's directories, or a user's. */
struct place {
	const struct container_names *names;
	int home;		/* of a user; -1: the system */
	uid_t uid;
};

/* path: absolute, or from home on. -1: there is none, or none that is read. */
static int open_file(const struct place *p, const char *path, struct stat *st)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	char *whole = xasprintf("%s%s", p->names->root, path);
	int fd = p->home >= 0 ? (int)syscall(SYS_openat2, p->home, path, &how, sizeof(how)) :
				open(whole, (int)how.flags);

	free(whole);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) || !S_ISREG(st->st_mode) || st->st_size > FILE_BYTES_MAX ||
	    (p->home >= 0 && st->st_uid != p->uid)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* As much as it had when it was opened. */
static void read_open(int fd, size_t size, struct buf *b)
{
	char *data = xmalloc(size + 1);
	ssize_t n;

	buf_reset(b);
	while (b->len < size && (n = read(fd, data, size - b->len)) != 0) {
		if (n > 0)
			buf_add(b, data, n);
		else if (errno != EINTR)
			break;
	}
	free(data);
}

static bool read_file(const struct place *p, const char *path, struct buf *b)
{
	struct stat st;
	int fd = open_file(p, path, &st);

	if (fd < 0)
		return false;
	read_open(fd, st.st_size, b);
	close(fd);
	return true;
}

/* An id from a cgroup's path that becomes a part of a file's. */
static bool is_file_name(const char *id)
{
	return *id && *id != '.' && !strchr(id, '/') && strlen(id) <= NAME_MAX;
}

/* --- names */

static bool is_good(const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return len && len <= CONTAINER_NAME_MAX;
}

/* k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT, as CRI-O and cri-dockerd name containers: NAMESPACE/POD/CONTAINER. None of
 * these has "_" in it. The pod's own container, which only sleeps, is k8s_POD_... of both. */
static char *plain_name(const char *name)
{
	const char *part[6], *at;
	int n = 0;

	name += *name == '/';
	if (strncmp(name, "k8s_", 4) != 0)
		return is_good(name) ? xstrdup(name) : NULL;
	for (at = name; n < 6; n++) {
		part[n] = at;
		at = strchr(at, '_');
		if (!at)
			break;
		at++;
	}
	if (n < 5 || !is_good(name))
		return is_good(name) ? xstrdup(name) : NULL;
	return xasprintf("%.*s/%.*s/%.*s", (int)(part[4] - part[3] - 1), part[3], (int)(part[3] - part[2] - 1), part[2],
			 (int)(part[2] - part[1] - 1), part[1]);
}

/* --- docker: {..., "Name": "/web", ...} */

/* The string that the file's one object has by that key, for the caller to free; NULL: there is none. */
static char *string_in(const struct buf *file, const char *wanted)
{
	struct json j = json_begin(buf_cstr(file), file->len);
	struct buf key = {0}, value = {0};
	char *found = NULL;

	if (json_object(&j))
		while (json_key(&j, &key)) {
			if (strcmp(key.data, wanted) != 0) {
				json_skip(&j);
			} else if (json_string(&j, &value)) {
				free(found);
				found = xstrdup(value.data);
			}
		}
	if (!json_end(&j)) {
		free(found);
		found = NULL;
	}
	buf_free(&key);
	buf_free(&value);
	return found;
}

/* Where docker keeps what it has: dockerd's default, or as its file of settings says. */
static char *docker_dir(const struct place *p)
{
	struct buf text = {0};
	char *dir = NULL;

	if (p->home >= 0)
		return xstrdup(".local/share/docker");
	if (read_file(p, "/etc/docker/daemon.json", &text))
		dir = string_in(&text, "data-root");
	buf_free(&text);
	if (dir && dir[0] == '/')
		return dir;
	free(dir);
	return xstrdup("/var/lib/docker");
}

static bool find_docker(const struct place *p, struct container *c)
{
	char *dir = docker_dir(p), *path = xasprintf("%s/containers/%s/config.v2.json", dir, c->id), *name;
	struct buf text = {0};
	const bool read = read_file(p, path, &text);

	if (read) {
		c->runtime = "docker";
		name = string_in(&text, "Name");
		c->name = name ? plain_name(name) : NULL;
		free(name);
	}
	buf_free(&text);
	free(path);
	free(dir);
	return read;
}

/* --- containerd: {..., "annotations": {"io.kubernetes.cri.container-name": "web", ...}, ...} */

enum annotation { ANNOTATION_CONTAINER, ANNOTATION_POD, ANNOTATION_NAMESPACE, ANNOTATION_NERDCTL, ANNOTATIONS };

static const char *const annotation_keys[ANNOTATIONS] = {
	[ANNOTATION_CONTAINER] = "io.kubernetes.cri.container-name",
	[ANNOTATION_POD] = "io.kubernetes.cri.sandbox-name",
	[ANNOTATION_NAMESPACE] = "io.kubernetes.cri.sandbox-namespace",
	[ANNOTATION_NERDCTL] = "nerdctl/name",
};

static void take_annotations(struct json *j, struct buf found[ANNOTATIONS])
{
	struct buf key = {0}, value = {0};

	while (json_key(j, &key)) {
		int i = 0;

		while (i < ANNOTATIONS && strcmp(key.data, annotation_keys[i]) != 0)
			i++;
		if (json_string(j, &value) && i < ANNOTATIONS && is_good(value.data)) {
			buf_reset(&found[i]);
			buf_str(&found[i], value.data);
		}
	}
	buf_free(&key);
	buf_free(&value);
}

/* A pod's own container, which only sleeps, has no name. */
static char *name_by_annotations(const struct buf found[ANNOTATIONS])
{
	const struct buf *container = &found[ANNOTATION_CONTAINER], *pod = &found[ANNOTATION_POD];
	const struct buf *namespace = &found[ANNOTATION_NAMESPACE];

	if (pod->len && namespace->len)
		return xasprintf("%s/%s/%s", namespace->data, pod->data, container->len ? container->data : "POD");
	if (container->len)
		return xstrdup(container->data);
	return found[ANNOTATION_NERDCTL].len ? xstrdup(found[ANNOTATION_NERDCTL].data) : NULL;
}

static char *containerd_name(const char *text, size_t len)
{
	struct json j = json_begin(text, len);
	struct buf key = {0}, found[ANNOTATIONS] = {{0}};
	char *out = NULL;

	if (json_object(&j))
		while (json_key(&j, &key)) {
			if (strcmp(key.data, "annotations") != 0)
				json_skip(&j);
			else if (json_object(&j))
				take_annotations(&j, found);
		}
	if (json_end(&j))
		out = name_by_annotations(found);
	if (out && strlen(out) > CONTAINER_NAME_MAX) {
		free(out);
		out = NULL;
	}
	for (int i = 0; i < ANNOTATIONS; i++)
		buf_free(&found[i]);
	buf_free(&key);
	return out;
}

static bool find_in_namespace(const struct place *p, const char *dir, const char *namespace, struct container *c)
{
	char *path = xasprintf("%s/%s/%s/config.json", dir, namespace, c->id);
	struct buf text = {0};
	const bool read = read_file(p, path, &text);

	if (read) {
		/* Docker's containers are there, too, without a name. */
		c->runtime = strcmp(namespace, "moby") ? "containerd" : "docker";
		c->name = containerd_name(buf_cstr(&text), text.len);
	}
	buf_free(&text);
	free(path);
	return read;
}

static bool find_in_state(const struct place *p, const char *state, struct container *c)
{
	char *path = xasprintf("%s%s", p->names->root, state);
	DIR *dir = opendir(path);
	bool found = false;
	struct dirent *e;

	free(path);
	if (!dir)
		return false;
	for (int n = 0; !found && n < NAMESPACES_MAX && (e = readdir(dir)); n++)
		if (e->d_name[0] != '.')
			found = find_in_namespace(p, state, e->d_name, c);
	closedir(dir);
	return found;
}

static bool find_containerd(const struct place *p, struct container *c)
{
	static const char *const states[] = {
		"/run/containerd/io.containerd.runtime.v2.task",
		"/run/k3s/containerd/io.containerd.runtime.v2.task",
		"/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task",
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]) && p->home < 0; i++)
		if (find_in_state(p, states[i], c))
			return true;
	return false;
}

/* --- containers/storage: [{"id": "6f1c...", "names": ["web"], "metadata": "{...}", ...}, ...] */

/* The first string of an array, "" if it has none. */
static void take_first(struct json *j, struct buf *text)
{
	bool taken = false;

	buf_reset(text);
	if (!json_array(j))
		return;
	while (json_item(j))
		if (taken)
			json_skip(j);
		else if (!(taken = json_string(j, text)))
			buf_reset(text);
}

static void take_container(struct json *j, struct storage *s)
{
	struct buf key = {0}, id = {0}, name = {0};
	uint32_t i;

	while (json_key(j, &key)) {
		if (!strcmp(key.data, "id")) {
			if (!json_string(j, &id))
				buf_reset(&id);
		} else if (!strcmp(key.data, "names")) {
			take_first(j, &name);
		} else {
			json_skip(j);
		}
	}
	if (id.len && name.len) {
		i = strpool_id(&s->ids, id.data);
		if (i == s->names.n)
			vec_push(&s->names, plain_name(name.data));
	}
	buf_free(&key);
	buf_free(&id);
	buf_free(&name);
}

static void read_storage(struct storage *s, int fd, const struct stat *st)
{
	struct buf text = {0};
	struct json j;

	forget_storage(s);
	read_open(fd, st->st_size, &text);
	s->read = *st;
	j = json_begin(buf_cstr(&text), text.len);
	if (json_array(&j))
		while (json_item(&j))
			if (json_object(&j))
				take_container(&j, s);
	if (!json_end(&j))
		forget_storage(s);
	buf_free(&text);
}

static struct storage *storage_of(struct container_names *n, const char *path)
{
	for (size_t i = 0; i < n->storages.n; i++)
		if (!strcmp(n->storages.at[i].path, path))
			return &n->storages.at[i];
	vec_push(&n->storages, ((struct storage){.path = xstrdup(path)}));
	return &n->storages.at[n->storages.n - 1];
}

static bool is_as_read(const struct storage *s, const struct stat *st)
{
	return s->read.st_ino == st->st_ino && s->read.st_dev == st->st_dev && s->read.st_size == st->st_size &&
	       !memcmp(&s->read.st_mtim, &st->st_mtim, sizeof(st->st_mtim));
}

static bool find_in_storage(struct container_names *n, const struct place *p, const char *path, struct container *c)
{
	char *key = xasprintf("%ld %s", p->home >= 0 ? (long)p->uid : -1L, path);
	struct storage *s = storage_of(n, key);
	struct stat st;
	int fd = open_file(p, path, &st);
	uint32_t i;

	free(key);
	if (fd < 0)
		return false;
	if (!is_as_read(s, &st))
		read_storage(s, fd, &st);
	close(fd);
	for (i = 0; i < s->ids.n; i++)
		if (!strcmp(strpool_str(&s->ids, i), c->id))
			break;
	if (i == s->ids.n)
		return false;
	if (s->names.at[i])
		c->name = xstrdup(s->names.at[i]);
	return true;
}

static bool find_storage(struct container_names *n, const struct place *p, struct container *c)
{
	static const char *const drivers[] = {"overlay", "vfs", "btrfs", "zfs"};
	static const char *const files[] = {"containers.json", "volatile-containers.json"};
	bool found = false;

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]) && !found; i++)
		for (size_t k = 0; k < 2 && !found; k++) {
			char *path = xasprintf("%s/containers/storage/%s-containers/%s",
					       p->home >= 0 ? ".local/share" : "/var/lib", drivers[i], files[k]);

			found = find_in_storage(n, p, path, c);
			free(path);
		}
	if (found && strcmp(c->runtime, "podman") != 0 && strcmp(c->runtime, "cri-o") != 0)
		c->runtime = !strcmp(c->runtime, "kubernetes") ? "cri-o" : "podman";
	return found;
}

/* --- all */

/* A home directory on a server is not asked for anything. */
static int open_home(struct container_names *n, uid_t uid)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	const char *home = users_home(n->users, uid);
	char *path = home ? xasprintf("%s%s", n->root, home) : NULL;
	int fd = -1;

	if (path && mount_kind_of_path(path) == MOUNT_LOCAL)
		fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	free(path);
	return fd;
}

static void find_in(struct container_names *n, const struct place *p, struct container *c)
{
	const bool any = !strcmp(c->runtime, "container") || !strcmp(c->runtime, "kubernetes");
	bool found = false;

	if (any || !strcmp(c->runtime, "docker"))
		found = find_docker(p, c);
	if (!found && (any || !strcmp(c->runtime, "containerd")))
		found = find_containerd(p, c);
	if (!found && (any || !strcmp(c->runtime, "podman") || !strcmp(c->runtime, "cri-o")))
		find_storage(n, p, c);
}

void container_names_find(struct container_names *n, struct container *c)
{
	struct place p = {.names = n, .home = -1, .uid = c->uid};

	if (!c->runtime || !c->id || c->name || !is_file_name(c->id))
		return;
	if (c->of_user) {
		p.home = open_home(n, c->uid);
		if (p.home < 0)
			return;
	}
	find_in(n, &p, c);
	if (p.home >= 0)
		close(p.home);
}
