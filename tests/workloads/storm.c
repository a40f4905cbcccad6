/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storms, each of which ends by itself. Every process of them calls step(SIZE), which allocates one block.
 *
 *   storm [-w] bomb N SIZE          processes that fork two others each, as long as there are fewer than N in all
 *   storm [-w] spawn N AT_ONCE CMD  runs CMD N times, AT_ONCE at a time
 *   storm [-w] exec N SIZE          execs itself N times
 *   storm [-w] thread N SIZE        likewise, each time by a thread that is not the first
 *   storm [-w] map THREADS N SIZE   calls step() N times, while the threads map and unmap code all the time
 *   storm [-w] files N SIZE PATH DIRECTORY
 *                                   maps N copies of the file as code, which have no names any more; unmaps them after
 *                                   another line on stdin, and ends after one more
 */
#include "workload.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

extern char **environ;

NOINLINE void step(size_t size);
NOINLINE void step(size_t size)
{
	free(opaque(malloc(size)));
}

static void bomb(unsigned long n, size_t size)
{
	unsigned long *count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool is_first = true;
	int children;

	*count = 1;
again:
	children = 0;
	step(size);
	while (children < 2 && __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST) < n) {
		pid_t pid = fork();

		if (!pid) {
			is_first = false;
			goto again;
		}
		if (pid > 0)
			children++;
		else
			__atomic_fetch_sub(count, 1, __ATOMIC_SEQ_CST), usleep(1000);
	}
	while (wait(NULL) > 0)
		;
	if (!is_first)
		_exit(0);
}

static void spawn(unsigned long n, unsigned long at_once, char **cmd)
{
	unsigned long running = 0;
	int status;
	pid_t pid;

	while (n || running) {
		if (n && running < at_once) {
			if (posix_spawn(&pid, cmd[0], NULL, NULL, cmd, environ))
				_exit(1);
			n--;
			running++;
			continue;
		}
		if (wait(&status) < 0 || status)
			_exit(1);
		running--;
	}
}

static char **again;

static void *by_thread(void *arg)
{
	(void)arg;
	execv(again[0], again);
	_exit(124);
}

static void exec(char **argv, unsigned long n, size_t size, bool by_other)
{
	pthread_t thread;
	char left[32];

	step(size);
	if (!n)
		return;
	snprintf(left, sizeof(left), "%lu", n - 1);
	argv[2] = left;
	again = argv;
	if (!by_other)
		by_thread(NULL);
	if (pthread_create(&thread, NULL, by_thread, NULL))
		_exit(122);
	pthread_join(thread, NULL);
}

static void *map_all_the_time(void *arg)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	for (;;) {
		void *at = mmap(NULL, 1 << 16, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		if (at != MAP_FAILED)
			munmap(at, 1 << 16);
	}
	return arg;
}

static void map(unsigned long threads, unsigned long n, size_t size)
{
	pthread_t thread;

	while (threads--)
		if (pthread_create(&thread, NULL, map_all_the_time, NULL))
			_exit(122);
	while (n--)
		step(size);
}

static void *map_copy(const char *bytes, size_t len, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0700);
	void *at;

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		_exit(121);
	at = mmap(NULL, len, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED || unlink(path))
		_exit(121);
	close(fd);
	return at;
}

static void files(unsigned long n, size_t size, const char *of, const char *directory)
{
	int fd = open(of, O_RDONLY);
	off_t len = lseek(fd, 0, SEEK_END);
	const char *bytes = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0);
	void **at = mmap(NULL, n * sizeof(*at), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[4096];

	if (len <= 0 || bytes == MAP_FAILED || at == MAP_FAILED)
		_exit(121);
	snprintf(path, sizeof(path), "%s/storm.%d", directory, (int)getpid());
	for (unsigned long i = 0; i < n; i++)
		at[i] = map_copy(bytes, (size_t)len, path);
	step(size);
	wait_for_go();
	for (unsigned long i = 0; i < n; i++)
		munmap(at[i], (size_t)len);
	step(size);
	wait_for_go();
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-w")) {
		wait_for_go();
		argv[1] = argv[0];
		argv++, argc--;
	}
	if (argc < 4)
		return 2;
	if (!strcmp(argv[1], "bomb"))
		bomb(number(argv[2]), number(argv[3]));
	else if (!strcmp(argv[1], "spawn") && argc > 4)
		spawn(number(argv[2]), number(argv[3]), argv + 4);
	else if (!strcmp(argv[1], "exec") || !strcmp(argv[1], "thread"))
		exec(argv, number(argv[2]), number(argv[3]), argv[1][0] == 't');
	else if (!strcmp(argv[1], "files") && argc > 5)
		files(number(argv[2]), number(argv[3]), argv[4], argv[5]);
	else if (!strcmp(argv[1], "map") && argc > 4)
		map(number(argv[2]), number(argv[3]), number(argv[4]));
	else
		return 2;
	return 0;
}
