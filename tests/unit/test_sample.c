// SPDX-License-Identifier: GPL-2.0-or-later
/* The arithmetic of sampling against libm, and the estimates that come of it against the truth. */
#include <linux/types.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sample.h"
#include "shared.h"

#define N_ELEMS(a) (sizeof(a) / sizeof((a)[0]))

static double relative(double is, double should)
{
	return fabs(is / should - 1);
}

/* splitmix64 */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* --- the functions */

static double exponential(uint32_t random)
{
	return -log((random | 1) * 0x1p-32);
}

static void exponential_is_near_the_logarithm(void **state)
{
	double worst = 0, sum = 0;
	uint64_t n = 0;

	for (uint64_t r = 499; r < 1ULL << 32; r += 998, n++) {
		double got = sample_exponential(r) * 0x1p-32, error = relative(got, exponential(r));

		sum += got;
		worst = error > worst ? error : worst;
	}
	assert_true(worst < 1e-4);
	/* The mean over all of them, here over the middles of equal parts. */
	assert_true(relative(sum / n, 1) < 1e-5);
}

/* Where u is next to 0 and to 1, and at every power of two and every border of the table. */
static void exponential_at_its_edges(void **state)
{
	assert_int_equal(sample_exponential(0xffffffff), 1);
	assert_int_equal(sample_exponential(0), 32ULL * 2977044472);
	assert_int_equal(sample_exponential(1), sample_exponential(0));
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t r = 0xffffffff - 2 * i;

		assert_true(fabs((double)sample_exponential(r) - exponential(r) * 0x1p32) < 1.5 + i * 2e-4);
		assert_true(relative(sample_exponential(i) * 0x1p-32, exponential(i)) < 1e-4);
	}
	for (int k = 6; k < 32; k++)
		for (uint64_t part = 0; part <= 32; part++)
			for (int d = -3; d <= 3; d++) {
				uint32_t r = (1ULL << k) + (part << k) / 32 + d;

				assert_true(fabs(sample_exponential(r) * 0x1p-32 - exponential(r)) <
					    1e-4 * exponential(r) + 0x1p-31);
			}
}

/* A larger random number never gives a longer gap, but for what the table's joints leave. */
static void exponential_falls(void **state)
{
	for (uint64_t r = 1; r + 70000 < 1ULL << 32; r += 70000)
		assert_true(sample_exponential(r) > sample_exponential(r + 70000));
}

static void gaps_are_whole_bytes(void **state)
{
	static const uint64_t means[] = {2, 3, 100, 512, 524288, 1000003, SAMPLE_MEAN_MAX};

	for (size_t i = 0; i < N_ELEMS(means); i++) {
		double sum = 0, t = means[i];
		uint64_t n = 0;

		for (uint64_t r = 4999; r < 1ULL << 32; r += 9998, n++) {
			uint64_t gap = sample_gap(r, means[i]);
			double exact = exponential(r) * t;

			assert_true(gap >= 1);
			assert_true(gap > exact * 0.9999 - 0.1 && gap < exact * 1.0001 + 1.1);
			sum += gap;
		}
		/* Of gaps that are rounded up; T + 1/2, nearly. */
		assert_true(relative(sum / n, -1 / expm1(-1 / t)) < 1e-3);
		assert_true(fabs(sum / n - t) < 0.55 + t * 1e-4);
		assert_true(sample_gap(0xffffffff, means[i]) == 1);
		assert_true(relative(sample_gap(0, means[i]), 32 * log(2) * t) < 1e-3 + 1 / t);
	}
	for (uint64_t r = 0; r < 1ULL << 32; r += 1 << 20) {
		assert_int_equal(sample_gap(r, 1), 1);
		assert_int_equal(sample_gap(r, 0), 1);
	}
}

/* What counts is that a gap ends within s bytes with the probability that the weight is made of. */
static void gaps_go_with_weights(void **state)
{
	static const uint64_t means[] = {2, 7, 64, 4096, 524288};
	static const double sizes[] = {0.001, 0.1, 0.5, 1, 2, 5};

	for (size_t i = 0; i < N_ELEMS(means); i++)
		for (size_t j = 0; j < N_ELEMS(sizes); j++) {
			uint64_t s = ceil(means[i] * sizes[j]), hits = 0, n = 0;

			for (uint64_t r = 499; r < 1ULL << 32; r += 998, n++)
				hits += sample_gap(r, means[i]) <= s;
			assert_true(relative((double)hits / n * sample_weight(s, means[i]), SAMPLE_ONE) < 1e-3);
		}
}

static void weights_are_near_the_exact_ones(void **state)
{
	double worst = 0;

	for (uint64_t mean = 2; mean <= SAMPLE_MEAN_MAX; mean += 1 + mean / 13)
		for (double s = 1; s < 0x1p47; s *= 1.01) {
			double x = (double)(uint64_t)s / mean;
			double error = relative(sample_weight(s, mean) * 0x1p-16, -1 / expm1(-x));

			worst = error > worst ? error : worst;
		}
	assert_true(worst < 2e-4);
}

/* The gap and the weight that a law gives are those of 1 - exp(-(n/T + 1/K)). */
static void laws_are_near_the_exact_ones(void **state)
{
	static const uint64_t means[] = {64, 4096, 524288, SAMPLE_MEAN_MAX};
	static const double shares[] = {0, 1e-6, 0.001, 0.01, 0.2};
	double worst = 0;

	for (size_t i = 0; i < N_ELEMS(means); i++)
		for (size_t j = 0; j < N_ELEMS(shares); j++)
			for (double n = 0; n < 0x1p40; n = n * 1.1 + 1) {
				uint64_t call = fmax(1, means[i] * shares[j]), bytes = n;
				uint64_t length = sample_length(bytes, SAMPLE_LAW(means[i], call));
				double t = means[i], k = t / call, error;

				error = relative(sample_weight(length, means[i]) * 0x1p-16,
					-1 / expm1(-(bytes / t + 1 / k)));
				worst = error > worst ? error : worst;
			}
	assert_true(worst < 2e-4);
}

static void weights_at_their_edges(void **state)
{
	assert_int_equal(sample_weight(0, 524288), sample_weight(1, 524288));
	assert_int_equal(sample_length(0, SAMPLE_LAW(524288, 1)), 1);
	assert_int_equal(sample_length(1ULL << 47, SAMPLE_LAW(SAMPLE_MEAN_MAX, 0xffffffff)), (1ULL << 47) + 0xffffffff);
	assert_int_equal(SAMPLE_LAW_MEAN(SAMPLE_LAW(SAMPLE_MEAN_MAX, 77)), SAMPLE_MEAN_MAX);
	assert_int_equal(SAMPLE_LAW_CALL(SAMPLE_LAW(SAMPLE_MEAN_MAX, 77)), 77);
	assert_int_equal(sample_weight(sample_length(0, SAMPLE_ALL), SAMPLE_LAW_MEAN(SAMPLE_ALL)), SAMPLE_ONE);
	assert_int_equal(sample_weight(1, SAMPLE_MEAN_MAX), (SAMPLE_MEAN_MAX << 16) + 32768);
	assert_int_equal(sample_weight(UINT64_MAX, SAMPLE_MEAN_MAX), SAMPLE_ONE);
	assert_int_equal(sample_weight(UINT64_MAX, 2), SAMPLE_ONE);
	assert_int_equal(sample_weight(0, 1), SAMPLE_ONE);
	assert_int_equal(sample_weight(100, 0), SAMPLE_ONE);
	for (uint64_t t = 2; t <= SAMPLE_MEAN_MAX; t *= 2)
		for (uint64_t s = 1; s <= t * 13; s += 1 + s / 50) {
			assert_true(sample_weight(s, t) >= SAMPLE_ONE);
			assert_true(sample_weight(s + 1, t) <= sample_weight(s, t) + 8);
		}
}

static void bytes_are_rounded_to_nearest(void **state)
{
	assert_int_equal(sample_bytes(0, 123456789), 0);
	assert_int_equal(sample_bytes(UINT64_MAX, SAMPLE_ONE), UINT64_MAX);
	assert_int_equal(sample_bytes(3, SAMPLE_ONE * 3 / 2), 5);
	assert_int_equal(sample_bytes(1, SAMPLE_ONE * 3 / 2 - 1), 1);
	assert_int_equal(sample_bytes(1, SAMPLE_ONE * 3 / 2), 2);
	assert_int_equal(sample_bytes(1000, 1000 * SAMPLE_ONE + 33), 1000001);
	assert_int_equal(sample_bytes(1ULL << 40, 5 * SAMPLE_ONE), 5ULL << 40);
	assert_int_equal(sample_bytes(1ULL << 47, 5 * SAMPLE_ONE), 5ULL << 47);
	assert_int_equal(sample_bytes(1ULL << 61, 7 * SAMPLE_ONE), 7ULL << 61);
	assert_int_equal(sample_bytes(1ULL << 62, 7 * SAMPLE_ONE), UINT64_MAX);
	assert_int_equal(sample_bytes(1 << 20, SAMPLE_WEIGHT_MAX), 1ULL << 52);
	assert_int_equal(sample_bytes(UINT64_MAX, SAMPLE_WEIGHT_MAX), UINT64_MAX);
	for (uint64_t s = 1; s < 1ULL << 47; s += 1 + s / 7)
		for (uint64_t t = 2; t <= SAMPLE_MEAN_MAX; t *= 2) {
			uint64_t w = sample_weight(s, t);
			unsigned __int128 exact = ((unsigned __int128)s * w + 32768) >> 16;

			assert_true(sample_bytes(s, w) == exact);
		}
}

/* to: as rounded; or, where the product is too large for that, within 1 in 1000 or saturated. */
static void check_var(uint64_t got, long double exact, double absolute)
{
	if (exact < 0x1p63L)
		assert_true(fabsl(got - exact) <= absolute + 1e-3L * exact);
	else
		assert_true(got >= 1ULL << 62);
}

static void variances_are_near_the_exact_ones(void **state)
{
	for (uint64_t t = 2; t <= SAMPLE_MEAN_MAX; t *= 2)
		for (uint64_t s = 1; s < 1ULL << 47; s += 1 + s / 9) {
			uint64_t weight = sample_weight(s, t);
			long double w = weight * 0x1p-16L, v = w * (w - 1);

			check_var(sample_calls_var(weight), v * 16, 0.51);
			/* A weight of nearly 1 is coarse itself; that is far below what the sizes about T add. */
			check_var(sample_bytes_var(s, weight), v * s * s / 256, 0.51 + t * (t / 256.) * 0.003);
			assert_true(sample_bytes_var(s, weight) <= t * t / 256 * 1.001 + 1);
		}
	assert_int_equal(sample_calls_var(SAMPLE_ONE), 0);
	assert_int_equal(sample_bytes_var(1ULL << 47, SAMPLE_ONE), 0);
	assert_int_equal(sample_bytes_var(0, 5 * SAMPLE_ONE), 0);
	assert_int_equal(sample_calls_var(SAMPLE_ONE * 3), 6 << 4);
	assert_int_equal(sample_bytes_var(16, SAMPLE_ONE * 3), 6);
	assert_int_equal(sample_bytes_var(1 << 20, SAMPLE_ONE * 3), 6ULL << 32);
	assert_int_equal(sample_bytes_var(1 << 30, SAMPLE_ONE * 3), 6ULL << 52);
}

static void thinned_weights(void **state)
{
	assert_int_equal(sample_times(12345678, SAMPLE_ONE), 12345678);
	assert_int_equal(sample_times(SAMPLE_ONE, 5 * SAMPLE_ONE / 2), 5 * SAMPLE_ONE / 2);
	assert_int_equal(sample_times(1ULL << 40, 100 * SAMPLE_ONE), 100ULL << 40);
	assert_int_equal(sample_times(1ULL << 42, 1ULL << 32), SAMPLE_WEIGHT_MAX);
	assert_int_equal(sample_times(SAMPLE_WEIGHT_MAX, UINT64_MAX), SAMPLE_WEIGHT_MAX);
	for (uint64_t w = SAMPLE_ONE; w < 1ULL << 42; w += w / 3)
		for (uint64_t f = SAMPLE_ONE; f < SAMPLE_ONE * 2000; f += f / 3) {
			long double exact = (long double)w * f / SAMPLE_ONE;
			uint64_t got = sample_times(w, f);

			if (exact < SAMPLE_WEIGHT_MAX)
				assert_true(fabsl(got / exact - 1) < 2e-5L);
			else
				assert_int_equal(got, SAMPLE_WEIGHT_MAX);
			/* Whatever the sizes, nothing wraps around. */
			for (uint64_t s = 1; s < 1ULL << 47; s *= 2) {
				long double v = got * 0x1p-16L;

				v *= v - 1;
				check_var(sample_calls_var(got), v * 16, 0.51);
				check_var(sample_bytes_var(s, got), v * s * s / 256, 0.51 + v * s * s * 1e-5);
			}
		}
}

/* --- the estimates */

#define RUNS 400

struct workload {
	const char *name;
	size_t n;	/* calls */
	uint64_t mean;	/* 0: another one every now and then */
	uint64_t (*size)(size_t i);
	uint64_t call;	/* c of the law; 0: 1 */
	size_t exact;	/* so many calls before the law begins */
};

/* Of a run: estimates, and the variances that it believes they have. */
struct estimate {
	double bytes, calls, bytes_var, calls_var;
};

static uint64_t law_at(const struct workload *w, size_t i)
{
	static const uint64_t laws[] = {
		SAMPLE_LAW(16384, 40), SAMPLE_LAW(512, 100), SAMPLE_LAW(65536, 7), SAMPLE_ALL, SAMPLE_LAW(4096, 40),
	};

	if (i < w->exact)
		return SAMPLE_ALL;
	return w->mean ? SAMPLE_LAW(w->mean, w->call ? w->call : 1) : laws[i / 777 % N_ELEMS(laws)];
}

/* What the kernel side does. */
static struct estimate sample_run(const struct workload *w, const uint64_t *sizes, uint64_t seed)
{
	struct sum sum = {0};
	uint64_t left = 0, law = 0;

	for (size_t i = 0; i < w->n; i++) {
		uint64_t bytes = sizes[i], s, weight;

		if (law != law_at(w, i)) {
			law = law_at(w, i);
			left = sample_gap(next_random(&seed) >> 32, SAMPLE_LAW_MEAN(law));
		}
		s = sample_length(bytes, law);
		if (left > s) {
			left -= s;
			continue;
		}
		left = sample_gap(next_random(&seed) >> 32, SAMPLE_LAW_MEAN(law));
		weight = sample_weight(s, SAMPLE_LAW_MEAN(law));
		sum.bytes += sample_bytes(bytes, weight);
		sum.calls += weight;
		sum.bytes_var += sample_bytes_var(bytes, weight);
		sum.calls_var += sample_calls_var(weight);
	}
	return (struct estimate){
		.bytes = sum.bytes, .calls = sum.calls * 0x1p-16, .bytes_var = sum.bytes_var * 256.,
		.calls_var = sum.calls_var / 16.,
	};
}

/* The truth, and the variances that theory gives. */
static struct estimate truth(const struct workload *w, const uint64_t *sizes)
{
	struct estimate t = {.calls = w->n};

	for (size_t i = 0; i < w->n; i++) {
		double s = sample_length(sizes[i], law_at(w, i)), mean = SAMPLE_LAW_MEAN(law_at(w, i));
		double odds = mean > 1 ? 1 / expm1(s / mean) : 0;	/* (1 - p) / p = w - 1 */

		t.bytes += sizes[i];
		t.bytes_var += (double)sizes[i] * sizes[i] * odds;
		t.calls_var += odds;
	}
	return t;
}

static void check(const struct workload *w, const char *what, double mean, double sd, double believed_var, double is,
		  double var)
{
	/* With 400 runs the deviation of a standard deviation is 3.5 %. */
	if (relative(mean, is) < 0.01 && relative(sd, sqrt(var)) < 0.15 && relative(believed_var, var) < 0.05)
		return;
	print_error("%s, %s: mean %g of %g, deviation %g, by theory %g, by itself %g\n", w->name, what, mean, is, sd,
		    sqrt(var), sqrt(believed_var));
	fail();
}

static void check_workload(const struct workload *w)
{
	uint64_t *sizes = xcalloc(w->n, sizeof(*sizes));
	struct estimate is, mean = {0}, square = {0};

	for (size_t i = 0; i < w->n; i++)
		sizes[i] = w->size(i);
	is = truth(w, sizes);
	for (uint64_t run = 0; run < RUNS; run++) {
		struct estimate e = sample_run(w, sizes, run * 1000003 + w->n);

		mean.bytes += e.bytes / RUNS;
		mean.calls += e.calls / RUNS;
		mean.bytes_var += e.bytes_var / RUNS;
		mean.calls_var += e.calls_var / RUNS;
		square.bytes += (e.bytes - is.bytes) * (e.bytes - is.bytes) / RUNS;
		square.calls += (e.calls - is.calls) * (e.calls - is.calls) / RUNS;
	}
	if (is.bytes > 0)
		check(w, "bytes", mean.bytes, sqrt(square.bytes), mean.bytes_var, is.bytes, is.bytes_var);
	check(w, "calls", mean.calls, sqrt(square.calls), mean.calls_var, is.calls, is.calls_var);
	free(sizes);
}

/* Some number below n that goes with i. */
static uint64_t below(size_t i, uint64_t n)
{
	uint64_t seed = i;

	return next_random(&seed) % n;
}

static uint64_t small_size(size_t i)
{
	return 16 + below(i, 241);
}

static uint64_t huge_size(size_t i)
{
	return 16384 + below(i, 20 * 16384);
}

static uint64_t size_about_16384(size_t i)
{
	return 8192 + below(i, 24576);
}

static uint64_t size_16384(size_t i)
{
	return 16384;
}

static uint64_t mixed_size(size_t i)
{
	if (i % 100 == 57)
		return huge_size(i);
	return i % 10 == 3 ? 4000 : small_size(i);
}

static uint64_t size_1(size_t i)
{
	return 1;
}

static uint64_t size_0(size_t i)
{
	return 0;
}

static void estimates_are_unbiased(void **state)
{
	static const struct workload all[] = {
		{"many small", 120000, 16384, small_size, .call = 1},
		{"few huge", 500, 16384, huge_size, .call = 1},
		{"about the mean", 2000, 16384, size_about_16384, .call = 1},
		{"equal to the mean", 2000, 16384, size_16384, .call = 1},
		{"equal to half the mean", 4000, 32768, size_16384, .call = 1},
		{"mixed", 100000, 16384, mixed_size, .call = 1},
		{"mixed, mean 512", 20000, 512, mixed_size, .call = 1},
		{"mixed, changing mean", 60000, 0, mixed_size, .call = 1},
		{"bytes", 200000, 256, size_1, .call = 1},
		{"nothing", 200000, 256, size_0, .call = 1},
		{"mixed, by calls too", 100000, 16384, mixed_size, .call = 40},
		{"mixed, mostly by calls", 100000, 1 << 24, mixed_size, .call = 1 << 18},
		{"few huge, by calls too", 500, 16384, huge_size, .call = 3000},
		{"nothing, by calls", 200000, 25600, size_0, .call = 100},
		{"mixed, exact at first", 100000, 16384, mixed_size, .call = 40, .exact = 60000},
	};

	for (size_t i = 0; i < N_ELEMS(all); i++)
		check_workload(&all[i]);
}

/* What calls are for: of a row of small and large blocks they come out several times better, bytes little worse. */
static void calls_of_mixed_sizes_gain(void **state)
{
	const struct workload by_bytes = {"by bytes", 100000, 16384, mixed_size, .call = 1};
	struct workload both = by_bytes;
	uint64_t *sizes = xcalloc(by_bytes.n, sizeof(*sizes));
	struct estimate a, b;
	double bytes = 0, samples = 0;

	for (size_t i = 0; i < by_bytes.n; i++) {
		sizes[i] = mixed_size(i);
		bytes += sizes[i];
		samples -= expm1(-(sizes[i] + 1.) / by_bytes.mean);
	}
	a = truth(&by_bytes, sizes);
	/* A fifth of the samples by calls, at the same number of samples. */
	both.call = by_bytes.mean * 1.25 * samples / by_bytes.n / 4 * 1.25;
	both.mean = by_bytes.mean * 1.25;
	b = truth(&both, sizes);
	assert_true(b.calls_var < a.calls_var / 2);
	assert_true(b.bytes_var < a.bytes_var * 1.11 * 1.11);
	free(sizes);
}

static void mean_of_one_is_exact(void **state)
{
	static const struct workload w = {"exact", 5000, 1, mixed_size, .call = 1};
	uint64_t *sizes = xcalloc(w.n, sizeof(*sizes));
	struct estimate is, e;

	for (size_t i = 0; i < w.n; i++)
		sizes[i] = mixed_size(i);
	is = truth(&w, sizes);
	e = sample_run(&w, sizes, 1);
	assert_true(e.bytes == is.bytes && e.calls == is.calls);
	assert_true(e.bytes_var == 0 && e.calls_var == 0);
	free(sizes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exponential_is_near_the_logarithm),
		cmocka_unit_test(exponential_at_its_edges),
		cmocka_unit_test(exponential_falls),
		cmocka_unit_test(gaps_are_whole_bytes),
		cmocka_unit_test(gaps_go_with_weights),
		cmocka_unit_test(weights_are_near_the_exact_ones),
		cmocka_unit_test(laws_are_near_the_exact_ones),
		cmocka_unit_test(weights_at_their_edges),
		cmocka_unit_test(bytes_are_rounded_to_nearest),
		cmocka_unit_test(variances_are_near_the_exact_ones),
		cmocka_unit_test(thinned_weights),
		cmocka_unit_test(estimates_are_unbiased),
		cmocka_unit_test(calls_of_mixed_sizes_gain),
		cmocka_unit_test(mean_of_one_is_exact),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
