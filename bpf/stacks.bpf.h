/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of stacks, and their frames on the way to user space, through the ring. */
#ifndef ALLOCTRACE_STACKS_BPF_H
#define ALLOCTRACE_STACKS_BPF_H

#include "memo.bpf.h"
#include "ring.bpf.h"

const volatile __u64 ring_wake_bytes = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);	/* grows as needed */
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct stack_sum));	/* user space cuts it to what is counted */
} stacks SEC(".maps");

/* What the ring has no room for, by the stack's id: cut after the frames that a stack can have. Taken in only where it
 * is needed, and read whenever the ring is. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct stack_frames));
} stash SEC(".maps");

__u64 stashed = 0;	/* how many so far */

/* The thread's name; or what the group of a wide run is. */
static __always_inline void describe_owner(struct scratch *s)
{
	struct member *m = wide ? member_known() : NULL;

	bpf_get_current_comm(s->rec.name, 16);
	s->rec.name[16] = 0;
	if (!m)
		return;
	s->rec.exec = (__u32)m->group;
	s->rec.uid = m->uid;
	s->rec.inner_pid = m->inner_pid;
	s->rec.cgroup = m->cgroup;
	s->rec.exe_ino = m->exe_ino;
	s->rec.program = m->program;
	s->rec.exe_dev = m->exe_dev;
	if (!by_thread)
		__builtin_memcpy(s->rec.name, m->comm, sizeof(m->comm));
}

/* Sends the frames of a stack that was not sent before. Where the ring is full they are stashed; where that is full,
 * too, the next call tries again. */
static __noinline void send_stack(struct scratch *s, struct stack_sum *sum)
{
	__u32 n = s->rec.n, size;
	__u64 wake = BPF_RB_NO_WAKEUP;

	if (n > STACK_MAX_FRAMES)
		return;
	size = __builtin_offsetof(struct stack_frames, frames) + n * sizeof(__u64);
	if (__sync_val_compare_and_swap(&sum->sent, 0, 1) != 0)
		return;
	if (!kernel_memory)
		memo_frames(s);
	s->rec.time_ns = bpf_ktime_get_ns();
	describe_owner(s);
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > ring_wake_bytes)
		wake = BPF_RB_FORCE_WAKEUP;
	if (!bpf_ringbuf_output(&ring, &s->rec, size, wake))
		return;
	if (!bpf_map_update_elem(&stash, &s->rec.id, &s->rec, BPF_ANY)) {
		__sync_fetch_and_add(&stashed, 1);
		return;
	}
	sum->sent = 0;
	count(s, COUNT_RING_FULL, 1);
}

/* An entry for s->rec's id, which there is none of yet; NULL: the table is full. */
static __always_inline struct stack_sum *stack_make(struct scratch *s, bool sent)
{
	struct stack_sum *fresh = &s->now.fresh;

	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->pid = s->rec.pid;
	fresh->sent = sent;
	bpf_map_update_elem(&stacks, &s->rec.id, fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&stacks, &s->rec.id);
}

#endif
