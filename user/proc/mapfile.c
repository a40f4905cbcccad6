/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which file is it? The path may lie: the file may be deleted or replaced, the target may live in another mount
 * namespace or a chroot, and it chooses the name. So, in this order:
 *
 *  1. /proc/PID/map_files/START-END, a link to the mapped file itself, wherever its name has gone. Needs
 *     CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE, and a mapping of just that extent (a record may be older than a split).
 *  2. The path below /proc/PID/root, symbolic links kept inside (RESOLVE_IN_ROOT, Linux 5.6).
 *  3. The path in our own namespace: the process has exited, or was given its mappings before it changed root.
 *
 * Whatever was opened must have the mapping's inode number and device. The device is compared with stat's where they
 * are the same thing. On btrfs stat shows the subvolume's number, maps the file system's. On overlayfs maps shows the
 * overlay's device since Linux 6.8 and the lower file system's before, MMAP2 records the lower one's up to 6.17
 * ("perf/core: Fix MMAP2 event device with backing files"). On these two the inode number alone decides, except for
 * 3, which is always strict.
 *
 * The target must not be able to make us open a device, or wait on a FIFO: first O_PATH, then a look, then the opening.
 */
#include "proc/mapfile.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc/mapfile_apart.h"

static const char deleted_suffix[] = " (deleted)";

enum mapping_kind mapping_kind(const char *path)
{
	if (!strcmp(path, "[vdso]"))
		return MAPPING_VDSO;
	if (!strcmp(path, "[vsyscall]"))
		return MAPPING_IGNORED;
	if (path[0] != '/' || !strcmp(path, "//anon"))
		return MAPPING_ANON;
	return MAPPING_FILE;
}

bool mapping_is_memory(const char *path)
{
	static const char *const prefixes[] = {"/memfd:", "/dev/zero", "/anon_hugepage", "/SYSV"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(path, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

bool mapping_is_jitdump(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t digits;

	if (strncmp(name, "jit-", 4) != 0)
		return false;
	digits = strspn(name + 4, "0123456789");
	return digits > 0 && !strcmp(name + 4 + digits, ".dump");
}

static bool has_deleted_suffix(const struct buf *path)
{
	const size_t n = sizeof(deleted_suffix) - 1;

	return path->len > n && !strcmp(path->data + path->len - n, deleted_suffix);
}

static void strip_deleted_suffix(struct buf *path)
{
	path->len -= sizeof(deleted_suffix) - 1;
	path->data[path->len] = '\0';
}

/* An O_PATH descriptor. root: "" for our own. */
static int find_path(const char *root, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	int dir, fd;

	if (!*root)
		return open(path, O_PATH | O_CLOEXEC);
	dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	close(dir);
	return fd;
}

static bool device_numbers_differ(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (fs.f_type == OVERLAYFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC);
}

static bool is_mapped_file(int fd, const struct stat *st, const struct maps_line *line, bool strict)
{
	if (!S_ISREG(st->st_mode) || (uint64_t)st->st_ino != line->ino)
		return false;
	return (uint64_t)st->st_dev == line->dev || (!strict && device_numbers_differ(fd));
}

/* Opens for reading what the O_PATH descriptor stands for, and closes that. */
static int reopen(int path_fd)
{
	char self[40];
	int fd;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	close(path_fd);
	return fd;
}

static int open_checked(const char *root, const char *path, const struct maps_line *line, bool strict, struct stat *st)
{
	int fd = find_path(root, path);

	if (fd < 0)
		return -1;
	if (fstat(fd, st) || !is_mapped_file(fd, st, line, strict)) {
		close(fd);
		return -1;
	}
	return reopen(fd);
}

static void map_file_link(char link[80], pid_t pid, const struct maps_line *line)
{
	/* As the kernel names them: hexadecimal without leading zeros, anything else is not found. */
	snprintf(link, 80, "/proc/%d/map_files/%llx-%llx", (int)pid, (unsigned long long)line->start,
		 (unsigned long long)line->end);
}

static bool link_says(const char *link, const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target));

	return n > 0 && n < (ssize_t)sizeof(target) && (size_t)n == strlen(path) && !memcmp(target, path, n);
}

static int open_map_file(pid_t pid, const struct maps_line *line, const struct buf *path, struct stat *st)
{
	char link[80];
	int fd;

	map_file_link(link, pid, line);
	fd = find_path("", link);
	if (fd < 0)
		return -1;
	/* The link is the mapping's own, unless the line is an old record and something else took its place since.
	 * Where the numbers cannot tell (a stacked file system), the name does. */
	if (fstat(fd, st) ||
	    (!is_mapped_file(fd, st, line, false) &&
	     !(S_ISREG(st->st_mode) && (uint64_t)st->st_dev != line->dev && link_says(link, path->data)))) {
		close(fd);
		return -1;
	}
	return reopen(fd);
}

/* A newline in the path may be the four characters \012 in truth; the link's text is not escaped. */
static void undo_ambiguity(pid_t pid, const struct maps_line *line, struct buf *path)
{
	char link[80], target[PATH_MAX];
	ssize_t n;

	if (!strchr(buf_cstr(path), '\n'))
		return;
	map_file_link(link, pid, line);
	n = readlink(link, target, sizeof(target));
	if (n <= 0 || n == sizeof(target))
		return;
	buf_reset(path);
	buf_add(path, target, n);
}

static bool names_same_file(const char *root, const char *path, const struct maps_line *line, const struct stat *opened)
{
	struct stat st;
	int fd = find_path(root, path);
	bool same;

	if (fd < 0)
		return false;
	if (fstat(fd, &st))
		same = false;
	else if (opened)
		same = st.st_dev == opened->st_dev && st.st_ino == opened->st_ino;
	else
		same = is_mapped_file(fd, &st, line, false);
	close(fd);
	return same;
}

/* maps shows the paths of a process in a chroot as we see them, records as it does; the latter is what is wanted. */
static void strip_root(const char *root, const struct maps_line *line, struct buf *path, const struct stat *opened)
{
	char dir[PATH_MAX];
	ssize_t n = readlink(root, dir, sizeof(dir));
	struct buf inside = {0};

	if (n <= 1 || n == sizeof(dir) || path->len <= (size_t)n || memcmp(path->data, dir, n) || path->data[n] != '/')
		return;
	buf_str(&inside, path->data + n);
	if (names_same_file(root, inside.data, line, opened)) {
		buf_reset(path);
		buf_str(path, inside.data);
	}
	buf_free(&inside);
}

static int open_by_name(const char *root, const struct maps_line *line, struct buf *path, struct stat *st)
{
	int fd = open_checked(root, path->data, line, false, st);

	if (fd < 0)
		fd = open_checked("", path->data, line, true, st);
	return fd;
}

static bool is_elf(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, SELFMAG, 0) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG);
}

static struct mapfile open_here(pid_t pid, const struct maps_line *line, struct buf *path)
{
	struct mapfile mf = {.fd = -1, .probe_fd = -1};
	char root[40];
	struct stat st;

	snprintf(root, sizeof(root), "/proc/%d/root", (int)pid);
	buf_reset(path);
	buf_str(path, line->path);
	undo_ambiguity(pid, line, path);
	mf.fd = open_map_file(pid, line, path, &st);
	strip_root(root, line, path, mf.fd >= 0 ? &st : NULL);
	/* " (deleted)" may be a part of the name: it is if a file of just that name is the mapped one. */
	if (has_deleted_suffix(path) && !names_same_file(root, path->data, line, mf.fd >= 0 ? &st : NULL)) {
		strip_deleted_suffix(path);
		mf.deleted = true;
	}
	if (mf.fd < 0) {
		mf.fd = open_by_name(root, line, path, &st);
		/* Found under its name after all: the name had only been looked up anew. */
		if (mf.fd >= 0)
			mf.deleted = false;
	}
	if (mf.fd >= 0) {
		mf.elf = is_elf(mf.fd);
		mf.st_dev = st.st_dev;
		mf.st_ino = st.st_ino;
	}
	return mf;
}

struct mapfile mapfile_open(pid_t pid, const struct maps_line *line, struct buf *path)
{
	enum mount_kind kind = mount_kind(pid, line->dev);

	return kind == MOUNT_LOCAL ? open_here(pid, line, path) : mapfile_open_apart(pid, line, path, kind, open_here);
}
