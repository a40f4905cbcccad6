/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings in which the kernel places no uprobe, though the file takes one (kernel/events/uprobes.c valid_vma()). */
#ifndef ALLOCTRACE_PROC_REFUSING_H
#define ALLOCTRACE_PROC_REFUSING_H

#include <sys/types.h>

#include "base/mem.h"
#include "proc/maps.h"

struct refusing {
	uint64_t start, end;
	const char *why;	/* static: "mapped writable" */
};

struct refusing_list {
	struct refusing *at;
	size_t n, cap;
};

/* Appends the process's executable mappings of files that are so, by address. For the caller to vec_free(). */
void refusing_read(pid_t pid, struct refusing_list *list);
/* Why no probe is placed at the address; NULL: none of the mappings holds it. */
const char *refusing_at(const struct refusing_list *list, uint64_t addr);

#endif
