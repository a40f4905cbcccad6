/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of check --all, made of a host that is made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/survey.h"

static void add(struct survey *h, size_t n, const struct survey_group *g)
{
	while (n--)
		survey_add(h, g);
}

static struct survey_group group(const char *name, const char *exe, const char *user, const char *container,
			       const char *allocators, enum survey_gap gap)
{
	return (struct survey_group){name, exe, user, container, allocators, gap, 0};
}

#define ADD(h, n, ...) \
	do { \
		const struct survey_group g_ = group(__VA_ARGS__); \
		add(h, n, &g_); \
	} while (0)

static void make(struct survey *h)
{
	ADD(h, 1, "busybox", "/bin/busybox", "root", "", "", SURVEY_STRIPPED);
	ADD(h, 2, "nginx", "/usr/sbin/nginx", "www-data", "docker:web", "glibc 2.36", SURVEY_SEEN);
	ADD(h, 1, "init", "", "root", "", "", SURVEY_DENIED);
	ADD(h, 2, "nginx", "/usr/sbin/nginx (deleted)", "www-data", "docker:web", "glibc 2.36", SURVEY_SEEN);
	ADD(h, 3, "gunicorn: maste", "/usr/bin/python3.11", "app",
	    "containerd:production/shop-frontend-6b7f9c-x2x9z/gunicorn", "glibc 2.36, jemalloc", SURVEY_SEEN);
	ADD(h, 1, "evil\n\x1b[31m", "/tmp/evil\n\x1b[31m", "4000000000", "", "musl", SURVEY_SEEN);
	ADD(h, 2, "nginx", "/usr/sbin/nginx", "www-data", "docker:web", "glibc 2.36", SURVEY_SEEN);
	h->files = 12;
	h->with_allocator = 3;
	h->unreadable = 1;
	h->exited = 1;
}

static char *printed(const struct survey *h, size_t width)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	survey_print(f, h, width);
	fclose(f);
	return text;
}

static void wide(void **state)
{
	struct survey h = {0};
	char *text;

	make(&h);
	text = printed(&h, 0);
	assert_string_equal(text,
"Programs on this host\n"
"  PROCS  PROGRAM                       USER        CONTAINER                                                  "
"ALLOCATOR\n"
"      4  nginx                         www-data    docker:web                                                 "
"glibc 2.36\n"
"      3  gunicorn: maste (python3.11)  app         containerd:production/shop-frontend-6b7f9c-x2x9z/gunicorn  "
"glibc 2.36, jemalloc\n"
"      2  nginx                         www-data    docker:web                                                 "
"glibc 2.36\n"
"      1  evil\\x0a\\x1b[31m              4000000000  -                                                          "
"musl\n"
"      1  busybox                       root        -                                                          "
"no: static and stripped\n"
"      1  init                          root        -                                                          "
"no: access denied\n"
"  12 processes, 6 programs, 2 containers; 12 files with code, 3 of them with an allocator, 1 unreadable; 1 process "
"had exited.\n"
"  2 processes would not be seen: 1 static and stripped, 1 access denied.\n");
	free(text);
	survey_free(&h);
}

static void narrow(void **state)
{
	struct survey h = {0};
	char *text;

	make(&h);
	text = printed(&h, 80);
	assert_string_equal(text,
"Programs on this host\n"
"  PROCS  PROGRAM           USER        CONTAINER         ALLOCATOR\n"
"      4  nginx             www-data    docker:web        glibc 2.36\n"
"      3  gunicorn: maste…  app         containerd:prod…  glibc 2.36, jemalloc\n"
"      2  nginx             www-data    docker:web        glibc 2.36\n"
"      1  evil\\x0a\\x1b[31m  4000000000  -                 musl\n"
"      1  busybox           root        -                 no: static and stripped\n"
"      1  init              root        -                 no: access denied\n"
"  12 processes, 6 programs, 2 containers; 12 files with code, 3 of them with an\n"
"  allocator, 1 unreadable; 1 process had exited.\n"
"  2 processes would not be seen: 1 static and stripped, 1 access denied.\n");
	free(text);
	survey_free(&h);
}

static void no_container(void **state)
{
	struct survey h = {.hidden = true};
	char *text;

	ADD(&h, 1, "sh", "/bin/dash", "root", "", "glibc 2.36", SURVEY_SEEN);
	text = printed(&h, 80);
	assert_string_equal(text,
"Programs on this host\n"
"  PROCS  PROGRAM    USER  ALLOCATOR\n"
"      1  sh (dash)  root  glibc 2.36\n"
"  1 process, 1 program, 0 containers; 0 files with code, 0 of them with an\n"
"  allocator.\n"
"  Processes of other users are hidden (/proc is mounted with hidepid); run\n"
"  alloctrace as root (sudo).\n"
"  All of them would be seen.\n");
	free(text);
	survey_free(&h);
}

/* Some allocators of a process are seen, others not. */
static void in_part(void **state)
{
	struct survey h = {0};
	char *text;

	ADD(&h, 2, "node", "/usr/bin/node", "app", "", "", SURVEY_COPIES);
	ADD(&h, 1, "both", "/usr/bin/both", "app", "", "glibc 2.36", SURVEY_COPIES);
	text = printed(&h, 80);
	assert_string_equal(text,
"Programs on this host\n"
"  PROCS  PROGRAM  USER  ALLOCATOR\n"
"      2  node     app   no: copies its own code\n"
"      1  both     app   glibc 2.36; not all: copies its own code\n"
"  3 processes, 2 programs, 0 containers; 0 files with code, 0 of them with an\n"
"  allocator.\n"
"  1 process would be seen in part: 1 copies its own code. 2 processes would not\n"
"  be seen: 2 copies its own code.\n");
	free(text);
	survey_free(&h);
}

/* However wide names are, no line is wider than the terminal, and the reasons are whole. */
static void every_width(void **state)
{
	struct survey h = {0};

	make(&h);
	for (int gap = SURVEY_SEEN; gap < SURVEY_GAPS; gap++)
		ADD(&h, 1, "日本語の名前です", "/usr/bin/a-program-with-a-long-name", "a-user-with-a-long-name",
		    "lxc:長い名前", gap == SURVEY_SEEN ? "own (a-program-with-a-long-name)" : "", gap);
	for (size_t width = 80; width <= 200; width++) {
		char *text = printed(&h, width), *at = text, *line;

		assert_null(strstr(text, "(null)"));
		assert_non_null(strstr(text, "no: has copied its own code\n"));
		assert_non_null(strstr(text, "no: code writable or shared\n"));
		while ((line = strsep(&at, "\n")))
			if (text_width(line) > width)
				fail_msg("%zu columns: %s", width, line);
		free(text);
	}
	survey_free(&h);
}

/* This system: as many processes as there are rows for, and we are not among them. */
static void this_system(void **state)
{
	struct survey h = {0};
	size_t n = 0;

	assert_int_equal(survey_read(&h), 0);
	for (size_t i = 0; i < h.groups.n; i++) {
		n += h.groups.at[i].processes;
		assert_true(h.groups.at[i].gap < SURVEY_GAPS);
		assert_string_not_equal(h.groups.at[i].name, "test_survey");
	}
	/* At least what started us, unless we are the first process. */
	assert_true(n >= 1 || getppid() == 0);
	assert_true(h.with_allocator <= h.files);
	survey_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wide),
		cmocka_unit_test(narrow),
		cmocka_unit_test(no_container),
		cmocka_unit_test(in_part),
		cmocka_unit_test(every_width),
		cmocka_unit_test(this_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
