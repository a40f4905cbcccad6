/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that libbpf 1.1 has no function for. */
#ifndef ALLOCTRACE_KERN_UAPI_H
#define ALLOCTRACE_KERN_UAPI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* include/uapi/linux/bpf.h: enum bpf_attach_type */
#define UAPI_TRACE_UPROBE_MULTI 48	/* BPF_TRACE_UPROBE_MULTI, Linux 6.6 */
#define UAPI_TRACE_UPROBE_SESSION 57	/* BPF_TRACE_UPROBE_SESSION, Linux 6.13 */

/* The smallest program there is, of the type that uprobes run; attach_type 0: for perf. A descriptor or -errno. */
int uprobe_trivial_program(int attach_type);

/* When a program runs. */
enum uprobe_when {
	UPROBE_ENTRY,	/* at the instruction */
	UPROBE_RETURN,	/* when the function returns */
	UPROBE_SESSION,	/* both; at the entry it may decline the return. It is loaded as UAPI_TRACE_UPROBE_SESSION */
};

/* One link for n offsets of the file at path, for one process (pid 0: every process). ref_ctrs
 * (offsets of counters in the file that are raised meanwhile, 0: none) and cookies may be NULL.
 * A file descriptor, or -errno. */
int uprobe_multi_link(int prog_fd, enum uprobe_when when, const char *path, const uint64_t *offsets,
		      const uint64_t *ref_ctrs, const uint64_t *cookies, uint32_t n, pid_t pid);

/* The number of the uprobe PMU, or -errno. */
int uprobe_pmu_type(void);
/* The bit of perf_event_attr.config that makes it a uretprobe, or -errno. */
int uprobe_pmu_return_bit(void);
/* A perf event for the offset of the file at path, for one process (pid 0: every process); no session. ref_ctr: as
 * above, 0: none. A file descriptor, or -errno. */
int uprobe_perf_event(const char *path, enum uprobe_when when, uint64_t offset, uint32_t ref_ctr, pid_t pid);

#endif
