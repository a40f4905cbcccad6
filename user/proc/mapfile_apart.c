/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/mapfile_apart.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define CHUNK ((size_t)1 << 20)
#define SLOW_NS 10000000000ULL	/* a file that takes longer is given up as well */

/* What the child sends in the end, with a descriptor where there is one; before that an empty packet for each CHUNK. */
struct found {
	struct mapfile mf;	/* fd is not the parent's */
	uint64_t copied;	/* bytes; 0: fd is the file itself, not what stands for it */
	size_t path_len;
	char path[PATH_MAX + 64];
};

static struct {
	vec_of(uint64_t) silent;	/* devices that did not answer */
	vec_of(pid_t) children;		/* not reaped yet */
	uint64_t copied;
} apart;

static bool is_silent(uint64_t dev)
{
	for (size_t i = 0; i < apart.silent.n; i++)
		if (apart.silent.at[i] == dev)
			return true;
	return false;
}

static void reap(void)
{
	size_t n = 0;

	for (size_t i = 0; i < apart.children.n; i++)
		if (!waitpid(apart.children.at[i], NULL, WNOHANG))
			apart.children.at[n++] = apart.children.at[i];
	apart.children.n = n;
}

/* --- the child */

/* Among what it inherits are the probes: they must not stay because it does. */
static void close_others(int a, int b)
{
	const unsigned int low = a < b ? a : b, high = a < b ? b : a;

	close_range(STDERR_FILENO + 1, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0U, 0);
}

static bool copy(int from, int to, uint64_t size, int sock)
{
	char *chunk = xmalloc(CHUNK);
	uint64_t at = 0;
	ssize_t n = 1;

	while (at < size && n > 0) {
		n = pread(from, chunk, CHUNK, (off_t)at);
		if (n > 0 && pwrite(to, chunk, (size_t)n, (off_t)at) != n)
			n = -1;
		if (n > 0)
			at += (uint64_t)n;
		if (send(sock, "", 1, MSG_NOSIGNAL) != 1)
			_exit(0);
	}
	free(chunk);
	return n > 0 || at == size;
}

static void send_found(int sock, const struct found *f, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(void *)f, sizeof(*f)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&msg) = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)),
		};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(fd));
	}
	sendmsg(sock, &msg, MSG_NOSIGNAL);
}

/* Closing the file itself may wait as well: the parent has what only stands for it. */
static int stand_in(int fd)
{
	char self[40];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return open(self, O_PATH | O_CLOEXEC);
}

static void child(int sock, int memory, enum mount_kind kind, struct mapfile mf, const struct buf *path)
{
	struct found f = {.mf = mf, .path_len = path->len};
	uint64_t room = APART_ALL_MAX - apart.copied;
	int fd = mf.fd;
	struct stat st;

	if (path->len >= sizeof(f.path))
		_exit(0);
	memcpy(f.path, buf_cstr(path), path->len);
	if (fd >= 0 && mf.elf && !fstat(fd, &st)) {
		uint64_t size = (uint64_t)st.st_size;

		if (size <= APART_FILE_MAX && size <= room && copy(fd, memory, size, sock)) {
			/* By its time a file is known, too (struct module). */
			futimens(memory, (struct timespec[2]){st.st_atim, st.st_mtim});
			f.copied = size;
			fd = stand_in(fd);
		} else if (kind == MOUNT_FUSE) {
			f.mf.fd = fd = -1;
		}
	}
	send_found(sock, &f, fd);
	_exit(0);
}

/* --- the parent */

/* False: it does not answer, or it takes too long. */
static bool receive(int sock, struct found *f, int *fd)
{
	const uint64_t until_ns = monotonic_ns() + SLOW_NS;
	char control[CMSG_SPACE(sizeof(int))];
	struct pollfd p = {.fd = sock, .events = POLLIN};
	struct iovec iov = {f, sizeof(*f)};
	ssize_t n;

	*fd = -1;
	do {
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
		};

		if (poll(&p, 1, APART_WAIT_MS) != 1)
			return false;
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		if (n == sizeof(*f) && CMSG_FIRSTHDR(&msg))
			memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*fd));
	} while (n == 1 && monotonic_ns() < until_ns);
	return n == sizeof(*f);
}

/* fd: as the child sent it; memory: of the copy. */
static struct mapfile take_over(const struct found *f, int fd, int *memory)
{
	struct mapfile mf = f->mf;

	mf.fd = fd;
	mf.probe_fd = -1;
	if (f->copied && fd >= 0) {
		mf.probe_fd = fd;
		mf.fd = *memory;
		*memory = -1;
		apart.copied += f->copied;
	}
	mf.elf = mf.elf && mf.fd >= 0;
	return mf;
}

static struct mapfile ask(pid_t pid, const struct maps_line *line, struct buf *path, enum mount_kind kind,
			  struct mapfile (*open_here)(pid_t pid, const struct maps_line *line, struct buf *path),
			  int memory)
{
	struct mapfile mf = {.fd = -1, .probe_fd = -1};
	struct found f;
	int sv[2], fd;
	pid_t p;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return mf;
	p = fork();
	if (!p) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_others(sv[1], memory);
		mf = open_here(pid, line, path);
		child(sv[1], memory, kind, mf, path);
	}
	close(sv[1]);
	if (p > 0) {
		vec_push(&apart.children, p);
		if (receive(sv[0], &f, &fd)) {
			mf = take_over(&f, fd, &memory);
			buf_reset(path);
			buf_add(path, f.path, f.path_len < sizeof(f.path) ? f.path_len : 0);
		} else {
			kill(p, SIGKILL);
			vec_push(&apart.silent, line->dev);
			warn("%s: its file system does not respond: skipping the file, which gets no probes and no "
			     "names", line->path);
		}
	}
	close(sv[0]);
	if (memory >= 0)
		close(memory);
	return mf;
}

struct mapfile mapfile_open_apart(pid_t pid, const struct maps_line *line, struct buf *path, enum mount_kind kind,
				  struct mapfile (*open_here)(pid_t pid, const struct maps_line *line,
							      struct buf *path))
{
	struct mapfile none = {.fd = -1, .probe_fd = -1};
	int memory;

	buf_reset(path);
	buf_str(path, line->path);
	reap();
	if (is_silent(line->dev))
		return none;
	memory = memfd_create("alloctrace", MFD_CLOEXEC);
	return memory < 0 ? none : ask(pid, line, path, kind, open_here, memory);
}
