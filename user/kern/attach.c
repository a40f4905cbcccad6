// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two ways to attach uprobes, the same for all callers. uprobe_multi: one link for all functions of a file (one system
 * call, and the process's memory map is locked once). perf: an event and a link for each function. Both are limited to
 * one process, so that no other process takes a trap, and both are file descriptors: they end with alloctrace, however
 * it ends.
 *
 * The file is named by /proc/self/fd/N, which resolves to the very inode that was opened, whatever happened to its
 * path.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kern/internal.h"
#include "probe/uapi.h"

/* perf: the event's descriptor is not needed any more once the link holds it. */
static int attach_perf(int prog_fd, enum uprobe_when when, pid_t pid, const char *path, uint64_t offset,
		       uint64_t cookie)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = cookie);
	int event = uprobe_perf_event(path, when, offset, pid), link;

	if (event < 0)
		return event;
	link = bpf_link_create(prog_fd, event, BPF_PERF_EVENT, &opts);
	close(event);
	return link;
}

int attach_uprobes(enum attach_mode mode, int prog_fd, enum uprobe_when when, struct link link, int fd,
		   const uint64_t *offsets, const uint64_t *cookies, size_t n, struct links *links)
{
	size_t before = links->n;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (mode == ATTACH_MULTI) {
		link.fd = uprobe_multi_link(prog_fd, when, path, offsets, cookies, n, link.pid);
		if (link.fd < 0)
			return link.fd;
		vec_push(links, link);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		link.fd = attach_perf(prog_fd, when, link.pid, path, offsets[i], cookies ? cookies[i] : 0);
		if (link.fd < 0)
			goto undo;
		vec_push(links, link);
	}
	return 0;
undo:
	while (links->n > before)
		close(links->at[--links->n].fd);
	return link.fd;
}
