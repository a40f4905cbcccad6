/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Series of given values, without recordings. */
#ifndef ALLOCTRACE_TESTS_COMPARE_FIXTURE_H
#define ALLOCTRACE_TESTS_COMPARE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "compare/series.h"

static uint64_t seed;

static double uniform(void)
{
	return (mix64(++seed) >> 11) * 0x1p-53;
}

/* About normal: mean 0, variance 1. */
static double noise(void)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += uniform();
	return sum;
}

static void start(struct series *s)
{
	*s = (struct series){.by = view_by_find("site"), .most_bytes = 1 << 24};
	series_init(s);
}

static void add_files(struct series *s, size_t before, size_t after)
{
	for (size_t i = 0; i < before + after; i++)
		vec_push(&s->files, ((struct series_file){
			.path = xasprintf("file%zu", i), .side = i >= before, .duration_ns = 1000000000,
			.time_ns = 3600000000000ULL * (i + 1),
		}));
}

/* A row of these values, which count for the total as well. */
static void add_row(struct series *s, const char *name, const double *values)
{
	struct series_row row = {0};
	uint32_t id = strpool_id(&s->names, name);

	assert_int_equal(id, s->rows.n);
	for (size_t i = 0; i < s->files.n; i++) {
		if (values[i] != 0)
			vec_push(&row.cells, ((struct series_cell){.file = i, .value = values[i]}));
		s->files.at[i].value += values[i];
	}
	vec_push(&s->rows, row);
}

static void add_noisy_rows(struct series *s, size_t n, double spread)
{
	double values[64];
	char name[32];

	for (size_t i = 0; i < n; i++) {
		const double size = 10000 + 10 * i;

		for (size_t k = 0; k < s->files.n; k++)
			values[k] = round(size * (1 + spread * noise()));
		snprintf(name, sizeof(name), "f%03zu", i);
		add_row(s, name, values);
	}
}

#endif
