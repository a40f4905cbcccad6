// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* PROC_TIME_INIT_INO, include/linux/proc_ns.h */
#define INITIAL "time:[4026531834]"
#define NS_PER_S 1000000000

static int64_t ahead_ns;

uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + t.tv_nsec - ahead_ns;
}

uint64_t realtime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int monotonic_begin(void)
{
	char own[64] = "", children[64] = "";
	int64_t s, ns;
	FILE *f;
	int n;

	/* A kernel without time namespaces (CONFIG_TIME_NS) has no such link. */
	if (readlink("/proc/self/ns/time", own, sizeof(own) - 1) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!strcmp(own, INITIAL))
		return 0;
	/* The offsets are those of the namespace that children come into. */
	if (readlink("/proc/self/ns/time_for_children", children, sizeof(children) - 1) < 0)
		return -errno;
	if (strcmp(own, children) != 0)
		return -EXDEV;
	f = fopen("/proc/self/timens_offsets", "re");
	if (!f)
		return -errno;
	n = fscanf(f, "monotonic %" SCNd64 " %" SCNd64, &s, &ns);
	fclose(f);
	if (n != 2)
		return -EPROTO;
	ahead_ns = s * NS_PER_S + ns;
	return 0;
}
