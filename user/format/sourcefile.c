/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/sourcefile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/openin.h"

#define FILE_BYTES_MAX (64u << 20)
#define PATH_PARTS_MAX 64

static int read_file(int fd, size_t size, struct sourcefile *out)
{
	size_t len = 0;
	ssize_t n = 0;

	out->text = xmalloc(size + 1);
	while (len < size && (n = read(fd, out->text + len, size - len)) > 0)
		len += (size_t)n;
	if (n < 0) {
		free(out->text);
		out->text = NULL;
		return -EIO;
	}
	out->text[len] = '\0';
	vec_push(&out->starts, 0);
	for (size_t i = 0; i < len; i++)
		if (out->text[i] == '\n')
			vec_push(&out->starts, i + 1);
	if (!len || out->text[len - 1] != '\n')
		vec_push(&out->starts, len + 1);
	return 0;
}

/* path: absolute, inside root. */
static int try_path(const char *root, const char *path, struct sourcefile *out)
{
	int fd = open_in(root, path, true), err = -ENOENT;
	struct stat st;

	if (fd < 0)
		return -ENOENT;
	if (fstat(fd, &st) == 0 && st.st_size <= FILE_BYTES_MAX)
		err = read_file(fd, (size_t)st.st_size, out);
	close(fd);
	return err;
}

/* The path is the target's word, and we may read what its user may not. */
static int try_as(const struct rights *rights, const char *path, struct sourcefile *out)
{
	int err;

	if (!rights_take(rights))
		return -ENOENT;
	err = try_path("", path, out);
	rights_restore();
	return err;
}

/* The path and its ends below dir, the longest first. */
static int try_below(const char *dir, const char *path, struct sourcefile *out)
{
	for (int i = 0; path && i < PATH_PARTS_MAX; i++) {
		char *below;
		int err;

		while (*path == '/')
			path++;
		below = xasprintf("/%s", path);
		err = *path ? try_path(dir, below, out) : -ENOENT;
		free(below);
		if (!err)
			return 0;
		path = strchr(path, '/');
	}
	return -ENOENT;
}

int sourcefile_open(const char *path, const char *const *dirs, const struct rights *rights, struct sourcefile *out)
{
	*out = (struct sourcefile){0};
	for (; dirs && *dirs; dirs++) {
		for (const char *s = *dirs, *end; *s; s = *end ? end + 1 : end) {
			char *dir;
			int err;

			end = strchrnul(s, ':');
			dir = xasprintf("%.*s", (int)(end - s), s);
			err = *dir ? try_below(dir, path, out) : -ENOENT;
			free(dir);
			if (!err)
				return 0;
		}
	}
	return path[0] == '/' ? try_as(rights, path, out) : -ENOENT;
}

void sourcefile_free(struct sourcefile *sf)
{
	free(sf->text);
	vec_free(&sf->starts);
}

const char *sourcefile_line(const struct sourcefile *sf, uint32_t line, size_t *len)
{
	*len = 0;
	if (!line || line >= sf->starts.n)
		return "";
	*len = sf->starts.at[line] - 1 - sf->starts.at[line - 1];
	return sf->text + sf->starts.at[line - 1];
}
