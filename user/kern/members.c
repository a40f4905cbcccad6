// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/members.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "kern/internal.h"

int tracepoint_attach(struct kern *k, const struct bpf_program *prog, const char *tracepoint)
{
	struct links links = {0};
	int fd = bpf_raw_tracepoint_open(NULL, bpf_program__fd(prog));

	if (fd < 0)
		return fail(fd, "cannot attach to the kernel's tracepoint %s: %s", tracepoint, strerror(-fd));
	vec_push(&links, ((struct link){.fd = fd, .stage = LINK_ENTRY}));
	return links_add(k, &k->hold_links, &links);
}

int kern_members_begin(struct kern *k)
{
	int err = tracepoint_attach(k, k->skel->progs.on_fork, "sched_process_fork");

	if (!err)
		err = tracepoint_attach(k, k->skel->progs.on_exec_member, "sched_process_exec");
	if (!err)
		err = tracepoint_attach(k, k->skel->progs.on_cgroup_rmdir, "cgroup_rmdir");
	return err ? err : tracepoint_attach(k, k->skel->progs.on_exit, "sched_process_exit");
}

/* value: NULL: nothing any more. */
static int keep_of_process(const struct bpf_map *storage, pid_t pid, const void *value)
{
	const int fd = (int)syscall(SYS_pidfd_open, pid, 0), map = bpf_map__fd(storage);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (value ? bpf_map_update_elem(map, &fd, value, BPF_ANY) : bpf_map_delete_elem(map, &fd))
		err = -errno;
	close(fd);
	return err;
}

int kern_choose(struct kern *k, pid_t pid, bool traced, bool children)
{
	const struct member m = {.chosen = traced ? MEMBER_YES : MEMBER_NO, .children = children};
	const int err = keep_of_process(k->skel->maps.members, pid, &m);

	/* What was decided of anybody is to be decided anew. */
	(*(volatile __u32 *)&k->skel->bss->member_epoch)++;
	return err;
}

int kern_set_teller(struct kern *k, pid_t pid, bool tells)
{
	const __u32 yes = 1;
	const int err = keep_of_process(k->skel->maps.tellers, pid, tells ? &yes : NULL);

	if (!err && tells)
		*(volatile bool *)&k->skel->bss->any_teller = true;
	return err;
}

struct member_counts kern_member_counts(const struct kern *k)
{
	return *(const volatile struct member_counts *)&k->skel->bss->member_counts;
}

int each_task(struct kern *k)
{
	char text[64];
	ssize_t n;
	int fd;

	if (k->task_iter < 0)
		k->task_iter = bpf_link_create(bpf_program__fd(k->skel->progs.on_each_task), 0, BPF_TRACE_ITER, NULL);
	fd = k->task_iter < 0 ? k->task_iter : bpf_iter_create(k->task_iter);
	if (fd < 0)
		return fail(fd, "cannot iterate over the kernel's tasks: %s", strerror(-fd));
	while ((n = read(fd, text, sizeof(text))) > 0)
		;
	close(fd);
	return n < 0 ? fail(-errno, "cannot iterate over the kernel's tasks: %s", strerror(errno)) : 0;
}

struct group_reader {
	void (*take)(void *arg, uint64_t program, const struct group_work *w);
	void *arg;
};

static void group_entry(void *arg, const void *key, const void *value)
{
	const struct group_reader *r = arg;

	r->take(r->arg, *(const uint64_t *)key, value);
}

int kern_group_work(struct kern *k, void (*take)(void *arg, uint64_t program, const struct group_work *w), void *arg)
{
	struct group_reader r = {take, arg};
	int err = each_task(k);

	return err ? err : table_read(k->skel->maps.groups, bpf_map__fd(k->skel->maps.groups), group_entry, &r);
}

void kern_set_group_law(struct kern *k, uint64_t program, uint64_t law)
{
	const int fd = bpf_map__fd(k->skel->maps.group_laws);

	if (law)
		bpf_map_update_elem(fd, &program, &law, BPF_ANY);
	else
		bpf_map_delete_elem(fd, &program);
}

void kern_members_tell(struct kern *k, uint64_t cgroup, bool taken)
{
	const __u32 is = taken ? MEMBER_YES : MEMBER_NO;

	bpf_map_update_elem(bpf_map__fd(k->skel->maps.select_cgroups), &cgroup, &is, BPF_ANY);
}

bool kern_members_removed(const struct kern *k, uint64_t cgroup, char path[REMOVED_PATH])
{
	return !bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.removed_cgroups), &cgroup, path);
}

void kern_members_cgroups(struct kern *k, bool (*take)(void *arg, uint64_t cgroup, pid_t pid), void *arg)
{
	const int asked = bpf_map__fd(k->skel->maps.select_asked);
	const uint64_t asks = *(const volatile __u64 *)&k->skel->bss->select_asks;
	struct select_ask ask;

	if (asks == k->cgroup_asks)
		return;
	k->cgroup_asks = asks;
	while (!bpf_map_lookup_and_delete_elem(asked, NULL, &ask))
		kern_members_tell(k, ask.cgroup, take(arg, ask.cgroup, (pid_t)ask.pid));
}
