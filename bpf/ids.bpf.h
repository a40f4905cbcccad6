/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Process and thread ids as alloctrace's own pid namespace counts them. */
#ifndef ALLOCTRACE_IDS_BPF_H
#define ALLOCTRACE_IDS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "arch/arch.bpf.h"

/* Of the pid namespace that alloctrace runs in; 0: the initial one, where no translation is due. */
extern const volatile __u64 pidns_dev, pidns_ino;

#define PIDNS_DEPTH 32	/* MAX_PID_NS_LEVEL of the kernel */

/* As alloctrace's pid namespace counts, of a task in one below it; 0: it is not below. The helper knows those of the
 * same namespace alone. */
static __noinline __u32 id_from_above(struct task_struct *task)
{
	struct pid *pid = task->thread_pid;
	struct upid in = {};

	for (__u32 i = 1; i <= PIDNS_DEPTH && i <= pid->level; i++) {
		__u32 inum = 0;

		bpf_probe_read_kernel(&in, sizeof(in), (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      i * sizeof(in));
		bpf_probe_read_kernel(&inum, sizeof(inum), &in.ns->ns.inum);
		if (inum == pidns_ino)
			return in.nr;
	}
	return 0;
}

/* False: alloctrace's pid namespace has no number for it; then these are the initial one's. */
static __always_inline bool current_ids(__u32 *pid, __u32 *tid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bpf_pidns_info ns;

	*pid = task->tgid;
	*tid = task->pid;
	if (!pidns_ino)
		return true;
	if (!bpf_get_ns_current_pid_tgid(pidns_dev, pidns_ino, &ns, sizeof(ns))) {
		*pid = ns.tgid;
		*tid = ns.pid;
		return true;
	}
	ns.tgid = id_from_above(task->group_leader);
	if (!ns.tgid)
		return false;
	*pid = ns.tgid;
	*tid = id_from_above(task);
	return true;
}

/* Processes of other pid namespaces, but those below, have no number that alloctrace could say. */
static __always_inline bool has_own_ids(void)
{
	__u32 pid, tid;

	return current_ids(&pid, &tid);
}

/* The number of the address space. */
static __always_inline __u64 current_space(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;

	return mm ? arch_space(mm) : 0;
}

#endif
