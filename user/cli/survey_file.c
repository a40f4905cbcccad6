/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/survey_file.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "alloc/family.h"
#include "base/mem.h"
#include "image/ask.h"
#include "image/image.h"
#include "kern/features.h"
#include "proc/mapfile.h"

struct survey_files {
	vec_of(struct survey_file *) list;
	struct u64map mapped;	/* as maps has a file: index in list */
	struct u64map opened;	/* as stat() has it: the same */
	struct strpool names;
};

struct survey_files *survey_files_new(void)
{
	return xcalloc(1, sizeof(struct survey_files));
}

void survey_files_free(struct survey_files *h)
{
	for (size_t i = 0; i < h->list.n; i++)
		free(h->list.at[i]);
	vec_free(&h->list);
	u64map_free(&h->mapped);
	u64map_free(&h->opened);
	strpool_free(&h->names);
	free(h);
}

void survey_files_count(const struct survey_files *h, size_t *files, size_t *with_allocator, size_t *unreadable)
{
	*files = h->list.n;
	*with_allocator = *unreadable = 0;
	for (size_t i = 0; i < h->list.n; i++) {
		*with_allocator += h->list.at[i]->allocator != NULL;
		*unreadable += h->list.at[i]->unreadable;
	}
}

static uint64_t mix(uint64_t key, uint64_t more)
{
	return mix64(key + more);
}

/*
 * The same file of an image has another device in each container's overlay, and the same inode number; that it has the
 * same size and times shows that it is the same file.
 */
static uint64_t key_of(int fd, const struct stat *st)
{
	struct statfs fs;
	uint64_t key = !fstatfs(fd, &fs) && fs.f_type == OVERLAYFS_SUPER_MAGIC ? 0 : mix64(st->st_dev);

	key = mix(mix(key, st->st_ino), st->st_size);
	key = mix(mix(key, st->st_mtim.tv_sec), st->st_mtim.tv_nsec);
	return mix(mix(key, st->st_ctim.tv_sec), st->st_ctim.tv_nsec);
}

static const char *own_name(struct survey_files *h, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = xasprintf("own (%s)", slash ? slash + 1 : path);
	const uint32_t id = strpool_id(&h->names, name);

	free(name);
	return strpool_str(&h->names, id);
}

static bool only_operators(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_probes; i++)
		if (!alloc_function(plan->probes[i].function)->may_throw)
			return false;
	return true;
}

static void read_allocator(struct survey_files *h, struct survey_file *f, int fd, const char *path, pid_t pid)
{
	const struct image_request r = {
		.path = path, .pid = pid, .wants = IMAGE_PLAN,
		.plan_flags = feature(FEATURE_NOPS, NULL) ? PLAN_NOPS : 0,
	};
	struct image *im;

	if (image_read(fd, &r, &im))
		return;
	f->is_32bit = im->is_32bit;
	if (im->plan && im->plan->n_probes) {
		f->allocator = im->plan->implementation ? im->plan->implementation : own_name(h, path);
		f->operators = !im->plan->implementation && only_operators(im->plan);
	}
	image_free(im);
}

/* Index in the list. */
static size_t add(struct survey_files *h)
{
	vec_push(&h->list, xcalloc(1, sizeof(struct survey_file)));
	return h->list.n - 1;
}

/* Of an open file; reads it if it is not known. */
static size_t opened(struct survey_files *h, int fd, const char *path, pid_t pid)
{
	struct stat st;
	bool is_new = true;
	uint64_t *i = fstat(fd, &st) ? NULL : u64map_put(&h->opened, key_of(fd, &st), &is_new);
	size_t found;

	if (!is_new)
		return *i;
	found = add(h);
	if (i)
		*i = found;
	read_allocator(h, h->list.at[found], fd, path, pid);
	return found;
}

static uint64_t hash_text(const char *s)
{
	uint64_t hash = 0;

	for (; *s; s++)
		hash = mix(hash, (unsigned char)*s + 1);
	return hash;
}

/* On btrfs, files of several subvolumes may have one device and number: the path tells them apart. */
static uint64_t key_of_line(const struct maps_line *line)
{
	return mix(mix(mix64(line->dev), line->ino), hash_text(line->path));
}

/* How a file is looked at while it is open. */
typedef void looker(struct survey_file *f, int fd, const char *path);

/* Opens what is mapped there, and closes it again. Index in the list. */
static size_t look_at(struct survey_files *h, pid_t pid, const struct maps_line *line, looker *look)
{
	struct buf path = {0};
	struct mapfile mf = mapfile_open(pid, line, &path);
	size_t i;

	if (mf.fd < 0) {
		i = add(h);
		h->list.at[i]->unreadable = !mapping_is_memory(buf_cstr(&path));
	} else {
		i = opened(h, mf.fd, buf_cstr(&path), pid);
		if (look)
			look(h->list.at[i], mf.fd, buf_cstr(&path));
		close(mf.fd);
	}
	if (mf.probe_fd >= 0)
		close(mf.probe_fd);
	buf_free(&path);
	return i;
}

const struct survey_file *survey_file_mapped(struct survey_files *h, pid_t pid, const struct maps_line *line)
{
	const uint64_t key = key_of_line(line), *known = u64map_find(&h->mapped, key);
	size_t i;

	if (known)
		return h->list.at[*known];
	i = look_at(h, pid, line, NULL);
	*u64map_put(&h->mapped, key, NULL) = i;
	return h->list.at[i];
}

static void ask(struct survey_file *f, int fd, const char *path)
{
	struct image_selfcopy copy = {0};

	image_ask_linking(fd, path, &f->is_static, &f->stripped);
	if (f->allocator)
		copy = image_ask_selfcopy(fd, path);
	f->copies = copy.sign;
	f->if_told = copy.if_told;
	f->asked = true;
}

const struct survey_file *survey_file_executed(struct survey_files *h, pid_t pid, const struct maps_line *line)
{
	const struct survey_file *f = survey_file_mapped(h, pid, line);

	if (f->asked || f->unreadable)
		return f;
	return h->list.at[look_at(h, pid, line, ask)];
}
