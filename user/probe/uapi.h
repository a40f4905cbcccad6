/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that libbpf 1.1 has no function for. */
#ifndef ALLOCTRACE_PROBE_UAPI_H
#define ALLOCTRACE_PROBE_UAPI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UAPI_TRACE_UPROBE_MULTI 48	/* BPF_TRACE_UPROBE_MULTI, include/uapi/linux/bpf.h */

/* One link for n offsets of the file at path, for one process (pid 0: every process). cookies may be NULL.
 * A file descriptor, or -errno. */
int uprobe_multi_link(int prog_fd, const char *path, const uint64_t *offsets, const uint64_t *cookies, uint32_t n,
		      pid_t pid);

/* The number of the uprobe PMU, or -errno. */
int uprobe_pmu_type(void);
/* A perf event for the offset of the file at path, for one process. A file descriptor, or -errno. */
int uprobe_perf_event(const char *path, uint64_t offset, pid_t pid);

#endif
