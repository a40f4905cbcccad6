/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Separate debug files on disk: by build id, then by .gnu_debuglink (its CRC checked); and what several share. */
#ifndef ALLOCTRACE_ELF_DEBUGFILE_H
#define ALLOCTRACE_ELF_DEBUGFILE_H

#include "elf/elffile.h"

/*
 * Looks for the debug file of ef, known to the target as path, below root (its /proc/PID/root, or "" for this host's):
 *     /usr/lib/debug/.build-id/xx/yyyy.debug
 * then for the debuglink's name in dirname(path), dirname(path)/.debug and /usr/lib/debug/dirname(path). Symbolic
 * links are followed inside root, as for a process that has it as its root directory. *fd is the caller's to close,
 * after *out. 0, -ENOENT, or -ENOEXEC (found, but of another build).
 */
int elf_debugfile_open(const struct elf_file *ef, const char *path, const char *root, int *fd, struct elf_file **out);
/* Bytes of files that were read for their CRCs. */
uint64_t elf_debugfile_bytes(void);

/*
 * dwz moves what the debugging information of several files has in common to one more file, and .gnu_debugaltlink says
 * which: a path, from the directory of the file that has it, and the build id. Looks for that of ef (its name is its
 * path below root): below /usr/lib/debug/.build-id, then at that path. -ENOENT also where ef has no such section. Else
 * as elf_debugfile_open().
 */
int elf_altfile_open(const struct elf_file *ef, const char *root, int *fd, struct elf_file **out);

#endif
