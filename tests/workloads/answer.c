/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server that another process keeps busy: for each request it reads, allocates CALLS blocks, frees them, and writes.
 *
 * usage: answer [-w] [-s] [-t MS] [-o CALLS] [CALLS]
 *   -w  says "ready" and waits for a line on stdin
 *   -s  by send and recv, not read and write
 *   -t  for that long (default: 5000)
 *   -o  so many in every second phase of 1.5 s
 * On stdout: allocated BYTES CALLS.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "workload.h"

#define BLOCKS_MAX 64
#define SIZE 100
#define PHASE_NS 1500000000

static int by_messages;

static long get(int fd, char *request)
{
	return by_messages ? recv(fd, request, 32, 0) : read(fd, request, 32);
}

static long put(int fd, const char *request)
{
	return by_messages ? send(fd, request, 32, 0) : write(fd, request, 32);
}

static void ask(int fd)
{
	char request[32] = "request";

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (put(fd, request) > 0 && get(fd, request) > 0)
		;
	_exit(0);
}

ALLOCATOR(serve, malloc(size))

static uint64_t answer(int fd, size_t calls)
{
	void *volatile blocks[BLOCKS_MAX];
	char request[32];

	if (get(fd, request) <= 0)
		return 0;
	for (size_t i = 0; i < calls; i++)
		blocks[i] = serve(SIZE);
	for (size_t i = 0; i < calls; i++)
		free(blocks[i]);
	return put(fd, request) > 0 ? calls : 0;
}

int main(int argc, char **argv)
{
	uint64_t end, all = 0, ms = 5000, now;
	size_t calls = 5, other = 0;
	int fds[2], w = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			w = 1;
		else if (!strcmp(argv[i], "-s"))
			by_messages = 1;
		else if (!strcmp(argv[i], "-t") && i + 1 < argc)
			ms = strtoull(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "-o") && i + 1 < argc)
			other = strtoull(argv[++i], NULL, 10);
		else
			calls = strtoull(argv[i], NULL, 10);
	}
	if (calls > BLOCKS_MAX || other > BLOCKS_MAX || socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return 1;
	if (!fork()) {
		close(fds[0]);
		ask(fds[1]);
	}
	close(fds[1]);
	if (w)
		wait_for_go();
	end = now_ns() + ms * 1000000;
	while ((now = now_ns()) < end)
		all += answer(fds[0], other && now / PHASE_NS % 2 ? other : calls);
	say("allocated %llu %llu\n", (unsigned long long)all * SIZE, (unsigned long long)all);
	return 0;
}
