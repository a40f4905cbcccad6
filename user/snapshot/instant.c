// SPDX-License-Identifier: GPL-2.0-or-later
#include "snapshot/instant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/family.h"
#include "base/clock.h"
#include "base/log.h"
#include "sym/identify.h"
#include "trace/golive.h"
#include "view/suppress.h"

struct instant {
	struct modules modules;
	struct processes processes;
	struct profile profile;
	const char *function_names[ALLOC_MAX_FUNCTIONS];
	vec_of(struct image *) images;	/* by module; NULL: not read, or none */
	struct golive *go;
	struct symbolizer *sym;
	struct suppressions *suppressions;
	struct buf target, allocators, gaps;
};

static struct image *image_of(void *arg, uint32_t module)
{
	struct instant *in = arg;
	const struct module *m = modules_get(&in->modules, module);
	const struct image_request r = {
		.path = m->path, .pid = (pid_t)m->pid, .wants = IMAGE_PLAN, .plan_flags = PLAN_BLOCKS | PLAN_NO_GO,
	};

	while (in->images.n <= module)
		vec_push(&in->images, NULL);
	if (!in->images.at[module] && m->fd >= 0 && image_read(m->fd, &r, &in->images.at[module]))
		in->images.at[module] = NULL;
	return in->images.at[module];
}

static struct instant *instant_new(const struct snapshot_options *o)
{
	struct instant *in = xcalloc(1, sizeof(*in));

	modules_init(&in->modules);
	processes_init(&in->processes, &in->modules);
	for (size_t i = 0; i < ALLOC_MAX_FUNCTIONS; i++)
		in->function_names[i] = alloc_function(i) ? alloc_function(i)->shown : "";
	profile_init(&in->profile, &in->modules, in->function_names, ALLOC_MAX_FUNCTIONS);
	in->go = golive_new(&in->processes, &in->profile, image_of, in);
	in->sym = symbolizer_new(&in->modules, o->naming);
	return in;
}

void instant_free(struct instant *in)
{
	if (!in)
		return;
	suppress_close(in->suppressions);
	symbolizer_free(in->sym);
	golive_free(in->go);
	for (size_t i = 0; i < in->images.n; i++)
		image_free(in->images.at[i]);
	vec_free(&in->images);
	profile_free(&in->profile);
	processes_free(&in->processes);
	modules_free(&in->modules);
	buf_free(&in->target);
	buf_free(&in->allocators);
	buf_free(&in->gaps);
	free(in);
}

/* Why its Go code, if it has any, is not one that records can be read of: a plugin, -linkshared. NULL: it has none. */
static const char *go_gap(const struct instant *in, const struct process *p)
{
	for (size_t i = 0; i < p->maps.n; i++) {
		const uint32_t module = p->maps.at[i].module;
		const struct image *im = module < in->images.n ? in->images.at[module] : NULL;

		if (im && im->plan && im->plan->go.refused)
			return im->plan->gap;
	}
	return NULL;
}

static int refuse(const struct instant *in, const struct process *p)
{
	const char *gap = go_gap(in, p);

	if (gap)
		return fail(-ENOTSUP, "process %d (%s): %s", (int)p->pid, p->name, gap);
	return fail(-ENOTSUP, "process %d (%s) is no Go program: what is live in it is seen while it is traced; "
			      "use --duration TIME", (int)p->pid, p->name);
}

static int add(void *arg, pid_t pid)
{
	struct instant *in = arg;
	const char *why = NULL;
	struct process *p;
	int err = process_check(pid);

	if (!err)
		err = processes_add(&in->processes, pid, &p);
	if (err)
		return err;
	if (!golive_is_go(in->go, p, &why))
		err = refuse(in, p);
	else if (why)
		err = fail(-ENOTSUP, "process %d (%s): live blocks of Go: %s", (int)pid, p->name, why);
	if (err)
		processes_remove(&in->processes, pid);
	return err;
}

/* "Go 1.19.8 + Go 1.22.4" */
static void describe_allocators(struct instant *in)
{
	for (size_t i = 0; i < in->images.n; i++) {
		const struct plan *plan = in->images.at[i] ? in->images.at[i]->plan : NULL;

		if (plan && plan->go.found && plan->implementation &&
		    !strstr(buf_cstr(&in->allocators), plan->implementation))
			buf_printf(&in->allocators, "%s%s", in->allocators.len ? " + " : "", plan->implementation);
	}
}

static void fill(struct instant *in, const struct snapshot_options *o, struct golive_sums go, struct recording *r)
{
	*r = (struct recording){
		.time_ns = realtime_ns(), .unnamed = o->unnamed, .profile = &in->profile,
		.names = symbolizer_names(in->sym), .views = o->views, .runtime = snapshot_runtime(go),
	};
	modules_identify(&in->modules, o->identifies);
	if (in->suppressions)
		suppress_leaks(in->suppressions, &in->profile, r->names);
	r->suppressions = suppress_list(in->suppressions, &r->n_suppressions);
	processes_describe(&in->processes, &in->target);
	describe_allocators(in);
	golive_missing(in->go, &in->gaps);
	r->target = buf_cstr(&in->target);
	r->allocator = in->allocators.len ? in->allocators.data : NULL;
	r->gaps = in->gaps.len ? in->gaps.data : NULL;
}

int instant_take(const char *list, const struct snapshot_options *o, struct instant **out, struct recording *r)
{
	struct instant *in = *out = instant_new(o);
	int err = o->suppress ? suppress_open(o->suppress, &in->suppressions) : 0;
	uint64_t from;

	if (!err)
		err = processes_each(list, add, in);
	if (err)
		return err;
	from = monotonic_ns();
	fill(in, o, golive_add(in->go), r);
	note("%llu records in %.1f ms", (unsigned long long)r->runtime.records, (double)(monotonic_ns() - from) / 1e6);
	if (!r->runtime.processes)
		return fail(-ESRCH, "nothing was read: %s", r->gaps ? r->gaps : "the processes have exited");
	return 0;
}

pid_t instant_pid(const struct instant *in)
{
	return in->processes.list.at[0]->pid;
}

struct rights instant_rights(const struct instant *in)
{
	return processes_rights(&in->processes);
}
