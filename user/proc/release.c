// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/release.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/procfs.h"

/* Probes that stop the command go some time after us: closing them takes that long (kern/probes.c). */
#define TRIES 200
#define PAUSE_NS 10000000

static void release(pid_t command, int pidfd)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct pollfd gone = {.fd = pidfd, .events = POLLIN};
	struct proc_stat st;

	for (int i = 0; i < TRIES && poll(&gone, 1, 0) == 0; i++) {
		if (!procfs_stat(command, &st) && st.state == 'T')
			syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
		nanosleep(&pause, NULL);
	}
}

/* Everything but these two is closed, standard streams too: a pipe that we write to must end with us. */
static void close_others(int a, int b)
{
	unsigned int low = a < b ? a : b, high = a < b ? b : a;

	if (low)
		syscall(SYS_close_range, 0u, low - 1, 0u);
	if (high > low + 1)
		syscall(SYS_close_range, low + 1, high - 1, 0u);
	syscall(SYS_close_range, high + 1, ~0u, 0u);
}

static void wait_for_end(pid_t command, int pidfd, int fd) __attribute__((noreturn));
static void wait_for_end(pid_t command, int pidfd, int fd)
{
	struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
	sigset_t all;
	ssize_t n;
	char c;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setpgid(0, 0);
	prctl(PR_SET_NAME, "hold-release");
	close_others(fd, pidfd);
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[1].revents)
		_exit(0);
	n = read(fd, &c, 1);
	if (!n)
		release(command, pidfd);
	_exit(0);
}

struct release release_start(pid_t command, int pidfd)
{
	struct release r = {.fd = -1};
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return r;
	r.pid = fork();
	if (!r.pid) {
		close(fds[1]);
		wait_for_end(command, pidfd, fds[0]);
	}
	close(fds[0]);
	r.fd = fds[1];
	if (r.pid < 0)
		release_end(&r);
	return r;
}

void release_end(struct release *r)
{
	if (r->pid > 0) {
		/* It may have gone with the command. */
		signal(SIGPIPE, SIG_IGN);
		if (write(r->fd, "", 1) == 1 || errno == EPIPE)
			while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
				;
	}
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct release){.fd = -1};
}
