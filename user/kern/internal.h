/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of kern/ only. */
#ifndef ALLOCTRACE_KERN_INTERNAL_H
#define ALLOCTRACE_KERN_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kern/kern.h"
#include "base/mem.h"
/* After shared.h, whose types it uses. */
#include "alloctrace.skel.h"

struct kern {
	struct alloctrace_bpf *skel;
	struct kern_options options;
	struct ring_buffer *ring;
	vec_of(int) links;	/* every probe and tracepoint is one of these file descriptors */
	vec_of(int) hold_links;
	uint32_t n_probes;	/* ids given to probes so far: entries of the map `probes` */
	void (*on_frames)(void *arg, const struct stack_frames *rec);
	void *on_frames_arg;
	/* The map `scratches`, in place: struct slot at every slot_bytes. */
	const char *slots;
	uint32_t n_slots;
	size_t slot_bytes;
	int n_cpus;
	int unwind_slab;	/* the first slab of unwind tables, and the pattern of the others */
};

/* Attaches prog at n offsets of the file behind fd for pid, and appends the links (one, or one for each offset). 0 or
 * -errno, and then nothing was appended. */
int attach_uprobes(enum attach_mode mode, int prog_fd, pid_t pid, int fd, const uint64_t *offsets,
		   const uint64_t *cookies, size_t n, struct kern *k, bool is_hold);

#endif
