/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which calls are recorded, and for how many each of them stands (sample.h). */
#ifndef ALLOCTRACE_SAMPLING_BPF_H
#define ALLOCTRACE_SAMPLING_BPF_H

#include "vmlinux.h"

#include "call.bpf.h"
#include "member.bpf.h"
#include "sample.h"
#include "scratch.bpf.h"

__u64 window_factor = 0;	/* for how many, << CALLS_SHIFT */
__u64 sample_law = 0;	/* SAMPLE_LAW(); user space sets it, and may change it while running */
__s64 exact_left = 0;	/* calls that are recorded before the law begins, less those that slots have taken on */

static __always_inline __u64 sample_scale(__u64 weight)
{
	return governed ? sample_times(weight, *(volatile __u64 *)&window_factor) : weight;
}

/* Is one of the calls that are recorded whatever the law says? Slots take them from the heap of all by the chunk. */
static __always_inline bool exact_take(struct scratch *s)
{
	if (!s->slot.exact) {
		if (*(volatile __s64 *)&exact_left <= 0 || __sync_fetch_and_add(&exact_left, -EXACT_CHUNK) <= 0)
			return false;
		s->slot.exact = EXACT_CHUNK;
	}
	s->slot.exact--;
	return true;
}

/* A call that comes to the next sample point, or that is the first with this law. A global function: the verifier looks
 * at it once. */
__noinline __u64 sample_draw(struct scratch *s, __u64 length, __u64 law)
{
	__u64 mean = SAMPLE_LAW_MEAN(law);

	if (!s)
		return 0;
	/* Before there is a law in the slot: until then every call comes here. */
	if (exact_take(s))
		return sample_scale(SAMPLE_ONE);
	if (s->slot.law != law) {
		s->slot.law = law;
		s->slot.left = sample_gap(bpf_get_prandom_u32(), mean);
	}
	if (s->slot.left > length) {
		s->slot.left -= length;
		return 0;
	}
	s->slot.left = sample_gap(bpf_get_prandom_u32(), mean);
	return sample_scale(sample_weight(length, mean));
}

/* Is this call a sample? Its weight, or 0. */
static __always_inline __u64 sample_call(struct scratch *s, __u64 bytes)
{
	__u64 law, length;

	if (sample_all)
		return sample_scale(SAMPLE_ONE);
	law = wide && s->now.law ? s->now.law : *(volatile __u64 *)&sample_law;
	length = sample_length(bytes, law);
	if (s->slot.law != law || s->slot.left <= length)
		return sample_draw(s, length, law);
	s->slot.left -= length;
	return 0;
}

/* A sample that the process took itself is one call; what it stands for beside is counted apart. */
static __always_inline void count_beyond(struct scratch *s, __u64 bytes, __u64 weight)
{
	count(s, COUNT_BEYOND_CALLS, weight - SAMPLE_ONE);
	count(s, COUNT_BEYOND_BYTES, sample_bytes(bytes, weight) - bytes);
	count(s, COUNT_BEYOND_CALLS_VAR, sample_calls_var(weight));
	count(s, COUNT_BEYOND_BYTES_VAR, sample_bytes_var(bytes, weight));
}

/*
 * A sample of Go's runtime, of a block of so many bytes: its weight, as the runtime itself takes it. With a rate of 1
 * that records every call.
 */
static __always_inline __u64 sample_of_go(struct scratch *s, const struct pt_regs *ctx, __u64 cookie, __u64 bytes)
{
	const __u64 rate = sampler_rate(ctx, cookie), weight = sample_weight(bytes, rate);

	if (!go_rate)
		go_rate = rate;
	else if (go_rate != rate)
		go_rates_differ = true;
	count(s, COUNT_GO_SAMPLES, 1);
	count_beyond(s, bytes, weight);
	return sample_scale(weight);
}

#define USDT_WEIGHT_MAX (1ULL << 47)	/* bytes */

/*
 * A sample that a USDT probe told of, of a block of so many bytes, which it says stands for `weighted` bytes, its own
 * ones included. The rounding is undone by sample_bytes() for blocks below 64 KiB.
 */
static __always_inline __u64 sample_of_usdt(struct scratch *s, __u64 bytes, __u64 weighted)
{
	__u64 weight = SAMPLE_ONE;

	if (weighted > USDT_WEIGHT_MAX)
		weighted = USDT_WEIGHT_MAX;
	if (bytes && weighted > bytes)
		weight = ((weighted << CALLS_SHIFT) + bytes / 2) / bytes;
	if (weight > SAMPLE_WEIGHT_MAX)
		weight = SAMPLE_WEIGHT_MAX;
	count(s, COUNT_USDT_SAMPLES, 1);
	count_beyond(s, bytes, weight);
	return sample_scale(weight);
}

#endif
