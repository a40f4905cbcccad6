/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel and these privileges allow: one table, each row probed once, results kept. */
#ifndef ALLOCTRACE_KERN_FEATURES_H
#define ALLOCTRACE_KERN_FEATURES_H

#include <stdbool.h>

enum attach_mode { ATTACH_AUTO, ATTACH_MULTI, ATTACH_PERF };
/* How stacks are walked. */
enum unwind_mode { UNWIND_AUTO, UNWIND_EH_FRAME, UNWIND_FP };
/* What is attached instead of the program that counts, for the benchmark: one that does nothing, or one that calls
 * bpf_get_stackid(). */
enum bench_mode { BENCH_OFF, BENCH_EMPTY, BENCH_STACKID };

enum feature {
	FEATURE_BTF,		/* the kernel describes its types */
	FEATURE_PRIVILEGE,	/* CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN */
	FEATURE_PTRACE,		/* CAP_SYS_PTRACE: other users' processes */
	FEATURE_BPF,		/* bpf() accepts a program of the kind used here */
	FEATURE_RINGBUF,	/* 5.8 */
	FEATURE_COOKIE,		/* bpf_get_attach_cookie(), 5.15 */
	FEATURE_UPROBE_PERF,	/* uprobes through perf_event_open() */
	FEATURE_UPROBE_MULTI,	/* uprobe_multi with a pid filter that works, 6.10 */
	FEATURE_RETURN,		/* uretprobes: without them live blocks can't be followed */
	FEATURE_UPROBE_SESSION,	/* one program at entry and return, which may decline the return, 6.13 */
	FEATURE_RETURN_SECCOMP,	/* a uretprobe does not kill a process with a seccomp filter (kern/returns.h) */
	FEATURE_DIRECT,		/* BPF can read any kernel address by a plain load, 6.2 */
	FEATURE_FIND_VMA,	/* BPF can ask what is mapped at an address, 5.17 */
	FEATURE_NOPS,		/* uprobes on multi-byte nops are emulated */
	FEATURE_LOCKDOWN,	/* the kernel is not locked down */
	FEATURE_RSS,		/* --view rss (kern/tracepoints.h) */
	FEATURE_KERNEL,		/* --kernel (likewise) */
	FEATURE_MAX,
};

struct feature_info {
	const char *name;	/* "uprobe_multi" */
	const char *help;	/* what it is for */
	bool required;		/* without it nothing can be traced */
	bool asks_bpf;		/* cannot be determined without FEATURE_PRIVILEGE */
	bool (*probe)(const char **why);	/* feature() calls it once */
};

extern const struct feature_info feature_infos[FEATURE_MAX];

/* why (may be NULL) is set to a static string: the reason if the answer is no, else NULL or a remark. */
bool feature(enum feature f, const char **why);
/* The first required feature that is missing is logged as an error (what, why, what to do). 0 or -EPERM, -ENOTSUP. */
int features_require(void);
/* What ATTACH_AUTO stands for here; others as they are. */
enum attach_mode attach_mode_resolve(enum attach_mode mode);
const char *attach_mode_name(enum attach_mode mode);

#endif
