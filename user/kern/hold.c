// SPDX-License-Identifier: GPL-2.0-or-later
/* Holding a launched command until its probes are attached (bpf/hold.bpf.c says how). */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "kern/internal.h"

int kern_hold(struct kern *k, pid_t pid)
{
	struct links links = {0};
	int link = bpf_raw_tracepoint_open("sched_process_exec", bpf_program__fd(k->skel->progs.on_exec));

	if (link < 0)
		return fail(link, "cannot attach to the kernel's tracepoint sched_process_exec: %s", strerror(-link));
	vec_push(&links, ((struct link){.fd = link, .pid = pid, .stage = LINK_ENTRY}));
	if (links_add(k, &k->hold_links, &links))
		return -ECANCELED;
	if (k->options.hold_signal)
		k->skel->data->hold_signal = k->options.hold_signal;
	k->skel->bss->hold_pid = pid;
	return 0;
}

int kern_hold_loader(struct kern *k, pid_t pid, int fd, uint64_t file_offset)
{
	struct links links = {0};
	int err = attach_uprobes(k->options.mode, bpf_program__fd(k->skel->progs.on_loader), UPROBE_ENTRY,
				 (struct link){.pid = pid, .stage = LINK_ENTRY}, fd, &file_offset, NULL, NULL, 1,
				 &links);

	return err ? err : links_add(k, &k->hold_links, &links);
}

uint64_t kern_hold_count(const struct kern *k)
{
	return __atomic_load_n(&k->skel->bss->hold_count, __ATOMIC_ACQUIRE);
}

uint64_t kern_hold_failed(const struct kern *k)
{
	return __atomic_load_n(&k->skel->bss->hold_failed, __ATOMIC_ACQUIRE);
}

void kern_hold_loader_done(struct kern *k)
{
	k->skel->bss->hold_loader = false;
}

bool kern_exec_by_thread(struct kern *k)
{
	return __atomic_exchange_n(&k->skel->bss->exec_by_thread, false, __ATOMIC_ACQ_REL);
}
