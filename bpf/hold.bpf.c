// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds a launched command where its probes have to be attached, so that its first allocation is seen: after an exec,
 * and when the dynamic loader has mapped the libraries but run none of their code (it calls _dl_debug_state then, for
 * debuggers). SIGSTOP is delivered before the program returns to user space; the user side sees hold_count move,
 * attaches and sends SIGCONT.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "ids.bpf.h"

#define SIGSTOP 19

__u32 hold_pid = 0;		/* 0: nobody */
bool hold_loader = false;	/* the loader of this exec is still mapping */
bool exec_by_thread = false;	/* an exec by a thread that was not the leader: links made before are dead */
__u64 hold_count = 0, hold_failed = 0;	/* stops; and how many of them did not come about */
__u32 hold_signal = SIGSTOP;

static __always_inline bool is_held(void)
{
	__u32 pid, tid;

	current_ids(&pid, &tid);
	return hold_pid && pid == hold_pid;
}

static __always_inline void hold(void)
{
	__sync_fetch_and_add(&hold_count, 1);
	if (bpf_send_signal(hold_signal))
		__sync_fetch_and_add(&hold_failed, 1);
}

/* TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm), include/trace/events/sched.h */
SEC("raw_tp/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
	if (!is_held())
		return 0;
	if ((__u32)ctx->args[1] != (__u32)bpf_get_current_pid_tgid())
		exec_by_thread = true;
	hold_loader = true;
	hold();
	return 0;
}

SEC("uprobe")
int on_loader(struct pt_regs *ctx)
{
	if (hold_loader && is_held())
		hold();
	return 0;
}
