/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel memory, at any address, where the kernel has bpf_rdonly_cast(). */
#ifndef ALLOCTRACE_KERNEL_BPF_H
#define ALLOCTRACE_KERNEL_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* Set before loading: the kernel has bpf_rdonly_cast() (6.2). */
const volatile bool direct_possible = false;

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/* Any kernel address; 0 if it can't be read. */
static __always_inline __u64 direct_word(__u64 at)
{
	const struct timespec64 *word = bpf_rdonly_cast((void *)at, bpf_core_type_id_kernel(struct timespec64));

	return word->tv_sec;
}

/* Not by bpf_get_current_task_btf(): for each field of what that gives the verifier looks through all type names. */
static __always_inline struct mm_struct *direct_mm(void)
{
	const struct task_struct *task = bpf_rdonly_cast((void *)bpf_get_current_task(),
							 bpf_core_type_id_kernel(struct task_struct));

	return task->mm;
}

#endif
