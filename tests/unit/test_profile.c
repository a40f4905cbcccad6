/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/profile.h"

static const char *const functions[] = {"malloc", "calloc"};

static void modules_are_interned(void **state)
{
	struct modules m;
	uint32_t a, b, jit;

	modules_init(&m);
	assert_int_equal(modules_get(&m, 0)->kind, MODULE_UNKNOWN);
	assert_string_equal(modules_get(&m, 0)->path, "[unknown]");
	a = modules_file(&m, "/usr/bin/sort", 8, 77, -1, 10, false);
	b = modules_file(&m, "/usr/bin/uniq", 8, 78, -1, 10, false);
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	/* the inode decides, not the path */
	assert_int_equal(modules_file(&m, "/bin/sort", 8, 77, -1, 11, true), a);
	assert_string_equal(modules_get(&m, a)->path, "/usr/bin/sort");
	assert_true(modules_get(&m, a)->deleted);
	assert_false(modules_get(&m, b)->deleted);
	assert_int_equal(modules_file(&m, "/usr/bin/sort", 9, 77, -1, 10, false), 3);
	/* without an inode the path is all there is */
	assert_int_equal(modules_file(&m, "/x", 0, 0, -1, 10, false), 4);
	assert_int_equal(modules_file(&m, "/y", 0, 0, -1, 10, false), 5);
	assert_int_equal(modules_file(&m, "/x", 0, 0, -1, 10, false), 4);
	/* one vDSO for all, a JIT for each process */
	assert_int_equal(modules_vdso(&m, 10), modules_vdso(&m, 11));
	jit = modules_jit(&m, 10, 1000);
	assert_int_not_equal(jit, modules_jit(&m, 11, 1000));
	assert_int_equal(jit, modules_jit(&m, 10, 0));
	assert_int_equal(modules_get(&m, jit)->uid, 0);
	assert_int_equal(modules_get(&m, jit)->pid, 10);
	assert_string_equal(modules_get(&m, jit)->path, "[anon]");
	assert_string_equal(module_basename(modules_get(&m, a)), "sort");
	assert_string_equal(module_basename(modules_get(&m, jit)), "[anon]");
	/* an id that isn't one */
	assert_ptr_equal(modules_get(&m, 12345), modules_get(&m, 0));
	modules_free(&m);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void modules_own_their_files(void **state)
{
	int first = open("/dev/null", O_RDONLY), second = open("/dev/null", O_RDONLY);
	struct modules m;
	uint32_t id;

	modules_init(&m);
	id = modules_file(&m, "/lib/a.so", 1, 2, -1, 10, false);
	assert_int_equal(modules_get(&m, id)->fd, -1);
	assert_int_equal(modules_file(&m, "/lib/a.so", 1, 2, first, 11, false), id);
	assert_int_equal(modules_get(&m, id)->fd, first);
	assert_int_equal(modules_get(&m, id)->pid, 11);
	assert_int_equal(modules_file(&m, "/lib/a.so", 1, 2, second, 12, false), id);
	assert_int_equal(modules_get(&m, id)->fd, first);
	assert_true(is_open(first));
	assert_false(is_open(second));
	modules_free(&m);
	assert_false(is_open(first));
}

static void frames_are_exact(void **state)
{
	struct profile p;

	profile_init(&p, NULL, functions, 2);
	assert_int_equal(profile_frame(&p, 1, 0x1000), 0);
	assert_int_equal(profile_frame(&p, 2, 0x1000), 1);
	assert_int_equal(profile_frame(&p, 1, 0x1001), 2);
	assert_int_equal(profile_frame(&p, 0, UINT64_MAX), 3);
	assert_int_equal(profile_frame(&p, UINT32_MAX, UINT64_MAX), 4);
	assert_int_equal(profile_frame(&p, 2, 0x1000), 1);
	assert_int_equal(profile_frame(&p, UINT32_MAX, UINT64_MAX), 4);
	assert_int_equal(p.frames.n, 5);
	assert_int_equal(p.frames.at[1].module, 2);
	assert_int_equal(p.frames.at[1].addr, 0x1000);
	profile_free(&p);
}

static void tasks_take_new_names(void **state)
{
	struct profile p;
	uint32_t a, b;

	profile_init(&p, NULL, functions, 2);
	a = profile_task(&p, 10, 0, 0, "sh");
	b = profile_task(&p, 10, 10, 0, "sh");
	assert_int_not_equal(a, b);
	assert_int_equal(profile_task(&p, 10, 0, 0, "sort"), a);
	assert_string_equal(p.tasks.at[a].name, "sort");
	assert_string_equal(p.tasks.at[b].name, "sh");
	assert_int_equal(p.tasks.n, 2);
	/* After an exec it is another program. */
	assert_int_not_equal(profile_task(&p, 10, 0, 1, "ls"), a);
	assert_string_equal(p.tasks.at[a].name, "sort");
	profile_free(&p);
}

static void stacks_share_a_tree(void **state)
{
	/* innermost first: parse < main < _start, load < main < _start */
	struct profile p;
	uint32_t start, main_, parse, load, task, got[4] = {99, 99, 99, 99};

	profile_init(&p, NULL, functions, 2);
	task = profile_task(&p, 1, 0, 0, "x");
	start = profile_frame(&p, 1, 1);
	main_ = profile_frame(&p, 1, 2);
	parse = profile_frame(&p, 1, 3);
	load = profile_frame(&p, 1, 4);

	uint32_t s1 = profile_stack(&p, task, 0, (uint32_t[]){parse, main_, start}, 3, STACK_END_CHAIN);
	uint32_t s2 = profile_stack(&p, task, 0, (uint32_t[]){load, main_, start}, 3, STACK_END_CHAIN);
	uint32_t s3 = profile_stack(&p, task, 0, (uint32_t[]){main_, start}, 2, STACK_END_CHAIN);
	uint32_t s4 = profile_stack(&p, task, 0, NULL, 0, STACK_END_UNREADABLE);

	assert_int_equal(p.nodes.n, 5);
	assert_int_equal(p.nodes.at[0].parent, 0);
	for (size_t i = 1; i < p.nodes.n; i++)
		assert_true(p.nodes.at[i].parent < i);
	assert_int_equal(p.stacks.at[s3].node, p.nodes.at[p.stacks.at[s1].node].parent);
	assert_int_equal(p.stacks.at[s4].node, 0);
	assert_int_equal(profile_stack_frames(&p, s2, got, 4), 3);
	assert_int_equal(got[0], load);
	assert_int_equal(got[1], main_);
	assert_int_equal(got[2], start);
	assert_int_equal(got[3], 99);
	got[1] = 99;
	assert_int_equal(profile_stack_frames(&p, s1, got, 1), 3);
	assert_int_equal(got[0], parse);
	assert_int_equal(got[1], 99);
	assert_int_equal(profile_stack_frames(&p, s4, got, 4), 0);
	/* every part of the key counts */
	assert_int_equal(profile_stack(&p, task, 0, (uint32_t[]){parse, main_, start}, 3, STACK_END_CHAIN), s1);
	assert_int_not_equal(profile_stack(&p, task, 1, (uint32_t[]){parse, main_, start}, 3, STACK_END_CHAIN), s1);
	assert_int_not_equal(profile_stack(&p, task, 0, (uint32_t[]){parse, main_, start}, 3, STACK_END_DEPTH), s1);
	assert_int_not_equal(profile_stack(&p, profile_task(&p, 2, 0, 0, "x"), 0, (uint32_t[]){parse, main_, start}, 3,
					   STACK_END_CHAIN), s1);
	assert_int_equal(p.stacks.n, 7);
	assert_int_equal(p.nodes.n, 5);
	profile_free(&p);
}

static void counters_add_up(void **state)
{
	struct profile p;
	uint32_t task, a, b;

	profile_init(&p, NULL, functions, 2);
	task = profile_task(&p, 1, 0, 0, "x");
	a = profile_stack(&p, task, 0, (uint32_t[]){profile_frame(&p, 1, 1)}, 1, STACK_END_CHAIN);
	b = profile_stack(&p, task, 1, NULL, 0, STACK_END_LOST);
	profile_add(&p, PROFILE_ALLOC, a, (struct counters){1009, 7, 4, 0.5});
	profile_add(&p, PROFILE_ALLOC, a, (struct counters){13, 1, 1, 0.25});
	profile_add(&p, PROFILE_ALLOC, b, (struct counters){0, 3, 0, 0});
	profile_add(&p, PROFILE_LIVE, b, (struct counters){5, 2, 0, 0});
	assert_int_equal(profile_sum(&p, PROFILE_ALLOC, a).bytes, 1022);
	assert_int_equal(profile_sum(&p, PROFILE_ALLOC, a).calls, 8);
	assert_true(profile_sum(&p, PROFILE_ALLOC, a).bytes_var == 5);
	assert_true(profile_sum(&p, PROFILE_ALLOC, a).calls_var == 0.75);
	assert_int_equal(profile_sum(&p, PROFILE_LIVE, a).bytes, 0);
	assert_int_equal(profile_sum(&p, PROFILE_LIVE, b).bytes, 5);
	assert_true(counters_none(profile_sum(&p, PROFILE_PEAK, b)));
	assert_int_equal(profile_total(&p, PROFILE_ALLOC).bytes, 1022);
	assert_int_equal(profile_total(&p, PROFILE_ALLOC).calls, 11);
	assert_int_equal(profile_total(&p, PROFILE_LIVE).calls, 2);
	profile_reset(&p);
	assert_true(counters_none(profile_total(&p, PROFILE_ALLOC)));
	assert_true(counters_none(profile_total(&p, PROFILE_LIVE)));
	assert_int_equal(profile_stack(&p, task, 1, NULL, 0, STACK_END_LOST), b);
	assert_int_equal(p.stacks.n, 2);
	profile_free(&p);
}

static void counters_subtract(void **state)
{
	const struct counters a = {100, 10, 9, 3}, b = {40, 4, 4, 1};
	struct counters c = counters_sub(a, b);

	assert_int_equal(c.bytes, 60);
	assert_int_equal(c.calls, 6);
	assert_true(c.bytes_var == 5 && c.calls_var == 2);
	c = counters_sub(b, a);
	assert_true(counters_none(c) && c.bytes_var == 0 && c.calls_var == 0);
}

static void ages_and_histograms(void **state)
{
	struct profile p;

	profile_init(&p, NULL, functions, 2);
	profile_add_age(&p, 3, 700);
	profile_add_age(&p, 3, 500);
	profile_add_age(&p, 3, 900);
	assert_int_equal(profile_oldest(&p, 3), 500);
	assert_int_equal(profile_oldest(&p, 2), 0);
	assert_int_equal(profile_oldest(&p, 77), 0);
	profile_add_hist(&p, PROFILE_SIZES, 3, 64, 2.5);
	profile_add_hist(&p, PROFILE_SIZES, 3, PROFILE_BUCKETS, 1);
	assert_int_equal(p.hists[PROFILE_SIZES].n, 1);
	assert_int_equal(p.hists[PROFILE_LIFETIMES].n, 0);
	assert_int_equal(p.hists[PROFILE_SIZES].at[0].stack, 3);
	assert_int_equal(p.hists[PROFILE_SIZES].at[0].bucket, 64);
	assert_true(p.hists[PROFILE_SIZES].at[0].calls == 2.5);
	profile_reset(&p);
	assert_int_equal(profile_oldest(&p, 3), 0);
	assert_int_equal(p.hists[PROFILE_SIZES].n, 0);
	profile_free(&p);
}

static void past_is_remembered(void **state)
{
	struct profile p;

	profile_init(&p, NULL, functions, 2);
	for (uint64_t i = 1; i <= PROFILE_PAST + 3; i++) {
		profile_reset(&p);
		profile_add(&p, PROFILE_LIVE, i % 2, (struct counters){.bytes = i, .calls = 1});
		profile_add(&p, PROFILE_LEAKS, 0, (struct counters){.bytes = 1000 + i, .calls = 1});
		profile_remember(&p);
		assert_int_equal(p.n_past, i < PROFILE_PAST ? i : PROFILE_PAST);
	}
	assert_int_equal(profile_past(&p, PROFILE_LIVE, 0, 1), PROFILE_PAST + 3);
	assert_int_equal(profile_past(&p, PROFILE_LIVE, 0, 0), 0);
	assert_int_equal(profile_past(&p, PROFILE_LIVE, 1, 0), PROFILE_PAST + 2);
	/* stacks that came later */
	assert_int_equal(profile_past(&p, PROFILE_LIVE, 1, 1), 0);
	assert_int_equal(profile_past(&p, PROFILE_LIVE, 1, 100), 0);
	assert_int_equal(profile_past(&p, PROFILE_LEAKS, PROFILE_PAST - 1, 0), 1004);
	profile_free(&p);
}

static uint32_t one_frame(struct profile *p, uint32_t task, uint32_t module)
{
	const uint32_t frame = profile_frame(p, module, 16);

	return profile_stack(p, task, 0, &frame, 1, STACK_END_CHAIN);
}

/* Two files of one path (one was replaced) are told apart by their build IDs, in whatever order they came. */
static void equal_paths_differ_by_build_id(void **state)
{
	static const char *const ids[] = {"aa", "bb", NULL};

	for (int order = 0; order < 2; order++) {
		struct modules m;
		struct profile p;
		uint32_t task, stack[3];

		modules_init(&m);
		profile_init(&p, &m, functions, 2);
		task = profile_task(&p, 1, 0, 0, "x");
		for (int i = 0; i < 3; i++) {
			const int k = order ? 2 - i : i;
			const uint32_t id = modules_file(&m, "/lib/x.so", 1, 10 + k, -1, 1, false);

			m.list.at[id]->build_id = ids[k] ? xstrdup(ids[k]) : NULL;
			stack[k] = one_frame(&p, task, id);
		}
		assert_true(profile_compare_stacks(&p, stack[0], stack[1]) < 0);
		assert_true(profile_compare_stacks(&p, stack[1], stack[0]) > 0);
		assert_true(profile_compare_stacks(&p, stack[2], stack[0]) < 0);
		assert_int_equal(profile_compare_stacks(&p, stack[0], stack[0]), 0);
		assert_true(profile_compare_stacks(&p, one_frame(&p, task, MODULE_UNCERTAIN), stack[2]) < 0);
		profile_free(&p);
		modules_free(&m);
	}
}

static uint32_t add_stack(struct profile *p, uint32_t task, uint64_t addr)
{
	const uint32_t frames[] = {profile_frame(p, 1, addr), profile_frame(p, 1, 7)};

	return profile_stack_like(p, (struct profile_stack){
		.task = task, .type = profile_type(p, 1, addr), .tag = profile_goroutine(p, addr),
		.end = STACK_END_CHAIN,
	}, frames, 2);
}

/* Goroutines are told apart; that of none is another than an unknown one. */
static void goroutines_differ(void **state)
{
	struct modules m;
	struct profile p;
	uint32_t tags[4], stacks[4], frame;

	modules_init(&m);
	profile_init(&p, &m, functions, 2);
	frame = profile_frame(&p, 0, 7);
	for (int i = 0; i < 4; i++) {
		tags[i] = i ? profile_goroutine(&p, i == 1 ? 0 : i == 2 ? 17 : UINT64_MAX - 2) : 0;
		stacks[i] = profile_stack_like(&p, (struct profile_stack){
			.task = profile_task(&p, 1, 0, 0, "x"), .tag = tags[i],
		}, &frame, 1);
		for (int k = 0; k < i; k++) {
			assert_int_not_equal(tags[k], tags[i]);
			assert_int_not_equal(stacks[k], stacks[i]);
			assert_true(profile_compare_stacks(&p, stacks[k], stacks[i]) < 0);
			assert_true(profile_compare_stacks(&p, stacks[i], stacks[k]) > 0);
		}
	}
	assert_int_equal(profile_goroutine(&p, 17), tags[2]);
	assert_int_equal(profile_goroutine(&p, 0), tags[1]);
	profile_free(&p);
	modules_free(&m);
}

/* A copy stays as it was while the profile goes on, and keeps what is its own. */
static void copies_follow(void **state)
{
	struct profile p, copy;
	uint32_t task, a, b;

	profile_init(&p, NULL, functions, 2);
	profile_init(&copy, NULL, functions, 1);
	task = profile_task(&p, 1, 0, 0, "one");
	a = add_stack(&p, task, 100);
	profile_add(&p, PROFILE_LIVE, a, (struct counters){.bytes = 10, .calls = 1});
	profile_add_hist(&p, PROFILE_SIZES, a, 3, 1);
	profile_add_age(&p, a, 5);
	p.ended_blocks = 4;
	profile_follow(&copy, &p);
	profile_remember(&copy);

	profile_reset(&p);
	b = add_stack(&p, task, 200);
	profile_task(&p, 1, 0, 0, "two");
	profile_add(&p, PROFILE_LIVE, b, (struct counters){.bytes = 20, .calls = 1});
	assert_int_equal(copy.stacks.n, 1);
	assert_int_equal(profile_sum(&copy, PROFILE_LIVE, a).bytes, 10);
	assert_int_equal(copy.hists[PROFILE_SIZES].n, 1);
	assert_int_equal(profile_oldest(&copy, a), 5);
	assert_int_equal(copy.ended_blocks, 4);
	assert_string_equal(copy.tasks.at[0].name, "one");

	profile_follow(&copy, &p);
	assert_int_equal(copy.stacks.n, 2);
	assert_int_equal(copy.frames.n, p.frames.n);
	assert_int_equal(copy.nodes.n, p.nodes.n);
	assert_int_equal(copy.types.n, p.types.n);
	/* The first one is each profile's own. */
	assert_memory_equal(copy.types.at + 1, p.types.at + 1, (p.types.n - 1) * sizeof(*p.types.at));
	assert_int_equal(copy.tags.n, p.tags.n);
	assert_int_equal(copy.tags.at[copy.stacks.at[b].tag].goroutine, 200);
	assert_memory_equal(copy.nodes.at, p.nodes.at, p.nodes.n * sizeof(*p.nodes.at));
	assert_memory_equal(copy.stacks.at, p.stacks.at, p.stacks.n * sizeof(*p.stacks.at));
	assert_int_equal(profile_sum(&copy, PROFILE_LIVE, a).bytes, 0);
	assert_int_equal(profile_sum(&copy, PROFILE_LIVE, b).bytes, 20);
	assert_int_equal(copy.hists[PROFILE_SIZES].n, 0);
	assert_string_equal(copy.tasks.at[0].name, "two");
	assert_int_equal(profile_past(&copy, PROFILE_LIVE, 0, a), 10);

	profile_move(&copy, &p);
	assert_int_equal(copy.stacks.n, 2);
	assert_int_equal(profile_sum(&copy, PROFILE_LIVE, b).bytes, 20);
	assert_int_equal(profile_past(&copy, PROFILE_LIVE, 0, a), 10);
	assert_int_equal(copy.n_past, 1);
	assert_int_equal(copy.n_functions, 1);
	assert_int_equal(p.stacks.n, 0);
	assert_int_equal(p.n_functions, 2);
	profile_free(&p);
	assert_string_equal(copy.tasks.at[0].name, "two");
	profile_free(&copy);
}

static size_t table_memory(const struct id_table *t)
{
	return t->slots ? (t->mask + 1) * sizeof(*t->slots) : 0;
}

/* Bytes of memory held. */
static size_t memory_of(const struct profile *p)
{
	size_t bytes = p->frames.cap * sizeof(*p->frames.at) + p->tasks.cap * sizeof(*p->tasks.at) +
		       p->types.cap * sizeof(*p->types.at) +
		       p->nodes.cap * sizeof(*p->nodes.at) + p->stacks.cap * sizeof(*p->stacks.at);

	for (size_t i = 0; i < PROFILE_KINDS; i++)
		bytes += p->sums[i].cap * sizeof(*p->sums[i].at);
	for (size_t i = 0; i < PROFILE_HISTS; i++)
		bytes += p->hists[i].cap * sizeof(*p->hists[i].at);
	for (size_t i = 0; i < PROFILE_PAST; i++)
		bytes += (p->past_live.at[i].n + p->past_leaks.at[i].n) * sizeof(uint64_t);
	bytes += p->oldest_ns.cap * sizeof(*p->oldest_ns.at);
	bytes += table_memory(&p->frame_ids) + table_memory(&p->task_ids) + table_memory(&p->type_ids);
	bytes += table_memory(&p->node_ids) + table_memory(&p->stack_ids);
	bytes += p->names.cap * sizeof(*p->names.strings);
	bytes += p->names.table ? (p->names.mask + 1) * sizeof(*p->names.table) : 0;
	for (size_t i = 0; i < p->names.n; i++)
		bytes += strlen(p->names.strings[i]) + 1;
	return bytes;
}

/* The tables grow many times; every stack keeps its id and comes back as it was put in. */
static void many_stacks_stay_apart(void **state)
{
	enum { N = 20000 };
	struct profile p;
	uint32_t task, frames[5], got[5];

	profile_init(&p, NULL, functions, 2);
	task = profile_task(&p, 1, 0, 0, "x");
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < N; i++) {
			for (int k = 0; k < 5; k++)
				frames[k] = profile_frame(&p, k, i >> (3 * k));
			assert_int_equal(profile_stack(&p, task, 0, frames, 5, STACK_END_CHAIN), i);
		}
	}
	assert_int_equal(p.stacks.n, N);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(profile_stack_frames(&p, i, got, 5), 5);
		for (uint32_t k = 0; k < 5; k++) {
			assert_int_equal(p.frames.at[got[k]].module, k);
			assert_int_equal(p.frames.at[got[k]].addr, i >> (3 * k));
		}
	}
	/* 8 bytes a node and at most 8 to find it, twice that while arrays have room to grow */
	assert_true(memory_of(&p) > N * sizeof(struct profile_stack));
	assert_true(memory_of(&p) < 4 << 20);
	profile_free(&p);
}

static void ends_have_texts(void **state)
{
	for (int end = 0; end < STACK_END_MAX; end++)
		assert_true(strlen(stack_end_text(end)) > 3);
	assert_string_equal(stack_end_text(STACK_END_DEPTH), "depth limit");
	assert_null(stack_end_mark(STACK_END_COMPLETE));
	assert_null(stack_end_mark(STACK_END_CHAIN));
	assert_string_equal(stack_end_mark(STACK_END_DEPTH), "[truncated: depth limit]");
	assert_string_equal(stack_end_mark(STACK_END_LOST), "[stack not delivered]");
	assert_string_equal(stack_end_text(200), "unknown");
	assert_null(stack_end_mark(200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modules_are_interned),
		cmocka_unit_test(modules_own_their_files),
		cmocka_unit_test(frames_are_exact),
		cmocka_unit_test(tasks_take_new_names),
		cmocka_unit_test(stacks_share_a_tree),
		cmocka_unit_test(counters_add_up),
		cmocka_unit_test(counters_subtract),
		cmocka_unit_test(ages_and_histograms),
		cmocka_unit_test(past_is_remembered),
		cmocka_unit_test(copies_follow),
		cmocka_unit_test(equal_paths_differ_by_build_id),
		cmocka_unit_test(many_stacks_stay_apart),
		cmocka_unit_test(ends_have_texts),
		cmocka_unit_test(goroutines_differ),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
