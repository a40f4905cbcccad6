/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cgroups, units and containers the rules take, and this system's own cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/places.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct cgroup_place nowhere = {0};
static const struct cgroup_place nginx = {.path = "/system.slice/nginx.service", .unit = "nginx.service"};
static const struct cgroup_place web = {
	.path = "/docker/" ID, .runtime = "docker", .id = ID, .name = "web", .container = "docker:web",
};

static void add(struct select_rules *r, const char *text)
{
	struct buf why = {0};

	assert_int_equal(rules_add(r, SELECT_COMM, text, &why), 0);
	buf_free(&why);
}

/* Rules of one kind: which of the three places they take. */
static void check(size_t which, const char *a, const char *b, const char *want)
{
	struct place_rules rules = {.cgroups = {.n = 0}};
	struct places *p = places_new(&rules, NULL, NULL);
	struct select_rules *const of[] = {&rules.cgroups, &rules.units, &rules.containers};
	char got[4];

	add(of[which], a);
	if (b)
		add(of[which], b);
	got[0] = places_take(p, &nowhere) ? 'y' : '-';
	got[1] = places_take(p, &nginx) ? 'y' : '-';
	got[2] = places_take(p, &web) ? 'y' : '-';
	got[3] = '\0';
	if (strcmp(got, want))
		fail_msg("%s, %s: %s", a, b ? b : "-", got);
	places_free(p);
}

enum { CGROUP, UNIT, CONTAINER };

static void takes(void **state)
{
	struct places *p = places_new(NULL, NULL, NULL);

	assert_true(places_take(p, &nowhere));
	assert_true(places_take(p, &web));
	places_free(p);
	check(CGROUP, "/system.slice/*", NULL, "-y-");
	check(CGROUP, "*docker*", NULL, "--y");
	check(CGROUP, "/docker", NULL, "---");
	check(CGROUP, "!/docker/*", NULL, "yy-");
	check(CGROUP, "*", NULL, "-yy");
	check(UNIT, "nginx.service", NULL, "-y-");
	check(UNIT, "!nginx*", NULL, "y-y");
	check(UNIT, "*", NULL, "-y-");
	/* By its name, with or without the runtime, and by its id, as it is shown or whole. */
	check(CONTAINER, "web", NULL, "--y");
	check(CONTAINER, "docker:*", NULL, "--y");
	check(CONTAINER, "0123456789ab", NULL, "--y");
	check(CONTAINER, ID, NULL, "--y");
	check(CONTAINER, "0123", NULL, "---");
	check(CONTAINER, "0123*", NULL, "--y");
	check(CONTAINER, "!web", NULL, "yy-");
	check(CONTAINER, "!*", NULL, "yy-");
	check(CONTAINER, "*", "!web", "---");
	check(CONTAINER, "other", "web", "--y");
}

static void of_all_kinds(void **state)
{
	struct place_rules rules = {.cgroups = {.n = 0}};
	struct places *p = places_new(&rules, NULL, NULL);

	add(&rules.cgroups, "/docker/*");
	add(&rules.containers, "web");
	assert_true(places_take(p, &web));
	add(&rules.units, "!docker.service");
	assert_true(places_take(p, &web));
	add(&rules.units, "x.service");
	assert_false(places_take(p, &web));
	places_free(p);
}

static const char *path_of(void *arg, uint64_t cgroup)
{
	return cgroup == *(const uint64_t *)arg ? "/docker/" ID : NULL;
}

static void removed(void **state)
{
	uint64_t gone = UINT64_MAX >> 2;
	struct places *p = places_new(NULL, path_of, &gone);

	assert_string_equal(places_of(p, gone, 0)->path, "/docker/" ID);
	assert_string_equal(places_of(p, gone, 0)->container, "docker:0123456789ab");
	assert_null(places_of(p, gone - 1, 0)->path);
	gone = 0;
	assert_string_equal(places_of(p, UINT64_MAX >> 2, 0)->path, "/docker/" ID);
	places_free(p);
}

static void count_path(void *arg, uint64_t cgroup, const struct cgroup_place *place)
{
	struct { size_t n; uint64_t root; } *seen = arg;

	seen->n++;
	if (!strcmp(place->path, "/"))
		seen->root = cgroup;
}

/* A number that no cgroup has is looked up by the process, and kept after its end. */
static void this_system(void **state)
{
	struct { size_t n; uint64_t root; } seen = {0};
	struct places *p = places_new(NULL, NULL, NULL);
	const struct cgroup_place *mine;
	pid_t pid;

	places_each(p, count_path, &seen);
	if (!seen.n) {
		print_message("no hierarchy of cgroups\n");
		places_free(p);
		skip();
	}
	assert_true(seen.root);
	assert_string_equal(places_of(p, seen.root, 0)->path, "/");
	assert_null(places_of(p, UINT64_MAX >> 2, 0)->path);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	mine = places_of(p, UINT64_MAX >> 3, pid);
	assert_non_null(mine->path);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_ptr_equal(places_of(p, UINT64_MAX >> 3, pid), mine);
	assert_null(places_of(p, UINT64_MAX >> 4, pid)->path);
	places_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes), cmocka_unit_test(of_all_kinds), cmocka_unit_test(removed),
		cmocka_unit_test(this_system),
	};

	return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
