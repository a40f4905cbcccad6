/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has the kernel allocate, in known numbers:
 *
 *     kernelmem [-w] N WHAT [N WHAT]...    -w: waits for a line on standard input before it begins, and before it ends
 *
 *     sockets      socketpairs that are closed again
 *     pipes        likewise
 *     open         open files that are kept: one file, opened N times
 *     dentries     names that are looked up and not there
 *     time         socketpairs as above; the CPU time that each took goes to standard output: "ns 3210.5"
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	perror(what);
	exit(1);
}

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void sockets(int n)
{
	int fds[2];

	for (int i = 0; i < n; i++) {
		check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), "socketpair");
		close_both(fds);
	}
}

static void pipes(int n)
{
	int fds[2];

	for (int i = 0; i < n; i++) {
		check(pipe(fds), "pipe");
		close_both(fds);
	}
}

static void open_files(int n)
{
	for (int i = 0; i < n; i++)
		check(open("/dev/null", O_RDONLY) < 0, "open");
}

static void dentries(int n)
{
	char path[64];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/tmp/kernelmem.%d.%d", (int)getpid(), i);
		check(!access(path, F_OK), path);
	}
}

static long cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000L + r.ru_utime.tv_usec + r.ru_stime.tv_usec;
}

static void timed(int n)
{
	const long before = cpu_us();

	sockets(n);
	printf("ns %.1f\n", (double)(cpu_us() - before) * 1000 / n);
}

static const struct {
	const char *name;
	void (*make)(int n);
} kinds[] = {{"sockets", sockets}, {"pipes", pipes}, {"open", open_files}, {"dentries", dentries}, {"time", timed}};

static void wait_for_line(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

int main(int argc, char **argv)
{
	const int waits = argc > 1 && !strcmp(argv[1], "-w");

	if (waits) {
		check(write(STDOUT_FILENO, "ready\n", 6) != 6, "write");
		wait_for_line();
	}
	for (int i = 1 + waits; i + 1 < argc; i += 2)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (!strcmp(kinds[k].name, argv[i + 1]))
				kinds[k].make(atoi(argv[i]));
	if (waits) {
		check(write(STDOUT_FILENO, "done\n", 5) != 5, "write");
		wait_for_line();
	}
	return 0;
}
