/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PROCESSES of the man page. */
#include <stddef.h>

#include "cli/options_table.h"

const char *const man_processes[] = {
	"--pid traces the processes that it lists, which run already. A command is traced with all processes that "
	"it starts, over fork and exec, unless --no-follow is given; a dynamically linked program that imports no "
	"function to fork, exec or start another is traced by itself, as with --no-follow. --follow does the same "
	"for --pid, and for such a program. --all traces every process, those that start later, too, from their "
	"first call on.",
	"--comm, --exe, --user, --cgroup, --container and --unit select among the processes of a command, of "
	"--pid, or, without either, of the host. Of each option that is given, one value must match, and none of "
	"those with !. A process is looked at when it execs or, if it ran before, first calls an allocator "
	"function; and again when it has taken another user, as the workers of many servers do. Else a child that "
	"does not exec is what its parent is, even if it changes its name or control group since; with --by process "
	"or --by thread, it is looked at when it first calls an allocator function. A pattern has at most 128 "
	"characters. --comm, --exe and --user take 32 in all, each of the others 32. Of the path of an executable, "
	"at most the last 512 bytes and 64 parts are compared. Names of control groups, containers and units are "
	"looked up in user space: calls by a process of a control group that was made while tracing are not "
	"recorded until that is done, and the line host counts them.",
	"With --all, and with filters alone, alloctrace itself, what it starts, and what started it (a shell, "
	"sudo, sshd) are left out, but not other processes that these start. In a pid namespace, --all is the "
	"processes of that namespace.",
	"Where processes come and go, stacks are told apart by group: by the executable, the name at exec, the "
	"user and the control group. --by process and --by thread tell processes apart, which takes a stack per "
	"process in the kernel. A pid that is used again is another process.",
	"Probes are then in files, for every process that maps them. They are there before the first call of a "
	"new process, and a process that is not selected pays a trap for each call of a probed function, though "
	"nothing of it is recorded; the line host counts these hits. So it is with --pid and more than eight "
	"processes. With up to eight and no filter, and with --no-follow, no other process has probes. A function "
	"whose code differs from its file's in one process (a hook, a breakpoint), traced or not, is not probed in "
	"any: all are looked at before its probes come, and again when one changes the protection of its code.",
	"--max-overhead limits what all hits cost, those of processes that are not selected included. With --all "
	"and with filters alone it is per cent of all CPUs, otherwise of one CPU for each process that is traced "
	"and has not ended. What is counted in sampling windows is scaled up per group, by the work of its "
	"processes: a compiler and a server that sleeps are slowed down by different amounts. If more than a "
	"tenth of the calls can be scaled by time only, totals are a lower bound (\"at least\"), and rows of short "
	"programs may be off in either direction. Where calls are sampled, and --sample does not say how, each group "
	"has at least about 50 samples a second, if it makes as many calls, so that a quiet program has rows beside a "
	"loud one.",
	"A run of --all ends by --duration or a signal. That of a command ends when every process that is "
	"followed has ended; when the command has ended before, a message says how many are left. The exit status "
	"is the command's. Interrupt alloctrace to end it before, for example if the command leaves a daemon "
	"behind.",
	NULL
};
