/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file behind an executable mapping, opened so that it is the very inode and nothing else happens. */
#ifndef ALLOCTRACE_PROC_MAPFILE_H
#define ALLOCTRACE_PROC_MAPFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "proc/maps.h"

struct mapfile {
	int fd;		/* for reading, a regular file, owned by the caller; -1 where it could not be opened */
	/* where fd is a copy in memory: what stands for the file (O_PATH), owned by the caller; else -1 */
	int probe_fd;
	bool deleted;	/* its name is gone, or another file's now */
	bool elf;	/* begins as an ELF file does; false if fd is -1 */
	uint64_t st_dev, st_ino;	/* of fstat() of the file, if fd is not -1 */
};

/* What a path in maps or in an MMAP2 record means, before anything is opened. */
enum mapping_kind { MAPPING_FILE, MAPPING_ANON, MAPPING_VDSO, MAPPING_IGNORED };
enum mapping_kind mapping_kind(const char *path);
/* A file that never had a name in a file system: memfd, shared anonymous memory, huge pages, SysV shared memory. */
bool mapping_is_memory(const char *path);
/* jit-NUMBER.dump, of which a JIT maps a page to show where it is. */
bool mapping_is_jitdump(const char *path);

/* Opens the file of line, which process pid has mapped, and puts its path, without " (deleted)" if that is the
 * kernel's word, into *path. */
struct mapfile mapfile_open(pid_t pid, const struct maps_line *line, struct buf *path);

#endif
