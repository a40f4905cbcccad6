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

#include "base/apart.h"
#include "base/log.h"
#include "kern/internal.h"
#include "kern/uapi.h"

/* perf: the event's descriptor is not needed any more once the link holds it. */
static int attach_perf(int prog_fd, enum uprobe_when when, pid_t pid, const char *path, uint64_t offset,
		       uint64_t ref_ctr, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = cookie);
	int event = uprobe_perf_event(path, when, offset, (uint32_t)ref_ctr, pid), link;

	if (event < 0)
		return event;
	link = bpf_link_create(prog_fd, event, BPF_PERF_EVENT, &opts);
	close(event);
	return link;
}

struct attaching {
	enum attach_mode mode;
	int prog_fd;
	enum uprobe_when when;
	struct link link;	/* fd: of the last one that was tried */
	int fd;
	const uint64_t *offsets, *ref_ctrs, *cookies;
	size_t n;
	struct links *links;
};

static void attach_apart(void *arg)
{
	struct attaching *a = arg;
	struct link *link = &a->link;
	const size_t before = a->links->n, n_links = a->mode == ATTACH_MULTI ? 1 : a->n;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", a->fd);
	for (size_t i = 0; i < n_links; i++) {
		if (a->mode == ATTACH_MULTI)
			link->fd = uprobe_multi_link(a->prog_fd, a->when, path, a->offsets, a->ref_ctrs,
						     a->cookies, a->n, link->pid);
		else
			link->fd = attach_perf(a->prog_fd, a->when, link->pid, path, a->offsets[i],
					       a->ref_ctrs ? a->ref_ctrs[i] : 0, a->cookies ? a->cookies[i] : 0);
		if (link->fd < 0)
			break;
		vec_push(a->links, *link);
	}
	while (link->fd < 0 && a->links->n > before)
		close(a->links->at[--a->links->n].fd);
}

int attach_uprobes(enum attach_mode mode, int prog_fd, enum uprobe_when when, struct link link, int fd,
		   const uint64_t *offsets, const uint64_t *ref_ctrs, const uint64_t *cookies, size_t n,
		   struct links *links)
{
	struct attaching a = {mode, prog_fd, when, link, fd, offsets, ref_ctrs, cookies, n, links};

	a.link.fd = 0;
	run_apart(attach_apart, &a);
	return a.link.fd < 0 ? a.link.fd : 0;
}

struct closing {
	const int *fds;
	size_t n, step;
};

static void close_apart(void *arg)
{
	const struct closing *c = arg;

	for (size_t i = 0; i < c->n; i += c->step)
		close(c->fds[i]);
}

void links_close(const int *fds, size_t n, size_t step)
{
	struct closing c = {fds, n, step};

	if (n)
		run_apart(close_apart, &c);
}
