/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alloctrace trend DIR|FILE...: what grows steadily. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cli/cmd.h"
#include "cli/comparison.h"

#define ENDING ".pb.gz"

static bool is_recording(const char *name)
{
	const size_t len = strlen(name);

	return *name != '.' && len > strlen(ENDING) && !strcmp(name + len - strlen(ENDING), ENDING);
}

static int add_directory(const struct options *o, struct series *s, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t n = 0;
	int err = 0;

	if (!dir)
		return fail(-errno, "cannot open %s: %s", path, strerror(errno));
	while (!err && (entry = readdir(dir))) {
		char *file;

		if (!is_recording(entry->d_name))
			continue;
		file = xasprintf("%s/%s", path, entry->d_name);
		err = comparison_add(o, s, file, 0);
		free(file);
		n++;
	}
	closedir(dir);
	return !err && !n ? fail(-ENOENT, "%s: no file in it is called *" ENDING, path) : err;
}

static int add(const struct options *o, struct series *s, const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return add_directory(o, s, path);
	return comparison_add(o, s, path, 0);
}

static int write_growth(FILE *f, const void *what, const struct compared_options *co)
{
	return compared_write_growth(f, what, co);
}

static int write_json(FILE *f, const void *what, const struct compared_options *co)
{
	return compared_json_growth(f, what, co);
}

int cmd_trend(const struct options *o)
{
	const struct compared_options co = {0};
	struct series series;
	struct growth growth;
	int err = 0;

	comparison_start(o, VIEW_LIVE, &series);
	for (char **file = o->files; *file && !err; file++)
		err = add(o, &series, *file);
	if (!err) {
		comparison_finish(&series);
		err = growth_make(&series, o->alpha, o->min_growth, &growth);
	}
	if (!err) {
		err = comparison_write(o, &co, comparison_is_json(o) ? write_json : write_growth, &growth);
		growth_free(&growth);
	}
	series_free(&series);
	return err ? STATUS_FAILED : STATUS_DONE;
}
