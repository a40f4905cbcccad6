// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/returns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/log.h"
#include "base/mem.h"
#include "kern/features.h"
#include "kern/uapi.h"
#include "proc/procfs.h"

/* The file offset of a function of ours, of the executable or library that holds it; and that file, opened. */
static int open_own(const void *addr, uint64_t *offset)
{
	unsigned long start, end, off, at = (unsigned long)addr;
	char line[512], path[256];
	FILE *f = fopen("/proc/self/maps", "re");
	int fd = -ENOENT;

	if (!f)
		return -errno;
	while (fd < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &off) != 3 || at < start || at >= end)
			continue;
		snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", start, end);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		*offset = at - start + off;
		if (fd < 0)
			fd = -errno;
	}
	fclose(f);
	return fd;
}

/* Confines itself once it is told to, and returns from a probed function. In this mode read, write and exit alone are
 * allowed (and for exit_group the process is killed). */
static void confined_child(const int go[2])
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Else the pipe would never end here. */
	close(go[1]);
	if (read(go[0], &c, 1) != 1 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		_exit(1);
	arch_tried();
	syscall(SYS_exit, 0);
}

/* A link, or for perf the event with its program; closing it detaches. */
static int attach_return(int file, uint64_t offset, pid_t pid)
{
	bool multi = attach_mode_resolve(ATTACH_AUTO) == ATTACH_MULTI;
	int prog = uprobe_trivial_program(multi ? UAPI_TRACE_UPROBE_MULTI : 0), fd;
	char path[64];

	if (prog < 0)
		return prog;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (multi) {
		fd = uprobe_multi_link(prog, UPROBE_RETURN, path, &offset, NULL, NULL, 1, pid);
	} else {
		fd = uprobe_perf_event(path, UPROBE_RETURN, offset, 0, pid);
		if (fd >= 0 && (ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))) {
			int err = -errno;

			close(fd);
			fd = err;
		}
	}
	close(prog);
	return fd;
}

static int try_on_child(int file, uint64_t offset)
{
	int go[2], link, status, err;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		confined_child(go);
	if (pid < 0) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	close(go[0]);
	link = attach_return(file, offset, pid);
	err = link < 0 ? link : 0;
	/* Without a word the child reads the end of the file, and ends. */
	if (!err && write(go[1], "", 1) != 1)
		err = -EPIPE;
	close(go[1]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (link >= 0)
		close(link);
	if (err)
		return err;
	if (WIFSIGNALED(status))
		return -EACCES;
	return WEXITSTATUS(status) ? -ENOSYS : 0;
}

int returns_try_seccomp(void)
{
	uint64_t offset = 0;
	int file = open_own((const void *)arch_tried, &offset), err;

	if (file < 0)
		return file;
	err = try_on_child(file, offset);
	close(file);
	return err;
}

static bool thread_confined(pid_t tid)
{
	struct buf text = {0};
	const char *line;
	bool confined = false;

	if (!procfs_read(tid, "status", &text)) {
		line = strstr(buf_cstr(&text), "\nSeccomp:");
		confined = line && atoi(line + sizeof("\nSeccomp:") - 1) != 0;
	}
	buf_free(&text);
	return confined;
}

bool returns_confined(pid_t pid)
{
	char path[64];
	struct dirent *e;
	bool confined = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && !confined && (e = readdir(d))) {
		pid_t tid = procfs_pid_of_name(e->d_name);

		confined = tid && thread_confined(tid);
	}
	if (d)
		closedir(d);
	return confined;
}

int returns_check(pid_t pid)
{
	struct utsname u;
	char *name;
	int err;

	if (!returns_confined(pid) || feature(FEATURE_RETURN_SECCOMP, NULL))
		return 0;
	name = procfs_comm(pid);
	err = fail(-ENOTSUP, "process %d (%s) has a seccomp filter, and this kernel (%s) kills such a process at a "
			     "uretprobe (fixed in Linux 6.14): live-heap views and --mmap are not available",
		   (int)pid, name, uname(&u) ? "?" : u.release);
	free(name);
	return err;
}
