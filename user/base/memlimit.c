/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/memlimit.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

/* Less is not looked at: to ask the kernel costs more. */
#define SMALL ((uint64_t)1 << 20)

static uint64_t limit = MEMLIMIT_DEFAULT;
static _Atomic(uint64_t) refused;
static _Atomic(bool) said;

void memlimit_set(uint64_t bytes)
{
	limit = bytes;
}

uint64_t memlimit_bytes(void)
{
	return limit;
}

/* 0 if it is not known. */
static uint64_t resident(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long long pages = 0;
	char text[128] = "";

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%*u %llu", &pages) != 1)
		pages = 0;
	close(fd);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool refuse(const char *what)
{
	if (!atomic_exchange(&said, true))
		warn("%s: --max-memory, %llu MiB, is exhausted: names or stacks are missing",
		     what, (unsigned long long)limit >> 20);
	return false;
}

bool memlimit_has_room(uint64_t bytes, const char *what)
{
	uint64_t used;

	if (bytes < SMALL)
		return true;
	used = resident();
	if (used < limit && bytes <= limit - used)
		return true;
	atomic_fetch_add(&refused, 1);
	return refuse(what);
}

bool memlimit_has_share(unsigned int percent, const char *what)
{
	return resident() < limit / 100 * percent ? true : refuse(what);
}

uint64_t memlimit_refused(void)
{
	return atomic_load(&refused);
}
