// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts messages that traced processes receive and send on sockets, which /proc/PID/io does not: recv and send go
 * past vfs_read() and vfs_write(). What there was none of (EAGAIN) is no message.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "ids.bpf.h"

/* arch/x86/entry/syscalls/syscall_64.tbl */
#define NR_SENDTO	44
#define NR_SENDMMSG	307
#define NR_RECVMMSG	299

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);	/* pid */
	__type(value, __u8);
} traced SEC(".maps");

__u64 messages = 0;

static __always_inline int count_message(void)
{
	__u32 pid, tid;

	current_ids(&pid, &tid);
	if (bpf_map_lookup_elem(&traced, &pid))
		__sync_fetch_and_add(&messages, 1);
	return 0;
}

/* sock_send_length and sock_recv_length, since Linux 6.3: TP_PROTO(struct sock *sk, int ret, int flags),
 * include/trace/events/sock.h */
SEC("raw_tp")
int on_message(struct bpf_raw_tracepoint_args *ctx)
{
	return (int)ctx->args[1] > 0 ? count_message() : 0;
}

/* Before: sys_enter, TP_PROTO(struct pt_regs *regs, long id). sendto, recvfrom, sendmsg and recvmsg are in a row. */
SEC("raw_tp")
int on_message_call(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 nr = ctx->args[1];

	return nr - NR_SENDTO < 4 || nr == NR_SENDMMSG || nr == NR_RECVMMSG ? count_message() : 0;
}
