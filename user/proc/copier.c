// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/copier.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "proc/maps.h"
#include "proc/procfs.h"

static bool mentions(pid_t pid, const char *file, const char *word)
{
	struct buf b = {0};
	bool found = !procfs_read(pid, file, &b) && b.len && memmem(b.data, b.len, word, strlen(word));

	buf_free(&b);
	return found;
}

bool copier_is_told(pid_t pid)
{
	static const char option[] = "use-largepages";

	return mentions(pid, "cmdline", option) || mentions(pid, "environ", option);
}

bool copier_is_over(uint64_t ino, pid_t pid)
{
	struct buf text = {0}, path = {0};
	struct maps_line line;
	bool found = procfs_read(pid, "maps", &text) || !text.len;
	const char *at = text.data;

	while (!found && maps_next(&at, text.data + text.len, &line, &path))
		found = line.exec && line.ino == ino;
	buf_free(&text);
	buf_free(&path);
	return !found;
}

bool copier_is_executable(int fd, pid_t pid)
{
	struct stat st, exe;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return !fstat(fd, &st) && !stat(path, &exe) && st.st_dev == exe.st_dev && st.st_ino == exe.st_ino;
}
