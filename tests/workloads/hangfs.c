/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *     hangfs DIR FILE
 *
 * Mounts on DIR a file system with one file in it, "lib.so", whose bytes are FILE's (FUSE, by its raw protocol, without
 * a library). Says "ready". From SIGUSR1 on it answers no request for the file any more, nor for its attributes:
 * whoever made one waits in a state in which not even SIGKILL ends it, as with a server that is gone. SIGTERM: unmounts
 * and ends, and they go on with an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "workload.h"

#define LIB_INO 2
#define READ_MAX (1U << 17)

static volatile sig_atomic_t hangs, ends;
static const char *dir;
static int device, file;
static off_t size;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		hangs = 1;
	else
		ends = 1;
}

static void answer(const struct fuse_in_header *in, int error, const void *data, size_t len)
{
	struct fuse_out_header out = {.len = (uint32_t)(sizeof(out) + len), .error = error, .unique = in->unique};
	const struct iovec parts[2] = {{&out, sizeof(out)}, {(void *)data, len}};

	/* Nobody may want it any more. */
	if (writev(device, parts, 2) < 0 && errno != ENOENT)
		ends = 1;
}

/* The kernel asks anew each time. */
static struct fuse_attr attributes(uint64_t ino)
{
	struct fuse_attr a = {.ino = ino, .nlink = 1, .mode = S_IFDIR | 0755, .blksize = 4096};

	if (ino == LIB_INO) {
		a.mode = S_IFREG | 0755;
		a.size = (uint64_t)size;
		a.blocks = a.size / 512 + 1;
	}
	return a;
}

static void answer_lookup(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = {.nodeid = LIB_INO, .attr = attributes(LIB_INO)};

	if (strcmp(name, "lib.so") != 0)
		answer(in, -ENOENT, NULL, 0);
	else
		answer(in, 0, &out, sizeof(out));
}

static void answer_read(const struct fuse_in_header *in, const struct fuse_read_in *r)
{
	static char data[READ_MAX];
	ssize_t n = pread(file, data, r->size < READ_MAX ? r->size : READ_MAX, (off_t)r->offset);

	answer(in, n < 0 ? -EIO : 0, data, n < 0 ? 0 : (size_t)n);
}

static void serve(const struct fuse_in_header *in, const void *arg)
{
	/* No FUSE_ASYNC_READ: then the kernel waits for reads so that nothing ends it. */
	const struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096,
		.max_background = 1, .congestion_threshold = 1,
	};
	const struct fuse_attr_out attr = {.attr = attributes(in->nodeid)};
	const struct fuse_open_out opened = {0};

	switch (in->opcode) {
	case FUSE_INIT:
		answer(in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		answer_lookup(in, arg);
		break;
	case FUSE_GETATTR:
		answer(in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(in, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		answer_read(in, arg);
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
	case FUSE_ACCESS:
		answer(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(in, -ENOSYS, NULL, 0);
	}
}

static void mount_it(void)
{
	char options[128];

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
	if (mount("hangfs", dir, "fuse", MS_NOSUID | MS_NODEV, options)) {
		perror("mount");
		_exit(77);
	}
}

int main(int argc, char **argv)
{
	static char request[READ_MAX + 4096];
	const struct sigaction sa = {.sa_handler = on_signal};
	sigset_t waiting, blocked;
	struct stat st;

	if (argc < 3)
		return 2;
	dir = argv[1];
	file = open(argv[2], O_RDONLY);
	device = open("/dev/fuse", O_RDWR | O_NONBLOCK);
	if (file < 0 || device < 0 || fstat(file, &st)) {
		perror("hangfs");
		return 77;
	}
	size = st.st_size;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &waiting);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	mount_it();
	say("ready\n");
	/* A signal comes while it waits, and at no other time. */
	while (!ends) {
		const struct fuse_in_header *in = (const void *)request;
		struct pollfd ready = {.fd = device, .events = POLLIN};
		ssize_t n = ppoll(&ready, 1, NULL, &waiting) < 1 ? 0 : read(device, request, sizeof(request));

		if (n < (ssize_t)sizeof(*in))
			continue;
		if (!hangs || in->opcode == FUSE_RELEASE)
			serve(in, request + sizeof(*in));
	}
	umount2(dir, MNT_DETACH);
	return 0;
}
