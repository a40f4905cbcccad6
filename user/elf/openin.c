/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/openin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A descriptor that only stands for the place: the file itself is not opened. */
static int locate(const char *root, const char *path, bool last_link)
{
	/* openat2() is in Linux 5.6; the oldest kernel that alloctrace's BPF side loads on is newer. */
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (last_link ? 0 : O_NOFOLLOW),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int dir = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd, err;

	if (dir < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	err = errno;
	close(dir);
	return fd < 0 ? -err : fd;
}

int open_in(const char *root, const char *path, bool last_link)
{
	int place = locate(root, path, last_link);
	char self[32];
	struct stat st;
	int fd;

	if (place < 0)
		return place;
	if (fstat(place, &st) != 0) {
		fd = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		fd = -EINVAL;
	} else {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", place);
		fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			fd = -errno;
	}
	close(place);
	return fd;
}
