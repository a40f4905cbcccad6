// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/target.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "trace/sharing.h"

struct watched {
	pid_t pid;
	int pidfd;	/* readable when the process has exited */
};

struct target {
	struct launch *launch;	/* NULL: it is a list, or */
	bool all;		/* every process */
	vec_of(struct watched) watched;	/* those that are still there */
	pid_t first;
	int epoll;	/* of the pidfds; -1: none */
};

struct target *target_of_command(struct launch *l)
{
	struct target *t = xcalloc(1, sizeof(*t));

	t->launch = l;
	t->first = launch_pid(l);
	t->epoll = -1;
	return t;
}

struct target *target_of_all(void)
{
	struct target *t = xcalloc(1, sizeof(*t));

	t->all = true;
	t->epoll = -1;
	return t;
}

void target_free(struct target *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->watched.n; i++)
		close(t->watched.at[i].pidfd);
	vec_free(&t->watched);
	if (t->epoll >= 0)
		close(t->epoll);
	free(t);
}

static int watch(void *arg, pid_t pid)
{
	struct target *t = arg;
	struct epoll_event ev = {.events = EPOLLIN};
	struct watched w = {.pid = pid};
	int err = process_check(pid);

	if (err)
		return err;
	w.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (w.pidfd < 0)
		return fail(-errno, "cannot watch process %d: %s", (int)pid, strerror(errno));
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, w.pidfd, &ev)) {
		err = fail(-errno, "cannot wait for events: %s", strerror(errno));
		close(w.pidfd);
		return err;
	}
	vec_push(&t->watched, w);
	return 0;
}

static void unwatch(struct target *t, size_t i)
{
	close(t->watched.at[i].pidfd);
	memmove(&t->watched.at[i], &t->watched.at[i + 1], (t->watched.n - i - 1) * sizeof(t->watched.at[0]));
	t->watched.n--;
}

int target_of_list(const char *list, struct target **out)
{
	struct target *t = xcalloc(1, sizeof(*t));
	int err;

	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = t->epoll < 0 ? fail(-errno, "cannot wait for events: %s", strerror(errno)) :
			     processes_each(list, watch, t);
	if (err) {
		target_free(t);
		return err;
	}
	t->first = t->watched.at[0].pid;
	*out = t;
	return 0;
}

pid_t target_pid(const struct target *t)
{
	return t->first;
}

size_t target_count(const struct target *t)
{
	return t->watched.n;
}

bool target_is_single(const struct target *t)
{
	return t->launch || (!t->all && t->watched.n == 1);
}

bool target_clones(const struct target *t)
{
	if (t->launch)
		return file_clones(launch_file(t->launch));
	for (size_t i = 0; i < t->watched.n; i++)
		if (program_clones(t->watched.at[i].pid))
			return true;
	return false;
}

int target_attach(struct target *t, struct tracer *tracer)
{
	struct skipped skip = {0};
	struct buf why = {0};
	int err = 0;

	if (t->all)
		return tracer_add_all(tracer);
	for (size_t i = 0; i < t->watched.n && err != -ECANCELED;) {
		buf_reset(&why);
		log_catch(&why);
		err = tracer_add(tracer, t->watched.at[i].pid);
		log_catch(NULL);
		if (!err) {
			/* A file of it may have been refused all the same, and others have probes. */
			log_caught(&why);
			i++;
			continue;
		}
		if (err == -ECANCELED)
			break;
		skipped_add(&skip, err, &why);
		unwatch(t, i);
	}
	buf_free(&why);
	if (err == -ECANCELED) {
		skipped_end(&skip, true);
		return err;
	}
	err = skipped_end(&skip, t->watched.n);
	if (t->watched.n)
		t->first = t->watched.at[0].pid;
	return err;
}

int target_fd(const struct target *t)
{
	return t->epoll;
}

size_t target_reap(struct target *t, struct tracer *tracer)
{
	for (size_t i = 0; i < t->watched.n;) {
		struct pollfd p = {.fd = t->watched.at[i].pidfd, .events = POLLIN};

		if (poll(&p, 1, 0) <= 0) {
			i++;
			continue;
		}
		tracer_exited(tracer, t->watched.at[i].pid);
		unwatch(t, i);
	}
	return t->watched.n;
}
