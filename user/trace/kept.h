/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A step by frame pointer through code of a file without unwind rules is certain where that code keeps a frame pointer
 * of its own; else its rbp is still its caller's, and the caller is left out. The code says which: it is decoded where
 * a symbol says where the function starts. What it takes is bounded; beyond that nothing is certain.
 */
#ifndef ALLOCTRACE_TRACE_KEPT_H
#define ALLOCTRACE_TRACE_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"
#include "model/module.h"

struct kept;

/* As unwind_image_fn. */
typedef struct image *(*kept_image_fn)(void *arg, uint32_t module);

/* Everything is borrowed. */
struct kept *kept_new(const struct modules *modules, kept_image_fn image, void *arg);
/* NULL is a no-op. */
void kept_free(struct kept *k);
/* At the call that ends at this vaddr of a module, rbp is the frame pointer of the function there. */
bool kept_at(struct kept *k, uint32_t module, uint64_t vaddr);
/* What is there is how a thread or coroutine begins. */
bool kept_root_at(struct kept *k, uint32_t module, uint64_t vaddr);

#endif
