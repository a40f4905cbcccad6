/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a command under tracing and writes its stacks as numbers, to be compared with a debugger's:
 *
 *     CALLS BYTES END FUNCTION file+0xaddress;…        innermost frame first, addresses of the calls' last bytes
 *
 * usage: rawstacks [-u eh_frame|fp] [-d DWFL] OUTPUT COMMAND [ARG...]
 *
 * With -d, what libdwfl says of the same calls of malloc goes to DWFL (to be given to ./compare).
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dwfl.h"
#include "pace/rate.h"
#include "proc/launch.h"
#include "trace/tracer.h"

static void write_stack(FILE *f, const struct profile *p, uint32_t id)
{
	static uint32_t frames[4096];
	const struct profile_stack *st = &p->stacks.at[id];
	size_t n = profile_stack_frames(p, id, frames, 4096);
	struct counters sum = profile_sum(p, PROFILE_ALLOC, id);

	fprintf(f, "%llu %llu %s %s ", (unsigned long long)sum.calls, (unsigned long long)sum.bytes,
		stack_end_mark(st->end) ? stack_end_mark(st->end) : "[complete]", p->function_names[st->function]);
	for (size_t i = 0; i < n; i++) {
		const struct profile_frame *fr = &p->frames.at[frames[i]];

		/* A mark, no frame: libdwfl steps by frame pointers there as well. */
		if (fr->module == MODULE_UNCERTAIN)
			continue;
		fprintf(f, "%s%s+0x%llx", i ? ";" : "", module_basename(modules_get(p->modules, fr->module)),
			(unsigned long long)fr->addr);
	}
	fputc('\n', f);
}

static int run(struct tracer *t, struct launch *l)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	const struct collect_options all = {.delta = false};
	int status = 0, err = 0;
	bool stopped;

	while (!err && !launch_reap(l, &status, &stopped)) {
		if (tracer_held(t, stopped))
			launch_signal(l, SIGCONT);
		err = tracer_poll(t);
		nanosleep(&nap, NULL);
	}
	tracer_exited(t, launch_pid(l));
	return err ? err : tracer_collect(t, &all);
}

/* Its pid, once it follows the command; 0 if it doesn't. */
static pid_t start_dwfl(pid_t pid, const char *path)
{
	int ready[2];
	char byte;
	pid_t child;

	if (pipe(ready))
		return 0;
	child = fork();
	if (!child) {
		close(ready[0]);
		_exit(dwfl_follow(pid, path, ready[1]));
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		child = 0;
	close(ready[0]);
	return child;
}

int main(int argc, char **argv)
{
	struct kern_options o = {
		.max_stacks = 200000, .max_frames = STACK_MAX_FRAMES, .ring_bytes = 64 << 20, .max_size = UINT64_MAX,
		.hold = true, .unwind = UNWIND_EH_FRAME, .unwind_bytes = 64 << 20,
		.sample_law = SAMPLE_ALL, .sample_fixed = true, .trusts_code = true,
	};
	struct launch *l = NULL;
	struct tracer *t = NULL;
	const char *dwfl = NULL;
	pid_t dwfl_pid = 0;
	int status = 0;
	FILE *f;

	if (argc > 2 && !strcmp(argv[1], "-u")) {
		o.unwind = !strcmp(argv[2], "fp") ? UNWIND_FP : UNWIND_EH_FRAME;
		argv += 2;
		argc -= 2;
	}
	if (argc > 2 && !strcmp(argv[1], "-d")) {
		dwfl = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 3)
		return 2;
	f = fopen(argv[1], "w");
	if (!f || launch_new(argv + 2, &l) || tracer_open(&o, &t) || tracer_hold(t, launch_pid(l)) ||
	    (dwfl && !(dwfl_pid = start_dwfl(launch_pid(l), dwfl))) || launch_exec(l) || run(t, l))
		return 1;
	if (dwfl_pid && (waitpid(dwfl_pid, &status, 0) < 0 || status))
		return 1;
	for (uint32_t i = 0; i < tracer_profile(t)->stacks.n; i++)
		write_stack(f, tracer_profile(t), i);
	tracer_close(t);
	launch_free(l);
	return fclose(f) ? 1 : 0;
}
