/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of few files: each call opens and parses the file behind fd, which stays the caller's. */
#ifndef ALLOCTRACE_IMAGE_ASK_H
#define ALLOCTRACE_IMAGE_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As segments_to_vaddr(), of a file that is not traced. */
bool image_ask_vaddr(int fd, const char *path, uint64_t offset, uint64_t *vaddr);
/* Does it import something of that name? False also where the file can't be read. */
bool image_ask_import(int fd, const char *path, const char *name);
/* Does it import one of these (NULL-terminated), or nothing of a C library (static, or no ELF file), so that what it
 * calls can't be told? */
bool image_ask_may_call(int fd, const char *path, const char *const *names);
/* As elf_slots_of() (elf/irelative.h): the slots that a resolver, or the symbol of that name, fills. */
size_t image_ask_slots(int fd, const char *path, uint64_t resolver, const char *name, uint64_t *slots, size_t max);

/* Is it linked statically, and has it no symbols? Both false where the file can't be read. */
void image_ask_linking(int fd, const char *path, bool *is_static, bool *stripped);

/* Which profilers of its own an allocator was built with, as its texts and symbols show. */
struct image_profilers {
	bool jemalloc;
	bool sampler, heap;	/* of gperftools: TCMALLOC_SAMPLE_PARAMETER, HEAPPROFILE */
};

struct image_profilers image_ask_profilers(int fd, const char *path);

/* Does the program copy its own text? (probe/selfcopy.h) */
struct image_selfcopy {
	const char *sign;	/* a static string that names what tells; NULL: nothing does */
	bool if_told;		/* node's: it does so only if its command line or environment says so */
};

struct image_selfcopy image_ask_selfcopy(int fd, const char *path);

#endif
