/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/module.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#define COUNT_EVERY (64ULL << 20)	/* bytes of files, between two counts of those that were deleted */

void modules_init(struct modules *m)
{
	struct module *unknown = xcalloc(1, sizeof(*unknown));
	struct rlimit files;

	memset(m, 0, sizeof(*m));
	m->open_max = MODULES_OPEN_MAX;
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur / 4 * 3 < MODULES_OPEN_MAX)
		m->open_max = files.rlim_cur / 4 * 3;
	unknown->kind = MODULE_UNKNOWN;
	unknown->path = xstrdup("[unknown]");
	unknown->shown = xstrdup(unknown->path);
	unknown->fd = unknown->probe_fd = -1;
	vec_push(&m->list, unknown);
}

/* What makes a module the same one: a file's device and inode (the path where it has none), a JIT's process. */
static bool same_module(const struct module *a, const struct module *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == MODULE_VDSO)
		return true;
	if (a->kind == MODULE_JIT)
		return a->pid == b->pid;
	if (a->dev != b->dev || a->ino != b->ino)
		return false;
	return a->ino || !strcmp(a->path, b->path);
}

static uint64_t module_key(const struct module *mod)
{
	uint64_t key = mix64(mod->kind);

	if (mod->kind == MODULE_JIT)
		return mix64(key + mod->pid);
	if (mod->kind == MODULE_ELF)
		return mix64(mix64(key + mod->dev) + mod->ino);
	if (mod->kind == MODULE_KERNEL)
		for (const char *s = mod->path; *s; s++)
			key = mix64(key + (unsigned char)*s);
	return key;
}

/* When the open file was last written to; zero if that cannot be determined. */
static struct timespec written(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) ? st.st_mtim : (struct timespec){0};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool module_is_current(const struct module *mod)
{
	return mod->kind != MODULE_ELF || mod->fd < 0 || same_time(mod->written, written(mod->fd));
}

/* Both are open, and of the same file, which was written to in between. */
static bool rewritten(const struct module *mod, const struct module *want)
{
	return mod->kind == MODULE_ELF && mod->fd >= 0 && want->fd >= 0 && !same_time(mod->written, want->written);
}

static char *shown_path(const struct module *mod)
{
	struct buf b = {0};
	char *shown;

	if (mod->kind != MODULE_ELF)
		return xstrdup(mod->path);
	text_name(&b, mod->path, true);
	shown = xstrdup(buf_cstr(&b));
	buf_free(&b);
	return shown;
}

static uint64_t disk_bytes(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512;
}

static void add_deleted(struct modules *m, const struct stat *st)
{
	m->n_deleted++;
	m->deleted_bytes += disk_bytes(st);
}

static void count_deleted(struct modules *m)
{
	struct stat st;

	m->n_deleted = 0;
	m->deleted_bytes = m->uncounted_bytes = 0;
	for (size_t i = 0; i < m->list.n; i++)
		if (m->list.at[i]->fd >= 0 && !fstat(m->list.at[i]->fd, &st) && !st.st_nlink)
			add_deleted(m, &st);
}

static bool has_room(struct modules *m, int fd)
{
	struct stat st;

	if (m->n_open >= m->open_max || fstat(fd, &st))
		return false;
	m->uncounted_bytes += disk_bytes(&st);
	if (m->uncounted_bytes > COUNT_EVERY)
		count_deleted(m);
	if (st.st_nlink)
		return m->deleted_bytes <= MODULES_DELETED_BYTES;
	if (m->n_deleted >= m->open_max / 2 || m->deleted_bytes + disk_bytes(&st) > MODULES_DELETED_BYTES)
		return false;
	add_deleted(m, &st);
	return true;
}

static void leave_out(struct modules *m, const char *path)
{
	if (!m->left_out++)
		warn("%s: not read: at most %zu files are kept open, and %zu or %llu MiB of deleted ones; other files "
		     "have no probes and no names", path, m->open_max, m->open_max / 2,
		     MODULES_DELETED_BYTES >> 20);
}

static uint32_t add(struct modules *m, const struct module *want)
{
	struct module *mod = xmalloc(sizeof(*mod));

	*mod = *want;
	mod->path = xstrdup(want->path);
	mod->shown = shown_path(want);
	vec_push(&m->list, mod);
	return m->list.n - 1;
}

/* Finds what is the same as *want, or adds a copy of it; its path is copied in any case. 0: there is no room. */
static uint32_t module_intern(struct modules *m, const struct module *want, bool *is_new)
{
	const bool full = m->list.n >= MODULES_MAX;
	uint64_t key = module_key(want), *id;

	/* The key is a hash of more than 64 bits: compare what is found, go on to another key where it differs. */
	while ((id = u64map_find(&m->by_key, key)) && !same_module(m->list.at[*id], want))
		key = mix64(key + 1);
	*is_new = !full && (!id || rewritten(m->list.at[*id], want));
	if (*is_new)
		*u64map_put(&m->by_key, key, NULL) = add(m, want);
	else if (!id || rewritten(m->list.at[*id], want))
		return 0;
	return (uint32_t)*u64map_find(&m->by_key, key);
}

uint32_t modules_file(struct modules *m, const char *path, uint64_t dev, uint64_t ino, int fd, uint32_t pid,
		      bool deleted)
{
	struct module want = {
		.kind = MODULE_ELF,
		.path = (char *)path,
		.dev = dev,
		.ino = ino,
		.fd = fd,
		.probe_fd = -1,
		.pid = pid,
		.written = written(fd),
		.deleted = deleted,
	};
	bool is_new;
	uint32_t id = module_intern(m, &want, &is_new);
	struct module *mod = m->list.at[id];

	if (!id)
		leave_out(m, path);
	else if (is_new)
		mod->fd = -1;
	else
		mod->deleted |= deleted;
	if (fd < 0 || (!is_new && fd == mod->fd))
		return id;
	if (!id || (!is_new && mod->fd >= 0)) {
		close(fd);
	} else if (has_room(m, fd)) {
		m->n_open++;
		mod->fd = fd;
		mod->pid = pid;
		mod->written = want.written;
	} else {
		close(fd);
		if (is_new)
			leave_out(m, path);
	}
	return id;
}

void modules_set_probe_fd(struct modules *m, uint32_t id, int probe_fd)
{
	struct module *mod = m->list.at[id];

	if (mod->fd < 0) {
		close(probe_fd);
		return;
	}
	if (mod->probe_fd >= 0)
		close(mod->probe_fd);
	mod->probe_fd = probe_fd;
}

static void close_files(struct modules *m, struct module *mod)
{
	if (mod->fd >= 0) {
		close(mod->fd);
		m->n_open--;
	}
	if (mod->probe_fd >= 0)
		close(mod->probe_fd);
	mod->fd = mod->probe_fd = -1;
}

void modules_release(struct modules *m, uint32_t id)
{
	struct module *mod = m->list.at[id];
	uint64_t key = module_key(mod), *at;

	if (mod->kind != MODULE_ELF)
		return;
	while ((at = u64map_find(&m->by_key, key)) && *at != id)
		key = mix64(key + 1);
	/* Where another one's number had the same key, that one is found no more, and opened as another module. */
	u64map_remove(&m->by_key, key);
	close_files(m, mod);
	/* They are to be counted anew. */
	m->uncounted_bytes = COUNT_EVERY;
}

bool modules_find_copy(const struct modules *m, const char *path, uint64_t dev, uint64_t ino, uint32_t *id)
{
	const struct module want = {.kind = MODULE_ELF, .path = (char *)path, .dev = dev, .ino = ino};
	const uint64_t *at = u64map_find(&m->by_key, module_key(&want));

	if (!at || m->list.at[*at]->probe_fd < 0 || !same_module(m->list.at[*at], &want))
		return false;
	*id = (uint32_t)*at;
	return true;
}

int module_inode_fd(const struct module *mod)
{
	return mod->probe_fd >= 0 ? mod->probe_fd : mod->fd;
}

uint32_t modules_vdso(struct modules *m, uint32_t pid)
{
	struct module want = {.kind = MODULE_VDSO, .path = "[vdso]", .fd = -1, .probe_fd = -1, .pid = pid};
	bool is_new;

	return module_intern(m, &want, &is_new);
}

uint32_t modules_jit(struct modules *m, uint32_t pid, uint32_t uid)
{
	struct module want = {.kind = MODULE_JIT, .path = "[anon]", .fd = -1, .probe_fd = -1, .pid = pid, .uid = uid};
	bool is_new;
	uint32_t id = module_intern(m, &want, &is_new);

	/* A process may change its user; the latest one is whose perf map is to be believed. */
	m->list.at[id]->uid = uid;
	return id;
}

uint32_t modules_kernel(struct modules *m, const char *path)
{
	struct module want = {.kind = MODULE_KERNEL, .path = (char *)path, .fd = -1, .probe_fd = -1};
	bool is_new;

	return module_intern(m, &want, &is_new);
}

void modules_set_jitdump(struct modules *m, uint32_t id, int fd)
{
	struct module *mod = m->list.at[id];

	if (!id) {
		close(fd);
		return;
	}
	if (mod->fd >= 0)
		close(mod->fd);
	mod->fd = fd;
}

const struct module *modules_get(const struct modules *m, uint32_t id)
{
	return m->list.at[id < m->list.n ? id : 0];
}

const char *module_basename(const struct module *mod)
{
	const char *slash = strrchr(mod->shown, '/');

	return slash && slash[1] ? slash + 1 : mod->shown;
}

void modules_free(struct modules *m)
{
	for (size_t i = 0; i < m->list.n; i++) {
		if (m->list.at[i]->fd >= 0)
			close(m->list.at[i]->fd);
		if (m->list.at[i]->probe_fd >= 0)
			close(m->list.at[i]->probe_fd);
		free(m->list.at[i]->path);
		free(m->list.at[i]->shown);
		free(m->list.at[i]->build_id);
		free(m->list.at[i]);
	}
	vec_free(&m->list);
	u64map_free(&m->by_key);
}

/* A file stays open as long as the copy is read (tracer_lend_files()); but for a jitdump, which another may replace. */
static void module_follow(struct module *to, const struct module *from)
{
	if (from->kind != MODULE_JIT) {
		to->fd = from->fd;
		to->probe_fd = from->probe_fd;
	} else {
		if (to->fd >= 0)
			close(to->fd);
		to->fd = from->fd >= 0 ? fcntl(from->fd, F_DUPFD_CLOEXEC, 0) : -1;
	}
	to->pid = from->pid;
	to->uid = from->uid;
	to->written = from->written;
	to->deleted = from->deleted;
}

void modules_follow(struct modules *to, const struct modules *from)
{
	for (size_t i = 0; i < from->list.n; i++) {
		const struct module *mod = from->list.at[i];

		if (i == to->list.n) {
			struct module *new = xcalloc(1, sizeof(*new));

			*new = (struct module){
				.kind = mod->kind, .path = mod->path, .shown = mod->shown, .dev = mod->dev,
				.ino = mod->ino, .fd = -1, .probe_fd = -1,
			};
			vec_push(&to->list, new);
		}
		module_follow(to->list.at[i], mod);
	}
}

void modules_unfollow(struct modules *to)
{
	for (size_t i = 0; i < to->list.n; i++) {
		if (to->list.at[i]->kind == MODULE_JIT && to->list.at[i]->fd >= 0)
			close(to->list.at[i]->fd);
		free(to->list.at[i]->build_id);
		free(to->list.at[i]);
	}
	vec_free(&to->list);
}
