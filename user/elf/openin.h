/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens files whose paths a target controls. */
#ifndef ALLOCTRACE_ELF_OPENIN_H
#define ALLOCTRACE_ELF_OPENIN_H

#include <stdbool.h>

/*
 * Opens the regular file at path (absolute) for reading as a process whose root directory is root would: no symbolic
 * link leads out of it. (Through /proc/PID/root alone, a link to an absolute path would lead to this host's file.)
 * root "" is this host's. last_link: whether the last part of path may be a symbolic link. Nothing but a regular file
 * is opened, so that no FIFO blocks and no device notices. The descriptor, or -errno (-EINVAL: not a regular file).
 */
int open_in(const char *root, const char *path, bool last_link);

#endif
