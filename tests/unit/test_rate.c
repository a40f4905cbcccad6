// SPDX-License-Identifier: GPL-2.0-or-later
/* The controller of --sample auto, on programs that allocate at known rates. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pace/rate.h"

#define TARGET RATE_DEFAULT_TARGET
#define PERIOD RATE_PERIOD_NS
#define S 1000000000ULL

/* What a program does: calls a second of two sizes. */
struct load {
	double calls, size, calls2, size2;
};

struct sim {
	struct rate rate;
	uint64_t now_ns, mean, seed;
	double calls, bytes, samples;	/* so far */
	double last_rate;		/* samples a second in the last period */
	size_t changes;
};

static struct sim sim_new(void)
{
	struct sim s = {.now_ns = 5 * S, .mean = 1, .seed = 1};

	rate_init(&s.rate, TARGET, s.now_ns);
	return s;
}

/* About normal, from -3 to 3, of variance 1: the sum of 12 numbers below 1. */
static double noise(struct sim *s)
{
	double sum = -6;

	for (int i = 0; i < 12; i++) {
		s->seed = s->seed * 6364136223846793005 + 1442695040888963407;
		sum += (s->seed >> 33) / 0x1p31;
	}
	return sum;
}

static double sampled(double calls, double size, uint64_t mean)
{
	return mean <= 1 ? calls : -calls * expm1(-size / mean);
}

/* Of each load, with what each call counts for. */
static double sampled_by(const struct rate *r, struct load l)
{
	double call = r->mean > 1 ? r->call : 0;

	return sampled(l.calls, l.size + call, r->mean) + sampled(l.calls2, l.size2 + call, r->mean);
}

/* One tick, after dt_ns. */
static void tick(struct sim *s, struct load l, uint64_t dt_ns)
{
	double dt = dt_ns / 1e9, n;
	uint64_t mean;

	n = sampled_by(&s->rate, l) * dt;
	if (s->mean > 1)
		n = fmax(0, n + sqrt(n) * noise(s));
	s->calls += (l.calls + l.calls2) * dt;
	s->bytes += (l.calls * l.size + l.calls2 * l.size2) * dt;
	s->samples += n;
	s->last_rate = n / dt;
	s->now_ns += dt_ns;
	rate_update(&s->rate, s->now_ns, &(struct rate_counters){s->calls, s->bytes, s->samples});
	mean = s->rate.mean;
	s->changes += mean != s->mean;
	s->mean = mean;
	assert_true(s->rate.call >= 1 && s->rate.call <= fmax(1, mean / 5. + 0.5));
	assert_true(mean == 1 || (mean >= RATE_MEAN_MIN && mean <= RATE_MEAN_MAX && !(mean & (mean - 1))));
}

static void run(struct sim *s, struct load l, double seconds)
{
	for (uint64_t n = seconds * S / PERIOD; n; n--)
		tick(s, l, PERIOD);
}

static void slow_programs_are_recorded_exactly(void **state)
{
	struct sim s = sim_new();

	run(&s, (struct load){.calls = 19900, .size = 1e6}, 100);
	assert_int_equal(s.mean, 1);
	assert_int_equal(s.changes, 0);
}

/* The start of a program, for a tenth of a second, or one burst of a large part of a second's target. */
static void short_bursts_are_recorded_exactly(void **state)
{
	struct sim s = sim_new();

	for (int i = 0; i < 20; i++) {
		run(&s, (struct load){.calls = 60000, .size = 64}, 0.05);
		run(&s, (struct load){.calls = 100, .size = 64}, 0.95);
	}
	assert_int_equal(s.changes, 0);
}

static void an_explosion_is_answered_within_two_periods(void **state)
{
	for (double calls = 50000; calls < 1e9; calls *= 1.7)
		for (double size = 1; size < 1e6; size *= 7) {
			struct load l = {.calls = calls, .size = size};
			struct sim s = sim_new();

			run(&s, (struct load){.calls = 1000, .size = 64}, 3);
			run(&s, l, 0.1);
			assert_int_not_equal(s.mean, 1);
			tick(&s, l, PERIOD);
			assert_true(s.last_rate < TARGET || s.mean == RATE_MEAN_MAX);
		}
}

/* After a while: below the target, not much below it, and at rest. */
static void steady_programs_come_to_rest(void **state)
{
	for (double calls = 1000; calls < 2e8; calls *= 1.9)
		for (double size = 1; size < 1e8; size *= 5) {
			struct load l = {.calls = calls, .size = size};
			struct sim s = sim_new();
			double before;
			size_t changes;

			run(&s, l, 20);
			changes = s.changes;
			before = s.samples;
			run(&s, l, 60);
			before = (s.samples - before) / 60;
			assert_true(changes <= 2 && s.changes == changes);
			assert_true(before <= TARGET * 1.001 || s.mean == RATE_MEAN_MAX);
			assert_true(before >= TARGET / 8. || s.mean <= RATE_MEAN_MIN);
		}
}

/* Most bytes are in few calls: at first the average size misleads, then the samples tell. */
static void mixed_sizes_come_to_rest(void **state)
{
	struct load l = {.calls = 1e6, .size = 48, .calls2 = 30, .size2 = 3e8};
	struct sim s = sim_new();
	size_t changes;

	run(&s, l, 20);
	changes = s.changes;
	assert_true(changes < 8);
	run(&s, l, 60);
	assert_int_equal(s.changes, changes);
	assert_true(s.last_rate < TARGET && s.last_rate > TARGET / 8.);
	assert_true(s.mean >= 2048 && s.mean <= 32768);
}

static void huge_calls_reach_the_largest_mean(void **state)
{
	struct sim s = sim_new();

	run(&s, (struct load){.calls = 100000, .size = 1e9}, 10);
	assert_int_equal(s.mean, RATE_MEAN_MAX);
	assert_true(s.last_rate > TARGET);
}

/* By steps of 16 at most, 2 s apart. */
static void a_program_that_calms_down_is_recorded_exactly_again(void **state)
{
	struct sim s = sim_new();
	uint64_t mean;

	run(&s, (struct load){.calls = 2e6, .size = 4000}, 10);
	mean = s.mean;
	assert_true(mean >= 524288);
	run(&s, (struct load){.calls = 5000, .size = 500}, 1.9);
	assert_int_equal(s.mean, mean);
	run(&s, (struct load){.calls = 5000, .size = 500}, 0.2);
	assert_int_equal(s.mean, mean / 16);
	run(&s, (struct load){.calls = 5000, .size = 500}, 8);
	assert_int_equal(s.mean, 1);
}

/* Between a quarter of the target and the target nothing changes, in either direction. */
static void there_is_a_dead_band(void **state)
{
	struct sim s = sim_new();
	uint64_t mean;

	run(&s, (struct load){.calls = 1e6, .size = 512}, 10);
	mean = s.mean;
	assert_true(mean > 1);
	for (double share = 0.27; share < 0.93; share += 0.03) {
		/* So many calls of 512 bytes that this mean gives this share. */
		double calls = share * TARGET / -expm1(-(512. + s.rate.call) / mean);

		run(&s, (struct load){.calls = calls, .size = 512}, 10);
		assert_int_equal(s.mean, mean);
	}
}

/* Works for a part of each period, is idle for the rest. */
static void programs_in_bursts(void **state)
{
	static const double periods[] = {0.2, 0.5, 1, 2, 3, 4, 5, 7, 10, 20, 30, 60, 200};

	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++)
		for (double busy = 0.1; busy < 0.95; busy += 0.2) {
			struct sim s = sim_new();
			double start = 0;

			for (double t = 0; t < 1000; t += periods[i]) {
				run(&s, (struct load){.calls = 1.5e6, .size = 100}, periods[i] * busy);
				run(&s, (struct load){.calls = 10, .size = 100}, periods[i] * (1 - busy));
				if (t < periods[i])
					start = s.samples;
			}
			assert_true((s.samples - start) / 1000 < TARGET);
			/* Once in 7 s, and that only with periods of half a minute and more. */
			assert_true(s.changes < (periods[i] < 30 ? 15 : 140));
		}
}

/* Ticks that come early say nothing, ones that come late are taken for what they are. */
static void ticks_at_odd_times(void **state)
{
	struct load slow = {.calls = 15000, .size = 100}, fast = {.calls = 1e6, .size = 100};
	struct sim s = sim_new();

	for (int i = 0; i < 20000; i++)
		tick(&s, slow, 1000000 + i % 7 * 1000000);
	for (int i = 0; i < 20; i++)
		tick(&s, slow, 3 * S);
	tick(&s, slow, 0);
	assert_int_equal(s.changes, 0);
	for (int i = 0; i < 99; i++)
		tick(&s, fast, 1000000);
	assert_true(s.mean > 1 && s.changes == 1);
	for (int i = 0; i < 20; i++)
		tick(&s, fast, 5 * S);
	assert_true(s.last_rate < TARGET && s.last_rate > TARGET / 8.);
}

static void expected_is_an_upper_bound(void **state)
{
	assert_true(rate_expected(1000, 64000, 1) == 1000);
	assert_true(rate_expected(0, 0, 4096) == 0);
	assert_true(fabs(rate_expected(1000, 1000 * 4096, 4096) - 632.12) < 0.01);
	for (uint64_t mean = 64; mean <= RATE_MEAN_MAX; mean *= 4)
		for (double size2 = 1; size2 < 1e9; size2 *= 10) {
			double real = sampled(9000, 64, mean) + sampled(1000, size2, mean);

			assert_true(rate_expected(10000, 9000 * 64 + 1000 * size2, mean) >= real - 1e-6);
		}
}

/* A window's mean is the one that would hold for what came in the last, whatever it was before. */
static void restarts_where_it_would_come_to(void **state)
{
	struct rate r;
	const struct rate_counters before = {1000000, 31000000, 5000}, after = {1000500, 31015500, 5400};

	rate_init(&r, TARGET, 0);
	rate_restart(&r, TARGET, TARGET / 2., 1e9, 7 * S, &before);
	assert_int_equal(r.mean, 1);
	rate_restart(&r, TARGET, 1e6, 31e6, 7 * S, &before);
	assert_true(rate_expected(1e6, 31e6, r.mean) <= .7 * TARGET);
	assert_true(rate_expected(1e6, 31e6, r.mean / 2) > .7 * TARGET);
	/* fifty times the target for a fiftieth of the time */
	rate_restart(&r, 50. * TARGET, 1e6 / 2, 31e6 / 2, 7 * S, &before);
	assert_int_equal(r.mean, 1);
	rate_restart(&r, 1, 1e9, 1e18, 7 * S, &before);
	assert_int_equal(r.mean, RATE_MEAN_MAX);
	/* what came before the restart is no burst */
	rate_restart(&r, TARGET, 0, 0, 7 * S, &before);
	rate_update(&r, 7 * S + PERIOD, &after);
	assert_int_equal(r.mean, 1);
}

/* A fifth of the samples come by calls, whatever the sizes and however far the mean has to go. */
static void a_fifth_comes_by_calls(void **state)
{
	static const struct load loads[] = {
		{.calls = 1e6, .size = 48}, {.calls = 5e7, .size = 16}, {.calls = 2e5, .size = 900, .calls2 = 1e5,
		.size2 = 20},
		{.calls = 1e6, .size = 48, .calls2 = 30, .size2 = 3e8}, {.calls = 9e5, .size = 16, .calls2 = 1e5,
		.size2 = 65536},
	};

	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct sim s = sim_new();
		uint64_t call;
		double share;

		run(&s, loads[i], 30);
		share = (loads[i].calls + loads[i].calls2) * s.rate.call / s.mean / sampled_by(&s.rate, loads[i]);
		assert_true(share > 0.14 && share < 0.28);
		call = s.rate.call;
		run(&s, loads[i], 60);
		assert_true(s.rate.call < call * 1.5 && s.rate.call > call / 1.5);
	}
}

/* The same where the mean is given: at first by a guess. */
static void a_given_mean_has_a_call_too(void **state)
{
	const struct load l = {.calls = 1e6, .size = 48, .calls2 = 1e3, .size2 = 1e6};
	struct rate r;
	struct rate_counters c = {0};
	double share;

	rate_init(&r, TARGET, 0);
	rate_fix(&r, 65536);
	assert_int_equal(r.mean, 65536);
	assert_int_equal(r.call, rate_first_call(65536));
	for (int i = 0; i < 100; i++) {
		c.calls += (l.calls + l.calls2) / 20;
		c.bytes += (l.calls * l.size + l.calls2 * l.size2) / 20;
		c.samples += sampled_by(&r, l) / 20;
		rate_update_call(&r, &c);
	}
	share = (l.calls + l.calls2) * r.call / r.mean / sampled_by(&r, l);
	assert_true(share > 0.15 && share < 0.26);
	assert_int_equal(r.mean, 65536);
	rate_fix(&r, 1);
	assert_int_equal(r.mean, 1);
	assert_int_equal(rate_first_call(1), 1);
	assert_true(rate_first_call(64) >= 1 && rate_first_call(64) <= 13);
}

/* Before a run's first calls are all recorded, the mean that it asks for is known, and not a sample counts as
 * too many. */
static void what_is_exact_foresees_its_mean(void **state)
{
	struct rate r;
	struct rate_counters c = {0};

	rate_init(&r, TARGET, 0);
	for (int i = 1; i <= 4; i++) {
		c.calls = c.samples += 50000;
		c.bytes += 50000 * 31;
		rate_foresee(&r, i * PERIOD, &c);
		assert_true(rate_expected(1e6, 1.25 * 31e6, r.mean) <= .7 * TARGET);
		assert_true(rate_expected(1e6, 1.25 * 31e6, r.mean / 2) > .7 * TARGET);
		assert_int_equal(r.call, 8);
	}
	/* slower again: not even a bit above what a mean would aim at is thinned */
	for (int i = 5; i <= 20; i++) {
		c.calls = c.samples += 19900 / 20;
		c.bytes += 1e6;
		rate_foresee(&r, i * PERIOD, &c);
		assert_int_equal(r.mean, 1);
	}
	c.calls = c.samples += 30000;
	c.bytes += 30000 * 31;
	rate_begin(&r, 20 * PERIOD + PERIOD / 2, &c);
	assert_true(r.mean > 1 && rate_expected(1.2e6, 1.25 * 31 * 1.2e6, r.mean) <= .7 * TARGET);
	rate_update(&r, 21 * PERIOD + PERIOD / 2, &c);
	assert_true(r.mean > 1 && r.excess == 0);
	/* through with all of them at once: what is in force stays until there is something to go by */
	rate_init(&r, TARGET, 0);
	rate_fix(&r, RATE_FIRST_MEAN);
	c = (struct rate_counters){251000, 251000 * 31, 250100};
	rate_begin(&r, PERIOD / 10, &c);
	assert_int_equal(r.mean, RATE_FIRST_MEAN);
	rate_update(&r, PERIOD + PERIOD / 10, &c);
	assert_int_equal(r.mean, RATE_FIRST_MEAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_programs_are_recorded_exactly),
		cmocka_unit_test(short_bursts_are_recorded_exactly),
		cmocka_unit_test(an_explosion_is_answered_within_two_periods),
		cmocka_unit_test(steady_programs_come_to_rest),
		cmocka_unit_test(mixed_sizes_come_to_rest),
		cmocka_unit_test(huge_calls_reach_the_largest_mean),
		cmocka_unit_test(a_program_that_calms_down_is_recorded_exactly_again),
		cmocka_unit_test(there_is_a_dead_band),
		cmocka_unit_test(programs_in_bursts),
		cmocka_unit_test(ticks_at_odd_times),
		cmocka_unit_test(expected_is_an_upper_bound),
		cmocka_unit_test(restarts_where_it_would_come_to),
		cmocka_unit_test(a_fifth_comes_by_calls),
		cmocka_unit_test(a_given_mean_has_a_call_too),
		cmocka_unit_test(what_is_exact_foresees_its_mean),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
