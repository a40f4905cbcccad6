/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is mapped, by range and by stack: against a model of it, page by page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memlimit.h"
#include "model/ranges.h"
#include "trace/mapped.h"

#define PAGE 4096ULL
#define PAGES 3000	/* of an address space; more than some chunks of ranges */
#define STEPS 60000
#define STACKS 7
#define SPACES 3

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

/* --- ranges alone */

struct page {
	uint32_t owner;	/* 0: nothing is there */
	uint64_t since_ns;
};

struct taken {
	uint64_t bytes;
	int64_t parts;
};

static void count_taken(void *arg, uint32_t owner, uint64_t bytes, int parts)
{
	struct taken *t = arg;

	assert_true(owner && bytes && parts >= -1 && parts <= 1);
	t->bytes += bytes;
	t->parts += parts;
}

struct walk {
	const struct page *model;
	uint64_t end;
	size_t n;
};

static void compare_range(void *arg, const struct range *x)
{
	struct walk *w = arg;

	assert_true(x->from < x->to && x->from >= w->end);
	for (uint64_t p = w->end / PAGE; p < x->from / PAGE; p++)
		assert_int_equal(w->model[p].owner, 0);
	for (uint64_t p = x->from / PAGE; p < x->to / PAGE; p++) {
		assert_int_equal(w->model[p].owner, x->owner);
		assert_int_equal(w->model[p].since_ns, x->since_ns);
	}
	w->end = x->to;
	w->n++;
}

static void compare(const struct ranges *r, const struct page *model)
{
	struct walk w = {.model = model};

	ranges_each(r, compare_range, &w);
	for (uint64_t p = w.end / PAGE; p < PAGES; p++)
		assert_int_equal(model[p].owner, 0);
	assert_int_equal(w.n, r->n);
}

static void ranges_are_pages(void **state)
{
	struct page *model = calloc(PAGES, sizeof(*model));
	struct ranges r = {0};
	size_t most = 0;

	for (uint64_t step = 1; step <= STEPS; step++) {
		const uint64_t from = random_below(PAGES), n = 1 + random_below(random_below(200) ? 4 : PAGES / 8);
		const uint64_t to = from + n < PAGES ? from + n : PAGES, before = step - random_below(3);
		const bool puts = random_below(3);
		struct taken t = {0};
		const size_t n_before = r.n;
		uint64_t expected = 0;
		bool any = false;

		for (uint64_t p = from; p < to; p++)
			any |= model[p].owner != 0;
		assert_true(ranges_any(&r, from * PAGE, to * PAGE) == any);
		for (uint64_t p = from; p < to; p++)
			if (model[p].owner && (puts || model[p].since_ns <= before)) {
				model[p].owner = 0;
				expected += PAGE;
			}
		assert_int_equal(ranges_take(&r, from * PAGE, to * PAGE, puts ? UINT64_MAX : before, count_taken, &t),
				 expected);
		assert_int_equal(t.bytes, expected);
		assert_int_equal((int64_t)n_before + t.parts, r.n);
		if (puts) {
			const uint32_t owner = 1 + (uint32_t)step;

			ranges_put(&r, (struct range){from * PAGE, to * PAGE, step, owner, 0});
			for (uint64_t p = from; p < to; p++)
				model[p] = (struct page){owner, step};
		}
		most = r.n > most ? r.n : most;
		if (step % 500 == 0)
			compare(&r, model);
	}
	assert_true(most > 512);
	ranges_free(&r);
	free(model);
}

static void ends_of_the_address_space(void **state)
{
	struct ranges r = {0};
	struct taken t = {0};

	assert_false(ranges_any(&r, 0, UINT64_MAX));
	assert_int_equal(ranges_take(&r, 0, UINT64_MAX, UINT64_MAX, count_taken, &t), 0);
	ranges_put(&r, (struct range){UINT64_MAX - PAGE, UINT64_MAX, 1, 1, 0});
	ranges_put(&r, (struct range){0, PAGE, 1, 2, 0});
	assert_false(ranges_any(&r, PAGE, UINT64_MAX - PAGE));
	assert_false(ranges_any(&r, 5, 5));
	assert_int_equal(ranges_take(&r, 1, 2, 1, count_taken, &t), 1);
	assert_int_equal(r.n, 3);
	assert_int_equal(ranges_take(&r, 0, UINT64_MAX, 0, count_taken, &t), 0);
	assert_int_equal(ranges_take(&r, 0, UINT64_MAX, 1, count_taken, &t), 2 * PAGE - 1);
	assert_int_equal(r.n, 0);
	ranges_free(&r);
}

/* --- events */

struct sums {
	struct counters mapped[STACKS + 1], live[STACKS + 1];
};

static void on_stack(void *arg, uint64_t id, struct counters mapped, struct counters live)
{
	struct sums *s = arg;

	assert_true(id >= 1 && id <= STACKS);
	s->mapped[id] = mapped;
	s->live[id] = live;
}

static struct sums sums_of(struct mapped *m, bool delta)
{
	struct sums s = {0};

	mapped_each(m, delta, on_stack, &s);
	return s;
}

static void expect(struct mapped *m, uint64_t stack, uint64_t mapped, uint64_t calls, uint64_t live, uint64_t maps)
{
	const struct sums s = sums_of(m, false);

	assert_int_equal(s.mapped[stack].bytes, mapped * PAGE);
	assert_int_equal(s.mapped[stack].calls, calls);
	assert_int_equal(s.live[stack].bytes, live * PAGE);
	assert_int_equal(s.live[stack].calls, maps);
}

static void map(struct mapped *m, uint64_t stack, uint64_t at, uint64_t n, uint64_t begin, uint64_t end)
{
	mapped_event(m, &(struct map_event){
		.space = 1, .pid = 10, .begin_ns = begin, .end_ns = end, .stack = stack, .addr = at * PAGE,
		.bytes = n * PAGE, .anonymous = MAP_ANONYMOUS_YES,
	});
}

static void unmap(struct mapped *m, uint64_t at, uint64_t n, uint64_t begin, uint64_t end)
{
	mapped_event(m, &(struct map_event){
		.space = 1, .pid = 10, .begin_ns = begin, .end_ns = end, .old = at * PAGE, .old_bytes = n * PAGE,
	});
}

static struct map_event moved(uint64_t stack, uint64_t old, uint64_t n, uint64_t at, uint64_t to, uint64_t begin)
{
	return (struct map_event){
		.space = 1, .pid = 10, .begin_ns = begin, .end_ns = begin + 1, .stack = stack, .old = old * PAGE,
		.old_bytes = n * PAGE, .addr = at * PAGE, .bytes = to * PAGE, .anonymous = MAP_ANONYMOUS_NO,
	};
}

/* The thread that unmapped comes late: by then the address is another one's. */
static void unmapped_late(void **state)
{
	struct mapped *m = mapped_new();

	map(m, 1, 100, 5, 1, 2);
	map(m, 2, 100, 5, 3, 6);
	unmap(m, 100, 5, 4, 7);
	expect(m, 1, 5, 1, 0, 0);
	expect(m, 2, 5, 1, 5, 1);
	/* what is older goes, and what is not stays */
	map(m, 1, 105, 2, 8, 9);
	unmap(m, 98, 20, 8, 10);
	expect(m, 1, 7, 2, 2, 1);
	expect(m, 2, 5, 1, 0, 0);
	mapped_free(m);
}

static void moves(void **state)
{
	struct mapped *m = mapped_new();
	struct map_event ev;

	map(m, 1, 100, 8, 1, 2);
	/* shared memory has a file, and is known; other files are not */
	ev = moved(2, 100, 8, 200, 11, 3);
	mapped_event(m, &ev);
	expect(m, 1, 8, 1, 0, 0);
	expect(m, 2, 11, 1, 11, 1);
	ev = moved(3, 500, 8, 600, 9, 5);
	mapped_event(m, &ev);
	expect(m, 3, 0, 0, 0, 0);
	/* it can't be determined: known, and not */
	ev = moved(3, 200, 11, 200, 4, 7);
	ev.anonymous = MAP_ANONYMOUS_UNKNOWN;
	mapped_event(m, &ev);
	expect(m, 2, 11, 1, 0, 0);
	expect(m, 3, 4, 1, 4, 1);
	assert_int_equal(mapped_unfollowed(m), 0);
	ev.old = 700 * PAGE;
	ev.addr = 300 * PAGE;
	mapped_event(m, &ev);
	expect(m, 3, 4, 1, 4, 1);
	assert_int_equal(mapped_unfollowed(m), 1);
	/* the old one stays */
	ev = moved(4, 200, 4, 300, 4, 9);
	ev.keeps_old = 1;
	mapped_event(m, &ev);
	expect(m, 3, 4, 1, 4, 1);
	expect(m, 4, 4, 1, 4, 1);
	mapped_free(m);
}

static void counts_mappings_until_nothing_is_left(void **state)
{
	struct mapped *m = mapped_new();

	map(m, 1, 100, 9, 1, 2);
	unmap(m, 103, 3, 3, 4);
	expect(m, 1, 9, 1, 6, 1);
	unmap(m, 100, 3, 5, 6);
	expect(m, 1, 9, 1, 3, 1);
	unmap(m, 106, 3, 7, 8);
	expect(m, 1, 9, 1, 0, 0);
	map(m, 1, 100, 9, 9, 10);
	map(m, 2, 104, 1, 11, 12);
	expect(m, 1, 18, 2, 8, 1);
	expect(m, 2, 1, 1, 1, 1);
	mapped_free(m);
}

static void deltas(void **state)
{
	struct mapped *m = mapped_new();

	map(m, 1, 100, 9, 1, 2);
	assert_int_equal(sums_of(m, true).mapped[1].bytes, 9 * PAGE);
	map(m, 1, 200, 2, 3, 4);
	unmap(m, 100, 1, 5, 6);
	assert_int_equal(sums_of(m, true).mapped[1].bytes, 2 * PAGE);
	assert_int_equal(sums_of(m, true).mapped[1].bytes, 0);
	expect(m, 1, 11, 2, 10, 2);
	mapped_free(m);
}

/* Of nothing, or beyond the end. */
static void nonsense(void **state)
{
	struct mapped *m = mapped_new();
	struct map_event ev = {.space = 1, .pid = 10, .stack = 1, .anonymous = MAP_ANONYMOUS_YES};

	mapped_event(m, &ev);
	ev.addr = UINT64_MAX - PAGE;
	ev.bytes = 2 * PAGE;
	mapped_event(m, &ev);
	ev.old = UINT64_MAX;
	ev.old_bytes = UINT64_MAX;
	mapped_event(m, &ev);
	expect(m, 1, 0, 0, 0, 0);
	mapped_free(m);
}

static void no_memory(void **state)
{
	struct mapped *m = mapped_new();

	memlimit_set(1 << 20);
	map(m, 1, 100, 9, 1, 2);
	memlimit_set(MEMLIMIT_DEFAULT);
	expect(m, 1, 9, 1, 0, 0);
	assert_int_equal(mapped_unfollowed(m), 1);
	mapped_free(m);
}

/* Address spaces, one of a process each, that end; and what is mapped in each, page by page. */
static void spaces(void **state)
{
	static uint64_t model[SPACES][PAGES];	/* stack */
	struct mapped *m = mapped_new();
	struct sums s;
	uint64_t live[STACKS + 1] = {0}, mapped[STACKS + 1] = {0};

	memset(model, 0, sizeof(model));
	for (uint64_t step = 1; step <= STEPS; step++) {
		const uint64_t space = random_below(SPACES), from = random_below(PAGES - 40);
		const uint64_t n = 1 + random_below(random_below(10) ? 3 : 40), stack = 1 + random_below(STACKS);
		const bool maps = random_below(2);
		const struct ended_process ended = {.pid = (pid_t)(100 + space), .before_ns = 10 * step + 1};
		const struct map_event ev = {
			.space = 1 + space, .pid = (uint32_t)(100 + space), .begin_ns = 10 * step,
			.end_ns = 10 * step + 1,
			.stack = maps ? stack : 0, .addr = maps ? from * PAGE : 0, .bytes = maps ? n * PAGE : 0,
			.old = maps ? 0 : from * PAGE, .old_bytes = maps ? 0 : n * PAGE,
			.anonymous = MAP_ANONYMOUS_YES,
		};

		if (random_below(2000) == 0) {
			mapped_end(m, &ended, 1);
			memset(model[space], 0, sizeof(model[space]));
		}
		mapped_event(m, &ev);
		for (uint64_t p = from; p < from + n; p++)
			model[space][p] = maps ? stack : 0;
		mapped[stack] += maps ? n : 0;
	}
	for (size_t i = 0; i < SPACES; i++)
		for (size_t p = 0; p < PAGES; p++)
			live[model[i][p]]++;
	s = sums_of(m, false);
	for (size_t k = 1; k <= STACKS; k++) {
		assert_int_equal(s.mapped[k].bytes, mapped[k] * PAGE);
		assert_int_equal(s.live[k].bytes, live[k] * PAGE);
	}
	for (size_t i = 0; i < SPACES; i++)
		mapped_end(m, &(struct ended_process){.pid = (pid_t)(100 + i), .before_ns = UINT64_MAX}, 1);
	s = sums_of(m, false);
	for (size_t k = 1; k <= STACKS; k++)
		assert_true(counters_none(s.live[k]));
	mapped_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_pages),
		cmocka_unit_test(ends_of_the_address_space),
		cmocka_unit_test(unmapped_late),
		cmocka_unit_test(moves),
		cmocka_unit_test(counts_mappings_until_nothing_is_left),
		cmocka_unit_test(deltas),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(spaces),
	};

	return cmocka_run_group_tests_name("mapped", tests, NULL, NULL);
}
