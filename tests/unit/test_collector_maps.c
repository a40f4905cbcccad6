/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose a mapping is, and when it ends; the kernel side is made up here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc/family.h"
#include "base/mem.h"
#include "kern/kmem.h"
#include "trace/collector.h"

static struct {
	vec_of(struct stack_frames) frames;	/* that were not taken out yet; */
	vec_of(struct map_event) maps;		/* and events */
	void (*on_map)(void *arg, const struct map_event *ev);
	void *on_map_arg;
} fake;

int kern_sums(struct kern *k, void (*on_sum)(void *arg, uint64_t id, const struct stack_sum *sum), void *arg)
{
	/* Their stacks are in the kernel's table like any other. */
	for (uint64_t id = 1; id <= 8; id++)
		on_sum(arg, id, &(struct stack_sum){.pid = 10, .sent = 1});
	return 0;
}

int kern_blocks(struct kern *k, void (*on_block)(void *arg, const struct block_key *key, const struct block *block),
		void *arg)
{
	return 0;
}

int kern_end_blocks(struct kern *k, const struct ended_process *ended, size_t n,
		    void (*on_block)(void *arg, const struct block_key *key, const struct block *block), void *arg)
{
	return 0;
}

int kern_hists(struct kern *k, void (*on_hist)(void *arg, const struct hist_key *key, uint64_t calls), void *arg)
{
	return 0;
}

bool kern_labels(const struct kern *k, uint64_t tag, struct label_set *out)
{
	return false;
}

struct heap kern_heap(const struct kern *k)
{
	return (struct heap){0};
}

void kern_kmem_type(const struct kern *k, uint64_t type, struct buf *out)
{
}

int kern_frames(struct kern *k, void (*on_frames)(void *arg, const struct stack_frames *rec), void *arg)
{
	for (size_t i = 0; i < fake.frames.n; i++)
		on_frames(arg, &fake.frames.at[i]);
	for (size_t i = 0; i < fake.maps.n; i++)
		fake.on_map(fake.on_map_arg, &fake.maps.at[i]);
	fake.frames.n = fake.maps.n = 0;
	return 0;
}

void kern_set_on_map(struct kern *k, void (*on_map)(void *arg, const struct map_event *ev), void *arg)
{
	fake.on_map = on_map;
	fake.on_map_arg = arg;
}

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

/* By the address of the frame: 0x1000 and the owner, ten times the stack's id beside. */
static enum map_owner owner_of(void *arg, uint32_t module, uint64_t vaddr)
{
	return (vaddr + 1 - 0x1000) % 10;
}

static uint16_t function_of_mmap(void)
{
	size_t id = 0;

	while (strcmp(alloc_function(id)->name, "mmap") != 0)
		id++;
	return (uint16_t)id;
}

/* owner: no frames come. */
#define NO_FRAMES 9

static void map_once(uint64_t id, enum walk_end end, uint64_t owner)
{
	const struct stack_frames rec = {
		.id = id, .pid = 10, .tid = 10, .n = 1, .function = function_of_mmap(), .end = end,
		.frames = {0x1000 + 10 * id + owner},
	};
	const struct map_event ev = {
		.space = 10, .pid = 10, .begin_ns = id, .end_ns = id, .stack = id, .addr = id << 20,
		.bytes = 1ULL << id, .anonymous = MAP_ANONYMOUS_YES,
	};

	vec_push(&fake.maps, ev);
	if (owner != NO_FRAMES)
		vec_push(&fake.frames, rec);
}

struct fixture {
	struct modules modules;
	struct processes processes;
	struct profile p;
	struct collector *c;
};

static int setup(void **state)
{
	static const char *names[ALLOC_MAX_FUNCTIONS];
	struct fixture *x = xcalloc(1, sizeof(*x));

	modules_init(&x->modules);
	processes_init(&x->processes, &x->modules);
	profile_init(&x->p, &x->modules, names, ALLOC_MAX_FUNCTIONS);
	x->c = collector_new(NULL, &x->processes, &x->p, false, to_vaddr, no_allocator, no_site, NULL);
	collector_follow_maps(x->c, owner_of);
	map_once(1, WALK_NO_RULE, MAP_OF_PROGRAM);
	map_once(2, WALK_COMPLETE, MAP_OF_ALLOCATOR);
	map_once(3, WALK_COMPLETE, MAP_OF_ANOTHER);
	map_once(4, WALK_COMPLETE, MAP_OF_LIBC);
	map_once(5, WALK_NO_RULE, MAP_OF_LIBC);
	map_once(6, WALK_COMPLETE, MAP_OF_ITS_LIBRARY);
	map_once(7, WALK_COMPLETE, MAP_OF_THREAD);
	map_once(8, WALK_COMPLETE, NO_FRAMES);
	assert_int_equal(collector_drain(x->c), 0);
	collector_resolve(x->c);
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
	vec_free(&fake.frames);
	vec_free(&fake.maps);
	return 0;
}

/* What allocators map, what is another call's event, and what has no frames is in no row of the program's. */
static void owners(void **state)
{
	const struct collect_options o = {0};
	const uint64_t of_program = 1 << 1 | 1 << 4 | 1 << 7, of_allocators = 1 << 2 | 1 << 5 | 1 << 6;
	struct fixture *x = *state;
	struct collected_maps all;

	assert_int_equal(collector_sums(x->c, &o), 0);
	all = collector_maps(x->c);
	assert_int_equal(profile_sum(&x->p, PROFILE_MAPPED, 0).bytes, 1 << 1);
	assert_int_equal(profile_total(&x->p, PROFILE_MAPPED).bytes, of_program);
	assert_int_equal(profile_total(&x->p, PROFILE_MAPPED_LIVE).bytes, of_program);
	assert_int_equal(profile_total(&x->p, PROFILE_MAPPED_LIVE).calls, 3);
	assert_int_equal(all.allocator.bytes, of_allocators);
	assert_int_equal(all.allocator_live.bytes, of_allocators);
	assert_int_equal(all.lost, 1);
	/* nor do they make rows, or losses, of the heap */
	assert_true(counters_none(profile_total(&x->p, PROFILE_ALLOC)));
	assert_int_equal(x->p.stacks.n, 7);
	assert_int_equal(collector_lost(x->c), 0);
}

/* Events of what has ended are taken out before; later ones are of another program under the same number. */
static void processes_end(void **state)
{
	const struct ended_process ended = {.pid = 10, .before_ns = 100};
	const struct collect_options o = {0};
	struct fixture *x = *state;

	map_once(1, WALK_COMPLETE, NO_FRAMES);
	assert_int_equal(collector_end_blocks(x->c, &ended, 1, 100), 0);
	assert_int_equal(collector_sums(x->c, &o), 0);
	assert_int_equal(profile_sum(&x->p, PROFILE_MAPPED, 0).bytes, 2 << 1);
	assert_true(counters_none(profile_total(&x->p, PROFILE_MAPPED_LIVE)));
	assert_int_equal(collector_maps(x->c).allocator_live.bytes, 0);
	vec_push(&fake.maps, ((struct map_event){.space = 11, .pid = 10, .begin_ns = 200, .end_ns = 201, .stack = 4,
			      .addr = 4096, .bytes = 4096, .anonymous = MAP_ANONYMOUS_YES}));
	assert_int_equal(collector_drain(x->c), 0);
	assert_int_equal(collector_end_blocks(x->c, &ended, 1, 202), 0);
	assert_int_equal(collector_sums(x->c, &o), 0);
	assert_int_equal(profile_total(&x->p, PROFILE_MAPPED_LIVE).bytes, 4096);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(owners), TEST(processes_end)};

	return cmocka_run_group_tests_name("collector_maps", tests, NULL, NULL);
}
