/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Return addresses that are not on the stack. A return probe (uretprobe) of anybody on a function of the traced program
 * makes the kernel, at the function's entry, put a trampoline's address in place of the return address, and keep the
 * original in a list of the thread, innermost call first:
 *
 *     current->utask->return_instances -> {stack, orig_ret_vaddr} -> {stack, orig_ret_vaddr} -> ...
 *
 * `stack` is the stack pointer at the entry: on x86-64 where the return address lies. Several probes of one call, or of
 * functions that jump to one another, have the same `stack` and all the same, true original. Only the thread itself
 * changes the list. The trampoline is at the beginning of the process's [uprobes] page (kernel/events/uprobes.c,
 * uprobe_get_trampoline_vaddr() and prepare_uretprobe(), the same from 4.3 to 6.18).
 */
#ifndef ALLOCTRACE_RETPROBE_BPF_H
#define ALLOCTRACE_RETPROBE_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "settings.bpf.h"

/* As many as the kernel allows in a thread (MAX_URETPROBE_DEPTH). */
#define RETPROBE_MAX 64

/* The trampoline of the current process; 0 if it has none. */
static __always_inline __u64 retprobe_trampoline(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;
	struct xol_area *area = mm ? mm->uprobes_state.xol_area : NULL;

	return area ? area->vaddr : 0;
}

static __always_inline struct return_instance *retprobe_first(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return BPF_CORE_READ(task, utask, return_instances);
}

/*
 * The return address that was at `slot` before a uretprobe; 0 if there is none. A global function: the verifier looks
 * at it once.
 */
__noinline __u64 retprobe_original(__u64 slot)
{
	struct return_instance *ri = retprobe_first();

	for (int i = 0; i < RETPROBE_MAX && ri; i++) {
		if (BPF_CORE_READ(ri, stack) == slot)
			return BPF_CORE_READ(ri, orig_ret_vaddr);
		ri = BPF_CORE_READ(ri, next);
	}
	return 0;
}

/* Puts the original addresses into a copy of the stack, whose first byte is that at address `at`. Global as above. */
__noinline int retprobe_mend_copy(struct stack_raw *raw, __u64 at)
{
	struct return_instance *ri = retprobe_first();
	__u64 trampoline = retprobe_trampoline();

	if (!raw)
		return 0;

	for (int i = 0; i < RETPROBE_MAX && ri; i++) {
		__u64 offset = BPF_CORE_READ(ri, stack) - at;

		if (offset < sizeof(raw->stack) && !(offset & 7)) {
			offset = MASKED(offset, sizeof(raw->stack) - 8);
			/* Only the innermost at a place counts: others may be of calls that longjmp() has left. */
			if (*(__u64 *)(raw->stack + offset) == trampoline)
				*(__u64 *)(raw->stack + offset) = BPF_CORE_READ(ri, orig_ret_vaddr);
		}
		ri = BPF_CORE_READ(ri, next);
	}
	return 0;
}

#endif
