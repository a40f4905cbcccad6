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

#define push_link(k, is_hold, fd) do { \
	if (is_hold) \
		vec_push(&(k)->hold_links, fd); \
	else \
		vec_push(&(k)->links, fd); \
} while (0)

/* perf: the event's descriptor is not needed any more once the link holds it. */
static int attach_perf(int prog_fd, pid_t pid, const char *path, uint64_t offset, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = cookie);
	int event = uprobe_perf_event(path, offset, pid), link;

	if (event < 0)
		return event;
	link = bpf_link_create(prog_fd, event, BPF_PERF_EVENT, &opts);
	close(event);
	return link;
}

int attach_uprobes(enum attach_mode mode, int prog_fd, pid_t pid, int fd, const uint64_t *offsets,
		   const uint64_t *cookies, size_t n, struct kern *k, bool is_hold)
{
	size_t before = is_hold ? k->hold_links.n : k->links.n;
	char path[64];
	int link;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (mode == ATTACH_MULTI) {
		link = uprobe_multi_link(prog_fd, path, offsets, cookies, n, pid);
		if (link < 0)
			return link;
		push_link(k, is_hold, link);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		link = attach_perf(prog_fd, pid, path, offsets[i], cookies ? cookies[i] : 0);
		if (link < 0)
			goto undo;
		push_link(k, is_hold, link);
	}
	return 0;
undo:
	if (is_hold)
		while (k->hold_links.n > before)
			close(k->hold_links.at[--k->hold_links.n]);
	else
		while (k->links.n > before)
			close(k->links.at[--k->links.n]);
	return link;
}
