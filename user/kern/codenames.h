/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of code bytes: every byte of code of every file gets a number of its own, by which the BPF side names a frame
 * (FRAME_FILE in bpf/shared.h). A number is never used again, so that it says what was mapped when the frame was seen.
 */
#ifndef ALLOCTRACE_KERN_CODENAMES_H
#define ALLOCTRACE_KERN_CODENAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct code_names {
	uint64_t first, bytes;	/* first: with FRAME_FILE */
	uint64_t vaddr;		/* of the first */
	uint32_t module;
};

/* All zero: empty. Freed by vec_free(). */
struct codenames {
	vec_of(struct code_names) at;	/* sorted */
};

/* Largest code of one file, bytes. */
#define CODE_BYTES_MAX (1ULL << 40)

/* Names the bytes from vaddr on of a module. Returns the first name, which the others follow; 0: there are too many. */
uint64_t codenames_add(struct codenames *c, uint32_t module, uint64_t vaddr, uint64_t bytes);
/* What is named so. False: nothing. */
bool codenames_find(const struct codenames *c, uint64_t name, uint32_t *module, uint64_t *vaddr);

#endif
