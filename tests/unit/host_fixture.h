/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole host, made up: programs of containers and outside of them, whose processes are not told apart, and one
 * process. */
#ifndef ALLOCTRACE_TESTS_HOST_FIXTURE_H
#define ALLOCTRACE_TESTS_HOST_FIXTURE_H

#include "report_fixture.h"

static const struct profile_task host_tasks[] = {
	{.name = "nginx", .exe = "/usr/sbin/nginx", .user = "www-data", .cgroup = "/system.slice/docker-ab.scope",
	 .container = "docker:web"},
	{.name = "nginx", .exe = "/usr/sbin/nginx", .user = "www-data", .cgroup = "/system.slice/nginx.service"},
	{.name = "nginx", .exe = "/usr/sbin/nginx", .user = "101", .cgroup = "/system.slice/docker-cd.scope",
	 .container = "docker:api"},
	{.name = "cc1", .exe = "/usr/lib/gcc/cc1", .user = "builder", .cgroup = "/user.slice/user-1000.slice"},
	{.pid = 4712, .name = "redis", .exe = "/usr/bin/redis", .user = "999",
	 .cgroup = "/system.slice/docker-ab.scope", .container = "docker:web", .inner_pid = 7},
	{.name = "unknown"},
};

#define HOST_TASKS (sizeof(host_tasks) / sizeof(host_tasks[0]))

/* Each task allocates with two stacks that all share, 1000 * 2^i bytes with the one, a third of that with the other. */
static void add_host(struct fixture *x)
{
	for (size_t i = 0; i < HOST_TASKS; i++) {
		uint32_t task = profile_task_like(&x->p, &host_tasks[i]);

		ADD(x, task, 0, STACK_END_COMPLETE, 3000UL << i, 4, frame(x, STRING, 1), frame(x, MAIN, 1));
		ADD(x, task, 0, STACK_END_COMPLETE, 1000UL << i, 2, frame(x, PARSE, 1), frame(x, MAIN, 1));
	}
	x->r.threads = false;
	x->r.target = "every process";
	x->r.allocator = NULL;
	x->r.host = (struct recording_host){
		.wide = true, .selection = "every process", .processes = 812, .ended = 710, .others_hits = 12345,
		.cpus = 8,
	};
}

#endif
