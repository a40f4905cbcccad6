// SPDX-License-Identifier: GPL-2.0-or-later
/* What the benchmark compares with: loaded only for --bench. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define DEPTH 127	/* PERF_MAX_STACK_DEPTH, include/uapi/linux/perf_event.h: the default of its sysctl */

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, DEPTH * sizeof(__u64));
} stackids SEC(".maps");

/* The kernel's own walk, by frame pointers, its result interned and nothing counted. */
SEC("uprobe")
int on_stackid(struct pt_regs *ctx)
{
	bpf_get_stackid(ctx, &stackids, BPF_F_USER_STACK);
	return 0;
}
