// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of the traced files, and what they lack: functions that are not probed, or not found. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "alloc/user.h"
#include "base/log.h"
#include "kern/kmem.h"
#include "trace/tracer_internal.h"

#define GAPS_MAX 64	/* are remembered */
#define GAPS_SHOWN 4

void tracer_add_gap(struct tracer *t, const char *what)
{
	for (size_t i = 0; i < t->gaps.n; i++)
		if (!strcmp(t->gaps.at[i], what))
			return;
	if (t->gaps.n < GAPS_MAX)
		vec_push(&t->gaps, xstrdup(what));
	else
		t->more_gaps++;
}

static void add_gaps(struct tracer *t, const struct module *m, const struct plan *plan)
{
	struct buf text = {0};

	for (size_t i = 0; i <= plan->n_skips; i++) {
		buf_reset(&text);
		if (i < plan->n_skips && plan->skips[i].gap)
			buf_printf(&text, "%s of %s: %s", plan->skips[i].name, module_basename(m), plan->skips[i].why);
		else if (i == plan->n_skips && plan->gap[0])
			buf_printf(&text, "%s: %s", module_basename(m), plan->gap);
		if (text.len)
			tracer_add_gap(t, text.data);
	}
	buf_free(&text);
}

/* Functions of the command line, by the ids of their rows. */
static void note_named(struct tracer *t, const struct module *m, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_probes; i++)
		t->named[plan->probes[i].function].found = true;
	for (size_t i = 0; i < plan->n_skips; i++) {
		struct named *n = &t->named[plan->skips[i].function];

		if (!n->why)
			n->why = xasprintf("%s: %s", m->path, plan->skips[i].why);
	}
}

/* A je_malloc is shown as such. */
static void name_functions(struct tracer *t, struct plan *plan)
{
	for (size_t i = 0; i < plan->n_probes; i++) {
		size_t id = plan->probes[i].function;

		/* All of Go's go by one name. */
		if (!alloc_function(id)->is_go)
			id = alloc_alias(id, plan->probes[i].name);

		plan->probes[i].function = (uint16_t)id;
		t->function_names[id] = alloc_function(id)->shown;
	}
}

struct image *tracer_read(struct tracer *t, const struct module *m, const struct plan_chosen *chosen)
{
	struct image_request r = {
		.path = m->path, .pid = (pid_t)m->pid, .wants = t->resident || t->kernel ? 0 : IMAGE_PLAN,
		.plan_flags = t->plan_flags,
		.chosen = chosen, .n_chosen = chosen != NULL,
	};
	struct image *im;

	/* In a wide run tables come before. */
	if (!chosen && t->unwind && !t->wide) {
		r.wants |= IMAGE_UNWIND;
		r.max_rows = unwind_max_rows(t->kern);
	}
	if (!chosen && t->held_pid)
		r.wants |= IMAGE_HOOK;
	if (image_read(m->fd, &r, &im))
		return NULL;
	if (im->plan) {
		note_named(t, m, im->plan);
		name_functions(t, im->plan);
	}
	return im;
}

/* Go's garbage collector frees blocks without calling a function for each. */
static void add_go_gap(struct tracer *t, const struct module *m)
{
	char *text = xasprintf("%s: --view %s has nothing of Go, whose blocks are freed without a call; --view live or "
			       "alloc has", module_basename(m), t->not_of_go);

	tracer_add_gap(t, text);
	free(text);
}

/* Functions that take their arguments on the stack have the goroutine in the thread's memory. */
static bool knows_goroutines(const struct plan *plan)
{
	const struct plan_goroutine *g = &plan->go.goroutine;

	for (size_t i = 0; i < plan->n_probes; i++) {
		const struct plan_probe *p = &plan->probes[i];

		if (alloc_function(p->function)->is_go && p->site.arg_reg[0] >= SITE_ON_STACK && !g->tls)
			return false;
	}
	return g->known;
}

static void add_goroutine_gap(struct tracer *t, const struct module *m, const char *what)
{
	char *text = xasprintf("%s of goroutines of %s, because the code of its runtime is not as expected", what,
			       module_basename(m));

	tracer_add_gap(t, text);
	free(text);
}

static void add_goroutine_gaps(struct tracer *t, const struct module *m, const struct plan *plan)
{
	if (!knows_goroutines(plan))
		add_goroutine_gap(t, m, "numbers, labels and creators");
	else if (t->by_label && plan->go.goroutine.labels_form == GO_LABELS_UNKNOWN)
		add_goroutine_gap(t, m, "labels");
}

void tracer_read_file(struct tracer *t, const struct module *m, struct traced_file *f)
{
	struct plan *plan;

	f->image = tracer_read(t, m, NULL);
	plan = f->image ? f->image->plan : NULL;
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_skips; i++)
		note("%s: %s not probed: %s", m->path, plan->skips[i].name, plan->skips[i].why);
	add_gaps(t, m, plan);
	if (plan->go.found && t->not_of_go)
		add_go_gap(t, m);
	if (plan->go.found && plan->n_probes && t->plan_flags & PLAN_GOROUTINES)
		add_goroutine_gaps(t, m, plan);
	if (plan->n_probes || plan->n_ifuncs)
		f->plan = plan;
}

void tracer_gaps(const struct tracer *t, struct buf *out)
{
	size_t n = t->gaps.n < GAPS_SHOWN || log_verbose() ? t->gaps.n : GAPS_SHOWN;

	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? "; " : "", t->gaps.at[i]);
	if (t->golive)
		golive_missing(t->golive, out);
	if (collector_lost_labels(t->collector))
		buf_printf(out, "%slabels beyond the first %d sets of them, shown as unknown", out->len ? "; " : "",
			   KERN_LABEL_SETS);
	if (t->host.unread)
		buf_printf(out, "%sfiles that only processes map whose mappings cannot be read (%llu)",
			   out->len ? "; " : "", (unsigned long long)t->host.unread);
	if (t->host.unseen.n)
		buf_printf(out, "%sfiles of processes that had ended before these could be read (%zu)",
			   out->len ? "; " : "", t->host.unseen.n);
	if (t->gaps.n + t->more_gaps > n)
		buf_printf(out, "; and %zu more (-v)", t->gaps.n + t->more_gaps - n);
	if (t->modules.left_out)
		buf_printf(out, "%s%llu mapped files: too many to keep open",
			   out->len ? "; " : "", (unsigned long long)t->modules.left_out);
}

/* What is to be named of a file that is traced; NULL: nothing. used: only if a call of its functions was recorded, or
 * if its runtime's records were read. */
static const struct plan *named_plan(const struct tracer *t, uint32_t module, bool used)
{
	const struct traced_file *f = &t->files.at[module];
	const struct plan *all = f->image ? f->image->plan : NULL;

	if (all && all->go.found && t->go_sums.processes)
		return all;
	return used && !collector_saw_allocator(t->collector, module) ? NULL : f->plan;
}

static void list_allocators(const struct tracer *t, bool used, struct buf *out)
{
	for (size_t i = 0; i < t->files.n; i++) {
		const struct plan *plan = named_plan(t, i, used);
		const char *name = plan ? plan->implementation : NULL;

		if (!plan)
			continue;
		if (!name)
			name = module_basename(modules_get(&t->modules, i));
		if (!strstr(buf_cstr(out), name))
			buf_printf(out, "%s%s", out->len ? " + " : "", name);
	}
}

/* What of the kernel's is counted. */
static void describe_kernel(const struct tracer *t, struct buf *out)
{
	struct utsname u;

	buf_printf(out, "Linux %s (kmalloc, slab caches%s)", uname(&u) ? "" : u.release,
		   kern_kmem_has_pages(t->kern) ? ", pages" : "");
}

void tracer_allocators(const struct tracer *t, struct buf *out)
{
	if (t->kernel) {
		describe_kernel(t, out);
		return;
	}
	list_allocators(t, true, out);
	if (!out->len)
		list_allocators(t, false, out);
}

static bool is_mapped(const struct tracer *t, size_t object)
{
	for (size_t i = 0; i < t->modules.list.n; i++) {
		const struct module *m = t->modules.list.at[i];
		struct stat st = {0};

		if (m->kind != MODULE_ELF)
			continue;
		if (m->fd >= 0 && fstat(m->fd, &st))
			st.st_ino = 0;
		if (alloc_user_is_object(object, m->path, st.st_dev, st.st_ino))
			return true;
	}
	return false;
}

static int fail_named(const struct tracer *t, const struct alloc_user *u)
{
	const struct alloc_function *f = alloc_function(u->function);
	const char *option = f->frees ? "--free-fn" : "--alloc-fn", *why = t->named[u->function].why;

	if (why)
		return fail(-ENOENT, "%s %s is not traced: %s", option, f->name, why);
	if (!u->name)
		return fail(-ENOENT, "%s %s: no such file is mapped", option, f->name);
	return fail(-ENOENT, "%s %s: no function of that name in the symbols of %s", option, f->name,
		    alloc_user_objects() ? "--object" :
		    "the mapped files; use --object and +0xOFFSET for a function without a symbol");
}

int tracer_check_named(const struct tracer *t)
{
	int err = 0;

	for (size_t i = 0; i < alloc_user_objects(); i++)
		if (!is_mapped(t, i))
			return fail(-ENOENT, "--object %s: no traced process maps this file",
				    alloc_user_object(i));
	for (size_t i = 0; i < alloc_user_count(); i++) {
		const struct alloc_user *u = alloc_user(i);

		/* Functions that free are looked for only where blocks are followed. */
		if (!t->named[u->function].found && (t->blocks || !alloc_function(u->function)->frees))
			err = fail_named(t, u);
	}
	return err;
}

void tracer_free_gaps(struct tracer *t)
{
	for (size_t i = 0; i < t->gaps.n; i++)
		free(t->gaps.at[i]);
	vec_free(&t->gaps);
	for (size_t i = 0; i < ALLOC_MAX_FUNCTIONS; i++)
		free(t->named[i].why);
}
