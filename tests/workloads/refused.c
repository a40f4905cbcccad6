/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To be preloaded into alloctrace: the kernel has no memory left for uprobes in one file (REFUSED_FILE, its name
 * without directories), of one process if REFUSED_PID is given. All else is as ever; what alloctrace launches has
 * neither this library nor the variables.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINK_CREATE 28	/* BPF_LINK_CREATE */
#define UPROBE_MULTI 48	/* BPF_TRACE_UPROBE_MULTI */
#define UPROBE_SESSION 57

/* The beginning of union bpf_attr for that. */
struct multi_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid;
};

static long (*real)(long, ...);
static char *file;
static long of_pid;

__attribute__((constructor)) static void init(void)
{
	const char *pid = getenv("REFUSED_PID"), *name = getenv("REFUSED_FILE");
	void *f = dlsym(RTLD_NEXT, "syscall");

	memcpy(&real, &f, sizeof(f));
	file = name ? strdup(name) : NULL;
	of_pid = pid ? atol(pid) : 0;
	unsetenv("LD_PRELOAD");
	unsetenv("REFUSED_FILE");
	unsetenv("REFUSED_PID");
}

static int is_refused(uint64_t path, long pid)
{
	char name[PATH_MAX];
	const char *base;
	ssize_t n = readlink((const char *)(uintptr_t)path, name, sizeof(name) - 1);

	if (n < 0 || !file || (of_pid && pid != of_pid))
		return 0;
	name[n] = '\0';
	base = strrchr(name, '/');
	return base && !strcmp(base + 1, file);
}

__attribute__((visibility("default"))) long syscall(long number, ...)
{
	const struct multi_attr *multi;
	const struct perf_event_attr *perf;
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	multi = (const void *)(uintptr_t)a[1];
	perf = (const void *)(uintptr_t)a[0];
	if ((number == SYS_bpf && a[0] == LINK_CREATE &&
	     (multi->attach_type == UPROBE_MULTI || multi->attach_type == UPROBE_SESSION) &&
	     is_refused(multi->path, multi->pid)) ||
	    (number == SYS_perf_event_open && perf->type >= PERF_TYPE_MAX && is_refused(perf->config1, (int)a[1]))) {
		errno = ENOMEM;
		return -1;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
