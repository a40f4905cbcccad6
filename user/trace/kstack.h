/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of the kernel's, of the view of what it allocates (kern/kmem.h). */
#ifndef ALLOCTRACE_TRACE_KSTACK_H
#define ALLOCTRACE_TRACE_KSTACK_H

#include "kern/kern.h"
#include "model/profile.h"

/* The record's frames (WALK_KERNEL) as frames of the profile, into frames[STACK_MAX_FRAMES], without what lies further
 * in than the allocator's caller. Returns how many. */
size_t kstack_resolve(struct profile *p, const struct stack_frames *rec, uint32_t *frames);

#endif
