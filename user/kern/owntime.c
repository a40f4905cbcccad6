// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/owntime.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "kern/internal.h"
#include "kern/slowdown.h"

/* Not a part of what programs do at regular times. */
#define PERIOD_NS 499979

struct owntime {
	struct tracer *tracer;
	vec_of(int) events;	/* one for each CPU */
	struct slowdown slowdown;
	bool sampling;
	uint64_t since_ns, since_samples;
	double since_cpu_ns;	/* since_ns 0: not known */
};

static int open_clock(int cpu, int prog_fd)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = PERIOD_NS, .disabled = 1, .exclude_idle = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

struct owntime *owntime_new(struct tracer *t)
{
	struct kern *k = tracer_kern(t);
	struct owntime *o = xcalloc(1, sizeof(*o));

	o->tracer = t;
	for (int cpu = 0; cpu < k->n_cpus; cpu++) {
		int fd = open_clock(cpu, bpf_program__fd(k->skel->progs.on_cpu_clock));

		if (fd == -ENODEV)	/* offline */
			continue;
		if (fd < 0) {
			note("CPU %d can't be sampled (perf_event_open: %s): how much less the target does while it is "
			     "traced stays unknown", cpu, strerror(-fd));
			owntime_free(o);
			return NULL;
		}
		vec_push(&o->events, fd);
	}
	return o;
}

void owntime_free(struct owntime *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->events.n; i++)
		close(o->events.at[i]);
	vec_free(&o->events);
	free(o);
}

static void switch_events(struct owntime *o, bool on)
{
	for (size_t i = 0; i < o->events.n; i++)
		ioctl(o->events.at[i], on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
	o->sampling = on;
}

static uint64_t samples(const struct owntime *o)
{
	return *(volatile __u64 *)&tracer_kern(o->tracer)->skel->bss->own_samples;
}

/* Tells the kernel side whose samples count, and where their probes are. */
static void tell_sites(struct owntime *o)
{
	const struct processes *ps = tracer_processes(o->tracer);
	const int fd = bpf_map__fd(tracer_kern(o->tracer)->skel->maps.own_sites);

	for (size_t i = 0; i < ps->list.n; i++) {
		const struct process *p = ps->list.at[i];
		const __u32 pid = p->pid;
		struct own_sites sites;

		if (p->exited) {
			bpf_map_delete_elem(fd, &pid);
			continue;
		}
		sites.n = tracer_sites(o->tracer, p, (uint64_t *)sites.at, OWN_SITES_MAX);
		bpf_map_update_elem(fd, &pid, &sites, BPF_ANY);
	}
}

/* Of all processes that run, ns. */
static double cpu_ns(const struct owntime *o)
{
	const struct processes *ps = tracer_processes(o->tracer);
	struct timespec t;
	clockid_t clock;
	double sum = 0;

	for (size_t i = 0; i < ps->list.n; i++)
		if (!ps->list.at[i]->exited && !clock_getcpuclockid(ps->list.at[i]->pid, &clock) &&
		    !clock_gettime(clock, &t))
			sum += t.tv_sec * 1e9 + t.tv_nsec;
	return sum;
}

void owntime_attached(struct owntime *o)
{
	if (!o || o->sampling)
		return;
	tell_sites(o);
	o->since_samples = samples(o);
	o->since_ns = monotonic_ns();
	switch_events(o, true);
}

void owntime_detaching(struct owntime *o, bool count)
{
	if (!o || !o->sampling)
		return;
	switch_events(o, false);
	if (count)
		slowdown_in(&o->slowdown, samples(o) - o->since_samples, monotonic_ns() - o->since_ns, PERIOD_NS);
	o->since_ns = 0;
}

void owntime_detached(struct owntime *o)
{
	if (!o)
		return;
	o->since_ns = monotonic_ns();
	o->since_cpu_ns = cpu_ns(o);
}

void owntime_attaching(struct owntime *o)
{
	double cpu;

	if (!o || !o->since_ns)
		return;
	cpu = cpu_ns(o);
	/* Less, if a process has gone: then it isn't known. */
	if (cpu >= o->since_cpu_ns)
		slowdown_out(&o->slowdown, cpu - o->since_cpu_ns, monotonic_ns() - o->since_ns);
	o->since_ns = 0;
}

double owntime_slowdown(const struct owntime *o, double *error)
{
	*error = 0;
	return o ? slowdown_factor(&o->slowdown, PERIOD_NS, error) : 1;
}
