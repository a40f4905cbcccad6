/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the BPF side finds the table of a mapped file: bpf/mapping.bpf.h. Files are told by the key that the kernel
 * itself gives them. What fstat() says is not that everywhere (overlayfs, btrfs), so the file is mapped here and the
 * kernel is asked the very way in which a walk asks it.
 */
#ifndef ALLOCTRACE_KERN_FILEKEY_H
#define ALLOCTRACE_KERN_FILEKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/kern.h"
#include "model/module.h"
#include "model/segments.h"

/* The key of the file behind fd, as it is now. 0 or -errno, no message. */
int file_key_ask(struct kern *k, int fd, struct file_key *key);
/* Of a file that is known by a copy (struct module, probe_fd), which the kernel can't be asked for. Its file system
 * gives inode numbers no generation, as FUSE and NFS do. */
struct file_key file_key_of_copy(const struct module *m);

/* A file's code: vaddrs of its first byte and behind its last. */
struct code_range {
	uint64_t low, high;
};

/* The executable segments' part of the file. False: there is none, or it is no file that can be run. */
bool code_range(const struct elf_segment *segs, size_t n, struct code_range *out);

/* Where the unwind table of a file lies. */
struct table_place {
	uint32_t first, key;	/* word of the table's first index word */
	uint8_t shift;
	uint64_t base, end;	/* vaddrs it covers; the same: there is no table */
};

/* All that the BPF side has to know of a file. */
struct code_file {
	const struct elf_segment *segs;	/* borrowed */
	size_t n_segs;
	struct code_range range;
	uint64_t name;		/* of the byte at range.low (kern/codenames.h); 0: it has none, and no code */
	struct table_place place;
};

/* As it is told. Returns how many parts of the code had no room. */
size_t file_parts(const struct code_file *f, struct unwind_file *out);

#endif
