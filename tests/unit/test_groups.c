// SPDX-License-Identifier: GPL-2.0-or-later
/* The windows of a wide run, each group scaled by its own work; and how much the calls of each group count for. */
#include "scale_sim.h"

#include <limits.h>

#include "pace/floors.h"
#include "pace/groups.h"

#define GROUPS 3
#define WINDOW_MS 100
#define HIT_NS 1000.

/* What a group does in a millisecond, without probes and with, from one time on to another. */
struct member_sim {
	double requests, slow_requests, calls, cpu_ns;
	long from_ms, until_ms;
};

struct host_sim {
	struct groups *groups;
	const struct member_sim *members;
	double done[GROUPS], hits[GROUPS], truth[GROUPS], recorded[GROUPS];
	double weight;
	bool counting;
	long ms;
	uint64_t seed;
};

static double random_of(struct host_sim *h)
{
	return (double)(mix64(h->seed += 0x9e3779b97f4a7c15) >> 11) * 0x1p-53;
}

static void host_step(struct host_sim *h)
{
	h->ms++;
	for (size_t i = 0; i < GROUPS; i++) {
		const struct member_sim *m = &h->members[i];
		const double pace = h->counting ? m->slow_requests : m->requests;
		const double requests = pace * (0.5 + random_of(h));

		if (h->ms <= m->from_ms || h->ms > m->until_ms)
			continue;
		h->done[i] += requests;
		h->truth[i] += requests * m->calls;
		if (h->counting)
			h->hits[i] += requests * m->calls;
	}
}

/* As the BPF side has it: a group that has ended stays as it was; one that has not begun is not there. */
static void host_read(struct host_sim *h)
{
	struct group_now now[GROUPS];
	size_t n = 0;

	for (size_t i = 0; i < GROUPS; i++) {
		const struct member_sim *m = &h->members[i];

		if (h->ms < m->from_ms)
			continue;
		now[n] = (struct group_now){.program = 100 + i, .work = {
			.hits = (uint64_t)h->hits[i], .reads = (uint64_t)h->done[i],
			.read_bytes = (uint64_t)(h->done[i] * 100), .writes = (uint64_t)h->done[i],
			.cpu_ns = (uint64_t)(h->done[i] * m->cpu_ns + h->hits[i] * HIT_NS),
		}};
		n++;
	}
	groups_read(h->groups, now, n, HIT_NS, h->weight, (uint64_t)h->ms * 1000000);
	for (size_t i = 0; i < GROUPS; i++)
		h->recorded[i] = h->hits[i] * h->weight;
}

/* Read 20 times a second, too. */
static void host_steps(struct host_sim *h, long ms)
{
	while (ms-- > 0) {
		host_step(h);
		if (h->ms % 50 == 0)
			host_read(h);
	}
	host_read(h);
}

static void host_begin(struct host_sim *h, const struct member_sim *members, double weight)
{
	*h = (struct host_sim){
		.groups = groups_new(), .members = members, .weight = weight, .counting = true, .seed = 7,
	};
	host_read(h);
	host_steps(h, FIRST_MS);
	groups_detached(h->groups);
	h->counting = false;
	groups_next(h->groups);
}

/* Strata with their windows at random places. */
static void host_strata(struct host_sim *h, int n)
{
	while (n-- > 0) {
		const long before = (long)(random_of(h) * (STRATUM_MS - WINDOW_MS));

		host_steps(h, before);
		groups_attached(h->groups);
		h->counting = true;
		host_steps(h, WINDOW_MS);
		groups_detached(h->groups);
		h->counting = false;
		host_steps(h, STRATUM_MS - WINDOW_MS - before);
		groups_next(h->groups);
	}
}

/* The rows of the group, scaled, against what is true. */
static double off_of(const struct host_sim *h, size_t i)
{
	return h->recorded[i] * groups_factor(h->groups, 100 + i) / h->truth[i] - 1;
}

#define ALWAYS LONG_MAX

/* The first is slowed down five times, the second not at all, the third twice. By time, or by the work of all together,
 * the first would get a fifth of what is its own. */
static void each_by_its_own_work(void **state)
{
	static const struct member_sim members[GROUPS] = {
		{40, 8, 20, 5e3, 0, ALWAYS}, {5, 5, 20, 1e3, 0, ALWAYS}, {10, 5, 50, 1e4, 0, ALWAYS},
	};
	struct scale_total total;
	struct host_sim h;
	double truth = 0;

	host_begin(&h, members, 1);
	host_strata(&h, 20);
	for (size_t i = 0; i < GROUPS; i++) {
		if (fabs(off_of(&h, i)) > 0.03)
			fail_msg("group %zu is off by %g", i, off_of(&h, i));
		truth += h.truth[i];
	}
	total = groups_total(h.groups);
	assert_true(fabs(total.calls / truth - 1) < 0.02);
	assert_true(total.kind != SCALE_TIME);
	assert_true(total.error > 0 && total.error < 0.1);
	assert_true(fabs(total.calls - truth) <= 3 * total.error * total.calls);
	groups_free(h.groups);
}

/* A sample stands for more calls than one; the factor is for what is recorded. */
static void weights(void **state)
{
	static const struct member_sim members[GROUPS] = {
		{40, 8, 20, 5e3, 0, ALWAYS}, {5, 5, 20, 1e3, 0, ALWAYS}, {10, 5, 50, 1e4, 0, ALWAYS},
	};
	struct host_sim once, h;

	host_begin(&once, members, 1);
	host_strata(&once, 10);
	host_begin(&h, members, 3);
	host_strata(&h, 10);
	for (size_t i = 0; i < GROUPS; i++)
		assert_true(fabs(groups_factor(once.groups, 100 + i) / groups_factor(h.groups, 100 + i) - 3) < 1e-6);
	assert_true(fabs(groups_total(once.groups).calls / groups_total(h.groups).calls - 1) < 1e-6);
	groups_free(once.groups);
	groups_free(h.groups);
}

/* All is counted from the first to the last: nothing is scaled. */
static void without_windows(void **state)
{
	static const struct member_sim members[GROUPS] = {
		{40, 8, 20, 5e3, 0, ALWAYS}, {5, 5, 20, 1e3, 30, ALWAYS}, {10, 5, 50, 1e4, 60, 100},
	};
	struct host_sim h = {.members = members, .weight = 1, .counting = true, .groups = groups_new()};
	struct scale_total total;
	double hits = 0;

	host_steps(&h, 500);
	for (size_t i = 0; i < GROUPS; i++) {
		/* Hits are whole. */
		assert_true(fabs(groups_factor(h.groups, 100 + i) - 1) < 1e-9);
		hits += (double)(uint64_t)h.hits[i];
	}
	total = groups_total(h.groups);
	assert_true(fabs(total.calls - hits) < 1e-3 && total.error == 0);
	assert_true(groups_factor(h.groups, 4711) == 1);
	groups_free(h.groups);
}

/* One begins within a window and works on, one between two windows, and one ends. */
static void some_come_and_go(void **state)
{
	static const struct member_sim members[GROUPS] = {
		{40, 8, 20, 5e3, 5050, ALWAYS}, {20, 10, 20, 1e3, 7500, ALWAYS}, {10, 5, 50, 1e4, 0, 12300},
	};
	struct host_sim h;
	double most = 0;

	/* Wherever windows are beside that. */
	for (uint64_t seed = 1; seed <= 20; seed++) {
		host_begin(&h, members, 1);
		h.seed = seed * 7919;
		host_strata(&h, 20);
		for (size_t i = 0; i < GROUPS; i++)
			most = fmax(most, fabs(off_of(&h, i)));
		groups_free(h.groups);
	}
	if (most > 0.01)
		fail_msg("off by %g", most);
}

/* One that no window has seen is not in any row; what it did is in no total. */
static void between_windows(void **state)
{
	static const struct member_sim members[GROUPS] = {
		{40, 8, 20, 5e3, 0, ALWAYS}, {20, 10, 20, 1e3, FIRST_MS + 1, FIRST_MS + 2}, {10, 5, 50, 1e4, 0, ALWAYS},
	};
	struct host_sim h;

	host_begin(&h, members, 1);
	host_strata(&h, 20);
	assert_true(h.recorded[1] == 0 && h.truth[1] > 0);
	assert_true(groups_factor(h.groups, 101) == 1);
	assert_true(fabs(groups_total(h.groups).calls / (h.truth[0] + h.truth[2]) - 1) < 0.02);
	groups_free(h.groups);
}

/* Neither reads nor writes: by CPU time, as long as probes take less than most of it; then by time, and that is said
 * of the whole. */
static void without_work(void **state)
{
	struct groups *g = groups_new();
	struct group_now now = {.program = 1};
	uint64_t ms = 0;

	for (int stratum = 0; stratum < 20; stratum++) {
		groups_read(g, &now, 1, HIT_NS, 1, ms * 1000000);
		if (stratum)
			groups_attached(g);
		for (int i = 0; i < 100; i++) {
			now.work.hits += 900;
			now.work.cpu_ns += 1000000;
			groups_read(g, &now, 1, HIT_NS, 1, ++ms * 1000000);
		}
		groups_detached(g);
		for (int i = 0; i < 900; i++) {
			now.work.cpu_ns += 1000000;
			groups_read(g, &now, 1, HIT_NS, 1, ++ms * 1000000);
		}
		groups_next(g);
	}
	assert_int_equal(groups_total(g).kind, SCALE_TIME);
	assert_true(fabs(groups_factor(g, 1) - 10) < 0.6);
	groups_free(g);
}

/* --- floors */

static void floors(void **state)
{
	const uint64_t mean = 1 << 19;

	/* A busy group: the law of all. */
	assert_int_equal(floors_call(1e9, 1, mean, 37), 37);
	/* So that 50 samples a second come of 1,000 calls: each is a 20th of the mean. */
	assert_int_equal(floors_call(1000, 1, mean, 1), mean * FLOOR_SAMPLES / 1000);
	assert_int_equal(floors_call(2000, 2, mean, 1), mean * FLOOR_SAMPLES / 1000);
	assert_int_equal(floors_call(1000, 1, mean, mean), mean);
	/* As many as it makes: each call is a sample, and no more than that. */
	assert_int_equal(floors_call(3, 1, mean, 1), 8 * mean);
	assert_int_equal(floors_call(0, 1, mean, 1), 8 * mean);
	assert_int_equal(floors_call(1, 1e9, mean, 1), 8 * mean);
	/* It fits into a law, whatever the mean is. */
	assert_int_equal(floors_call(0, 1, 1ULL << 30, 1), UINT32_MAX);
	assert_int_equal(floors_call(1e18, 1, 2, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_by_its_own_work),
		cmocka_unit_test(weights),
		cmocka_unit_test(without_windows),
		cmocka_unit_test(some_come_and_go),
		cmocka_unit_test(between_windows),
		cmocka_unit_test(without_work),
		cmocka_unit_test(floors),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
