// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages that processes send and receive on sockets: by the kernel's tracepoints for them, or for system calls. */
#include <errno.h>
#include <unistd.h>

#include "kern/internal.h"

static int add_tracepoint(struct kern *k, const char *name, const struct bpf_program *prog)
{
	int link = bpf_raw_tracepoint_open(name, bpf_program__fd(prog));

	if (link >= 0)
		vec_push(&k->message_links, link);
	return link < 0 ? link : 0;
}

int kern_count_messages(struct kern *k)
{
	int err = add_tracepoint(k, "sock_recv_length", k->skel->progs.on_message);

	if (!err)
		err = add_tracepoint(k, "sock_send_length", k->skel->progs.on_message);
	if (err == -ENOENT)
		err = add_tracepoint(k, "sys_enter", k->skel->progs.on_message_call);
	return err;
}

void kern_count_messages_of(struct kern *k, pid_t pid)
{
	const __u32 key = pid;
	const __u8 value = 1;

	bpf_map_update_elem(bpf_map__fd(k->skel->maps.traced), &key, &value, BPF_ANY);
}

uint64_t kern_messages(const struct kern *k)
{
	return *(volatile __u64 *)&k->skel->bss->messages;
}
