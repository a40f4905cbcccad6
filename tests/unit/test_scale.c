// SPDX-License-Identifier: GPL-2.0-or-later
/* Windows scaled by work: simulated programs, and how they are slowed down. */
#include "scale_sim.h"

static const struct program saturated = {
	.without = {40, 5, 1, .5}, .with = {8, 5, .2, 0}, .io = 2, .probes_ms = .8, .window_ms = 50,
};

static void a_saturated_server_is_scaled_by_io(void **state)
{
	struct outcome o = simulate(&saturated, 10);
	struct sim s;

	assert_int_equal(o.kinds[SCALE_IO], RUNS);
	assert_true(fabs(o.bias) < 0.005 && o.most_off < 0.03 && o.covered > 0.95);
	run(&s, &saturated, 5, 20);
	assert_true(scale_total_by(s.scale, SCALE_TIME, &s.now).calls < 0.3 * s.truth);
	assert_true(fabs(scale_slowdown(s.scale) - 5) < 0.5);
	assert_false(scale_lacks_io(s.scale));
	scale_free(s.scale);
}

static void one_at_its_own_pace_too(void **state)
{
	static const struct program p = {
		.without = {5, 5, .1, 1}, .with = {5, 5, .1, .8}, .io = 2, .probes_ms = .2, .window_ms = 50,
	};
	struct outcome o = simulate(&p, 10);
	struct sim s;

	assert_int_equal(o.kinds[SCALE_IO], RUNS);
	assert_true(fabs(o.bias) < 0.005 && o.most_off < 0.03);
	assert_true(o.mixed == 0);
	run(&s, &p, 5, 20);
	assert_true(scale_slowdown(s.scale) < 1.05);
	scale_free(s.scale);
}

/* What waits much less per request may do other work per request. */
static void another_mix_is_told(void **state)
{
	assert_true(simulate(&saturated, 10).mixed > 0.99);
}

/* A turn takes 10 ms, and 100 with probes, five windows: most have reads alone, and the sum of both is wrong. */
static void reads_are_not_summed_with_writes(void **state)
{
	static const struct program p = {
		.without = {20, 64, 1, 0, 1}, .with = {2, 64, .1, 0, 1}, .io = 1, .turn = 200,
		.probes_ms = .9, .window_ms = 20,
	};
	struct outcome o = simulate(&p, 10);
	double by_both = 0;

	assert_int_equal(o.kinds[SCALE_READS], RUNS);
	assert_true(fabs(o.bias) < 0.005 && o.most_off < 0.03 && o.batched == 0);
	for (uint64_t i = 0; i < RUNS; i++) {
		struct sim s;

		run(&s, &p, i * 7919 + 1, 10);
		by_both += scale_total_by(s.scale, SCALE_IO, &s.now).calls / s.truth / RUNS;
		scale_free(s.scale);
	}
	assert_true(by_both > 1.2);
}

/* A stream that waits in its pipe: a read brings four times as much with probes. */
static const struct program stream = {
	.without = {40, 5, 1, 0, 1}, .with = {8, 5, .2, 0, 4}, .probes_ms = .8, .window_ms = 50,
};

static void bytes_where_reads_are_larger_in_windows(void **state)
{
	struct program p = stream;
	struct outcome o = simulate(&p, 10);
	struct sim s;

	assert_int_equal(o.kinds[SCALE_READ_BYTES], RUNS);
	assert_true(fabs(o.bias) < 0.005 && o.most_off < 0.03 && o.batched == 0);
	run(&s, &p, 5, 10);
	assert_true(scale_total_by(s.scale, SCALE_READS, &s.now).calls > 3 * s.truth);
	assert_true(fabs(scale_slowdown(s.scale) - 5) < 0.5);
	scale_free(s.scale);
	p.with.at_once = 0.5;
	assert_int_equal(simulate(&p, 10).kinds[SCALE_READ_BYTES], RUNS);
}

/* Sizes that say nothing of requests: what is scaled by reads may be wrong, and is told. */
static void bytes_that_are_no_measure(void **state)
{
	struct program p = stream;
	struct outcome o;

	p.other_size = 20;
	o = simulate(&p, 10);
	assert_int_equal(o.kinds[SCALE_READS], RUNS);
	assert_true(o.batched > 0.9);
}

/* A file of 100 MB between two windows is no work of 100 million requests. */
static void one_large_file_is_no_batch(void **state)
{
	struct scale_total t;
	struct program p = stream;
	struct sim s;

	p.with.at_once = 1;
	begin(&s, &p, 3);
	for (int i = 0; i < 10; i++) {
		stratum(&s);
		s.now.work[SCALE_READS] += i == 5 ? 1000 : 0;
		s.now.work[SCALE_READ_BYTES] += i == 5 ? 1e8 : 0;
	}
	t = scale_total(s.scale, &s.now);
	assert_int_equal(t.kind, SCALE_READS);
	assert_true(fabs(t.calls / s.truth - 1) < 0.03 && !t.batched);
	scale_free(s.scale);
}

/* recv and send are no I/O: messages are counted from the first stratum on. */
static void messages_where_there_is_no_io(void **state)
{
	struct program p = saturated;
	struct outcome o;

	p.io = 0;
	p.messages = 2;
	o = simulate(&p, 10);
	assert_int_equal(o.kinds[SCALE_MESSAGES], RUNS);
	assert_true(fabs(o.bias) < 0.005 && o.most_off < 0.03);
}

/* Counted from later on: what was before is taken to be as what came after. */
static void messages_that_come_late(void **state)
{
	struct program p = saturated;
	struct scale_total t;
	struct sim s;

	p.io = 0.05;
	p.messages = 2;
	begin(&s, &p, 3);
	for (int i = 0; i < 3; i++)
		stratum(&s);
	assert_true(scale_lacks_io(s.scale));
	scale_count_messages(s.scale, &s.now);
	assert_false(scale_lacks_io(s.scale));
	for (int i = 0; i < 10; i++)
		stratum(&s);
	t = scale_total(s.scale, &s.now);
	assert_int_equal(t.kind, SCALE_MESSAGES);
	assert_true(fabs(t.calls / s.truth - 1) < 0.05);
	assert_true(fabs(t.bytes / s.truth_bytes - 1) < 0.05);
	scale_free(s.scale);
}

/* No I/O, and probes take a third of the CPU time. */
static void cpu_time_where_there_is_no_other_work(void **state)
{
	static const struct program p = {
		.without = {10, 20, 1, 0}, .with = {6.67, 20, .667, 0}, .probes_ms = .333, .window_ms = 50,
	};
	struct outcome o = simulate(&p, 10);

	assert_int_equal(o.kinds[SCALE_CPU], RUNS);
	assert_true(fabs(o.bias) < 0.005 && o.covered > 0.95);
	/* What a hit costs is known roughly. */
	assert_true(o.believed > 0.1 && o.believed < 0.3);
}

/* A hit takes half, or twice, of what it did when that was measured: ticks show it. */
static void what_a_hit_costs_is_seen_by_ticks(void **state)
{
	static const double off[] = {0.5, 1, 1.6};
	struct program p = {
		.without = {10, 20, 1, 0}, .with = {5.5, 20, .55, 0}, .probes_ms = .45, .window_ms = 100,
	};

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		struct outcome bad, o;

		p.believed_ms = off[i] * p.probes_ms;
		p.ticks = false;
		bad = simulate(&p, 10);
		p.ticks = true;
		o = simulate(&p, 10);
		assert_int_equal(o.kinds[SCALE_CPU], RUNS);
		assert_true(fabs(o.bias) < 0.15 && o.covered > 0.95);
		assert_true(o.believed < 0.2);
		if (off[i] == 1)
			assert_true(o.believed < bad.believed);
		else
			assert_true(bad.kinds[SCALE_CPU] < RUNS || fabs(bad.bias) > 0.2);
	}
}

static void nothing_but_a_lower_bound(void **state)
{
	static const struct program p = {
		.without = {100, 10, 1, 0}, .with = {5, 10, .05, 0}, .probes_ms = .95, .window_ms = 50,
	};
	struct outcome o = simulate(&p, 10);

	assert_int_equal(o.kinds[SCALE_TIME], RUNS);
	assert_true(o.bias < -0.9);
}

/* A few writes, as of a log, say nothing about most of the calls. */
static void too_little_io_is_not_used(void **state)
{
	struct program p = {
		.without = {100, 10, 1, 0}, .with = {5, 10, .05, 0}, .io = .05, .probes_ms = .95, .window_ms = 50,
	};

	assert_int_equal(simulate(&p, 10).kinds[SCALE_TIME], RUNS);
}

/*
 * Phases with 2 and 20 calls per write, the second slowed down ten times as much. One ratio of sums would weigh the
 * windows by probed work.
 */
static const struct program phases = {
	.without = {100, 2, 1, 0}, .with = {40, 2, .4, 0}, .io = 1, .probes_ms = .9, .window_ms = 60,
	.other_without = {100, 20, 1, 0}, .other_with = {6, 20, .06, 0},
};

static void phases_are_right_on_average(void **state)
{
	struct outcome o = simulate(&phases, 18);

	assert_true(fabs(o.bias) < 0.02 + 3 * o.sd / sqrt(RUNS));
	assert_true(o.sd > 0.05);
	assert_true(o.believed > 0.8 * o.sd && o.covered > 0.9);
	assert_int_equal(o.kinds[SCALE_IO], RUNS);
}

/* Phases as of tests/workloads/answer.c, of any length: a few windows, and several of the same kind in a row. */
static void few_windows_have_an_honest_error(void **state)
{
	static const struct program p = {
		.without = {30, 2, 1, 0, 1}, .with = {18, 2, .4, 0, 1}, .io = 1, .probes_ms = .9, .window_ms = 30,
		.other_without = {30, 20, 1, 0, 1}, .other_with = {5, 20, .06, 0, 1}, .random = true,
	};
	static const int strata[] = {7, 10, 14, 18};

	for (size_t i = 0; i < sizeof(strata) / sizeof(strata[0]); i++) {
		struct outcome o = simulate(&p, strata[i]);

		assert_true(o.covered >= 0.9);
		assert_true(o.believed < 2.5 * o.sd);
		/* A lower bound would be a fifth of the truth. */
		assert_int_equal(o.kinds[SCALE_TIME], 0);
	}
}

/* One stratum is six times as long as the others, and its window happens to be as the one before. */
static void a_long_stratum_is_as_uncertain_as_others(void **state)
{
	double covered = 0;

	for (uint64_t i = 0; i < RUNS; i++) {
		struct scale_total t;
		struct sim s;

		begin(&s, &phases, i * 7919 + 1);
		for (int n = 0; n < 10; n++)
			stratum(&s);
		steps(&s, 5000);
		stratum(&s);
		t = scale_total(s.scale, &s.now);
		covered += is_honest(&s, &t) / (double)RUNS;
		scale_free(s.scale);
	}
	assert_true(covered >= 0.9);
}

/* Rare requests: windows with none are no reason to distrust the others. */
static void windows_without_work(void **state)
{
	static const struct program p = {
		.without = {40, 5, 1, 1}, .with = {8, 5, .2, .2}, .io = 2, .probes_ms = .8, .window_ms = 50,
		.other_without = {1e-6, 0, 0, .1}, .other_with = {1e-6, 0, 0, .1},
	};
	struct outcome o = simulate(&p, 20);

	assert_int_equal(o.kinds[SCALE_IO], RUNS);
	assert_true(fabs(o.bias) < 0.03 && o.covered > 0.9);
}

/* In every state there is a total, never less than what was counted. */
static void at_any_time(void **state)
{
	struct scale_total t;
	struct sim s = {.p = &saturated, .counting = true};

	s.scale = scale_new(&s.now);
	t = scale_total(s.scale, &s.now);
	assert_true(t.calls == 0 && t.error == 0);
	steps(&s, 20);
	t = scale_total(s.scale, &s.now);
	assert_true(t.calls == s.now.calls && t.error == 0);
	assert_true(scale_slowdown(s.scale) == 1);
	scale_detached(s.scale, &s.now);
	s.counting = false;
	scale_next(s.scale, &s.now);
	steps(&s, 300);
	t = scale_total(s.scale, &s.now);
	assert_int_equal(t.kind, SCALE_TIME);
	assert_true(t.calls > s.now.calls && t.error == 1);
	assert_true(fabs(scale_total_by(s.scale, SCALE_IO, &s.now).calls / s.truth - 1) < 0.1);
	/* Without a window the next stratum stands for this one, too. */
	scale_next(s.scale, &s.now);
	scale_attached(s.scale, &s.now);
	s.counting = true;
	steps(&s, 30);
	t = scale_total_by(s.scale, SCALE_IO, &s.now);
	assert_true(fabs(t.calls / s.truth - 1) < 0.1);
	scale_detached(s.scale, &s.now);
	s.counting = false;
	steps(&s, 100);
	t = scale_total(s.scale, &s.now);
	assert_int_equal(t.kind, SCALE_IO);
	assert_true(fabs(t.calls / s.truth - 1) < 0.1);
	scale_free(s.scale);
	scale_free(NULL);
}

/* All but a little was traced: the error is of that little. */
static void what_was_traced_has_no_error(void **state)
{
	struct sim s;
	struct scale_total t;

	begin(&s, &saturated, 1);
	steps(&s, 50);
	scale_attached(s.scale, &s.now);
	s.counting = true;
	steps(&s, 20000);
	scale_detached(s.scale, &s.now);
	s.counting = false;
	scale_next(s.scale, &s.now);
	for (int i = 0; i < 3; i++)
		stratum(&s);
	t = scale_total(s.scale, &s.now);
	assert_int_equal(t.kind, SCALE_IO);
	assert_true(fabs(t.calls / s.truth - 1) < 0.02 && t.error < 0.03);
	scale_free(s.scale);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_saturated_server_is_scaled_by_io),
		cmocka_unit_test(one_at_its_own_pace_too),
		cmocka_unit_test(another_mix_is_told),
		cmocka_unit_test(reads_are_not_summed_with_writes),
		cmocka_unit_test(bytes_where_reads_are_larger_in_windows),
		cmocka_unit_test(bytes_that_are_no_measure),
		cmocka_unit_test(one_large_file_is_no_batch),
		cmocka_unit_test(messages_where_there_is_no_io),
		cmocka_unit_test(messages_that_come_late),
		cmocka_unit_test(cpu_time_where_there_is_no_other_work),
		cmocka_unit_test(what_a_hit_costs_is_seen_by_ticks),
		cmocka_unit_test(nothing_but_a_lower_bound),
		cmocka_unit_test(too_little_io_is_not_used),
		cmocka_unit_test(phases_are_right_on_average),
		cmocka_unit_test(few_windows_have_an_honest_error),
		cmocka_unit_test(a_long_stratum_is_as_uncertain_as_others),
		cmocka_unit_test(windows_without_work),
		cmocka_unit_test(at_any_time),
		cmocka_unit_test(what_was_traced_has_no_error),
	};

	return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
