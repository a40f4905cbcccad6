/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waits for a line on stdin, then becomes CMD, without allocating anything: what lets a tool attach by pid before a
 * program starts.
 *
 * usage: hold CMD [ARG...]      (CMD's stdin is /dev/null)
 */
#include "workload.h"

#include <fcntl.h>

int main(int argc, char **argv)
{
	int fd;

	if (argc < 2)
		return 2;
	wait_for_go();
	fd = open("/dev/null", O_RDONLY);
	if (fd >= 0)
		dup2(fd, STDIN_FILENO);
	execvp(argv[1], argv + 1);
	return 127;
}
