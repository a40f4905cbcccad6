/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the unwind tables of some files take to build: reading .eh_frame (from the page cache), its rows, and the
 * words that the kernel side searches, as kern/unwind.c does for files that are mapped for the first time; into memory
 * that is there, as the kernel's maps are.
 *
 * usage: tables RUNS FILE...
 * On stdout: ms MEDIAN of all files together, least LEAST most MOST; load MEDIAN pack MEDIAN; files N rows N bytes N.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "elf/ehframe.h"
#include "kern/unwind_pack.h"

#define MAX_ROWS ((64 << 20) / sizeof(struct unwind_row))	/* the default of --unwind-mem */

struct cost {
	double load, pack;	/* ms */
	size_t files, rows, words;
};

static vec_of(uint64_t) words;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void pack(const struct unwind_table *t, struct cost *c)
{
	const struct unwind_packing p = unwind_pack_plan(t);

	if (p.max_words > words.cap)
		vec_grow(&words, p.max_words);
	c->words += unwind_pack(t, &p, 0, words.at);
}

static void build(const char *path, struct cost *c)
{
	double start = now_ms();
	struct unwind_table *t = NULL;
	struct elf_file *ef = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? -errno : elf_file_open(fd, path, &ef);

	if (!err)
		err = unwind_table_load(ef, MAX_ROWS, &t);
	/* libicudata has no code, so no table: that is no failure. */
	if (err && err != -ENOENT) {
		fprintf(stderr, "tables: %s: %s\n", path, t || ef ? unwind_load_why(err) : strerror(-err));
		exit(1);
	}
	c->load += now_ms() - start;
	start = now_ms();
	if (!err && t->n) {
		c->files++;
		c->rows += t->n;
		pack(t, c);
	}
	c->pack += now_ms() - start;
	unwind_table_free(t);
	elf_file_close(ef);
	if (fd >= 0)
		close(fd);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts v. */
static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

int main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	double *all, *load, *packing;
	struct cost c = {0};

	if (!n || n > 10000) {
		fprintf(stderr, "usage: tables RUNS FILE...\n");
		return 2;
	}
	all = xcalloc(n, sizeof(*all));
	load = xcalloc(n, sizeof(*load));
	packing = xcalloc(n, sizeof(*packing));
	/* Once more than is counted: the first run brings the files into memory. */
	for (size_t run = 0; run <= n; run++) {
		const size_t i = run ? run - 1 : 0;

		c = (struct cost){0};
		for (int a = 2; a < argc; a++)
			build(argv[a], &c);
		load[i] = c.load;
		packing[i] = c.pack;
		all[i] = c.load + c.pack;
	}
	printf("ms %.2f", median(all, n));
	printf(" least %.2f most %.2f\nload %.2f pack %.2f\nfiles %zu rows %zu bytes %zu\n", all[0], all[n - 1],
	       median(load, n), median(packing, n), c.files, c.rows, c.words * sizeof(uint64_t));
	free(all);
	free(load);
	free(packing);
	vec_free(&words);
	return 0;
}
