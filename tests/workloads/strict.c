/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates where any system call but a few means death: one more in this process, a tracer's included, and it is
 * killed.
 *
 * usage: strict filter|strict
 *   filter  read, write, brk and exit_group are allowed (SECCOMP_SET_MODE_FILTER, else SECCOMP_RET_KILL_PROCESS)
 *   strict  read, write and exit (SECCOMP_SET_MODE_STRICT)
 * Says "ready" and waits for a line on stdin when it is confined already.
 * On stdout: FUNCTION, live BYTES BLOCKS, allocated BYTES CALLS; "done".
 */
#include "workload.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

ALLOCATOR(kept, malloc(size))
ALLOCATOR(freed, malloc(size))
ALLOCATOR(zeroed, calloc(3, size))
REALLOCATOR(grown, realloc(old, size))

static void filter(void)
{
#define ALLOW(nr)						\
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),		\
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_brk), ALLOW(SYS_exit), ALLOW(SYS_exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	static struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		say("no seccomp\n");
		_exit(77);
	}
}

int main(int argc, char **argv)
{
	static void *blocks[1024];

	if (argc != 2)
		return 2;
	/* The heap has its size before: brk is not allowed in strict mode. */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	free(opaque(malloc(16 << 20)));
	if (!strcmp(argv[1], "filter")) {
		filter();
	} else if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)) {
		say("no seccomp\n");
		return 77;
	}
	wait_for_go();
	for (size_t i = 0; i < 1009; i++)
		free(freed(61));
	for (size_t i = 0; i < 101; i++)
		blocks[i] = kept(1013);
	for (size_t i = 0; i < 40; i++)
		free(blocks[i]);
	for (size_t i = 40; i < 60; i++)
		grown(blocks[i], 5003);
	for (size_t i = 0; i < 103; i++)
		zeroed(67);
	say("freed 0 0 %d 1009\n", 1009 * 61);
	say("kept %d 41 %d 101\n", 41 * 1013, 101 * 1013);
	say("grown %d 20 %d 20\n", 20 * 5003, 20 * 5003);
	say("zeroed %d 103 %d 103\n", 103 * 3 * 67, 103 * 3 * 67);
	say("done\n");
	/* exit_group is not allowed in strict mode. */
	syscall(SYS_exit, 0);
	return 0;
}
