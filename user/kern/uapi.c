// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/uapi.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The link_create member of union bpf_attr with its uprobe_multi part (Linux 6.6), which Debian 12's header lacks. */
struct link_create_uprobe_multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, pad;
};

int uprobe_trivial_program(int attach_type)
{
	struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = (enum bpf_attach_type)attach_type);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", code, 2, &opts);
}

#define PERF_REF_CTR_SHIFT 32	/* of perf_event_attr.config: PERF_UPROBE_REF_CTR_OFFSET_SHIFT, Linux 4.20 */
#define MULTI_RETURN 1	/* BPF_F_UPROBE_MULTI_RETURN */

int uprobe_multi_link(int prog_fd, enum uprobe_when when, const char *path, const uint64_t *offsets,
		      const uint64_t *ref_ctrs, const uint64_t *cookies, uint32_t n, pid_t pid)
{
	struct link_create_uprobe_multi attr = {
		.prog_fd = prog_fd,
		.attach_type = when == UPROBE_SESSION ? UAPI_TRACE_UPROBE_SESSION : UAPI_TRACE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.ref_ctr_offsets = (uintptr_t)ref_ctrs,
		.cookies = (uintptr_t)cookies,
		.cnt = n,
		.multi_flags = when == UPROBE_RETURN ? MULTI_RETURN : 0,
		.pid = pid,
	};
	int fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

int uprobe_pmu_type(void)
{
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	int type = -ENOENT;

	if (!f)
		return -errno;
	if (fscanf(f, "%d", &type) != 1)
		type = -EINVAL;
	fclose(f);
	return type;
}

int uprobe_pmu_return_bit(void)
{
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/format/retprobe", "re");
	int bit = -EINVAL;

	if (!f)
		return -errno;
	if (fscanf(f, "config:%d", &bit) != 1 || bit < 0 || bit > 63)
		bit = -EINVAL;
	fclose(f);
	return bit;
}

int uprobe_perf_event(const char *path, enum uprobe_when when, uint64_t offset, uint32_t ref_ctr, pid_t pid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.uprobe_path = (uintptr_t)path,
		.probe_offset = offset,
		.config = (uint64_t)ref_ctr << PERF_REF_CTR_SHIFT,
	};
	int type = uprobe_pmu_type(), fd;

	if (type < 0)
		return type;
	attr.type = type;
	if (when == UPROBE_RETURN) {
		int bit = uprobe_pmu_return_bit();

		if (bit < 0)
			return bit;
		attr.config |= 1ULL << bit;
	}
	/* For every process: on one CPU, which the event is hit on all of, as the kernel has one breakpoint for all. */
	fd = syscall(SYS_perf_event_open, &attr, pid ? pid : -1, pid ? -1 : 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
