// SPDX-License-Identifier: GPL-2.0-or-later
/* The clock of all that the kernel tells. Loaded only in a time namespace, whose CLOCK_MONOTONIC is another one. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("syscall")
int ask_clock(__u64 *ns)
{
	*ns = bpf_ktime_get_ns();
	return 0;
}
