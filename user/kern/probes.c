// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which program sits on which allocator function, and what it is told about it.
 *
 * Allocations alone:          on_alloc at each site.
 * Blocks are followed:        on_free where a function frees, and where it allocates
 *   with uprobe sessions      on_call, at entry and return; the entry declines the return of a call that is not sampled
 *   without                   on_enter and on_return, and every call pays for both
 *   its return is taboo       on_alloc (operator new with a fast path of its own: it may throw, and an exception does
 *                             not pass a frame whose return address is a probe's)
 * What maps memory:           on_map, or on_map_enter and on_map_return, likewise
 *
 * A block whose allocation is seen must be seen to be freed, or it is a leak that is none; so what frees is attached
 * before what allocates and detached after it. For the same reason returns come before entries.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/family.h"
#include "base/log.h"
#include "kern/internal.h"

enum role {
	ROLE_FREE, ROLE_RETURN, ROLE_MAP_RETURN, ROLE_ENTER, ROLE_MAP_ENTER, ROLE_CALL, ROLE_MAP, ROLE_ALLOC, ROLE_GO,
	N_ROLES,
};

/* In the order of attaching; what may be left out is the last. */
static const struct {
	const char *program;
	const char *empty;	/* what the benchmark has in its place: a program that does nothing */
	enum uprobe_when when;
	enum link_stage stage;
} roles[N_ROLES] = {
	[ROLE_FREE] = {"on_free", "on_nothing", UPROBE_ENTRY, LINK_FREE},
	[ROLE_RETURN] = {"on_return", "on_nothing", UPROBE_RETURN, LINK_RETURN},
	[ROLE_MAP_RETURN] = {"on_map_return", "on_nothing", UPROBE_RETURN, LINK_RETURN},
	[ROLE_ENTER] = {"on_enter", "on_nothing", UPROBE_ENTRY, LINK_ENTRY},
	[ROLE_MAP_ENTER] = {"on_map_enter", "on_nothing", UPROBE_ENTRY, LINK_ENTRY},
	[ROLE_CALL] = {"on_call", "on_nothing_session", UPROBE_SESSION, LINK_ENTRY},
	[ROLE_MAP] = {"on_map", "on_nothing_session", UPROBE_SESSION, LINK_ENTRY},
	[ROLE_ALLOC] = {"on_alloc", "on_nothing", UPROBE_ENTRY, LINK_ENTRY},
	[ROLE_GO] = {"on_alloc", "on_nothing", UPROBE_ENTRY, LINK_GO},
};

static bool is_go_call(const struct plan_probe *p)
{
	return alloc_function(p->function)->is_go && !p->sampler;
}

static bool has_role(const struct kern *k, const struct plan_probe *p, enum role r)
{
	const bool follows = k->options.blocks;

	if (p->maps)
		return r == ROLE_MAP || r == ROLE_MAP_ENTER || r == ROLE_MAP_RETURN ?
			       (r == ROLE_MAP) == k->session : false;
	switch (r) {
	case ROLE_FREE:
		return follows && p->frees;
	case ROLE_RETURN:
	case ROLE_ENTER:
		return follows && !p->frees && !p->no_return && !k->session;
	case ROLE_CALL:
		return follows && !p->frees && !p->no_return && k->session;
	case ROLE_ALLOC:
		return !p->frees && (!follows || p->no_return) && !is_go_call(p);
	case ROLE_GO:
		return is_go_call(p);
	case ROLE_MAP_RETURN:
	case ROLE_MAP_ENTER:
	case ROLE_MAP:
	case N_ROLES:
		break;
	}
	return false;
}

static const char *program_name(const struct kern *k, enum role r)
{
	if (k->options.bench == BENCH_EMPTY)
		return roles[r].empty;
	if (k->options.bench == BENCH_STACKID)
		return r == ROLE_ENTER || r == ROLE_ALLOC || r == ROLE_GO ? "on_stackid" : "on_nothing";
	return roles[r].program;
}

static struct bpf_program *find_program(const struct kern *k, const char *name)
{
	return bpf_object__find_program_by_name(k->skel->obj, name);
}

/* Is the role taken by any function that there may be? */
static bool is_used(const struct kern *k, enum role r)
{
	static const struct plan_probe kinds[] = {
		{.frees = true}, {.no_return = true}, {.frees = false}, {.maps = true},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((k->options.maps || !kinds[i].maps) && has_role(k, &kinds[i], r))
			return true;
	return false;
}

static void select_program(struct kern *k, const char *name, enum uprobe_when when)
{
	struct bpf_program *prog = find_program(k, name);

	if (!prog)
		return;
	bpf_program__set_autoload(prog, true);
	if (k->options.mode == ATTACH_MULTI)
		bpf_program__set_expected_attach_type(prog, (enum bpf_attach_type)(when == UPROBE_SESSION ?
						      UAPI_TRACE_UPROBE_SESSION : UAPI_TRACE_UPROBE_MULTI));
}

int probes_select(struct kern *k)
{
	static const char *const special[] = {"on_nothing_session", "on_stackid", "on_exec", "on_loader",
					     "on_message", "on_message_call"};
	struct bpf_program *prog;
	const char *why;

	if (k->options.blocks && !feature(FEATURE_RETURN, &why))
		return fail(-ENOTSUP, "live-heap views are not available, because this kernel has no uretprobes: %s; "
				      "use --view alloc", why);
	if (k->options.maps && !feature(FEATURE_RETURN, &why))
		return fail(-ENOTSUP, "--mmap is not available, because this kernel has no uretprobes: %s", why);
	k->session = (k->options.blocks || k->options.maps) && k->options.mode == ATTACH_MULTI &&
		     k->options.bench != BENCH_STACKID && feature(FEATURE_UPROBE_SESSION, NULL);
	for (int r = 0; r < N_ROLES; r++) {
		prog = find_program(k, roles[r].program);
		if (prog)
			bpf_program__set_autoload(prog, false);
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		prog = find_program(k, special[i]);
		if (prog)
			bpf_program__set_autoload(prog, false);
	}
	for (int r = 0; r < N_ROLES; r++)
		if (is_used(k, r))
			select_program(k, program_name(k, r), roles[r].when);
	select_program(k, "on_nothing", UPROBE_ENTRY);	/* kern_clean() */
	if (k->options.hold) {
		bpf_program__set_autoload(k->skel->progs.on_exec, true);
		select_program(k, "on_loader", UPROBE_ENTRY);
	}
	bpf_program__set_autoload(k->skel->progs.on_message, k->options.governed);
	bpf_program__set_autoload(k->skel->progs.on_message_call, k->options.governed);
	bpf_map__set_autocreate(k->skel->maps.stackids, k->options.bench == BENCH_STACKID);
	return 0;
}

static uint64_t cookie_of(const struct plan_probe *p, uint32_t probe, uint16_t module)
{
	const struct alloc_function *f = alloc_function(p->function);
	uint64_t c = p->usdt ? COOKIE_USDT | p->usdt_alone : p->maps ? 0 : p->frees ? p->old_reg :
										    p->site.arg_reg[f->size_arg];

	if (f->count_arg != ALLOC_NO_ARG)
		c |= COOKIE_HAS_COUNT | (uint64_t)p->site.arg_reg[f->count_arg] << COOKIE_COUNT_SHIFT;
	if (p->sampler)
		c |= COOKIE_SAMPLER;
	else if (f->is_go)
		c |= COOKIE_TYPED | (uint64_t)p->type_place << COOKIE_COUNT_SHIFT;
	if (p->skip_arg != SITE_NO_REG)
		c |= COOKIE_HAS_SKIP;
	if (p->outer)
		c |= COOKIE_OUTER;
	return c | (uint64_t)(p->site.pushed / 8) << COOKIE_PUSHED_SHIFT |
	       (uint64_t)p->function << COOKIE_FUNCTION_SHIFT | (uint64_t)probe << COOKIE_PROBE_SHIFT |
	       (uint64_t)module << COOKIE_MODULE_SHIFT;
}

/* memalign() and its like: the size is not the first argument, nor is anything multiplied by it or given up. */
static bool takes_alignment(const struct alloc_function *f)
{
	return f->size_arg > 0 && f->count_arg == ALLOC_NO_ARG && f->old_arg == ALLOC_NO_ARG;
}

static bool asks_goroutine(const struct kern *k)
{
	return k->options.by_goroutine || k->options.by_label || k->options.creators;
}

/* Arguments and the goroutine are in registers both, or on the stack and in the thread's memory. */
static void set_goroutine(struct probe_info *info, const struct plan_probe *p, const struct plan_goroutine *g)
{
	if (!alloc_function(p->function)->is_go || !g->known)
		return;
	_Static_assert((int)LABELS_NONE == (int)GO_LABELS_NONE && (int)LABELS_MAP == (int)GO_LABELS_MAP &&
		       (int)LABELS_LIST == (int)GO_LABELS_LIST, "forms are the same");
	info->g_place = p->site.arg_reg[0] >= PLACE_STACK ? NO_PLACE : ARCH_REG_G;
	info->g.m = g->m;
	info->g.curg = g->curg;
	info->g.goid = g->goid;
	info->g.gopc = g->gopc;
	info->g.tls = g->tls;
	info->g.labels = g->labels;
	info->g.labels_form = g->labels_form;
}

static void set_maps(struct probe_info *info, const struct plan_probe *p)
{
	_Static_assert((int)MAP_MMAP == (int)ALLOC_MAPS_MMAP && (int)MAP_SBRK == (int)ALLOC_MAPS_SBRK &&
		       (int)MAP_BRK == (int)ALLOC_MAPS_BRK && (int)MAP_MUNMAP == (int)ALLOC_MAPS_MUNMAP &&
		       (int)MAP_MREMAP == (int)ALLOC_MAPS_MREMAP, "functions are the same");
	info->map = alloc_function(p->function)->maps;
	info->map_stepped = p->site.cost == SITE_STEPPED;
	for (size_t i = 0; i < sizeof(info->map_args); i++)
		info->map_args[i] = p->site.arg_reg[i];
}

static int set_usdt(struct kern *k, const struct plan_probe *p, uint32_t probe)
{
	struct usdt_info info = {0};

	_Static_assert((int)USDT_PLACE_MEMORY == (int)USDT_MEMORY && USDT_PLACES == USDT_ARGS &&
		       (int)USDT_PLACE_CONSTANT == (int)USDT_CONSTANT && NO_PLACE == USDT_NO_REG,
		       "an argument is its place");
	for (size_t i = 0; i < USDT_ARGS; i++) {
		const struct usdt_arg *a = &p->usdt_args[i];

		info.at[i] = (struct usdt_place){
			.kind = a->kind, .bytes = a->bytes, .is_signed = a->is_signed, .reg = a->reg,
			.shift = a->shift, .index = a->index, .scale = a->scale, .value = a->value,
		};
	}
	return bpf_map_update_elem(bpf_map__fd(k->skel->maps.usdts), &probe, &info, BPF_ANY) ? -errno : 0;
}

static int set_probe_info(struct kern *k, const struct plan *plan, const struct plan_probe *p, uint32_t probe)
{
	struct probe_info info = {
		.skip_max = p->skip_max, .old = p->old_reg, .out = p->out_reg, .no_return = p->no_return,
		.skip = p->skip_arg != SITE_NO_REG ? p->site.arg_reg[p->skip_arg] : NO_PLACE,
		.rate_from = p->rate_from, .jumps = p->jumps, .aligns = takes_alignment(alloc_function(p->function)),
	};

	_Static_assert(PLAN_MAX_BODIES <= BODIES_MAX, "a plan's bodies fit");
	_Static_assert(NO_PLACE == SITE_NO_REG && PLACE_STACK == SITE_ON_STACK && ARCH_REGS <= PLACE_STACK,
		       "a register is its place");
	for (size_t i = 0; i < p->n_bodies; i++) {
		info.bodies[i].from = p->bodies[i].from;
		info.bodies[i].to = p->bodies[i].to;
	}
	set_goroutine(&info, p, &plan->go.goroutine);
	if (p->maps)
		set_maps(&info, p);
	if (p->outer)
		k->skel->bss->check_nests = true;
	if (bpf_map_update_elem(bpf_map__fd(k->skel->maps.probes), &probe, &info, BPF_ANY))
		return -errno;
	return p->usdt ? set_usdt(k, p, probe) : 0;
}

/* The id of the plan's first probe; the others follow. Ids belong to the plan: each process that has its file, and a
 * process that is attached to again, has the same. 0 or -errno. */
static int probe_ids(struct kern *k, const struct plan *plan, uint32_t *first)
{
	uint64_t *known = u64map_find(&k->probe_ids, (uintptr_t)plan);
	int err = 0;

	if (known) {
		*first = *known;
		return 0;
	}
	if (plan->n_probes > MAX_PROBES - k->n_probes)
		return -E2BIG;
	*first = k->n_probes;
	for (size_t i = 0; i < plan->n_probes && !err; i++) {
		const struct plan_probe *p = &plan->probes[i];

		if (k->options.blocks || p->maps || p->outer || p->skip_arg != SITE_NO_REG || p->sampler || p->usdt ||
		    asks_goroutine(k))
			err = set_probe_info(k, plan, p, *first + i);
	}
	if (err)
		return err;
	k->n_probes += plan->n_probes;
	*u64map_put(&k->probe_ids, (uintptr_t)plan, NULL) = *first;
	return 0;
}

bool kern_first_probe(const struct kern *k, const struct plan *plan, uint32_t *first)
{
	const uint64_t *known = u64map_find(&k->probe_ids, (uintptr_t)plan);

	if (known)
		*first = (uint32_t)*known;
	return known;
}

/* What is registered with the kernel of several probes; room for a whole plan. */
struct sites {
	uint64_t *offsets, *ref_ctrs, *cookies;
	size_t n;
	bool any_ref_ctr;
};

static struct sites sites_new(const struct plan *plan)
{
	uint64_t *room = xcalloc(plan->n_probes + 1, 3 * sizeof(*room));

	return (struct sites){room, room + plan->n_probes, room + 2 * plan->n_probes, 0, false};
}

static void sites_add(struct sites *s, const struct plan_probe *p, uint64_t cookie)
{
	s->offsets[s->n] = p->file_offset;
	s->ref_ctrs[s->n] = p->semaphore;
	s->any_ref_ctr |= p->semaphore != 0;
	s->cookies[s->n++] = cookie;
}

/* The probes of one role. */
static int attach_role(struct kern *k, enum role r, pid_t pid, int fd, uint16_t module, const struct plan *plan,
		       const bool *left_out, uint32_t first, struct sites *s, struct links *links)
{
	struct link link = {.pid = pid, .stage = roles[r].stage, .module = module};
	struct bpf_program *prog;

	s->n = 0;
	s->any_ref_ctr = false;
	for (size_t i = 0; i < plan->n_probes; i++)
		if (has_role(k, &plan->probes[i], r) && !(left_out && left_out[i]))
			sites_add(s, &plan->probes[i], cookie_of(&plan->probes[i], first + i, module));
	if (!s->n)
		return 0;
	prog = find_program(k, program_name(k, r));
	if (!prog)
		return -ENOENT;
	return attach_uprobes(k->options.mode, bpf_program__fd(prog), roles[r].when, link, fd, s->offsets,
			      s->any_ref_ctr ? s->ref_ctrs : NULL, s->cookies, s->n, links);
}

/* The probes of the roles [from, to) of a plan. */
static int attach_roles(struct kern *k, enum role from, enum role to, pid_t pid, int fd, const char *path,
			uint16_t module, const struct plan *plan, const bool *left_out)
{
	struct links links = {0};
	struct sites sites = sites_new(plan);
	uint32_t first;
	int err = probe_ids(k, plan, &first);

	for (int r = from; r < (int)to && !err; r++)
		err = attach_role(k, r, pid, fd, module, plan, left_out, first, &sites, &links);
	if (err)
		links_drop(&links);
	else
		err = links_add(k, &k->links, &links);
	free(sites.offsets);
	if (err && err != -ESRCH && err != -ECANCELED)
		return fail(err, "cannot attach to %s in process %d by %s: %s", path, (int)pid,
			    attach_mode_name(k->options.mode), strerror(-err));
	return err;
}

int kern_attach(struct kern *k, pid_t pid, int fd, const char *path, uint16_t module, const struct plan *plan,
		const bool *left_out)
{
	return attach_roles(k, 0, k->skel->bss->go_by_samples ? ROLE_GO : N_ROLES, pid, fd, path, module, plan,
			    left_out);
}

int kern_attach_go(struct kern *k, pid_t pid, int fd, const char *path, uint16_t module, const struct plan *plan,
		   const bool *left_out)
{
	return attach_roles(k, ROLE_GO, N_ROLES, pid, fd, path, module, plan, left_out);
}

int kern_clean(struct kern *k, pid_t pid, int fd, const struct plan *plan, const bool *left_out)
{
	struct links links = {0};
	struct sites s;
	int err;

	if (k->options.mode != ATTACH_MULTI)
		return 0;
	s = sites_new(plan);
	for (size_t i = 0; i < plan->n_probes; i++)
		if (!left_out || !left_out[i])
			sites_add(&s, &plan->probes[i], 0);
	/* A semaphore that the child has as its parent's was is lowered again. */
	err = !s.n ? 0 : attach_uprobes(k->options.mode, bpf_program__fd(k->skel->progs.on_nothing), UPROBE_ENTRY,
				      (struct link){.pid = pid}, fd, s.offsets,
				      s.any_ref_ctr ? s.ref_ctrs : NULL, NULL, s.n, &links);
	links_drop(&links);
	free(s.offsets);
	return err;
}

void kern_go_by_samples(struct kern *k)
{
	*(volatile bool *)&k->skel->bss->go_by_samples = true;
	links_detach_stage(&k->links, 0, ANY_MODULE, LINK_GO);
}

void kern_go_by_calls(struct kern *k)
{
	*(volatile bool *)&k->skel->bss->go_by_samples = false;
}

uint64_t kern_sampler_rate(const struct kern *k)
{
	return k->skel->bss->go_rates_differ ? 0 : k->skel->bss->go_rate;
}

void kern_detach_probes(struct kern *k)
{
	links_detach(&k->links, 0, ANY_MODULE);
}

void kern_detach_process(struct kern *k, pid_t pid)
{
	links_detach(&k->links, pid, ANY_MODULE);
}

void kern_detach_file(struct kern *k, pid_t pid, uint16_t module)
{
	links_detach(&k->links, pid, module);
}

void kern_detach_files(struct kern *k, const struct u64map *modules)
{
	links_detach_files(&k->links, modules);
}

void kern_detach(struct kern *k)
{
	kern_detach_probes(k);
	links_detach(&k->hold_links, 0, ANY_MODULE);
	kern_end_wait(k);
	vec_free(&k->links);
	vec_free(&k->hold_links);
}
