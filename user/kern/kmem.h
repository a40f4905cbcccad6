/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel itself allocates (bpf/kmem.bpf.h): kern_options.kernel. */
#ifndef ALLOCTRACE_KERN_KMEM_H
#define ALLOCTRACE_KERN_KMEM_H

#include "base/buf.h"
#include "kern/kern.h"

/* Attaches to the kernel's tracepoints, what frees first. 0 or -errno after logging an error. */
int kern_kmem_begin(struct kern *k);
/* Pages are counted: which of them are for slabs is known by the names of functions, which may be hidden. */
bool kern_kmem_has_pages(const struct kern *k);
/* Appends the slab cache, or the kind of pages, that struct stack_frames.type stands for; nothing: it is not known. */
void kern_kmem_type(const struct kern *k, uint64_t type, struct buf *out);
/* What of enum kmem_function a function's number means; "": none. */
const char *kern_kmem_name(uint32_t function);

#endif
