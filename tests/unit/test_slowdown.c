// SPDX-License-Identifier: GPL-2.0-or-later
/* How much less a program does while it is traced, from samples of what CPUs do. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kern/slowdown.h"

#define MS 1e6
#define PERIOD (0.6 * MS)
#define REST_PERIOD (4.2 * MS)
#define WINDOW (60 * MS)
#define REST (940 * MS)

static uint64_t seed = 1;

static double draw(void)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (double)(seed >> 11) * 0x1p-53;
}

/* A time of which the program has these shares for itself, and for itself and probes. */
static void add(struct slowdown_share *s, double own_share, double busy_share, double period, double ns)
{
	double own = 0, busy = 0, d;

	for (double t = period; t <= ns; t += period) {
		d = draw();
		own += d < own_share;
		busy += d < busy_share;
	}
	slowdown_add(s, own, busy, period, ns);
}

/* Windows and the time between them. */
static void windows(struct slowdown *s, int n, double own, double busy, double without)
{
	while (n--) {
		add(&s->with, own, busy, PERIOD, WINDOW);
		add(&s->without, without, without, REST_PERIOD, REST);
	}
}

static void nothing_is_known_at_first(void **state)
{
	struct slowdown s = {0};
	double error;

	assert_true(slowdown_factor(&s, &error) == 1 && error == 0);
	slowdown_add(&s.with, 10, 60, PERIOD, WINDOW);
	assert_true(slowdown_factor(&s, &error) == 1 && error == 0);
	s = (struct slowdown){0};
	slowdown_add(&s.without, 200, 200, REST_PERIOD, REST);
	assert_true(slowdown_factor(&s, &error) == 1 && error == 0);
}

/* It is right on average, and no further off than it says. */
static void a_busy_program_is_slowed_down(void **state)
{
	static const double shares[] = {.7, .4, .15, .05};

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		const double truth = 1 / shares[i];
		double sum = 0, square = 0, believed = 0;

		for (int run = 0; run < 400; run++) {
			struct slowdown s = {0};
			double error, f;

			windows(&s, 12, shares[i], 1, 1);
			f = slowdown_factor(&s, &error);
			sum += f / 400;
			square += (f / truth - 1) * (f / truth - 1) / 400;
			believed += error * error / 400;
		}
		assert_true(fabs(sum / truth - 1) < 0.03);
		assert_true(sqrt(believed) > 0.8 * sqrt(square) && sqrt(believed) < 2.5 * sqrt(square));
	}
}

/* One that does the same either way: what samples differ by is no slowdown. Nor is it if its own time gets longer. */
static void a_program_at_its_own_pace_is_not(void **state)
{
	static const double shares[] = {.02, .1, .5};
	int wrong = 0;

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		for (int run = 0; run < 200; run++) {
			struct slowdown s = {0};
			double error;

			windows(&s, 12, shares[i], 2 * shares[i], shares[i]);
			wrong += slowdown_factor(&s, &error) != 1;
			s = (struct slowdown){0};
			windows(&s, 12, fmin(2 * shares[i], 1), 1, shares[i]);
			assert_true(slowdown_factor(&s, &error) == 1 && error == 0);
		}
	assert_true(wrong < 0.01 * 600);
}

/* Windows that by chance found it idle are no slowdown: it never is more than what the probes took of the others. */
static void bursts_are_not(void **state)
{
	double most = 0;

	for (int run = 0; run < 400; run++) {
		struct slowdown s = {0};
		double error;

		for (int i = 0; i < 12; i++) {
			if (draw() < .2)
				windows(&s, 1, .5, 1, .2);
			else
				windows(&s, 1, 0, 0, .2);
			most = fmax(most, slowdown_factor(&s, &error));
		}
	}
	assert_true(most < 2.5);
}

static void what_was_long_ago_is_forgotten(void **state)
{
	struct slowdown s = {0};
	double error;

	windows(&s, 50, .1, 1, 1);
	assert_true(fabs(slowdown_factor(&s, &error) - 10) < 2);
	windows(&s, 60, .5, .7, .5);
	assert_true(slowdown_factor(&s, &error) < 1.3);
}

/* All samples were of probes: the slowdown is large, and known to be no more than that. */
static void nothing_of_its_own_was_seen(void **state)
{
	struct slowdown s = {0};
	double error, f;

	windows(&s, 12, 0, 1, 1);
	f = slowdown_factor(&s, &error);
	assert_true(f > 100 && isfinite(f) && error > 1 && error < 1.1);
	/* And nothing was done without probes. */
	s = (struct slowdown){0};
	windows(&s, 12, 0, 1, 0);
	assert_true(slowdown_factor(&s, &error) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(a_busy_program_is_slowed_down),
		cmocka_unit_test(a_program_at_its_own_pace_is_not),
		cmocka_unit_test(bursts_are_not),
		cmocka_unit_test(what_was_long_ago_is_forgotten),
		cmocka_unit_test(nothing_of_its_own_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
