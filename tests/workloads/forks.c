/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *     forks [-w] RATE SECONDS LIFE_MS [FILE]
 *
 * Forks RATE children a second, that live for LIFE_MS and neither exec nor allocate, and allocates between the forks.
 * In the end prints "allocate BYTES CALLS" and, with FILE (a library it has mapped), "dirty N": of how many children
 * that were looked at at the end of their lives the code of that library was not the file's any more.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "workload.h"

#define BLOCK 4099
#define AROUND ((size_t)16 << 10)

static void sleep_until(uint64_t ns)
{
	const struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000U), .tv_nsec = (long)(ns % 1000000000U)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

static struct {
	const char *at, *same;	/* the code, and the file's bytes for it */
	size_t size;
} code;

static void find_code(const char *path)
{
	char line[512], perms[8];
	unsigned long from, to, offset;
	FILE *f = fopen("/proc/self/maps", "re");
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s %lx", &from, &to, perms, &offset) != 4 || perms[2] != 'x' ||
		    !strstr(line, path))
			continue;
		/* What is around the allocator will do. */
		code.at = (const char *)((uintptr_t)malloc - AROUND);
		code.size = 2 * AROUND;
		if ((uintptr_t)code.at < from || (uintptr_t)code.at + code.size > to)
			_exit(125);
		offset += (uintptr_t)code.at - from;
		code.same = malloc(code.size);
		if (pread(fd, (char *)code.same, code.size, (off_t)offset) < 0)
			code.size = 0;
	}
	if (f)
		fclose(f);
	close(fd);
}

NOINLINE void allocate(void);
NOINLINE void allocate(void)
{
	free(opaque(malloc(BLOCK)));
}

int main(int argc, char **argv)
{
	int waits = argc > 1 && !strcmp(argv[1], "-w"), status;
	uint64_t rate, n, life_ns, start, forked = 0, dirty = 0;

	argv += waits;
	if (argc - waits < 4)
		return 2;
	rate = strtoull(argv[1], NULL, 10);
	n = rate * strtoull(argv[2], NULL, 10);
	life_ns = strtoull(argv[3], NULL, 10) * 1000000U;
	if (argv[4])
		find_code(argv[4]);
	if (waits)
		wait_for_go();
	start = now_ns();
	for (; forked < n; forked++) {
		sleep_until(start + forked * 1000000000U / rate);
		allocate();
		if (!fork()) {
			sleep_until(now_ns() + life_ns);
			/* The last ones may not have had the time. */
			_exit(forked + rate < n && memcmp(code.at, code.same, code.size) != 0);
		}
		while (waitpid(-1, &status, WNOHANG) > 0)
			dirty += WEXITSTATUS(status);
	}
	while (waitpid(-1, &status, 0) > 0)
		dirty += WEXITSTATUS(status);
	say("allocate %llu %llu\ndirty %llu\n", (unsigned long long)(n * BLOCK), (unsigned long long)n,
	       (unsigned long long)dirty);
	return 0;
}
