// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/owntime.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "kern/internal.h"
#include "kern/slowdown.h"

/* Powers of the golden ratio, of a millisecond: they keep no step with what programs do at regular times. */
#define WITH_NS		618034
#define WITHOUT_NS	4236068

struct owntime {
	struct tracer *tracer;
	vec_of(int) events;	/* one for each CPU */
	struct slowdown slowdown;
	uint64_t period_ns;	/* 0: no sampling just now */
	uint64_t since_ns;
	struct own_samples since;
};

static int open_clock(int cpu, int prog_fd)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = WITH_NS, .disabled = 1, .exclude_idle = 1,
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

static struct own_samples samples(const struct owntime *o)
{
	const volatile struct own_samples *s = &tracer_kern(o->tracer)->skel->bss->own_samples;

	return (struct own_samples){.own = s->own, .busy = s->busy};
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

static void begin(struct owntime *o, uint64_t period_ns)
{
	tell_sites(o);
	o->period_ns = period_ns;
	o->since = samples(o);
	o->since_ns = monotonic_ns();
	for (size_t i = 0; i < o->events.n; i++) {
		ioctl(o->events.at[i], PERF_EVENT_IOC_PERIOD, &period_ns);
		ioctl(o->events.at[i], PERF_EVENT_IOC_ENABLE, 0);
	}
}

/* share: what it is added to, or NULL. */
static void end(struct owntime *o, struct slowdown_share *share)
{
	struct own_samples now;

	for (size_t i = 0; i < o->events.n; i++)
		ioctl(o->events.at[i], PERF_EVENT_IOC_DISABLE, 0);
	now = samples(o);
	if (share)
		slowdown_add(share, now.own - o->since.own, now.busy - o->since.busy, o->period_ns,
			     monotonic_ns() - o->since_ns);
	o->period_ns = 0;
}

void owntime_attached(struct owntime *o)
{
	if (!o || o->period_ns)
		return;
	begin(o, WITH_NS);
}

void owntime_detaching(struct owntime *o, bool count)
{
	if (o && o->period_ns)
		end(o, count ? &o->slowdown.with : NULL);
}

void owntime_detached(struct owntime *o)
{
	if (o)
		begin(o, WITHOUT_NS);
}

void owntime_attaching(struct owntime *o)
{
	if (o && o->period_ns)
		end(o, &o->slowdown.without);
}

double owntime_slowdown(const struct owntime *o, double *error)
{
	*error = 0;
	return o ? slowdown_factor(&o->slowdown, error) : 1;
}
