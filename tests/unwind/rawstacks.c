/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a command under tracing and writes its stacks as numbers, to be compared with a debugger's:
 *
 *     CALLS BYTES END FUNCTION file+0xaddress;…        innermost frame first, addresses of the calls' last bytes
 *
 * usage: rawstacks [-u eh_frame|fp] OUTPUT COMMAND [ARG...]
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kern/tracer.h"
#include "target/launch.h"

static void write_stack(FILE *f, const struct profile *p, uint32_t id)
{
	static uint32_t frames[4096];
	const struct profile_stack *st = &p->stacks.at[id];
	size_t n = profile_stack_frames(p, id, frames, 4096);

	fprintf(f, "%llu %llu %s %s ", (unsigned long long)st->sum.calls, (unsigned long long)st->sum.bytes,
		stack_end_mark(st->end) ? stack_end_mark(st->end) : "[complete]", p->function_names[st->function]);
	for (size_t i = 0; i < n; i++) {
		const struct profile_frame *fr = &p->frames.at[frames[i]];

		fprintf(f, "%s%s+0x%llx", i ? ";" : "", module_basename(modules_get(p->modules, fr->module)),
			(unsigned long long)fr->addr);
	}
	fputc('\n', f);
}

static int run(struct tracer *t, struct launch *l)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	int status = 0, err = 0;
	bool stopped;

	while (!err && !launch_reap(l, &status, &stopped)) {
		if (stopped && tracer_held(t))
			launch_signal(l, SIGCONT);
		err = tracer_poll(t);
		nanosleep(&nap, NULL);
	}
	tracer_exited(t, launch_pid(l));
	return err ? err : tracer_collect(t, false);
}

int main(int argc, char **argv)
{
	struct kern_options o = {
		.max_stacks = 200000, .max_frames = STACK_MAX_FRAMES, .ring_bytes = 64 << 20, .max_size = UINT64_MAX,
		.hold = true, .unwind = UNWIND_EH_FRAME, .unwind_bytes = 64 << 20,
	};
	struct launch *l = NULL;
	struct tracer *t = NULL;
	FILE *f;

	if (argc > 2 && !strcmp(argv[1], "-u")) {
		o.unwind = !strcmp(argv[2], "fp") ? UNWIND_FP : UNWIND_EH_FRAME;
		argv += 2;
		argc -= 2;
	}
	if (argc < 3)
		return 2;
	f = fopen(argv[1], "w");
	if (!f || launch_new(argv + 2, &l) || tracer_open(&o, &t) || tracer_hold(t, launch_pid(l)) || launch_exec(l) ||
	    run(t, l))
		return 1;
	for (uint32_t i = 0; i < tracer_profile(t)->stacks.n; i++)
		write_stack(f, tracer_profile(t), i);
	tracer_close(t);
	launch_free(l);
	return fclose(f) ? 1 : 0;
}
