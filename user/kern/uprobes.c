// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/uprobes.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/procfs.h"

#define OFFSETS_MAX 4096	/* of one link: more are not looked at, and then it may be any of them */
#define PARENTS_MAX 64
#define LINK_TYPE_PERF_EVENT 7
#define LINK_TYPE_UPROBE_MULTI 12
#define PERF_TYPE_UPROBE 1	/* enum bpf_perf_event_type */
#define PERF_TYPE_URETPROBE 2

/* The parts of struct bpf_link_info that Debian 12's header lacks. */
struct link_info {
	uint32_t type, id, prog_id, pad;
	union {
		struct {
			uint64_t path, offsets, ref_ctr_offsets, cookies;
			uint32_t path_size, count, flags, pid;
		} multi;
		struct {
			uint32_t type, pad;
			uint64_t file_name;
			uint32_t name_len, offset;
		} perf;
		char room[64];
	};
};

struct place {
	struct stat file;
	uint64_t offset;
	pid_t pid;
};

static bool is_file(const struct place *at, const char *path)
{
	struct stat st;

	return !stat(path, &st) && st.st_dev == at->file.st_dev && st.st_ino == at->file.st_ino;
}

/* Has any process the file as this descriptor? Whoever put the uprobe there is not known. */
static bool anyone_has(const struct place *at, const char *fd)
{
	char path[300];
	struct dirent *e;
	bool found = false;
	DIR *dir = opendir("/proc");

	while (dir && !found && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", (int)procfs_pid_of_name(e->d_name), fd);
		found = is_file(at, path);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* The kernel names a file as whoever put the uprobe there did, or by its path. One that is not found (of another name
 * space, deleted) may be any file. */
static bool may_be_file(const struct place *at, const char *path)
{
	static const char own_fd[] = "/proc/self/fd/";

	if (!strncmp(path, own_fd, sizeof(own_fd) - 1))
		return anyone_has(at, path + sizeof(own_fd) - 1);
	return access(path, F_OK) || is_file(at, path);
}

/* The process itself, or one that it came from by fork: a copy of its memory has copies of its breakpoints. */
static bool descends_from(pid_t pid, pid_t from)
{
	struct proc_stat st;

	for (int i = 0; i < PARENTS_MAX && pid > 1; i++) {
		if (pid == from)
			return true;
		if (procfs_stat(pid, &st))
			break;
		pid = st.parent;
	}
	return false;
}

static enum uprobe_there at_multi(const struct place *at, int fd, struct link_info *info)
{
	uint64_t *offsets = calloc(OFFSETS_MAX, sizeof(*offsets));
	char path[PATH_MAX] = "";
	uint32_t size = sizeof(*info);
	enum uprobe_there is = UPROBE_MAYBE;
	uint64_t count;

	*info = (struct link_info){.multi = {
		.path = (uintptr_t)path, .path_size = sizeof(path), .offsets = (uintptr_t)offsets, .count = OFFSETS_MAX,
	}};
	/* Before Linux 6.8 nothing comes of it, and count stays. */
	if (offsets && !bpf_obj_get_info_by_fd(fd, info, &size) && size > 16 && *path &&
	    info->multi.count < OFFSETS_MAX) {
		count = info->multi.count;
		is = UPROBE_NONE;
		for (uint64_t i = 0; i < count && may_be_file(at, path); i++)
			if (offsets[i] == at->offset)
				is = !info->multi.pid || descends_from(at->pid, info->multi.pid) ? UPROBE_THERE :
												   UPROBE_NONE;
	}
	free(offsets);
	return is;
}

static enum uprobe_there at_perf(const struct place *at, int fd, struct link_info *info)
{
	char path[PATH_MAX] = "";
	uint32_t size = sizeof(*info);

	*info = (struct link_info){.perf = {.file_name = (uintptr_t)path, .name_len = sizeof(path)}};
	if (bpf_obj_get_info_by_fd(fd, info, &size))
		return UPROBE_MAYBE;
	if (!info->perf.type)	/* before Linux 6.6 */
		return UPROBE_MAYBE;
	if (info->perf.type != PERF_TYPE_UPROBE && info->perf.type != PERF_TYPE_URETPROBE)
		return UPROBE_NONE;
	return info->perf.offset == at->offset && may_be_file(at, path) ? UPROBE_MAYBE : UPROBE_NONE;
}

static enum uprobe_there at_link(const struct place *at, uint32_t id)
{
	struct link_info info = {0};
	uint32_t size = sizeof(info);
	enum uprobe_there is = UPROBE_NONE;
	int fd = bpf_link_get_fd_by_id(id);

	if (fd < 0)
		return errno == ENOENT ? UPROBE_NONE : UPROBE_MAYBE;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		is = UPROBE_NONE;
	else if (info.type == LINK_TYPE_UPROBE_MULTI)
		is = at_multi(at, fd, &info);
	else if (info.type == LINK_TYPE_PERF_EVENT)
		is = at_perf(at, fd, &info);
	close(fd);
	return is;
}

static enum uprobe_there among_links(const struct place *at)
{
	enum uprobe_there is = UPROBE_NONE;
	uint32_t id = 0;

	while (is != UPROBE_THERE) {
		enum uprobe_there one;

		if (bpf_link_get_next_id(id, &id))
			return errno == ENOENT ? is : UPROBE_MAYBE;
		one = at_link(at, id);
		if (one > is)
			is = one;
	}
	return is;
}

static bool fd_is_at(const struct place *at, pid_t pid, int fd)
{
	char path[PATH_MAX] = "";
	__u32 len = sizeof(path), prog, type;
	__u64 offset, addr;

	if (bpf_task_fd_query(pid, fd, 0, path, &len, &prog, &type, &offset, &addr))
		return false;
	return (type == BPF_FD_TYPE_UPROBE || type == BPF_FD_TYPE_URETPROBE) && offset == at->offset &&
	       may_be_file(at, path);
}

/* The perf events of one process. */
static bool among_fds(const struct place *at, pid_t pid)
{
	char path[64], name[64];
	struct dirent *e;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, name, sizeof(name) - 1);

		name[n > 0 ? n : 0] = '\0';
		found = !strcmp(name, "anon_inode:[perf_event]") && fd_is_at(at, pid, atoi(e->d_name));
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool among_events(const struct place *at)
{
	struct dirent *e;
	bool found = false;
	DIR *dir = opendir("/proc");

	while (dir && !found && (e = readdir(dir))) {
		pid_t pid = procfs_pid_of_name(e->d_name);

		found = pid && among_fds(at, pid);
	}
	if (dir)
		closedir(dir);
	return found;
}

/*	p:probe_libc/malloc /usr/lib/x86_64-linux-gnu/libc.so.6:0x0000000000097bd0 */
static bool in_tracefs(const struct place *at, const char *list)
{
	char line[PATH_MAX + 128], path[PATH_MAX];
	unsigned long long offset;
	bool found = false;
	FILE *f = fopen(list, "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*s %4095[^:]:%llx", path, &offset) == 2 && offset == at->offset &&
			may_be_file(at, path);
	if (f)
		fclose(f);
	return found;
}

enum uprobe_there uprobe_at(int fd, uint64_t offset, pid_t pid)
{
	struct place at = {.offset = offset, .pid = pid};
	enum uprobe_there is;

	if (fstat(fd, &at.file))
		return UPROBE_MAYBE;
	is = among_links(&at);
	if (is == UPROBE_NONE && (among_events(&at) || in_tracefs(&at, "/sys/kernel/tracing/uprobe_events") ||
				  in_tracefs(&at, "/sys/kernel/debug/tracing/uprobe_events")))
		is = UPROBE_MAYBE;
	return is;
}
