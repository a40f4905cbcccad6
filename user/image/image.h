/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tracing has to know of an ELF file, as plain data: arrays, numbers and strings, and no handle. image_read()
 * makes it from a descriptor: it opens and parses the file once. trace/ and kern/ see nothing else of ELF.
 *
 * What is asked of few files, or of single functions in them, has functions of its own (image/ask.h,
 * image/functions.h): they are given the file's descriptor, and return plain data as well.
 */
#ifndef ALLOCTRACE_IMAGE_IMAGE_H
#define ALLOCTRACE_IMAGE_IMAGE_H

#include <sys/types.h>

#include "model/plan.h"
#include "model/segments.h"
#include "model/unwind_table.h"

#define IMAGE_BUILD_ID_MAX 64

struct image {
	uint64_t dev, ino;	/* of fstat(); 0: it is no file (the vDSO) */
	uint8_t build_id[IMAGE_BUILD_ID_MAX];
	size_t n_build_id;	/* 0: it has none */
	bool is_32bit;
	struct elf_segment *segments;	/* the PT_LOAD ones */
	size_t n_segments;
	/* IMAGE_PLAN: its probes, and which allocator it holds; NULL: it is not x86-64, or damaged. */
	struct plan *plan;
	/* IMAGE_UNWIND, until image_take_unwind(): its unwind table, or why there is none (unwind_load_why()). */
	struct unwind_table *unwind;
	int unwind_err;
	/* IMAGE_HOOK: offset in the file of the function that a dynamic loader calls when it has mapped the libraries;
	 * 0: it has none. */
	uint64_t loader_hook;
};

enum image_wants {
	IMAGE_PLAN = 1,
	IMAGE_UNWIND = 2,
	IMAGE_HOOK = 4,
};

struct image_request {
	const char *path;	/* as the target knows it */
	/* A process that has it mapped: separate debug files are looked for in its root directory, then in ours. 0: in
	 * ours alone. */
	pid_t pid;
	unsigned int wants;	/* of enum image_wants */
	unsigned int plan_flags;	/* of enum plan_flags */
	const struct plan_chosen *chosen;	/* instead of what the resolvers' code shows */
	size_t n_chosen;
	size_t max_rows;	/* of the unwind table */
};

/* fd stays the caller's. Returns 0, or -ENOEXEC (not an ELF file, or damaged) or another -errno without a message. */
int image_read(int fd, const struct image_request *r, struct image **out);
/* The same of our own vDSO, which is every process's. */
int image_read_vdso(const struct image_request *r, struct image **out);
/* NULL is a no-op. */
void image_free(struct image *im);

/* Its unwind table is the caller's from now on. Returns 0, -EAGAIN (it was taken before, or not asked for: image_read()
 * reads it again), or an error for unwind_load_why(). */
int image_take_unwind(struct image *im, struct unwind_table **out);
/* As segments_to_vaddr() and segments_to_offset(). */
bool image_to_vaddr(const struct image *im, uint64_t offset, uint64_t *vaddr);
bool image_to_offset(const struct image *im, uint64_t vaddr, uint64_t *offset);
/* Reads up to len bytes at vaddr from the file behind fd, as many as the segment's part of the file holds. Returns how
 * many, 0 if none. */
size_t image_code(const struct image *im, int fd, uint64_t vaddr, void *data, size_t len);

#endif
