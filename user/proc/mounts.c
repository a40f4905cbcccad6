/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/mounts.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "proc/procfs.h"

static const char *const local[] = {
	"bcachefs", "btrfs", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hugetlbfs", "iso9660",
	"jfs", "msdos", "ntfs3", "overlay", "ramfs", "reiserfs", "rootfs", "squashfs", "tmpfs",
	"udf", "vfat", "xfs", "zfs",
};

static const char *const served[] = {
	"9p", "afs", "ceph", "cifs", "lustre", "nfs", "nfs4", "smb3", "virtiofs",
};

static bool is_one_of(const char *const *names, size_t n, const char *type, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], type, len))
			return true;
	return false;
}

static enum mount_kind kind_of(const char *type, size_t len)
{
	if (is_one_of(local, sizeof(local) / sizeof(local[0]), type, len))
		return MOUNT_LOCAL;
	return is_one_of(served, sizeof(served) / sizeof(served[0]), type, len) ? MOUNT_SERVED : MOUNT_FUSE;
}

/* Of the line of mountinfo that ends at next; -1: it is cut. */
static int kind_of_line(const char *line, const char *next)
{
	const char *dash = strstr(line, " - ");

	if (!dash || dash > next)
		return -1;
	return kind_of(dash + 3, strcspn(dash + 3, " \n"));
}

/*	36 35 98:0 /root/of/mount /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw
 *	      device                           more fields, then     type	(blanks in paths are \040)	*/
int mounts_find(const char *text, uint64_t dev)
{
	const char *next;

	for (; *text; text = *next ? next + 1 : next) {
		unsigned int major_n, minor_n;
		int kind;

		next = text + strcspn(text, "\n");
		if (sscanf(text, "%*d %*d %u:%u", &major_n, &minor_n) != 2 || makedev(major_n, minor_n) != dev)
			continue;
		kind = kind_of_line(text, next);
		if (kind >= 0)
			return kind;
	}
	return -1;
}

/* The character that begins at *at, which is \040 for a blank; *at is its last byte then. */
static char take_escaped(const char **at)
{
	const char *c = *at;

	if (c[0] != '\\' || c[1] < '0' || c[1] > '3' || c[2] < '0' || c[2] > '7' || c[3] < '0' || c[3] > '7')
		return *c;
	*at = c + 3;
	return (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0'));
}

void mounts_unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; from++)
		*to++ = take_escaped(&from);
	*to = '\0';
}

/* How much of path the mount point is, as mountinfo has it (up to a blank); -1: path is not below it. */
static ssize_t mount_point_len(const char *point, const char *path)
{
	const char *at = path;

	for (; *point && *point != ' ' && *point != '\n'; at++, point++)
		if (*at != take_escaped(&point))
			return -1;
	if (at - path == 1)
		return 1;	/* "/" */
	return !*at || *at == '/' ? at - path : -1;
}

int mounts_find_path(const char *text, const char *path)
{
	ssize_t best = -1;
	const char *next;
	int kind = -1;

	for (; *text; text = *next ? next + 1 : next) {
		int at = 0, found;
		ssize_t len;

		next = text + strcspn(text, "\n");
		if (sscanf(text, "%*d %*d %*u:%*u %*[^ \n] %n", &at) < 0 || !at || text + at > next)
			continue;
		len = mount_point_len(text + at, path);
		found = kind_of_line(text, next);
		/* What is mounted later on the same place hides the others. */
		if (len >= 0 && len >= best && found >= 0) {
			best = len;
			kind = found;
		}
	}
	return kind;
}

enum mount_kind mount_kind_of_path(const char *path)
{
	struct buf b = {0};
	int kind = procfs_read(getpid(), "mountinfo", &b) ? -1 : mounts_find_path(buf_cstr(&b), path);

	buf_free(&b);
	return kind < 0 ? MOUNT_FUSE : (enum mount_kind)kind;
}

static int find_in(pid_t pid, uint64_t dev)
{
	struct buf b = {0};
	int kind = procfs_read(pid, "mountinfo", &b) ? -1 : mounts_find(buf_cstr(&b), dev);

	buf_free(&b);
	return kind;
}

/* What is shown nowhere is a part of a file system that is (a layer of an overlay, the kernel's own tmpfs). */
static enum mount_kind look_up(pid_t pid, uint64_t dev)
{
	int kind = find_in(pid, dev);

	if (kind < 0)
		kind = find_in(getpid(), dev);
	return kind < 0 ? MOUNT_LOCAL : (enum mount_kind)kind;
}

enum mount_kind mount_kind(pid_t pid, uint64_t dev)
{
	/* Nearly all files of a process are on one or two. */
	static struct {
		pid_t pid;
		uint64_t dev;
		enum mount_kind kind;
	} last[4];
	static unsigned int next;

	for (size_t i = 0; i < 4; i++)
		if (last[i].pid == pid && last[i].dev == dev)
			return last[i].kind;
	next = (next + 1) % 4;
	last[next].pid = pid;
	last[next].dev = dev;
	last[next].kind = look_up(pid, dev);
	return last[next].kind;
}
