/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a recording of many distinct stacks: 3,000 functions, 23 frames on average, a tree as programs have it (each
 * frame has a few callers), sampled, live blocks too.
 *
 * usage: record STACKS FILE
 * On stdout: seconds of CPU time that writing took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/record.h"

#define FUNCTIONS 3000
#define ADDRESSES 8	/* calls in each */

struct known {
	struct names names;	/* first */
	struct symbol symbols[FUNCTIONS];
};

static uint64_t state = 88172645463325252ULL;

static uint32_t random_below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) % n;
}

static const struct symbol *name_of(struct names *names, uint32_t module, uint64_t addr)
{
	return &((struct known *)names)->symbols[addr / 64 % FUNCTIONS];
}

static struct names *make_names(void)
{
	struct known *k = xcalloc(1, sizeof(*k));

	k->names.of = name_of;
	for (size_t i = 0; i < FUNCTIONS; i++)
		k->symbols[i] = (struct symbol){
			.function = xasprintf("space_%zu::function_of_some_length_%zu", i % 37, i), .module = "server",
			.start = i * 64, .offset = 17, .file = xasprintf("/usr/src/server/part_%zu.cc", i / 25),
			.line = 10 + i % 900,
		};
	return &k->names;
}

static void add_stacks(struct profile *p, uint32_t module, size_t n)
{
	uint32_t task = profile_task(p, 4711, 0, 0, "server"), frames[64];

	while (p->stacks.n < n) {
		size_t depth = 8 + random_below(31);
		uint32_t function = 0, stack;
		uint64_t bytes = 64 + random_below(100000);

		/* From the root: callers that many share, then ever more ways. */
		for (size_t i = depth; i-- > 0;) {
			function = (function * 31 + 7 + random_below(i > depth / 2 ? 2 : 6)) % FUNCTIONS;
			frames[i] = profile_frame(p, module, function * 64 + random_below(ADDRESSES) * (i < depth / 2));
		}
		stack = profile_stack(p, task, random_below(3), frames, depth, STACK_END_COMPLETE);
		profile_add(p, PROFILE_ALLOC, stack, (struct counters){bytes, 3, bytes * 11.5, 2.25});
		if (stack % 3 == 0)
			profile_add(p, PROFILE_LIVE, stack, (struct counters){bytes / 3, 1, bytes * 2.5, 1.25});
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static const char *const functions[] = {"malloc", "calloc", "realloc"};
	struct modules modules;
	struct profile p;
	struct recording r = {
		.views = VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_LIVE), .profile = &p, .target = "server (pid 4711)",
		.duration_ns = 10000000000, .sample_mean = 4096,
	};
	double start;
	FILE *f;

	if (argc != 3) {
		fprintf(stderr, "usage: record STACKS FILE\n");
		return 2;
	}
	modules_init(&modules);
	profile_init(&p, &modules, functions, 3);
	r.names = make_names();
	add_stacks(&p, modules_file(&modules, "/usr/bin/server", 1, 1, -1, 1, false), strtoul(argv[1], NULL, 10));
	r.recorded = r.seen = profile_total(&p, PROFILE_ALLOC);
	f = fopen(argv[2], "we");
	start = seconds();
	if (!f || record_write(f, &r, VIEW_ALLOC, METRIC_BYTES) || fclose(f)) {
		fprintf(stderr, "record: cannot write %s\n", argv[2]);
		return 1;
	}
	printf("%.3f\n", seconds() - start);
	return 0;
}
