/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three ways to a file, chosen when it is opened:
 *
 *   stdout, or a path that is no regular file      written directly
 *   a file system with O_TMPFILE                   unnamed until commit: even SIGKILL leaves nothing
 *   any other                                      a hidden name beside the target, registered for removal
 *
 * A symbolic link is written through, as a shell would: the kernel resolves it (so that its rules about links in
 * sticky directories hold), and the file that takes the bytes is made beside what the link points to.
 */
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"

#define NEW_FILE_MODE 0644	/* less the umask */
#define NAME_TRIES 16

struct outfile {
	FILE *stream;
	char *shown;		/* what messages call it */
	int fd;
	bool is_stdout;
	int dir_fd;		/* -1: written directly */
	char *name;		/* of the target, in dir_fd */
	bool name_is_new;	/* made by us, empty, because a link pointed to nothing */
	char temp[48];		/* in dir_fd; "" while the file is unnamed */
	bool no_sync;
	mode_t keep_mode;	/* of the file that is replaced; 0: none */
	int write_error;	/* the first errno of a write: stdio only remembers that there was one */
	_Atomic(struct outfile *) next;
};

/* Those with a name to remove. A signal handler reads it, so entries are complete before they are linked in. */
static _Atomic(struct outfile *) named_files;

static void register_temp(struct outfile *o)
{
	atomic_store(&o->next, atomic_load(&named_files));
	atomic_store(&named_files, o);
}

static void unregister_temp(struct outfile *o)
{
	_Atomic(struct outfile *) *at = &named_files;

	while (atomic_load(at) && atomic_load(at) != o)
		at = &atomic_load(at)->next;
	if (atomic_load(at))
		atomic_store(at, atomic_load(&o->next));
}

/* Async-signal-safe. */
static void remove_names(struct outfile *o)
{
	if (o->temp[0])
		unlinkat(o->dir_fd, o->temp, 0);
	if (o->name_is_new)
		unlinkat(o->dir_fd, o->name, 0);
}

void outfile_cleanup_on_exit(void)
{
	for (struct outfile *o = atomic_load(&named_files); o; o = atomic_load(&o->next))
		remove_names(o);
}

static ssize_t stream_write(void *cookie, const char *data, size_t len)
{
	struct outfile *o = cookie;
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(o->fd, data + done, len - done);

		if (n > 0) {
			done += n;
		} else if (n == 0 || errno != EINTR) {
			if (!o->write_error)
				o->write_error = n < 0 ? errno : EIO;
			return 0;	/* a cookie's sign of failure; -1 is not allowed */
		}
	}
	return done;
}

/*
 * A file that is made anew is written through stream_write, which knows the reason of a failure. What is written
 * directly has an ordinary stream, so that a caller can ask isatty(fileno(stream)).
 */
static int open_stream(struct outfile *o)
{
	if (o->is_stdout)
		o->stream = stdout;
	else if (o->dir_fd < 0)
		o->stream = fdopen(o->fd, "w");
	else
		o->stream = fopencookie(o, "w", (cookie_io_functions_t){ .write = stream_write });
	if (!o->stream)
		return fail(-ENOMEM, "cannot write %s: %s", o->shown, strerror(ENOMEM));
	return 0;
}

static void close_stream(struct outfile *o)
{
	/* After a commit there is nothing left in it; otherwise the rest must not come out. */
	if (o->stream)
		__fpurge(o->stream);
	if (o->is_stdout) {
		clearerr(stdout);
		return;
	}
	if (o->stream)
		fclose(o->stream);
	if (o->fd >= 0 && (o->dir_fd >= 0 || !o->stream))	/* else fclose closed it */
		close(o->fd);
}

static void outfile_free(struct outfile *o)
{
	remove_names(o);
	unregister_temp(o);
	close_stream(o);
	if (o->dir_fd >= 0)
		close(o->dir_fd);
	free(o->name);
	free(o->shown);
	free(o);
}

/* A name beside the target that nobody has. */
static void make_temp_name(char *temp, size_t size)
{
	uint64_t r;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uintptr_t)temp;
	snprintf(temp, size, ".alloctrace-%d-%016llx", getpid(), (unsigned long long)r);
}

static int open_hidden(struct outfile *o)
{
	char temp[sizeof(o->temp)];

	for (int i = 0; i < NAME_TRIES; i++) {
		make_temp_name(temp, sizeof(temp));
		o->fd = openat(o->dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, NEW_FILE_MODE);
		if (o->fd >= 0) {
			memcpy(o->temp, temp, sizeof(temp));
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return -errno;
}

/* real: the target with every link resolved; it may not exist. */
static int open_beside(struct outfile *o, const char *real)
{
	const char *slash = strrchr(real, '/');
	char *dir = !slash ? xstrdup(".") : slash == real ? xstrdup("/") : xasprintf("%.*s", (int)(slash - real), real);
	int err = 0;

	o->name = xstrdup(slash ? slash + 1 : real);
	o->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (o->dir_fd < 0) {
		err = fail(-errno, "cannot write %s: directory %s: %s", o->shown, dir, strerror(errno));
		goto out;
	}
	o->fd = openat(o->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, NEW_FILE_MODE);
	if (o->fd < 0)	/* a file system without it, or a real failure, which the next try names */
		err = open_hidden(o);
	if (err)
		fail(err, "cannot write %s: cannot create a file in directory %s: %s", o->shown, dir, strerror(-err));
	else if (o->temp[0] || o->name_is_new)
		register_temp(o);
out:
	free(dir);
	return err;
}

/* The path by which the kernel knows an open file. */
static int path_of_fd(int fd, char *path, size_t size)
{
	char link[40];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, size);
	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	path[n] = '\0';
	return 0;
}

/* A pipe's reader may take its time, once it is open: opening is what must not wait (open_path()). */
static int wait_in_writes(const struct outfile *o, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return fail(-errno, "cannot write %s: %s", o->shown, strerror(errno));
	return 0;
}

/* fd: the target, which exists, open for writing. Takes fd. */
static int open_existing(struct outfile *o, int fd)
{
	char real[PATH_MAX];
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0) {
		err = fail(-errno, "cannot write %s: %s", o->shown, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err = wait_in_writes(o, fd);
		if (err)
			goto out;
		o->fd = fd;
		return 0;
	}
	/* Another user's file is replaced by a file of ours, and its mode is not a promise we have to keep. */
	if (st.st_uid == geteuid() && !o->name_is_new)
		o->keep_mode = st.st_mode & 0777;
	err = path_of_fd(fd, real, sizeof(real));
	if (err)
		fail(err, "cannot write %s: cannot find its directory: %s", o->shown, strerror(-err));
	else
		err = open_beside(o, real);
out:
	close(fd);
	return err;
}

static int open_path(struct outfile *o, const char *path)
{
	/* O_NONBLOCK: whatever somebody has put there meanwhile, a pipe that nobody reads above all. */
	const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;
	size_t len = strlen(path);
	int fd = open(path, flags);

	if (fd >= 0)
		return open_existing(o, fd);
	if (errno == ENXIO)
		return fail(-ENXIO, "cannot write %s: it is a pipe without a reader, or a device that does not exist",
			    o->shown);
	if (errno != ENOENT || !len)
		return fail(-errno, "cannot write %s: %s", o->shown, strerror(errno));
	if (path[len - 1] == '/')
		return fail(-EISDIR, "cannot write %s: %s", o->shown, strerror(EISDIR));
	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		return open_beside(o, path);
	/* A link to nothing: the kernel makes what it points to, or refuses, and so tells where that is. */
	fd = open(path, flags | O_CREAT, NEW_FILE_MODE);
	if (fd < 0)
		return fail(-errno, "cannot write %s, a symbolic link: %s", o->shown, strerror(errno));
	o->name_is_new = true;
	return open_existing(o, fd);
}

int outfile_open(const char *path, struct outfile **out)
{
	struct outfile *o = xcalloc(1, sizeof(*o));
	int err = 0;

	mem_before_exit(outfile_cleanup_on_exit);
	o->is_stdout = !path || !strcmp(path, "-");
	o->shown = xstrdup(o->is_stdout ? "the output" : path);
	o->dir_fd = -1;
	o->fd = o->is_stdout ? STDOUT_FILENO : -1;
	if (!o->is_stdout)
		err = open_path(o, path);
	if (!err)
		err = open_stream(o);
	if (err)
		outfile_free(o);
	else
		*out = o;
	return err;
}

void outfile_no_sync(struct outfile *o)
{
	o->no_sync = true;
}

FILE *outfile_stream(struct outfile *o)
{
	return o->stream;
}

/* Gives the unnamed file a hidden name: linkat cannot replace a file, only rename can. */
static int link_temp(struct outfile *o)
{
	char from[40];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", o->fd);
	for (int i = 0; i < NAME_TRIES; i++) {
		make_temp_name(o->temp, sizeof(o->temp));
		if (!o->name_is_new && !i)
			register_temp(o);
		/* Not AT_EMPTY_PATH: before Linux 6.10 it needs CAP_DAC_READ_SEARCH. */
		if (!linkat(AT_FDCWD, from, o->dir_fd, o->temp, AT_SYMLINK_FOLLOW))
			return 0;
		if (errno != EEXIST)
			break;
	}
	o->temp[0] = '\0';
	return -errno;
}

static int rename_into_place(struct outfile *o)
{
	int err = 0;

	if (o->keep_mode && fchmod(o->fd, o->keep_mode) < 0)
		return -errno;
	if (!o->no_sync && fsync(o->fd) < 0)
		return -errno;
	if (!o->temp[0])
		err = link_temp(o);
	if (!err && renameat(o->dir_fd, o->temp, o->dir_fd, o->name) < 0)
		err = -errno;
	if (err)
		return err;
	unregister_temp(o);
	o->temp[0] = '\0';
	o->name_is_new = false;
	return 0;
}

/* Why an earlier write failed, of which stdio has only kept that it did: the next one tells, and writes nothing. */
static int error_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (poll(&p, 1, 0) == 1 && (p.revents & POLLERR))
		return -EPIPE;
	return write(fd, "", 0) < 0 ? -errno : -EIO;
}

/* Everything written is in the file, or the first error. */
static int flush(struct outfile *o)
{
	int err = fflush(o->stream) ? -errno : 0;

	if (o->write_error)
		return -o->write_error;
	return !err && ferror(o->stream) ? error_of(o->fd) : err;
}

int outfile_commit(struct outfile *o)
{
	int err = flush(o);

	if (!err && o->dir_fd >= 0)
		err = rename_into_place(o);
	if (err && err != -EPIPE)
		fail(err, "cannot write %s: %s", o->shown, strerror(-err));
	outfile_free(o);
	return err;
}

void outfile_abort(struct outfile *o)
{
	if (o)
		outfile_free(o);
}

/* A value in a file name: it must not lead into another directory. */
static void add_name_part(struct buf *b, const char *s)
{
	for (; *s; s++)
		buf_char(b, *s == '/' ? '_' : *s);
}

int outfile_expand(const char *pattern, const char *pid, time_t now, char **path)
{
	char host[HOST_NAME_MAX + 1] = "", when[32] = "";
	struct buf b = {0};
	struct tm tm;

	gethostname(host, sizeof(host) - 1);
	if (localtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm);
	for (const char *p = pattern; *p; p++) {
		if (*p != '%') {
			buf_char(&b, *p);
			continue;
		}
		switch (*++p) {
		case 'p': add_name_part(&b, pid); break;
		case 't': add_name_part(&b, when); break;
		case 'h': add_name_part(&b, host); break;
		case '%': buf_char(&b, '%'); break;
		default:
			buf_free(&b);
			return fail(-EINVAL, "--output %s: %%%.1s is unknown; %%p (pid), %%t (time), %%h (host) and "
				    "%%%% are", pattern, p);
		}
	}
	*path = xstrdup(buf_cstr(&b));
	buf_free(&b);
	return 0;
}
