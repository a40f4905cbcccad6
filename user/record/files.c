/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a recording without names, on the machine where it is read. A file is taken for the recorded one only if
 * it has the same build id; one that was recorded without a build id is taken from where it was.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "elf/elffile.h"
#include "record/stored.h"
#include "sym/debuginfod.h"

static bool has_build_id(int fd, const char *path, const char *wanted)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf_file *ef;
	struct buf hex = {0};
	bool same;

	if (elf_file_open(fd, path, &ef))
		return false;
	for (size_t i = 0, n = elf_build_id(ef, id); i < n; i++)
		buf_printf(&hex, "%02x", id[i]);
	same = !wanted || !strcmp(buf_cstr(&hex), wanted);
	elf_file_close(ef);
	buf_free(&hex);
	return same;
}

/* Whoever wrote the recording chose the path, and to open a device may do something: only regular files are opened. */
static int open_regular(const char *path)
{
	int place = open(path, O_PATH | O_CLOEXEC), fd = -1;
	struct stat st;
	char self[32];

	if (place < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", place);
	if (!fstat(place, &st) && S_ISREG(st.st_mode))
		fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	close(place);
	return fd;
}

/* A regular file of that build; -1: it is none. The path is freed. */
static int try_path(char *path, const char *build_id)
{
	int fd = open_regular(path);

	if (fd >= 0 && !has_build_id(fd, path, build_id)) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		note("%s: found by its %s", path, build_id ? "build id" : "path");
	free(path);
	return fd;
}

static int try_by_id(const char *dir, const char *id)
{
	int fd = try_path(xasprintf("%s/.build-id/%.2s/%s", dir, id, id + 2), id);

	return fd >= 0 ? fd : try_path(xasprintf("%s/.build-id/%.2s/%s.debug", dir, id, id + 2), id);
}

static int try_below(const char *dir, const struct module *mod)
{
	const char *id = mod->build_id && strlen(mod->build_id) > 2 ? mod->build_id : NULL;
	int fd = id ? try_by_id(dir, id) : -1;

	if (fd < 0)
		fd = try_path(xasprintf("%s/%s", dir, mod->path), id);
	if (fd < 0)
		fd = try_path(xasprintf("%s/%s", dir, module_basename(mod)), id);
	return fd;
}

static int fetch(const struct module *mod)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	size_t n = strlen(mod->build_id) / 2;

	for (size_t i = 0; i < n; i++) {
		char byte[3] = {mod->build_id[2 * i], mod->build_id[2 * i + 1]};

		id[i] = strtoul(byte, NULL, 16);
	}
	return debuginfod_fetch(id, n, mod->path);
}

static int find_file(const struct stored *s, const struct module *mod)
{
	int fd = -1;

	for (size_t i = 0; s->o.symbol_path && s->o.symbol_path[i] && fd < 0; i++)
		fd = try_below(s->o.symbol_path[i], mod);
	if (fd < 0)
		fd = try_path(xstrdup(mod->path), mod->build_id);
	if (fd < 0 && mod->build_id && strlen(mod->build_id) > 2)
		fd = try_by_id("/usr/lib/debug", mod->build_id);
	if (fd < 0 && mod->build_id && debuginfod_is_allowed())
		fd = fetch(mod);
	return fd;
}

static void add_file(struct stored *s, const struct module *mod, int fd)
{
	if (fd >= 0)
		modules_file(&s->modules, mod->path, mod->dev, mod->ino, fd, mod->pid, false);
}

void stored_open_files(struct stored *s)
{
	for (size_t i = 0; i < s->modules.list.n; i++) {
		struct module *mod = s->modules.list.at[i];

		if (mod->kind == MODULE_ELF && mod->fd < 0)
			add_file(s, mod, find_file(s, mod));
	}
}
