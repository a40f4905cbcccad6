/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading stacks in place, by page tables and the kernel's direct map: the user space part of bpf/direct.bpf.h. */
/* Part of kern/kern.h. */
#ifndef ALLOCTRACE_KERN_DIRECT_H
#define ALLOCTRACE_KERN_DIRECT_H

#include "kern/internal.h"

/* Where the machine's memory ends, bytes, by the text of /proc/iomem; 0: not known. */
uint64_t direct_memory_end(const char *path);
/* Before a BPF object is opened. 0 or -errno. */
int direct_prepare(void);
/* Between open and load: whether the programs are to be made for it. */
void direct_set(struct alloctrace_bpf *skel);
/* After load: finds the direct map. If it isn't found, copies are made. */
void direct_begin(struct alloctrace_bpf *skel);

#endif
