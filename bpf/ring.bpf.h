/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What user space reads as it comes, and is woken by. */
#ifndef ALLOCTRACE_RING_BPF_H
#define ALLOCTRACE_RING_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring SEC(".maps");

/* By a record that holds nothing, and is skipped. */
static __always_inline void ring_wake(void)
{
	void *nothing = bpf_ringbuf_reserve(&ring, sizeof(__u64), 0);

	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

#endif
