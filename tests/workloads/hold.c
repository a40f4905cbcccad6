/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waits for a line on stdin, then becomes CMD, without allocating anything: what lets a tool attach by pid before a
 * program starts.
 *
 * usage: hold [-q] CMD [ARG...]      (CMD's stdin is /dev/null, with -q its stdout too)
 */
#include "workload.h"

#include <fcntl.h>
#include <stdbool.h>

int main(int argc, char **argv)
{
	bool quiet = argc > 1 && !strcmp(argv[1], "-q");
	int fd;

	argv += quiet;
	argc -= quiet;
	if (argc < 2)
		return 2;
	wait_for_go();
	fd = open("/dev/null", O_RDWR);
	if (fd >= 0)
		dup2(fd, STDIN_FILENO);
	if (fd >= 0 && quiet)
		dup2(fd, STDOUT_FILENO);
	execvp(argv[1], argv + 1);
	return 127;
}
