/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Process and thread ids as alloctrace's own pid namespace counts them. */
#ifndef ALLOCTRACE_IDS_BPF_H
#define ALLOCTRACE_IDS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "arch/arch.bpf.h"

/* Of the pid namespace that alloctrace runs in; 0: the initial one, where no translation is due. */
extern const volatile __u64 pidns_dev, pidns_ino;

static __always_inline void current_ids(__u32 *pid, __u32 *tid)
{
	struct bpf_pidns_info ns;
	__u64 id;

	if (pidns_ino && !bpf_get_ns_current_pid_tgid(pidns_dev, pidns_ino, &ns, sizeof(ns))) {
		*pid = ns.tgid;
		*tid = ns.pid;
		return;
	}
	id = bpf_get_current_pid_tgid();
	*pid = id >> 32;
	*tid = (__u32)id;
}

/* Processes of other pid namespaces have no number that alloctrace could say. */
static __always_inline bool in_own_pidns(void)
{
	struct bpf_pidns_info ns;

	return !pidns_ino || !bpf_get_ns_current_pid_tgid(pidns_dev, pidns_ino, &ns, sizeof(ns));
}

/* The number of the address space. */
static __always_inline __u64 current_space(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;

	return mm ? arch_space(mm) : 0;
}

#endif
