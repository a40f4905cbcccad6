// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/golive.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/family.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "image/gostack.h"
#include "proc/gorecords.h"
#include "shared.h"

#define MISSING_SHOWN 4
#define SUM_MOST 0x1p60	/* bytes or calls that one record may stand for */

/* What could not be read of a process, as of the last time. */
struct missing {
	pid_t pid;
	char *text;
};

struct golive {
	struct processes *processes;
	struct profile *profile;
	golive_image_fn image_of;
	void *arg;
	vec_of(struct image_gostack *) stacks;	/* by module; NULL: not opened */
	vec_of(struct missing) missing;
	vec_of(pid_t) exited;			/* that were Go programs */
	struct golive_sums sums;	/* of the golive_add() under way */
};

/* A Go program in a process. */
struct program {
	const struct process *p;
	uint32_t module, task;
	const struct image *image;
	uint64_t bias;		/* an address of the process less its vaddr */
};

struct golive *golive_new(struct processes *processes, struct profile *profile, golive_image_fn image_of, void *arg)
{
	struct golive *g = xcalloc(1, sizeof(*g));

	*g = (struct golive){.processes = processes, .profile = profile, .image_of = image_of, .arg = arg};
	return g;
}

static void forget_missing(struct golive *g)
{
	for (size_t i = 0; i < g->missing.n; i++)
		free(g->missing.at[i].text);
	g->missing.n = 0;
}

void golive_free(struct golive *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->stacks.n; i++)
		image_gostack_close(g->stacks.at[i]);
	vec_free(&g->stacks);
	forget_missing(g);
	vec_free(&g->missing);
	vec_free(&g->exited);
	free(g);
}

static void put_missing(struct buf *out, size_t n, pid_t pid, const char *why)
{
	if (n < MISSING_SHOWN)
		buf_printf(out, "%slive blocks of Go in process %d: %s", out->len ? "; " : "", (int)pid, why);
}

void golive_missing(const struct golive *g, struct buf *out)
{
	const size_t n = g->missing.n + g->exited.n;

	for (size_t i = 0; i < g->missing.n; i++)
		put_missing(out, i, g->missing.at[i].pid, g->missing.at[i].text);
	for (size_t i = 0; i < g->exited.n; i++)
		put_missing(out, g->missing.n + i, g->exited.at[i],
			    "its runtime's records went with it when it exited; --interval shows them before");
	if (n > MISSING_SHOWN)
		buf_printf(out, "; and in %zu more processes", n - MISSING_SHOWN);
}

__attribute__((format(printf, 3, 4)))
static void miss(struct golive *g, const struct process *p, const char *fmt, ...)
{
	struct missing m = {.pid = p->pid};
	va_list ap;

	va_start(ap, fmt);
	m.text = xvasprintf(fmt, ap);
	va_end(ap);
	note("process %d: live blocks of Go: %s", (int)p->pid, m.text);
	vec_push(&g->missing, m);
}

/* The first Go program that the process maps: there is one, its executable. */
static bool find_program(const struct golive *g, const struct process *p, struct program *out)
{
	uint64_t vaddr;

	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];
		const struct image *im;

		if (m->until_ns != UINT64_MAX || modules_get(g->processes->modules, m->module)->kind != MODULE_ELF)
			continue;
		im = g->image_of(g->arg, m->module);
		if (!im || !im->plan || !im->plan->go.found || !image_to_vaddr(im, m->offset, &vaddr))
			continue;
		*out = (struct program){.p = p, .module = m->module, .image = im, .bias = m->start - vaddr};
		return true;
	}
	return false;
}

/* NULL: it keeps records, and they can be found. */
static const char *why_none(const struct program *prog)
{
	const struct plan_go *go = &prog->image->plan->go;

	if (!go->kept)
		return "the program keeps no records of them, since nothing in it asks for them (runtime.MemProfile); "
		       "--view alloc shows what it allocates";
	if (!go->buckets || !go->rate)
		return "where its runtime keeps records of them is not known; --view alloc shows what it allocates";
	return NULL;
}

bool golive_is_go(const struct golive *g, const struct process *p, const char **why)
{
	struct program prog;

	if (!find_program(g, p, &prog))
		return false;
	*why = why_none(&prog);
	return true;
}

void golive_exited(struct golive *g, const struct process *p)
{
	struct program prog;

	if (find_program(g, p, &prog) && !why_none(&prog))
		vec_push(&g->exited, p->pid);
}

static const struct image_gostack *stacks_of(struct golive *g, uint32_t module)
{
	const struct module *m = modules_get(g->processes->modules, module);

	while (g->stacks.n <= module)
		vec_push(&g->stacks, NULL);
	if (!g->stacks.at[module] && m->fd >= 0)
		g->stacks.at[module] = image_gostack_open(m->fd, m->path);
	return g->stacks.at[module];
}

struct frames {
	uint64_t vaddr[GORECORDS_FRAMES_MAX];
	uint32_t id[GORECORDS_FRAMES_MAX];
	size_t n;
	enum stack_end end;
};

/* The runtime says what Go called: every address is of its program. */
static void resolve(const struct program *prog, const uint64_t *pcs, size_t n, uint64_t now_ns,
		    const struct modules *modules, struct frames *f)
{
	uint32_t module;
	uint64_t offset;

	f->n = 0;
	f->end = STACK_END_COMPLETE;
	for (size_t i = 0; i < n; i++) {
		if (!process_resolve(prog->p, modules, pcs[i] - 1, now_ns, &module, &offset) ||
		    module != prog->module || !image_to_vaddr(prog->image, offset, &f->vaddr[f->n])) {
			f->end = STACK_END_NOT_CODE;
			return;
		}
		f->n++;
	}
}

/* Records have no types: what the call in the program says is all there is. */
static uint32_t stack_of(struct golive *g, const struct program *prog, const struct go_records *r,
			 const struct go_record *rec, uint64_t now_ns)
{
	const struct image_gostack *stacks = stacks_of(g, prog->module);
	struct frames f;
	bool whole = true;

	resolve(prog, r->pcs.at + rec->at, rec->n, now_ns, g->processes->modules, &f);
	if (stacks)
		f.n = image_gostack_fold(stacks, f.vaddr, f.n, &whole);
	if (f.end == STACK_END_COMPLETE && !whole)
		f.end = STACK_END_DEPTH;
	for (size_t i = 0; i < f.n; i++)
		f.id[i] = profile_frame(g->profile, prog->module, f.vaddr[i]);
	return profile_stack_like(g->profile, (struct profile_stack){
		.task = prog->task, .function = alloc_function_of_go(), .end = f.end,
		.type = profile_type(g->profile, prog->module, 0),
	}, f.id, f.n);
}

/* How many allocations each sampled one stands for: of `size` bytes, one in so many is sampled. */
static double weight_of(uint64_t size, uint64_t rate)
{
	if (rate > GO_RATE_MOST)
		rate = GO_RATE_MOST;
	return rate > 1 && size ? -1 / expm1(-(double)size / (double)rate) : 1;
}

/* Sampled calls as estimates: n of them were, each with the same probability 1 / w (Horvitz and Thompson). */
static struct counters estimate(uint64_t n, uint64_t size, double w)
{
	const double calls = (double)n * w, bytes = calls * (double)size;

	return (struct counters){
		.bytes = (uint64_t)llround(fmin(bytes, SUM_MOST)), .calls = (uint64_t)llround(fmin(calls, SUM_MOST)),
		.bytes_var = (double)size * (double)size * calls * (w - 1), .calls_var = calls * (w - 1),
	};
}

static void add_record(struct golive *g, const struct program *prog, const struct go_records *r,
		       const struct go_record *rec, uint64_t now_ns)
{
	const double w = weight_of(rec->size, r->rate);
	const struct counters live = estimate(rec->allocs - rec->frees, rec->size, w);
	uint32_t stack;

	if (!rec->allocs)
		return;
	stack = stack_of(g, prog, r, rec, now_ns);
	profile_add(g->profile, PROFILE_RUNTIME, stack, estimate(rec->allocs, rec->size, w));
	if (!live.calls)
		return;
	profile_add(g->profile, PROFILE_LIVE, stack, live);
	profile_add(g->profile, PROFILE_LEAKS, stack, live);
}

static void add_records(struct golive *g, const struct program *prog, const struct go_records *r)
{
	const uint64_t now_ns = monotonic_ns();

	for (size_t i = 0; i < r->list.n; i++)
		add_record(g, prog, r, &r->list.at[i], now_ns);
	if (r->more)
		miss(g, prog->p, "more than %zu of its runtime's records are not read", r->list.n);
	if (r->unstable)
		miss(g, prog->p, "%zu of its runtime's records changed while they were read, and are left out",
		     r->unstable);
	g->sums.rate = !g->sums.processes || g->sums.rate == r->rate ? r->rate : 0;
	g->sums.collected = (!g->sums.processes || g->sums.collected) && r->collected;
	g->sums.records += r->list.n;
	g->sums.processes++;
}

static void add_program(struct golive *g, struct program *prog)
{
	const struct plan_go *go = &prog->image->plan->go;
	const char *why = why_none(prog);
	struct go_records r;
	uint32_t exec;
	const char *name;
	int err;

	if (why) {
		miss(g, prog->p, "%s", why);
		return;
	}
	err = gorecords_read(prog->p->pid, prog->bias + go->buckets, prog->bias + go->rate, &r, &why);
	name = process_name_at(prog->p, monotonic_ns(), &exec);
	prog->task = profile_task(g->profile, (uint32_t)prog->p->pid, 0, exec, name);
	if (err)
		miss(g, prog->p, "its runtime's records are not read: %s", why);
	else
		add_records(g, prog, &r);
	gorecords_free(&r);
}

struct golive_sums golive_add(struct golive *g)
{
	struct program prog;

	g->sums = (struct golive_sums){0};
	forget_missing(g);
	for (size_t i = 0; i < g->processes->list.n; i++) {
		const struct process *p = g->processes->list.at[i];

		if (!p->exited && find_program(g, p, &prog))
			add_program(g, &prog);
	}
	return g->sums;
}
