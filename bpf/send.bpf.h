/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks on their way to user space, through the ring. */
#ifndef ALLOCTRACE_SEND_BPF_H
#define ALLOCTRACE_SEND_BPF_H

/* Sends the frames of a stack that was not sent before. A full ring is no loss yet: the next call tries again. */
static __noinline void send_stack(struct scratch *s, struct stack_sum *sum)
{
	__u32 n = s->rec.n, size;
	__u64 wake = BPF_RB_NO_WAKEUP;

	if (n > STACK_MAX_FRAMES)
		return;
	size = __builtin_offsetof(struct stack_frames, frames) + n * sizeof(__u64);
	if (__sync_val_compare_and_swap(&sum->sent, 0, 1) != 0)
		return;
	memo_frames(s);
	s->rec.time_ns = bpf_ktime_get_ns();
	bpf_get_current_comm(s->rec.name, 16);
	s->rec.name[16] = 0;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > ring_wake_bytes)
		wake = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&ring, &s->rec, size, wake)) {
		sum->sent = 0;
		count(s, COUNT_RING_FULL, 1);
	}
}

/* Sends a stack that broke off at an unknown mapping, with its memory. False: it can't be sent. */
static __noinline bool send_raw(struct scratch *s, __u64 bytes, __u64 weight)
{
	__u32 n, cpu = bpf_get_smp_processor_id();
	__u64 at = s->cursor.sp;
	struct stack_raw *raw = bpf_map_lookup_elem(&raws, &cpu);
	bool sent;

	if (!raw || raw_left <= 0 || __sync_fetch_and_add(&raw_left, -1) <= 0 ||
	    __sync_val_compare_and_swap(&raw->busy, 0, 1) != 0)
		return false;
	memo_frames(s);
	s->rec.time_ns = bpf_ktime_get_ns();
	bpf_get_current_comm(s->rec.name, 16);
	s->rec.name[16] = 0;
	bpf_probe_read_kernel(&raw->rec, sizeof(raw->rec), &s->rec);
	raw->rec.end = WALK_RAW;
	raw->sum.bytes = sample_bytes(bytes, weight);
	raw->sum.calls = weight;
	raw->sum.bytes_var = sample_bytes_var(bytes, weight);
	raw->sum.calls_var = sample_calls_var(weight);
	raw->pc = s->cursor.pc;
	raw->sp = at;
	raw->bp = s->cursor.bp;
	raw->bp_known = s->cursor.bp_known;
	/* What the loop finds goes to memory: in registers, Linux 6.1 would look at every combination of pages. */
	raw->present = 0;
	raw->n_stack = 0;
	for (__u32 i = 0; i < RAW_PAGES; i++) {
		if (bpf_probe_read_user(raw->stack + i * RAW_PAGE_BYTES, RAW_PAGE_BYTES,
					(void *)(at & ~(RAW_PAGE_BYTES - 1ULL)) + i * RAW_PAGE_BYTES))
			continue;
		*(volatile __u32 *)&raw->present |= 1u << i;
		*(volatile __u32 *)&raw->n_stack = (i + 1) * RAW_PAGE_BYTES;
	}
	if (s->trampoline)
		retprobe_mend_copy(raw, at & ~(RAW_PAGE_BYTES - 1ULL));
	n = *(volatile __u32 *)&raw->n_stack;
	if (n > sizeof(raw->stack))
		n = 0;
	sent = !bpf_ringbuf_output(&ring, raw, __builtin_offsetof(struct stack_raw, stack) + n,
				   BPF_RB_FORCE_WAKEUP);
	__sync_lock_test_and_set(&raw->busy, 0);
	return sent;
}

#endif
