// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that nobody has mapped any more. A host's processes may map files without end: compilers' temporary programs,
 * packages that are replaced, or on purpose. Of those that have no name any more, or of all if too many are open,
 * descriptors, tables and probes go back; what a stack has a frame in stays, for its names.
 *
 *     unused in one pass, and in the next   no process has it mapped, as /proc says, and no stack has a frame in it
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "proc/maps.h"
#include "proc/procfs.h"
#include "trace/tracer_internal.h"

#define PASS_NS 1000000000ULL
#define IN_VAIN_MAX 5			/* so often it waits twice as long as before, if nothing came of it, */
#define MANY_MORE 64			/* unless so many files have come */
#define PROBED_AT_ONCE 32		/* taking probes out waits for the kernel */

struct pass {
	struct tracer *t;
	bool *used;		/* by module */
	size_t n_modules;
	struct u64map inodes;	/* of candidates that nobody is found to have mapped */
};

static void use(struct pass *p, uint32_t module)
{
	if (module < p->n_modules)
		p->used[module] = true;
}

/* They are to be named. */
static void use_of_stacks(struct pass *pass)
{
	const struct profile *p = &pass->t->profile;

	for (size_t i = 0; i < p->frames.n; i++)
		use(pass, p->frames.at[i].module);
	for (size_t i = 0; i < p->types.n; i++)
		use(pass, p->types.at[i].module);
}

static bool is_open_file(const struct module *m)
{
	return m->kind == MODULE_ELF && m->fd >= 0 && m->probe_fd < 0;
}

static void find_candidates(struct pass *pass)
{
	const struct modules *ms = &pass->t->modules;
	const bool many = ms->n_open > ms->open_max / 2;
	struct stat st;

	for (size_t i = 1; i < pass->n_modules; i++) {
		const struct module *m = ms->list.at[i];

		if (pass->used[i])
			continue;
		pass->used[i] = !is_open_file(m) || (!many && (fstat(m->fd, &st) || st.st_nlink));
		if (!pass->used[i])
			u64map_put(&pass->inodes, m->ino, NULL);
	}
}

static int read_maps(pid_t pid, struct buf *text)
{
	const int err = procfs_read(pid, "maps", text);
	pid_t tid;

	if (err || text->len)
		return err;
	/* The first thread may have exited before the others. */
	tid = procfs_live_thread(pid);
	return tid && tid != pid ? procfs_read(tid, "maps", text) : 0;
}

static void use_mapping(struct pass *pass, const struct mapping *m)
{
	if (m->until_ns == UINT64_MAX)
		u64map_remove(&pass->inodes, modules_get(&pass->t->modules, m->module)->ino);
}

/* By the inode alone: of several file systems, a file too many stays. An unmapping is not told of, so that only what
 * can't be read is taken as it was told. */
static void use_mapped(void *arg, pid_t pid)
{
	struct pass *pass = arg;
	const struct process *known = processes_find(&pass->t->processes, pid);
	struct buf text = {0}, path = {0};
	const int err = read_maps(pid, &text);
	struct maps_line line;
	const char *at = text.data;

	while (!err && text.len && maps_next(&at, text.data + text.len, &line, &path))
		if (line.exec && line.ino)
			u64map_remove(&pass->inodes, line.ino);
	for (size_t i = 0; err && known && !known->exited && i < known->maps.n; i++)
		use_mapping(pass, &known->maps.at[i]);
	buf_free(&text);
	buf_free(&path);
}

static bool is_unused(const struct pass *pass, size_t i)
{
	return !pass->used[i] && u64map_find(&pass->inodes, pass->t->modules.list.at[i]->ino);
}

/* Removes what has one of these modules as its key or its value. */
static void forget_in(struct u64map *m, const struct u64map *modules, bool by_key)
{
	vec_of(uint64_t) keys = {0};

	for (size_t i = 0; m->n && i <= m->mask; i++)
		if (m->used[i] && (u64map_find(modules, m->slots[i].value) ||
				   (by_key && u64map_find(modules, m->slots[i].key))))
			vec_push(&keys, m->slots[i].key);
	for (size_t i = 0; i < keys.n; i++)
		u64map_remove(m, keys.at[i]);
	vec_free(&keys);
}

/* A plan stays: the BPF side has numbers for its probes. */
static void release_file(struct tracer *t, uint32_t module)
{
	struct traced_file *f = t->files.n > module ? &t->files.at[module] : NULL;

	unwind_release(t->unwind, module);
	attachment_forget_file(t->host.files, module);
	if (f && !f->plan) {
		image_free(f->image);
		f->image = NULL;
	}
	modules_release(&t->modules, module);
}

/* All of them at once. */
static void release_files(struct tracer *t, const struct u64map *out, const struct u64map *probed)
{
	if (probed->n)
		kern_detach_files(t->kern, probed);
	forget_in(&t->host.known_as, out, true);
	forget_in(&t->host.modules, out, false);
	for (size_t i = 0; out->n && i <= out->mask; i++)
		if (out->used[i])
			release_file(t, (uint32_t)out->slots[i].key);
}

static bool maps_any(const struct process *p, const struct u64map *modules)
{
	for (size_t i = 0; !p->exited && i < p->maps.n; i++)
		if (p->maps.at[i].until_ns == UINT64_MAX && u64map_find(modules, p->maps.at[i].module))
			return true;
	return false;
}

/* Processes that were believed to have them. */
static void reread_those(struct tracer *t, const struct u64map *modules)
{
	for (size_t i = 0; i < t->processes.list.n; i++)
		if (maps_any(t->processes.list.at[i], modules))
			process_read_maps(&t->processes, t->processes.list.at[i], monotonic_ns());
}

static bool has_probes(struct tracer *t, uint32_t module)
{
	return attachment_state(t->host.files, module) == ATTACHED && tracer_file(t, module)->plan;
}

static void release(struct pass *pass)
{
	struct tracer *t = pass->t;
	struct u64map out = {0}, probed = {0}, unused = {0};

	for (uint32_t i = 1; i < pass->n_modules; i++) {
		const bool probes = has_probes(t, i);

		if (!is_unused(pass, i))
			continue;
		if (!u64map_find(&t->host.unused, i) || (probes && probed.n >= PROBED_AT_ONCE)) {
			u64map_put(&unused, i, NULL);
			continue;
		}
		u64map_put(&out, i, NULL);
		if (probes)
			u64map_put(&probed, i, NULL);
	}
	if (out.n) {
		reread_those(t, &out);
		release_files(t, &out, &probed);
	}
	if (out.n || unused.n)
		t->host.passes_in_vain = 0;
	u64map_free(&t->host.unused);
	t->host.unused = unused;
	u64map_free(&out);
	u64map_free(&probed);
}

static void make_pass(struct tracer *t)
{
	struct pass pass = {.t = t, .n_modules = t->modules.list.n};

	pass.used = xcalloc(pass.n_modules, sizeof(*pass.used));
	use_of_stacks(&pass);
	find_candidates(&pass);
	t->host.passes_in_vain++;
	if (pass.inodes.n && !host_each_pid(use_mapped, &pass))
		release(&pass);
	free(pass.used);
	u64map_free(&pass.inodes);
}

void host_release(struct tracer *t)
{
	struct host *h = &t->host;
	const bool many = t->modules.n_open > h->pass_open + MANY_MORE;
	const unsigned int in_vain = many ? 0 : h->passes_in_vain;

	if (h->files_lent || monotonic_ns() - h->pass_ns < PASS_NS << (in_vain < IN_VAIN_MAX ? in_vain : IN_VAIN_MAX))
		return;
	make_pass(t);
	h->pass_ns = monotonic_ns();
	h->pass_open = t->modules.n_open;
}

void tracer_lend_files(struct tracer *t, bool lent)
{
	t->host.files_lent = lent;
}
