/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mapped file whose file system may not answer is opened and read by a process of its own, which can be left behind:
 * a wait for such a file system cannot be ended, not even by SIGKILL. What alloctrace reads then is a copy in memory.
 */
/* Part of proc/mapfile.h. */
#ifndef ALLOCTRACE_PROC_MAPFILE_APART_H
#define ALLOCTRACE_PROC_MAPFILE_APART_H

#include "proc/mapfile.h"
#include "proc/mounts.h"

#define APART_WAIT_MS 1000		/* for an answer */
#define APART_FILE_MAX (256ULL << 20)	/* bytes; larger files are not copied */
#define APART_ALL_MAX (512ULL << 20)	/* in all copies */

/* As mapfile_open(), which calls it. No file of a device that did not answer once is tried again. */
struct mapfile mapfile_open_apart(pid_t pid, const struct maps_line *line, struct buf *path, enum mount_kind kind,
				  struct mapfile (*open_here)(pid_t pid, const struct maps_line *line,
							      struct buf *path));

#endif
