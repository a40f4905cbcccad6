// SPDX-License-Identifier: GPL-2.0-or-later
/* The overhead governor on synthetic programs, in simulated time, and what its windows say by time alone. */
#include "governor_sim.h"

static void cheap_programs_stay_attached(void **state)
{
	static const struct program all[] = {
		{"cheap", .045, 0, 0, 1}, {"idle", 0, 0, 0, 1}, {"shortest bursts", .9, .001, 1000, .005},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct sim s = sim_new(&all[i], 0.05, 3);
		struct governor_account a;

		run(&s, 100);
		a = governor_account(s.g, s.now_ns, s.hits);
		assert_int_equal(a.elapsed_ns, 100000 * MS);
		assert_int_equal(a.traced_ns, a.elapsed_ns);
		assert_int_equal(a.windows, 0);
		assert_true(estimate(&s).calls == s.truth && estimate(&s).error == 0);
		sim_free(&s);
	}
}

/* However long it had waited, what its first burst costs is within the budget soon, if it is over soon. */
static void a_first_burst_is_cut_short(void **state)
{
	static const struct program idle = {"idle", 0, 0, 0, 1}, loud = {"loud", .9, 0, 0, 1};
	static const struct program short_bursts = {"short bursts", .9, .001, 1000, .04};
	struct sim s = sim_new(&idle, 0.05, 3);
	struct governor_account a;
	uint64_t attaches;

	run(&s, 5);
	s.p = &loud;
	while (s.attached && s.now_ns < 7000 * MS)
		run(&s, 0.001);
	a = governor_account(s.g, s.now_ns, s.hits);
	/* 5 ms, the time until it is seen, and that of detaching. */
	assert_true(a.cost_ns < (5 + 5 + 4 * LAG_MS + TAIL_MS) * MS);
	/* Bursts that the budget allows are counted in full once it is known that there are more. */
	s.p = &short_bursts;
	run(&s, 60);
	assert_true(s.attached && s.weight == 1);
	attaches = s.attaches;
	run(&s, 30);
	assert_int_equal(s.attaches, attaches);
	sim_free(&s);
}

static void check(const struct program *p, double budget, double seconds, double bias)
{
	struct outcome o = simulate(p, budget, seconds);

	if (fabs(o.bias) < bias + 3 * o.sd / sqrt(RUNS) && o.most_cost < 1.25 * budget && o.attaches < 1.3 &&
	    o.believed > 0.8 * o.sd - 0.001 && o.covered > 0.85)
		return;
	print_error("%s at %g: bias %.3f, deviation %.3f, believed %.3f, covers %.2f; cost %.4f, at most %.4f; share "
		    "%.4f, %.2f attaches per second\n", p->name, budget, o.bias, o.sd, o.believed, o.covered, o.cost,
		    o.most_cost, o.share, o.attaches);
	fail();
}

static void constant_programs(void **state)
{
	static const double budgets[] = {0.05, 0.02}, cpus[] = {.07, .3, .96, 4};

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 4; j++) {
			struct program p = {"constant", cpus[j], 0, 0, 1};
			struct sim s = sim_new(&p, budgets[i], 5);
			struct governor_account a;

			run(&s, 100);
			a = governor_account(s.g, s.now_ns, s.hits);
			assert_true(fabs(estimate(&s).calls / s.truth - 1) < 0.001);
			assert_true(estimate(&s).error < 0.0201);	/* the floor */
			assert_true(a.cost_ns / a.elapsed_ns < 1.25 * budgets[i]);
			assert_true(a.cost_ns / a.elapsed_ns > 0.75 * budgets[i]);
			sim_free(&s);
		}
}

/* Right from the start: what it cost to find out is made up for within 10 or 20 s. */
static void the_budget_is_kept_soon(void **state)
{
	static const struct program tight = {"tight loop", .96, 0, 0, 1};

	/* A window is 3 s of a budget of 2 % here. */
	check(&tight, 0.05, 10, 0.001);
	check(&tight, 0.02, 20, 0.001);
}

static void periodic_programs(void **state)
{
	static const double periods[] = {7, 20, 28, 60, 1000, 1200, 6000};

	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		struct program p = {"periodic", .9, .01, periods[i], .4};

		check(&p, 0.05, 60, 0.002);
	}
}

/* What was traced has no error: only the rest of the time has. */
static void mostly_traced(void **state)
{
	static const struct program p = {"mostly traced", .2, .02, -500, .3};
	struct outcome o = simulate(&p, 0.05, 100);

	assert_true(o.share > 0.5 && o.share < 0.8);
	if (fabs(o.bias) >= 0.005 + 3 * o.sd / sqrt(RUNS)) print_error("B %f %f %f\n", o.bias, o.sd, o.believed);
	assert_true(fabs(o.bias) < 0.005 + 3 * o.sd / sqrt(RUNS));
	assert_true(o.believed > 0.8 * o.sd && o.believed < 1.3 * o.sd);
}

static void bursty_programs(void **state)
{
	static const struct program all[] = {
		{"bursts of .1 s", .9, .02, -300, .3}, {"bursts of 1 s", 2, .02, -4000, .2},
		{"bursts of 5 s", .9, .01, -10000, .5},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check(&all[i], 0.05, 100, 0.01);
}

/* Why every window has a factor of its own. */
static void one_ratio_for_all_would_be_biased(void **state)
{
	static const struct program p = {"bursts of 3 s", .9, .01, -10000, .3};
	struct outcome o = simulate(&p, 0.05, 100);

	assert_true(fabs(o.bias) < 0.03);
	assert_true(o.ratio_bias < -0.2);
}

static void attached_for_good_when_it_calms_down(void **state)
{
	static const struct program loud = {"loud", .9, 0, 0, 1}, quiet = {"quiet", .01, 0, 0, 1};
	struct sim s = sim_new(&loud, 0.05, 9);
	uint64_t attaches;
	double truth, counted;

	run(&s, 20);
	assert_true(s.attaches > 5);
	s.p = &quiet;
	run(&s, 30);
	assert_true(s.attached && s.weight == 1);
	attaches = s.attaches;
	truth = s.truth;
	counted = s.counted;
	run(&s, 30);
	assert_int_equal(s.attaches, attaches);
	assert_true(fabs((s.counted - counted) / (s.truth - truth) - 1) < 1e-9);
	sim_free(&s);
}

/* Neither at regular times nor of one length. */
static void windows_are_random(void **state)
{
	static const struct program p = {"constant", .9, 0, 0, 1};
	struct sim s = sim_new(&p, 0.05, 2);
	uint64_t last = 0, least = UINT64_MAX, most = 0, shortest = UINT64_MAX, longest = 0;

	for (int i = 0; i < 50; i++) {
		uint64_t gap, length, n = s.attaches;

		while (s.attaches == n)
			run(&s, 0.001);
		gap = s.now_ns - last;
		if (last && gap < least)
			least = gap;
		if (last && gap > most)
			most = gap;
		last = s.now_ns;
		while (s.attached)
			run(&s, 0.001);
		length = s.now_ns - last - DETACH_MS * MS;
		longest = length > longest ? length : longest;
		shortest = length < shortest ? length : shortest;
	}
	assert_true(least < 700 * MS && most > 1400 * MS);
	/* About 50 ms are what a second's budget pays for. */
	assert_true(shortest >= 15 * MS && shortest < 40 * MS && longest > 65 * MS && longest <= 100 * MS);
	sim_free(&s);
}

/*
 * A program that does not always get a CPU: a window that was planned for little of it, and gets more, is dear. The
 * error is that of windows which stand for equal times: no stratum may pay for it all.
 */
static void strata_are_even(void **state)
{
	static const struct program p = {"starved", .9, .1, -300, .5};
	double n = 0, sum = 0, squares = 0, most = 0;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct sim s = sim_new(&p, 0.05, seed);
		uint64_t last;

		run(&s, 5);
		for (int i = 0; i < 50; i++) {
			const uint64_t strata = governor_strata(s.g);

			last = s.now_ns;
			while (governor_strata(s.g) == strata)
				run(&s, 0.001);
			n++;
			sum += s.now_ns - last;
			squares += (double)(s.now_ns - last) * (s.now_ns - last);
			most = fmax(most, s.now_ns - last);
		}
		assert_true(governor_account(s.g, s.now_ns, s.hits).cost_ns / s.now_ns < 0.065);
		sim_free(&s);
	}
	assert_true(sum * sum / squares / n > 0.95 && most < 2000 * MS);
}

/* The calls one by one. */
static void tells_what_to_do(void **state)
{
	const struct governor_options o = {.budget = .1, .hit_ns = 1000, .switch_ns = 0, .seed = 1};
	struct governor *g = governor_new(&o, 1000 * MS, 0);
	struct governor_account a;
	uint64_t now, f, hits = 100000;

	assert_true(governor_wake_ns(g) <= 1005 * MS);
	assert_true(governor_wake_ns(g) > 1000 * MS);
	/* Nothing is earned by waiting: of the 5 ms at the start all is left. */
	assert_int_equal(governor_tick(g, 1020 * MS, 0), GOVERNOR_NONE);
	assert_int_equal(governor_wake_ns(g), 1025 * MS);
	assert_int_equal(governor_tick(g, 1022 * MS, 2000), GOVERNOR_NONE);
	assert_in_range(governor_wake_ns(g), 1025 * MS, 1026 * MS);
	assert_int_equal(governor_tick(g, 1024 * MS, 4000), GOVERNOR_NONE);
	assert_int_equal(governor_tick(g, 1120 * MS, 120000), GOVERNOR_DETACH);
	assert_int_equal(governor_tick(g, 1130 * MS, 120000), GOVERNOR_NONE);
	assert_true(governor_wake_ns(g) == UINT64_MAX);
	governor_detached(g, 1120 * MS, 120000, 1160 * MS, 120000);
	a = governor_account(g, 1160 * MS, 120000);
	assert_int_equal(a.elapsed_ns, 160 * MS);
	assert_int_equal(a.traced_ns, 120 * MS);
	assert_true(a.windows == 0 && a.cost_ns == 120. * MS);
	assert_int_equal(governor_strata(g), 1);
	now = governor_wake_ns(g);
	assert_int_equal(governor_tick(g, now - 1, 120000), GOVERNOR_NONE);
	assert_int_equal(governor_tick(g, now, 120000), GOVERNOR_ATTACH);
	now += 10 * MS;
	f = governor_attached(g, now, 125000, 1);
	assert_true(f > 10 << 16);
	now = governor_wake_ns(g);
	assert_int_equal(governor_tick(g, now, 130000), GOVERNOR_DETACH);
	governor_detached(g, now, 130000, now + 40 * MS, 131000);
	a = governor_account(g, now, 131000);
	assert_true(a.windows == 1 && a.cost_ns == 131. * MS);
	/* A tracer that did something else for long: one window, that stands for all that time. */
	assert_int_equal(governor_tick(g, now + 60000 * MS, hits = 131000), GOVERNOR_NONE);
	now = governor_wake_ns(g);
	assert_int_equal(governor_tick(g, now, hits), GOVERNOR_ATTACH);
	assert_true(governor_attached(g, now, hits, 1) > 50 << 16);
	governor_free(g);
	governor_free(NULL);
}

/* Each hit stands for itself, and for what would have been hit without probes in the rest of the time. */
static void what_is_done_less_is_made_up_for(void **state)
{
	const struct governor_options o = {.budget = .1, .hit_ns = 1000, .switch_ns = 0, .seed = 1};
	struct governor *g = governor_new(&o, 0, 0);
	uint64_t now = 1000 * MS, weight;
	double f;

	assert_int_equal(governor_tick(g, now, 200000), GOVERNOR_DETACH);
	governor_detached(g, now, 200000, now, 200000);
	assert_true(governor_stretch(g) == 1);
	while (governor_tick(g, now, 200000) != GOVERNOR_ATTACH)
		now += MS;
	weight = governor_attached(g, now, 200000, 3);
	f = governor_stretch(g);
	assert_true(f > 2);
	assert_true(fabs(weight / 65536. - (1 + 3 * (f - 1))) < 1e-4);
	assert_int_equal(governor_tick(g, governor_wake_ns(g), 200000), GOVERNOR_DETACH);
	governor_free(g);
}

/* A window that turns out to be dear by far is cut short. */
static void a_dear_window_is_cut_short(void **state)
{
	const struct governor_options o = {.budget = .1, .hit_ns = 1000, .switch_ns = 0, .seed = 1};
	struct governor *g = governor_new(&o, 0, 0);
	uint64_t now = 1000 * MS, hits = 200000;

	assert_int_equal(governor_tick(g, now, hits), GOVERNOR_DETACH);
	governor_detached(g, now, hits, now, hits);
	while (governor_tick(g, now, hits) != GOVERNOR_ATTACH)
		now += MS;
	governor_attached(g, now, hits, 1);
	assert_int_equal(governor_tick(g, now + MS, hits + 190000), GOVERNOR_NONE);
	assert_int_equal(governor_tick(g, now + 2 * MS, hits + 300000), GOVERNOR_DETACH);
	governor_free(g);
}

/* One detaching that takes long, with hits all the while, is no reason to wait for many seconds time and again. */
static void a_slow_detach_is_not_expected_again(void **state)
{
	const struct governor_options o = {
		.budget = .05, .hit_ns = 1000, .switch_ns = MS, .tail_ns = 2 * MS, .seed = 1,
	};
	struct governor *g = governor_new(&o, 0, 0);
	uint64_t now = 1000 * MS, hits = 200000, began;

	assert_int_equal(governor_tick(g, now, hits), GOVERNOR_DETACH);
	governor_detached(g, now, hits, now, hits);
	for (int window = 0; window < 4; window++) {
		const uint64_t late = window ? 1 : 200;

		began = now;
		while (governor_tick(g, now, hits) != GOVERNOR_ATTACH)
			now += MS;
		if (window)
			assert_true(now - began < 6000 * MS);
		governor_attached(g, now, hits, 1);
		for (; governor_tick(g, now, hits) != GOVERNOR_DETACH; now += MS)
			hits += 900;
		governor_detached(g, now, hits, now + late * MS, hits + late * 900);
		now += late * MS;
		hits += late * 900;
	}
	governor_free(g);
}

static void budget_and_cost_may_change(void **state)
{
	const struct governor_options o = {.budget = .1, .hit_ns = 1000, .switch_ns = 0, .seed = 1};
	struct governor *g = governor_new(&o, 0, 0);

	for (uint64_t i = 1; i <= 200; i++)
		assert_int_equal(governor_tick(g, i * 50 * MS, i * 4000), GOVERNOR_NONE);
	governor_set(g, .2, 2000);
	for (uint64_t i = 201; i <= 400; i++)
		assert_int_equal(governor_tick(g, i * 50 * MS, i * 4000), GOVERNOR_NONE);
	governor_set(g, .05, 2000);
	assert_int_equal(governor_tick(g, 20100 * MS, 1700000), GOVERNOR_DETACH);
	assert_true(governor_account(g, 20100 * MS, 1700000).cost_ns == 800e6 + 900000 * 2000.);
	governor_free(g);
}

/* Instead of detaching, what cost so much was done away with. */
static void stays_if_the_cost_is_gone(void **state)
{
	const struct governor_options o = {.budget = .1, .hit_ns = 1000, .switch_ns = 0, .seed = 1};
	struct governor *g = governor_new(&o, 0, 0);
	uint64_t hits = 200000;

	assert_int_equal(governor_tick(g, 1000 * MS, hits), GOVERNOR_DETACH);
	governor_stays(g);
	for (uint64_t i = 1; i <= 100; i++)
		assert_int_equal(governor_tick(g, (1000 + i * 50) * MS, hits += 10), GOVERNOR_NONE);
	assert_int_equal(governor_strata(g), 0);
	assert_true(governor_account(g, 6000 * MS, hits).cost_ns == hits * 1000.);
	/* The limit holds as before. */
	assert_int_equal(governor_tick(g, 7000 * MS, hits + 200000), GOVERNOR_DETACH);
	governor_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cheap_programs_stay_attached),
		cmocka_unit_test(a_first_burst_is_cut_short),
		cmocka_unit_test(constant_programs),
		cmocka_unit_test(the_budget_is_kept_soon),
		cmocka_unit_test(periodic_programs),
		cmocka_unit_test(mostly_traced),
		cmocka_unit_test(bursty_programs),
		cmocka_unit_test(one_ratio_for_all_would_be_biased),
		cmocka_unit_test(attached_for_good_when_it_calms_down),
		cmocka_unit_test(windows_are_random),
		cmocka_unit_test(strata_are_even),
		cmocka_unit_test(tells_what_to_do),
		cmocka_unit_test(a_dear_window_is_cut_short),
		cmocka_unit_test(what_is_done_less_is_made_up_for),
		cmocka_unit_test(a_slow_detach_is_not_expected_again),
		cmocka_unit_test(budget_and_cost_may_change),
		cmocka_unit_test(stays_if_the_cost_is_gone),
	};

	return cmocka_run_group_tests_name("governor", tests, NULL, NULL);
}
