/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the functions of a file are, and what their code tells of frame pointers: for stacks that are walked by
 * them. */
#ifndef ALLOCTRACE_IMAGE_FUNCTIONS_H
#define ALLOCTRACE_IMAGE_FUNCTIONS_H

#include "image/image.h"

struct image_function {
	uint64_t from;		/* where it is the one that is looked for, up to the next one's, or to its end */
	uint64_t vaddr;
	uint32_t size;		/* 0: unknown */
};

struct image_functions {
	struct image_function *at;	/* sorted by from; NULL: there are none */
	size_t n;
};

/* By the symbols of the file behind fd, and of its separate debug file. The caller frees *out by free(at). path,
 * pid: as in struct image_request. */
void image_functions_read(int fd, const char *path, pid_t pid, struct image_functions *out);
/* The one that holds vaddr; NULL: none. */
const struct image_function *image_function_at(const struct image_functions *f, uint64_t vaddr);

/* At the call that ends at vaddr in that function, rbp is its frame pointer (keeps_frame_pointer()). False also where
 * to tell it takes decoding more than *bytes_left, which the bytes are subtracted from. */
bool image_keeps_frame_pointer(const struct image *im, int fd, const struct image_function *f, uint64_t vaddr,
			       uint64_t *bytes_left);
/* The code that ends at vaddr is how a thread or coroutine begins (keeps_root()). */
bool image_begins_thread(const struct image *im, int fd, uint64_t vaddr);

#endif
