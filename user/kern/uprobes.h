/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose is a breakpoint (0xcc) that a process's memory has and its file has not? A uprobe's and a debugger's look
 * alike. What the kernel can list is looked through: BPF links (uprobe_multi: Linux 6.8, perf: 6.6), perf events that
 * have a BPF program (their descriptors), and the uprobes of tracefs.
 */
#ifndef ALLOCTRACE_KERN_UPROBES_H
#define ALLOCTRACE_KERN_UPROBES_H

#include <stdint.h>
#include <sys/types.h>

enum uprobe_there {
	UPROBE_NONE,	/* everything could be listed, and none is at that place */
	UPROBE_MAYBE,	/* one is there, and for which processes cannot be determined; or not all could be listed */
	UPROBE_THERE,	/* one is there, and the process, or one that it was forked from, is among its processes */
};

/* fd: the mapped file; offset: in that file. */
enum uprobe_there uprobe_at(int fd, uint64_t offset, pid_t pid);

#endif
