/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what the kernel side counted to the profile; the kernel side is made up here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "kern/kmem.h"
#include "trace/collector.h"
#include "trace/sums.h"

#define SECOND 1000000000ULL
#define CALLS(n) ((uint64_t)(n) << CALLS_SHIFT)

struct fake_sum {
	uint64_t id;
	struct stack_sum sum;
};

struct fake_block {
	struct block_key key;
	struct block block;
};

struct fake_hist {
	struct hist_key key;
	uint64_t calls;
};

static struct {
	vec_of(struct fake_sum) sums;
	vec_of(struct fake_block) blocks;
	vec_of(struct fake_hist) hists;
	vec_of(struct stack_frames) frames;	/* that were not taken out yet */
	struct heap heap;
	int error;
	unsigned int labels_asked;
} fake;

void kern_kmem_type(const struct kern *k, uint64_t type, struct buf *out)
{
	buf_printf(out, "cache %llu", (unsigned long long)type);
}

int kern_sums(struct kern *k, void (*on_sum)(void *arg, uint64_t id, const struct stack_sum *sum), void *arg)
{
	for (size_t i = 0; i < fake.sums.n; i++)
		on_sum(arg, fake.sums.at[i].id, &fake.sums.at[i].sum);
	return fake.error;
}

int kern_blocks(struct kern *k, void (*on_block)(void *arg, const struct block_key *key, const struct block *block),
		void *arg)
{
	for (size_t i = 0; i < fake.blocks.n; i++)
		on_block(arg, &fake.blocks.at[i].key, &fake.blocks.at[i].block);
	return 0;
}

/* Those of the one process, whose number is its address space's here, that are old enough are taken out. */
int kern_end_blocks(struct kern *k, const struct ended_process *ended, size_t n,
		    void (*on_block)(void *arg, const struct block_key *key, const struct block *block), void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < fake.blocks.n; i++) {
		const struct fake_block b = fake.blocks.at[i];

		if (b.key.space == (uint64_t)ended->pid && b.block.time_ns < ended->before_ns)
			on_block(arg, &b.key, &b.block);
		else
			fake.blocks.at[kept++] = b;
	}
	fake.blocks.n = kept;
	return 0;
}

int kern_hists(struct kern *k, void (*on_hist)(void *arg, const struct hist_key *key, uint64_t calls), void *arg)
{
	for (size_t i = 0; i < fake.hists.n; i++)
		on_hist(arg, &fake.hists.at[i].key, fake.hists.at[i].calls);
	return 0;
}

bool kern_labels(const struct kern *k, uint64_t tag, struct label_set *out)
{
	fake.labels_asked++;
	*out = (struct label_set){.n = 1, .all = 1, .at = {{.key_len = 3, .value_len = 1, .key = "tag"}}};
	out->at[0].value[0] = (char)('0' + tag);
	return tag < 10;
}

struct heap kern_heap(const struct kern *k)
{
	return fake.heap;
}

int kern_frames(struct kern *k, void (*on_frames)(void *arg, const struct stack_frames *rec), void *arg)
{
	int n = fake.frames.n;

	for (size_t i = 0; i < fake.frames.n; i++)
		on_frames(arg, &fake.frames.at[i]);
	fake.frames.n = 0;
	return n;
}

void kern_set_on_map(struct kern *k, void (*on_map)(void *arg, const struct map_event *ev), void *arg)
{
}

struct fixture {
	struct modules modules;
	struct processes processes;
	struct profile p;
	struct collector *c;
};

static const char *const functions[] = {"malloc"};

static uint64_t to_vaddr(void *arg, uint32_t module, uint64_t file_offset)
{
	return file_offset;
}

static bool no_allocator(void *arg, uint32_t module, uint64_t vaddr)
{
	return false;
}

static bool no_site(void *arg, uint32_t module, uint32_t probe, uint64_t *vaddr)
{
	return false;
}

static int setup(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));

	modules_init(&x->modules);
	processes_init(&x->processes, &x->modules);
	profile_init(&x->p, &x->modules, functions, 1);
	x->c = collector_new(NULL, &x->processes, &x->p, false, to_vaddr, no_allocator, no_site, NULL);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	collector_free(x->c);
	profile_free(&x->p);
	processes_free(&x->processes);
	modules_free(&x->modules);
	free(x);
	vec_free(&fake.sums);
	vec_free(&fake.blocks);
	vec_free(&fake.hists);
	vec_free(&fake.frames);
	memset(&fake, 0, sizeof(fake));
	return 0;
}

/* The frames of a stack of process 10 arrive; returns its id in the profile. */
static uint32_t arrive(struct fixture *x, uint64_t id)
{
	struct stack_frames rec = {.id = id, .pid = 10, .tid = 10, .n = 1, .frames = {0x1000 + id}};

	vec_push(&fake.frames, rec);
	assert_int_equal(collector_drain(x->c), 0);
	collector_resolve(x->c);
	return x->p.stacks.n - 1;
}

static struct stack_sum *counted(uint64_t id, uint64_t bytes, uint64_t calls)
{
	struct fake_sum s = {.id = id, .sum = {.alloc = {.bytes = bytes, .calls = CALLS(calls)}, .pid = 10}};

	vec_push(&fake.sums, s);
	return &fake.sums.at[fake.sums.n - 1].sum;
}

static void collect(struct fixture *x, struct collect_options o)
{
	assert_int_equal(collector_sums(x->c, &o), 0);
}

static void check(struct fixture *x, enum profile_kind kind, uint32_t stack, uint64_t bytes, uint64_t calls)
{
	assert_int_equal(profile_sum(&x->p, kind, stack).bytes, bytes);
	assert_int_equal(profile_sum(&x->p, kind, stack).calls, calls);
}

static void allocations_alone(void **state)
{
	struct fixture *x = *state;
	uint32_t a = arrive(x, 1);

	counted(1, 1009, 7)->freed = (struct sum){.bytes = 5, .calls = CALLS(1)};
	counted(2, 13, 3);
	collect(x, (struct collect_options){0});
	check(x, PROFILE_ALLOC, a, 1009, 7);
	assert_int_equal(profile_total(&x->p, PROFILE_ALLOC).bytes, 1022);
	assert_int_equal(collector_lost(x->c), 3);
	/* where blocks are not followed nothing else is looked at */
	assert_true(counters_none(profile_total(&x->p, PROFILE_LIVE)));
	assert_true(counters_none(profile_total(&x->p, PROFILE_FREED)));
}

static void kinds(void **state)
{
	struct fixture *x = *state;
	uint32_t a = arrive(x, 1), b = arrive(x, 2);
	struct stack_sum *s;

	fake.heap.peak_seq = 5;
	s = counted(1, 1000, 10);
	s->freed = (struct sum){.bytes = 300, .calls = CALLS(3)};
	s->temp = (struct sum){.bytes = 100, .calls = CALLS(1)};
	/* brought up to the last peak */
	s->peak = (struct sum){.bytes = 900, .calls = CALLS(9)};
	s->peak_seq = 5;
	s = counted(2, 70, 7);
	s->freed = (struct sum){.bytes = 20, .calls = CALLS(2)};
	/* untouched since an older peak: what is live was live then */
	s->peak = (struct sum){.bytes = 1, .calls = CALLS(1)};
	s->peak_seq = 4;
	collect(x, (struct collect_options){.blocks = true});
	check(x, PROFILE_FREED, a, 300, 3);
	check(x, PROFILE_LIVE, a, 700, 7);
	check(x, PROFILE_TEMP, a, 100, 1);
	check(x, PROFILE_PEAK, a, 900, 9);
	check(x, PROFILE_LIVE, b, 50, 5);
	check(x, PROFILE_PEAK, b, 50, 5);
	check(x, PROFILE_TEMP, b, 0, 0);
	/* again: nothing adds up twice */
	collect(x, (struct collect_options){.blocks = true});
	check(x, PROFILE_LIVE, a, 700, 7);
	/* a reading in the middle of things */
	fake.sums.at[1].sum.freed.bytes = 71;
	collect(x, (struct collect_options){.blocks = true});
	check(x, PROFILE_LIVE, b, 0, 5);
}

static void estimates(void **state)
{
	struct fixture *x = *state;
	uint32_t a = arrive(x, 1);
	struct stack_sum *s = counted(1, 4000, 0);

	s->alloc.calls = CALLS(40) + CALLS(1) / 2;
	s->alloc.bytes_var = 3000;
	s->alloc.calls_var = 40;
	s->freed = (struct sum){.bytes = 1000, .calls = CALLS(10), .bytes_var = 1000, .calls_var = 8};
	collect(x, (struct collect_options){.blocks = true});
	check(x, PROFILE_ALLOC, a, 4000, 41);
	assert_true(profile_sum(&x->p, PROFILE_ALLOC, a).bytes_var == 3000.0 * 256);
	assert_true(profile_sum(&x->p, PROFILE_ALLOC, a).calls_var == 40.0 / 16);
	assert_true(profile_sum(&x->p, PROFILE_LIVE, a).bytes_var == 2000.0 * 256);
	assert_true(profile_sum(&x->p, PROFILE_LIVE, a).calls_var == 2);
}

static void deltas(void **state)
{
	const struct collect_options delta = {.delta = true, .blocks = true};
	struct fixture *x = *state;
	uint32_t a = arrive(x, 1);

	counted(1, 1000, 10)->temp = (struct sum){.bytes = 100, .calls = CALLS(1)};
	collect(x, delta);
	check(x, PROFILE_ALLOC, a, 1000, 10);
	check(x, PROFILE_TEMP, a, 100, 1);
	fake.sums.at[0].sum.alloc = (struct sum){.bytes = 1500, .calls = CALLS(13)};
	fake.sums.at[0].sum.temp = (struct sum){.bytes = 107, .calls = CALLS(2)};
	collect(x, delta);
	check(x, PROFILE_ALLOC, a, 500, 3);
	check(x, PROFILE_TEMP, a, 7, 1);
	collect(x, delta);
	check(x, PROFILE_ALLOC, a, 0, 0);
	/* the whole time again */
	collect(x, (struct collect_options){.blocks = true});
	check(x, PROFILE_ALLOC, a, 1500, 13);
	/* a stack whose frames come late keeps what the lost one had */
	counted(2, 64, 1);
	collect(x, delta);
	assert_int_equal(collector_lost(x->c), 1);
	arrive(x, 2);
	fake.sums.at[1].sum.alloc = (struct sum){.bytes = 128, .calls = CALLS(2)};
	collect(x, delta);
	assert_int_equal(collector_lost(x->c), 0);
	assert_int_equal(profile_total(&x->p, PROFILE_ALLOC).bytes, 64);
}

/* A process execs at 500 with 3 of 10 blocks live; what was live at the peak is what was live before, or after. */
static void blocks_end_with_their_process(void **state)
{
	const struct ended_process ended = {.pid = 10, .before_ns = 500};
	struct fixture *x = *state;
	uint32_t a = arrive(x, 1);
	const struct fake_block old = {
		.key = {.addr = 0x10, .space = 10},
		.block = {.stack = 1, .bytes = 100, .time_ns = 400, .weight = CALLS(3)},
	}, young = {
		.key = {.addr = 0x20, .space = 10},
		.block = {.stack = 1, .bytes = 7, .time_ns = 600, .weight = CALLS(1)},
	};

	counted(1, 1007, 11)->freed = (struct sum){.bytes = 700, .calls = CALLS(7)};
	vec_push(&fake.blocks, old);
	vec_push(&fake.blocks, young);
	assert_int_equal(collector_end_blocks(x->c, &ended, 1, 500), 0);
	fake.heap = (struct heap){.peak_seq = 9, .peak_ns = 450};
	collect(x, (struct collect_options){.blocks = true});
	check(x, PROFILE_FREED, a, 1000, 10);
	check(x, PROFILE_LIVE, a, 7, 1);
	check(x, PROFILE_PEAK, a, 307, 4);
	assert_int_equal(x->p.ended_blocks, 3);
	fake.heap.peak_ns = 550;
	collect(x, (struct collect_options){.blocks = true});
	check(x, PROFILE_PEAK, a, 7, 1);
	assert_int_equal(fake.blocks.n, 1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + t.tv_nsec;
}

static void block(uint64_t stack, uint64_t bytes, uint64_t time_ns, uint32_t generation)
{
	struct fake_block b = {
		.key = {.addr = 0x1000 * (fake.blocks.n + 1), .space = 10},
		.block = {
			.stack = stack, .bytes = bytes, .time_ns = time_ns, .weight = CALLS(1),
			.generation = generation,
		},
	};

	vec_push(&fake.blocks, b);
}

static void ages(void **state)
{
	struct fixture *x = *state;
	uint32_t a = arrive(x, 1), b = arrive(x, 2), lost;
	uint64_t now = now_ns(), old = now > 1000 * SECOND ? now - 1000 * SECOND : 1, future = now + 1000 * SECOND;

	counted(1, 600, 3);
	counted(2, 50, 1);
	counted(3, 40, 1);
	block(1, 100, old + 5, 0);
	block(1, 200, old, 0);
	block(1, 300, future, 0);
	block(2, 50, future, 0);
	block(3, 40, old + 7, 0);
	collect(x, (struct collect_options){.blocks = true, .ages = true, .min_age_ns = (now - old) / 2});
	check(x, PROFILE_LEAKS, a, 300, 2);
	check(x, PROFILE_LEAKS, b, 0, 0);
	assert_int_equal(profile_oldest(&x->p, a), old);
	assert_int_equal(profile_oldest(&x->p, b), future);
	assert_int_equal(x->p.generations, 0);
	assert_true(counters_none(profile_total(&x->p, PROFILE_MARKED)));
	/* the block of a stack that never arrived: with that stack's sums */
	lost = x->p.stacks.n - 1;
	assert_int_equal(x->p.stacks.at[lost].end, STACK_END_LOST);
	check(x, PROFILE_LEAKS, lost, 40, 1);
	check(x, PROFILE_LIVE, lost, 40, 1);
	assert_true(x->p.now_ns >= now);
	/* of any age; not even one from the future is younger than 0 */
	collect(x, (struct collect_options){.blocks = true, .ages = true});
	check(x, PROFILE_LEAKS, a, 300, 2);
	/* not asked for */
	collect(x, (struct collect_options){.blocks = true});
	assert_true(counters_none(profile_total(&x->p, PROFILE_LEAKS)));
	assert_int_equal(profile_oldest(&x->p, a), 0);
}

static void generations(void **state)
{
	struct fixture *x = *state;
	uint32_t a = arrive(x, 1);

	for (uint32_t g = 0; g <= 10; g++)
		block(1, 1 << g, 1, g);
	block(1, 4096, 1, 2);
	collect(x, (struct collect_options){.blocks = true, .ages = true, .generation = 2});
	assert_int_equal(x->p.generations, 2);
	assert_int_equal(x->p.first_generation, 1);
	check(x, PROFILE_GENERATION, a, 2, 1);
	check(x, PROFILE_GENERATION + 1, a, 4 + 4096, 2);
	check(x, PROFILE_GENERATION + 2, a, 0, 0);
	check(x, PROFILE_MARKED, a, 2 + 4 + 4096, 3);
	/* more of them than are told apart: the latest */
	collect(x, (struct collect_options){.blocks = true, .ages = true, .generation = 10});
	assert_int_equal(x->p.generations, PROFILE_GENERATIONS);
	assert_int_equal(x->p.first_generation, 3);
	check(x, PROFILE_GENERATION, a, 8, 1);
	check(x, PROFILE_GENERATION + 7, a, 1024, 1);
	check(x, PROFILE_MARKED, a, 2048 - 8, 8);
}

/* 10,000 blocks that stand for 1.4 calls each are 14,000, whichever way one of them is rounded. */
static void weights_are_not_rounded_one_by_one(void **state)
{
	struct fixture *x = *state;
	uint32_t a = arrive(x, 1);
	const double w = 91750 / 65536.0;
	double var;

	for (int i = 0; i < 10000; i++) {
		block(1, 10, 1, 0);
		fake.blocks.at[i].block.weight = 91750;
	}
	collect(x, (struct collect_options){.blocks = true, .ages = true});
	check(x, PROFILE_LEAKS, a, 140000, 14000);
	var = profile_sum(&x->p, PROFILE_LEAKS, a).bytes_var / (10000 * 100 * w * (w - 1));
	assert_true(var > 0.999999 && var < 1.000001);
}

static void histograms(void **state)
{
	struct fixture *x = *state;
	uint32_t a = arrive(x, 1);
	const struct fake_hist hists[] = {
		{{.stack = 1, .kind = HIST_SIZES, .bucket = 7}, CALLS(3) / 2},
		{{.stack = 1, .kind = HIST_LIFETIMES, .bucket = 30}, CALLS(2)},
		{{.stack = 9, .kind = HIST_SIZES, .bucket = 1}, CALLS(5)},
		{{.stack = 1, .kind = 77, .bucket = 1}, CALLS(5)},
		{{.stack = 1, .kind = HIST_SIZES, .bucket = 7777}, CALLS(5)},
	};

	counted(1, 1, 1);
	counted(9, 1, 1);
	for (size_t i = 0; i < sizeof(hists) / sizeof(hists[0]); i++)
		vec_push(&fake.hists, hists[i]);
	collect(x, (struct collect_options){0});
	assert_int_equal(x->p.hists[PROFILE_SIZES].n, 2);
	assert_int_equal(x->p.hists[PROFILE_SIZES].at[0].stack, a);
	assert_int_equal(x->p.hists[PROFILE_SIZES].at[0].bucket, 7);
	assert_true(x->p.hists[PROFILE_SIZES].at[0].calls == 1.5);
	assert_int_equal(x->p.stacks.at[x->p.hists[PROFILE_SIZES].at[1].stack].end, STACK_END_LOST);
	assert_int_equal(x->p.tasks.at[x->p.stacks.at[x->p.hists[PROFILE_SIZES].at[1].stack].task].pid, 10);
	assert_int_equal(x->p.hists[PROFILE_LIFETIMES].n, 1);
	assert_int_equal(x->p.hists[PROFILE_LIFETIMES].at[0].bucket, 30);
}

static const struct profile_tag *arrive_tagged(struct fixture *x, uint64_t id, uint64_t tag)
{
	struct stack_frames rec = {.id = id, .pid = 10, .tid = 10, .n = 1, .frames = {0x1000}, .tag = tag};
	uint32_t found;

	vec_push(&fake.frames, rec);
	assert_int_equal(collector_drain(x->c), 0);
	collector_resolve(x->c);
	found = x->p.stacks.at[x->p.stacks.n - 1].tag;
	return found ? &x->p.tags.at[found] : NULL;
}

static void goroutines(void **state)
{
	struct fixture *x = *state;

	assert_null(arrive_tagged(x, 1, 0));
	assert_int_equal(arrive_tagged(x, 2, 17)->goroutine, 17);
	assert_null(arrive_tagged(x, 3, 17)->labels);
	assert_int_equal(x->p.stacks.n, 2);
	assert_int_equal(arrive_tagged(x, 4, TAG_NONE)->goroutine, 0);
	assert_int_equal(x->p.stacks.n, 3);
	assert_int_equal(fake.labels_asked, 0);
}

/* Each set is asked for once. */
static void labels(void **state)
{
	struct fixture *x = *state;

	collector_set_by_label(x->c);
	assert_string_equal(arrive_tagged(x, 1, 7)->labels, "tag\x1f" "7\x1e");
	assert_string_equal(arrive_tagged(x, 2, TAG_NONE)->labels, "");
	assert_string_equal(arrive_tagged(x, 3, 8)->labels, "tag\x1f" "8\x1e");
	arrive_tagged(x, 4, 7);
	assert_int_equal(x->p.stacks.n, 3);
	assert_int_equal(fake.labels_asked, 2);
	assert_null(arrive_tagged(x, 5, TAG_UNKNOWN));
	assert_null(arrive_tagged(x, 6, 11));
	assert_int_equal(x->p.stacks.n, 4);
	assert_false(collector_lost_labels(x->c));
	arrive_tagged(x, 7, TAG_LOST);
	assert_true(collector_lost_labels(x->c));
}

static void errors_are_passed_on(void **state)
{
	struct fixture *x = *state;
	const struct collect_options o = {0};

	fake.error = -5;
	assert_int_equal(collector_sums(x->c, &o), -5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(allocations_alone),
		TEST(kinds),
		TEST(estimates),
		TEST(deltas),
		TEST(blocks_end_with_their_process),
		TEST(ages),
		TEST(generations),
		TEST(weights_are_not_rounded_one_by_one),
		TEST(histograms),
		TEST(errors_are_passed_on),
		TEST(goroutines),
		TEST(labels),
	};

	return cmocka_run_group_tests_name("collector", tests, NULL, NULL);
}
