/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks as Go's runtime records them: an address for each function, inlined ones included, where a stack of ours has
 * one for each call of a function proper, by which the symbolizer finds what is inlined there.
 *
 *     code             main.f, into which main.g is inlined, which calls runtime.newobject
 *     the runtime      in newobject; in g, inlined into f; where f called g
 *     ours             in newobject; in g, inlined into f
 */
#ifndef ALLOCTRACE_IMAGE_GOSTACK_H
#define ALLOCTRACE_IMAGE_GOSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image_gostack;

/* Of the file behind fd, which stays the caller's and must outlive it. NULL: it is no Go program. */
struct image_gostack *image_gostack_open(int fd, const char *path);
/* NULL is a no-op. */
void image_gostack_close(struct image_gostack *g);
/* vaddrs of the runtime's stack, each of the call's last byte (return address - 1), the innermost first, become those
 * of ours. Returns how many. *whole: nothing calls the outermost function on its stack. */
size_t image_gostack_fold(const struct image_gostack *g, uint64_t *vaddrs, size_t n, bool *whole);

#endif
