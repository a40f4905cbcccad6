/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One socket pair between alloctrace and the child, both ends close-on-exec, tells everything:
 *
 *	child reads a byte		it may exec
 *	child reads the end of file	alloctrace is gone: it exits and CMD never runs
 *	alloctrace reads an int		the errno of the child's execvp
 *	alloctrace reads the end	the exec closed the child's end, or the child was killed
 *
 * The end of file arrives although a stop signal was sent to the child during the exec: the kernel closes such
 * descriptors in begin_new_exec(), and finishes closing before it looks at signals (get_signal() runs task works
 * first).
 */
#include "proc/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "proc/release.h"

struct launch {
	char *const *argv;
	char *file;	/* that argv[0] names */
	pid_t pid;
	int pidfd;
	struct release release;
	int sock;	/* -1 once the child was let go */
	bool gone;	/* reaped */
	bool stopped;
	int status;
	uint64_t cpu_ns;
};

/* What alloctrace was started with, before main() changes anything. */
static struct {
	sigset_t mask;
	bool ignored[NSIG];
} initial;

__attribute__((constructor)) static void remember_signals(void)
{
	struct sigaction sa;

	sigprocmask(SIG_SETMASK, NULL, &initial.mask);
	for (int sig = 1; sig < NSIG; sig++)
		initial.ignored[sig] = !sigaction(sig, NULL, &sa) && sa.sa_handler == SIG_IGN;
}

/* exec resets handlers, but not what is ignored: nohup's SIGHUP stays so for CMD, our own SIGPIPE must not. */
static void restore_signals(void)
{
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction sa = {.sa_handler = initial.ignored[sig] ? SIG_IGN : SIG_DFL};

		if (sig != SIGKILL && sig != SIGSTOP)
			sigaction(sig, &sa, NULL);
	}
	sigprocmask(SIG_SETMASK, &initial.mask, NULL);
}

static void child(int sock, char *const argv[]) __attribute__((noreturn));
static void child(int sock, char *const argv[])
{
	ssize_t n;
	char go;
	int err;

	restore_signals();
	/* The probes are attached while CMD is stopped: if alloctrace is killed just then, CMD has to go on. This is
	 * for when the process of target/release.h is killed as well. */
	prctl(PR_SET_PDEATHSIG, SIGCONT);
	do
		n = read(sock, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(1);
	execvp(argv[0], argv);
	err = errno;
	n = send(sock, &err, sizeof(err), MSG_NOSIGNAL);
	_exit(n == sizeof(err) ? 127 : 1);
}

/* --- is there anything to run? */

/* 0 if path can be run, or why not, as execve would say. */
static int runnable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? -errno : 0;
}

/* Looks for name as execvp does. 0, or -ENOENT, or -EACCES if there is only something that cannot be run. Which it is
 * in *found, for the caller to free. */
static int search_path(const char *name, char **found)
{
	const char *path = getenv("PATH");
	int result = -ENOENT;

	/* What execvp takes without PATH. */
	if (!path)
		path = "/bin:/usr/bin";
	for (const char *dir = path; dir; dir = strchr(dir, ':') ? strchr(dir, ':') + 1 : NULL) {
		int len = strcspn(dir, ":");
		/* An empty element is the current directory. */
		char *full = xasprintf("%.*s%s%s", len, dir, len ? "/" : "", name);
		int err = runnable(full);

		if (!err) {
			free(*found);
			*found = full;
			return 0;
		}
		if ((err == -EACCES || err == -EISDIR) && !*found) {
			result = -EACCES;
			*found = full;
		} else {
			free(full);
		}
	}
	return result;
}

static int fail_runnable(const char *path, int err)
{
	switch (err) {
	case -EISDIR:
		return fail(err, "cannot run %s: it is a directory", path);
	case -EACCES:
		return fail(err,
			    "cannot run %s: it is not executable (or a directory of its path is not searchable); "
			    "see chmod +x",
			    path);
	default:
		return fail(err, "cannot run %s: %s", path, strerror(-err));
	}
}

/* *file, for the caller to free: what would be run, or what can't. */
static int check_command(const char *name, char **file)
{
	int err;

	*file = NULL;
	if (!name || !*name)
		return fail(-ENOENT, "cannot run '': the command is empty");
	if (strchr(name, '/')) {
		err = runnable(name);
		*file = xstrdup(name);
		return err ? fail_runnable(name, err) : 0;
	}
	err = search_path(name, file);
	if (err == -ENOENT && !name[strspn(name, "0123456789")])
		fail(err, "cannot run %s: not found in PATH; to trace that process: alloctrace -p %s", name,
		     name);
	else if (err == -ENOENT)
		fail(err, "cannot run %s: not found in PATH", name);
	else if (err)
		fail(err, "cannot run %s: %s is not an executable file", name, *file);
	return err;
}

/* --- */

int launch_new(char *const argv[], struct launch **out)
{
	struct launch *l;
	sigset_t all, old;
	char *file;
	int sv[2], err = check_command(argv[0], &file);

	if (!err && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		err = fail(-errno, "cannot create a socket pair: %s", strerror(errno));
	if (err) {
		free(file);
		return err;
	}
	l = xcalloc(1, sizeof(*l));
	l->file = file;
	l->release.fd = -1;
	l->argv = argv;
	l->sock = sv[0];
	/* Inherited as ignored, it would make the kernel reap the child and forget how it ended. */
	if (initial.ignored[SIGCHLD])
		signal(SIGCHLD, SIG_DFL);
	/* No handler of alloctrace's may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	l->pid = fork();
	if (!l->pid) {
		close(sv[0]);
		child(sv[1], argv);
	}
	err = -errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(sv[1]);
	if (l->pid < 0) {
		fail(err, "cannot fork: %s", strerror(-err));
		close(sv[0]);
		free(l->file);
		free(l);
		return err;
	}
	l->pidfd = syscall(SYS_pidfd_open, l->pid, 0);
	if (l->pidfd < 0) {
		err = fail(-errno, "cannot open a pidfd of process %d: %s", (int)l->pid, strerror(errno));
		launch_free(l);
		return err;
	}
	l->release = release_start(l->pid, l->pidfd);
	*out = l;
	return 0;
}

pid_t launch_pid(const struct launch *l)
{
	return l->pid;
}

const char *launch_file(const struct launch *l)
{
	return l->file;
}

static int fail_exec(struct launch *l, int error)
{
	const char *name = l->argv[0];

	if (error == ENOENT) {
		/* It was there a moment ago. */
		free(l->file);
		if (!check_command(name, &l->file))
			fail(-error, "cannot run %s: the interpreter or loader that it names does not exist", name);
		return -error;
	}
	return fail(-error, "cannot run %s: %s", name, strerror(error));
}

int launch_exec(struct launch *l)
{
	int error = 0;
	ssize_t n;

	if (l->sock < 0)
		return 0;
	/* A child that was killed meanwhile is no failure of ours: reaping it tells. */
	if (send(l->sock, "", 1, MSG_NOSIGNAL) == 1) {
		do
			n = recv(l->sock, &error, sizeof(error), MSG_WAITALL);
		while (n < 0 && errno == EINTR);
		if (n != sizeof(error))
			error = 0;
	}
	close(l->sock);
	l->sock = -1;
	return error ? fail_exec(l, error) : 0;
}

bool launch_ended(const struct launch *l)
{
	siginfo_t info = {0};

	return l->gone || (!waitid(P_PID, l->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid);
}

static uint64_t ns_of(struct timeval t)
{
	return t.tv_sec * 1000000000ULL + t.tv_usec * 1000ULL;
}

bool launch_reap(struct launch *l, int *status, bool *stopped)
{
	while (!l->gone) {
		int st;
		struct rusage used;
		pid_t pid = wait4(l->pid, &st, WNOHANG | WUNTRACED | WCONTINUED, &used);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0) {
			/* Somebody else reaped it: how it ended is not known. */
			l->gone = true;
			l->status = 0;
		} else if (!pid) {
			break;
		} else if (WIFSTOPPED(st)) {
			l->stopped = true;
		} else if (WIFCONTINUED(st)) {
			l->stopped = false;
		} else {
			l->gone = true;
			l->stopped = false;
			l->status = st;
			l->cpu_ns = ns_of(used.ru_utime) + ns_of(used.ru_stime);
		}
	}
	if (stopped)
		*stopped = l->stopped;
	if (l->gone && status)
		*status = l->status;
	return l->gone;
}

uint64_t launch_cpu_ns(const struct launch *l)
{
	return l->cpu_ns;
}

int launch_exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void launch_signal(struct launch *l, int sig)
{
	if (!l->gone)
		syscall(SYS_pidfd_send_signal, l->pidfd, sig, NULL, 0);
}

void launch_free(struct launch *l)
{
	if (!l)
		return;
	release_end(&l->release);
	if (l->sock >= 0) {
		if (!l->gone) {
			kill(l->pid, SIGKILL);
			while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
		close(l->sock);
	}
	if (l->pidfd >= 0)
		close(l->pidfd);
	free(l->file);
	free(l);
}
