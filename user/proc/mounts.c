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

/*	36 35 98:0 /root/of/mount /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw
 *	      device                           more fields, then     type	(blanks in paths are \040)	*/
int mounts_find(const char *text, uint64_t dev)
{
	const char *next;

	for (; *text; text = *next ? next + 1 : next) {
		unsigned int major_n, minor_n;
		const char *dash;

		next = text + strcspn(text, "\n");
		if (sscanf(text, "%*d %*d %u:%u", &major_n, &minor_n) != 2 || makedev(major_n, minor_n) != dev)
			continue;
		dash = strstr(text, " - ");
		if (!dash || dash > next)
			continue;
		return kind_of(dash + 3, strcspn(dash + 3, " \n"));
	}
	return -1;
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
