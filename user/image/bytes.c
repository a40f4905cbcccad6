// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/bytes.h"

#include <errno.h>
#include <unistd.h>

size_t bytes_read(int fd, uint64_t offset, void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)data + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return 0;
		if (!n)
			break;
		done += (size_t)n;
	}
	return done;
}
