/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees of files as systems have them, and this system's own cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/cgroup.h"
#include "proc/cgroup_files.h"

#include "file_tree.h"

/* In the hierarchy that numbers are of. */
static const struct cgroup_place *of_number(struct cgroups *c, uint64_t id)
{
	return cgroups_by_id_in(c, cgroups_hierarchy(c), id);
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HYBRID_MOUNTS \
	"30 22 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n" \
	"34 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" \
	"39 30 0:36 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n" \
	"40 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

static uint64_t inode(const char *path)
{
	char *whole = tree_path(path);
	struct stat st;

	assert_int_equal(stat(whole, &st), 0);
	free(whole);
	return st.st_ino;
}

static void count_each(void *arg, uint64_t id, const struct cgroup_place *p)
{
	struct buf *b = arg;

	assert_non_null(p->path);
	buf_printf(b, "%llu %s\n", (unsigned long long)id, p->path);
}

static void unified(void **state)
{
	const struct cgroup_place *p;
	struct cgroups *c;

	tree_file("/proc/self/mountinfo", "24 1 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
	tree_dir("/sys/fs/cgroup/system.slice/nginx.service");
	tree_dir("/sys/fs/cgroup/system.slice/docker-" ID ".scope");
	tree_file("/proc/7/cgroup", "0::/system.slice/nginx.service\n");
	tree_file("/proc/8/cgroup", "0::/system.slice/docker-" ID ".scope\n");
	tree_file("/proc/9/cgroup", "0::/\n");
	tree_file("/proc/10/cgroup", "0::/system.slice/old.service (deleted)\n");
	c = cgroups_new_below(tree_root);
	assert_int_equal(cgroups_hierarchy(c), CGROUP_V2);

	p = of_number(c, inode("/sys/fs/cgroup/system.slice/nginx.service"));
	assert_string_equal(p->path, "/system.slice/nginx.service");
	assert_string_equal(p->unit, "nginx.service");
	assert_null(p->runtime);
	assert_null(p->name);
	assert_null(p->container);
	assert_ptr_equal(p, cgroups_of_pid(c, 7));
	assert_string_equal(of_number(c, inode("/sys/fs/cgroup"))->path, "/");
	assert_string_equal(cgroups_of_pid(c, 9)->path, "/");
	assert_string_equal(cgroups_of_pid(c, 10)->path, "/system.slice/old.service");

	p = cgroups_of_pid(c, 8);
	assert_string_equal(p->container, "docker:0123456789ab");
	assert_string_equal(p->id, ID);
	assert_string_equal(p->name, "0123456789ab");
	assert_null(cgroups_of_pid(c, 4711)->path);
	assert_null(of_number(c, UINT64_MAX)->path);
	cgroups_free(c);
}

/* A container keeps its name after it has gone, files and all; one that nobody asked for in time has none. */
static void gone(void **state)
{
	const char *const web = "/sys/fs/cgroup/docker/" ID, *const other = "/sys/fs/cgroup/docker/f123456789abcdef";
	const struct cgroup_place *p;
	struct cgroups *c;
	uint64_t id, late;

	tree_file("/proc/self/mountinfo", "24 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	tree_file("/var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\": \"/web\"}");
	tree_file("/proc/8/cgroup", "0::/docker/" ID "\n");
	tree_dir(web);
	tree_dir(other);
	c = cgroups_new_below(tree_root);
	id = inode(web);
	late = inode(other);
	p = of_number(c, id);
	assert_string_equal(p->container, "docker:web");
	tree_remove(web);
	tree_remove(other);
	tree_remove("/var/lib/docker/containers/" ID "/config.v2.json");
	assert_ptr_equal(of_number(c, id), p);
	assert_ptr_equal(cgroups_of_pid(c, 8), p);
	assert_string_equal(p->container, "docker:web");
	assert_null(of_number(c, late)->path);
	cgroups_free(c);
}

static void hybrid(void **state)
{
	const struct cgroup_place *p;
	struct buf all = {0};
	struct cgroups *c;

	tree_file("/proc/self/mountinfo", HYBRID_MOUNTS);
	tree_dir("/sys/fs/cgroup/unified/system.slice/a.service");
	tree_dir("/sys/fs/cgroup/memory/docker/" ID);
	tree_file("/proc/7/cgroup", "4:memory:/x\n1:name=systemd:/y\n0::/system.slice/a.service\n");
	tree_file("/proc/8/cgroup", "4:memory:/docker/" ID "\n1:name=systemd:/y\n0::/\n");
	tree_file("/proc/9/cgroup", "4:memory:/\n1:name=systemd:/system.slice/b.service\n0::/\n");
	tree_file("/proc/10/cgroup", "4:memory:/\n1:name=systemd:/\n0::/\n");
	tree_file("/proc/11/cgroup", "11:cpu,memory:/m\n10:freezer:/f\n");
	c = cgroups_new_below(tree_root);
	assert_int_equal(cgroups_hierarchy(c), CGROUP_V2);
	assert_string_equal(of_number(c, inode("/sys/fs/cgroup/unified/system.slice/a.service"))->unit,
			    "a.service");
	/* Of another hierarchy: the same number may be another cgroup's there. */
	assert_null(of_number(c, inode("/sys/fs/cgroup/memory/docker/" ID))->path);
	p = cgroups_by_id_in(c, CGROUP_V1_MEMORY, inode("/sys/fs/cgroup/memory/docker/" ID));
	assert_string_equal(p->container, "docker:0123456789ab");
	assert_ptr_equal(p, cgroups_of_pid(c, 8));
	assert_null(cgroups_by_id_in(c, CGROUP_NONE, 1)->path);
	assert_int_equal(cgroups_each_in(c, CGROUP_V1_MEMORY, count_each, &all), 0);
	assert_non_null(strstr(all.data, " /docker/" ID "\n"));
	assert_null(strstr(all.data, "a.service"));
	buf_free(&all);
	assert_string_equal(cgroups_of_pid(c, 7)->path, "/system.slice/a.service");
	assert_string_equal(cgroups_of_pid(c, 8)->container, "docker:0123456789ab");
	assert_string_equal(cgroups_of_pid(c, 9)->unit, "b.service");
	assert_string_equal(cgroups_of_pid(c, 10)->path, "/");
	assert_string_equal(cgroups_of_pid(c, 11)->path, "/m");
	cgroups_free(c);
}

static void v1_alone(void **state)
{
	struct cgroups *c;

	tree_file("/proc/self/mountinfo",
		  "33 30 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		  "34 30 0:31 /docker/x /sys/fs/cgroup/a\\040b rw - cgroup cgroup rw,memory\n"
		  "35 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,hugetlb,memory\n"
		  "36 30 0:32 / /cut");
	tree_dir("/sys/fs/cgroup/memory/lxc/web");
	tree_dir("/sys/fs/cgroup/a b/in");
	c = cgroups_new_below(tree_root);
	assert_int_equal(cgroups_hierarchy(c), CGROUP_V1_MEMORY);
	assert_string_equal(of_number(c, inode("/sys/fs/cgroup/memory/lxc/web"))->container, "lxc:web");
	cgroups_free(c);

	/* What is mounted is a part of the hierarchy: paths are the whole one's. */
	tree_file("/proc/self/mountinfo", "34 30 0:31 /docker/x /sys/fs/cgroup/a\\040b rw - cgroup cgroup rw,memory\n");
	c = cgroups_new_below(tree_root);
	assert_string_equal(of_number(c, inode("/sys/fs/cgroup/a b/in"))->path, "/docker/x/in");
	assert_string_equal(of_number(c, inode("/sys/fs/cgroup/a b"))->path, "/docker/x");
	cgroups_free(c);
}

/* Numbers and paths agree however they are asked; links are not followed. */
static void each(void **state)
{
	struct buf all = {0};
	struct cgroups *c, *fresh;
	char *at, *line, *path;
	int n = 0;

	tree_file("/proc/self/mountinfo", "24 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	tree_dir("/sys/fs/cgroup/a/b/c");
	tree_dir("/sys/fs/cgroup/a/d");
	tree_file("/sys/fs/cgroup/a/cgroup.procs", "1\n");
	tree_link("/sys/fs/cgroup/a/up", "..");
	tree_link("/sys/fs/cgroup/loop", "loop");
	c = cgroups_new_below(tree_root);
	fresh = cgroups_new_below(tree_root);
	assert_int_equal(cgroups_each_in(c, cgroups_hierarchy(c), count_each, &all), 0);
	at = all.data;
	while ((line = strsep(&at, "\n")) && *line) {
		const uint64_t id = strtoull(line, &path, 10);

		assert_string_equal(of_number(c, id)->path, path + 1);
		assert_string_equal(of_number(fresh, id)->path, path + 1);
		n++;
	}
	assert_int_equal(n, 5);
	cgroups_free(c);
	cgroups_free(fresh);
	buf_free(&all);
}

static void nothing_there(void **state)
{
	struct cgroups *c = cgroups_new_below(tree_root);
	struct buf all = {0};

	assert_int_equal(cgroups_hierarchy(c), CGROUP_NONE);
	assert_null(of_number(c, 1)->path);
	assert_null(cgroups_of_pid(c, 1)->path);
	assert_int_equal(cgroups_each_in(c, cgroups_hierarchy(c), count_each, &all), -ENOENT);
	assert_null(all.data);
	cgroups_free(c);
	cgroups_free(NULL);

	/* Lines that are none. */
	tree_file("/proc/self/mountinfo",
		  " - cgroup2\n - \n24 1 0:22 / - cgroup2 x rw\n\n24 1 0:22 /  - cgroup2 x rw\n");
	tree_file("/proc/7/cgroup", "\n:\n::\n0:\n0::x\n4:memory\n0::/good\n");
	c = cgroups_new_below(tree_root);
	assert_int_equal(cgroups_hierarchy(c), CGROUP_NONE);
	assert_string_equal(cgroups_of_pid(c, 7)->path, "/good");
	cgroups_free(c);
}

/* --- this system */

struct fresh {
	struct cgroups *c;
	enum cgroup_hierarchy which;
};

static void every_one_by_number(void *arg, uint64_t id, const struct cgroup_place *p)
{
	const struct fresh *fresh = arg;
	const struct cgroup_place *again = cgroups_by_id_in(fresh->c, fresh->which, id);

	/* It may have gone meanwhile. */
	if (again->path)
		assert_string_equal(again->path, p->path);
}

static void this_system(void **state)
{
	struct cgroups *c = cgroups_new(), *fresh = cgroups_new();
	const struct cgroup_place *p;

	if (cgroups_hierarchy(c) == CGROUP_NONE) {
		cgroups_free(c);
		cgroups_free(fresh);
		skip();
	}
	for (int i = CGROUP_NONE; i < CGROUP_HIERARCHIES; i++) {
		const int err = cgroups_each_in(c, i, every_one_by_number, &(struct fresh){fresh, i});

		assert_true(!err || err == -ENOENT);
	}
	assert_int_equal(cgroups_each_in(c, cgroups_hierarchy(c), every_one_by_number,
					 &(struct fresh){fresh, cgroups_hierarchy(c)}), 0);
	p = cgroups_of_pid(c, getpid());
	assert_non_null(p->path);
	assert_int_equal(p->path[0], '/');
	assert_null(of_number(c, 1ULL << 62)->path);
	cgroups_free(c);
	cgroups_free(fresh);
}

/* A cgroup of its own with a process in it, by number, by process, and after it has gone. */
static void in_a_new_one(void **state)
{
	struct cgroups *c = cgroups_new();
	const struct cgroup_place *p;
	struct cgroup_mount m;
	char *dir, *procs;
	struct stat st;
	pid_t child;
	int n;
	FILE *f;

	cgroup_mount_find("", true, &m);
	dir = m.point ? xasprintf("%s/docker-%032x%032x.scope", m.point, 0xa110c, getpid()) : NULL;
	if (!dir || mkdir(dir, 0755)) {
		free(dir);
		cgroup_mount_free(&m);
		cgroups_free(c);
		skip();
	}
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	procs = xasprintf("%s/cgroup.procs", dir);
	f = fopen(procs, "w");
	n = f ? fprintf(f, "%d\n", (int)child) : -1;
	if (f)
		n = fclose(f) ? -1 : n;
	assert_int_equal(stat(dir, &st), 0);
	p = of_number(c, st.st_ino);
	if (n > 0)
		assert_ptr_equal(cgroups_of_pid(c, child), p);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(rmdir(dir), 0);
	assert_true(n > 0);
	assert_string_equal(p->container, "docker:000000000000");
	assert_string_equal(p->path + strlen(p->path) - 6, ".scope");
	assert_ptr_equal(of_number(c, st.st_ino), p);
	cgroups_free(c);
	/* Nobody asked in time. */
	c = cgroups_new();
	assert_null(of_number(c, st.st_ino)->path);
	cgroups_free(c);
	free(dir);
	free(procs);
	cgroup_mount_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unified, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(gone, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(hybrid, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(v1_alone, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(each, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(nothing_there, tree_setup, tree_teardown),
		cmocka_unit_test(this_system),
		cmocka_unit_test(in_a_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
