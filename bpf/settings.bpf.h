/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What user space sets before loading, and while the programs run; and what all of them need. */
#ifndef ALLOCTRACE_SETTINGS_BPF_H
#define ALLOCTRACE_SETTINGS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "shared.h"

/* Set before loading. */
const volatile __u64 min_size = 0;
const volatile __u64 max_size = ~0ULL;
const volatile __u32 max_frames = STACK_MAX_FRAMES;
const volatile bool by_thread = false;
/* Of Go: a stack of another goroutine, of one with other labels, or of one that was made elsewhere, is another one. */
const volatile bool by_goroutine = false, by_label = false, with_creator = false;
/* Random, the first two odd: nobody can make two stacks have the same id. */
const volatile __u64 hash_keys[3] = {1, 1, 0};
/* Nothing is counted, for now or for good. */
bool stopped = false;

/* Follow blocks from their allocation to their free. */
const volatile bool follow_blocks = false;
const volatile bool follow_temp = false, follow_peak = false;
const volatile __u64 temp_age_ns = 0;
const volatile bool hist_sizes = false, hist_lifetimes = false;
/* Every call is recorded, for good. */
const volatile bool sample_all = true;
/* Probes come and go, and a call stands for those of the time without. */
const volatile bool governed = false;

/* Samples of Go's runtime may be recorded instead of the calls of its allocator; and are, from when that is set on. */
const volatile bool go_samples = false;
bool go_by_samples = false;
/* What the first of these samples was taken with, bytes; 0: none came. */
__u64 go_rate = 0;
bool go_rates_differ = false;

/* What the kernel itself allocates is counted (kmem.bpf.h), and nothing else. */
const volatile bool kernel_memory = false;

/* Processes tell of their own samples by USDT probes. */
const volatile bool usdt = false;

/* x & mask, which clang may not drop although it knows better: the verifier does not. */
#define MASKED(x, mask) ({ __u64 masked_ = (x); asm volatile("%0 &= %1" : "+r"(masked_) : "i"(mask)); masked_; })

static __always_inline bool is_off(void)
{
	return *(volatile bool *)&stopped;
}

#endif
