/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "proc/copied.h"
#include "proc/mapfile.h"
#include "proc/maps.h"
#include "proc/procfs.h"
#include "proc/timeline.h"

void processes_init(struct processes *ps, struct modules *modules)
{
	memset(ps, 0, sizeof(*ps));
	ps->modules = modules;
}

static void process_free(struct process *p)
{
	for (size_t i = 0; i < p->former.n; i++)
		free(p->former.at[i].name);
	vec_free(&p->former);
	vec_free(&p->copies);
	vec_free(&p->maps);
	free(p->name);
	free(p);
}

void processes_free(struct processes *ps)
{
	for (size_t i = 0; i < ps->list.n; i++)
		process_free(ps->list.at[i]);
	vec_free(&ps->list);
	u64map_free(&ps->by_pid);
	u64map_free(&ps->by_inode);
}

struct process *processes_find(const struct processes *ps, pid_t pid)
{
	uint64_t *i = u64map_find(&ps->by_pid, pid);

	return i ? ps->list.at[*i] : NULL;
}

void processes_remove(struct processes *ps, pid_t pid)
{
	size_t kept = 0;

	u64map_free(&ps->by_pid);
	ps->by_pid = (struct u64map){0};
	for (size_t i = 0; i < ps->list.n; i++) {
		struct process *p = ps->list.at[i];

		if (p->pid == pid) {
			process_free(p);
			continue;
		}
		*u64map_put(&ps->by_pid, (uint64_t)p->pid, NULL) = kept;
		ps->list.at[kept++] = p;
	}
	ps->list.n = kept;
}

void processes_drop(struct processes *ps, struct process *p)
{
	uint64_t *at = u64map_find(&ps->by_pid, (uint64_t)p->pid);
	struct process *last = ps->list.at[ps->list.n - 1];

	ps->list.at[*at] = last;
	*u64map_put(&ps->by_pid, (uint64_t)last->pid, NULL) = *at;
	ps->list.n--;
	u64map_remove(&ps->by_pid, (uint64_t)p->pid);
	process_free(p);
}

struct process *processes_exec(struct processes *ps, pid_t pid, uint64_t time_ns, const char *name)
{
	struct process *p = processes_find(ps, pid);

	if (p && !p->exited) {
		timeline_unmap(p, time_ns, 0, UINT64_MAX);
		vec_free(&p->copies);
		p->tells = false;
		process_rename(p, name);
		return p;
	}
	if (p)
		processes_drop(ps, p);
	p = xcalloc(1, sizeof(*p));
	p->pid = pid;
	p->name = xstrdup(name);
	p->read_ns = time_ns;
	*u64map_put(&ps->by_pid, (uint64_t)pid, NULL) = ps->list.n;
	vec_push(&ps->list, p);
	return p;
}

int processes_add(struct processes *ps, pid_t pid, struct process **out)
{
	struct process *p;
	pid_t tgid;
	uid_t uid;
	bool is_new;
	uint64_t *i;
	int err = procfs_ids(pid, &tgid, &uid);

	if (err == -ENOENT || err == -ESRCH)
		return fail(-ESRCH, "process %d has exited", (int)pid);
	if (err)
		return fail(err, "cannot read /proc/%d/status: %s", (int)pid, strerror(-err));
	i = u64map_put(&ps->by_pid, pid, &is_new);
	if (is_new) {
		*i = ps->list.n;
		p = xcalloc(1, sizeof(*p));
		p->pid = pid;
		vec_push(&ps->list, p);
	} else {
		p = ps->list.at[*i];
		free(p->name);
	}
	p->exited = false;
	p->uid = uid;
	procfs_rights(pid, &p->rights);
	p->name = procfs_comm(pid);
	if (out)
		*out = p;
	err = process_read_maps(ps, p, monotonic_ns());
	if (err == -ESRCH || err == -ENOENT)
		return fail(-ESRCH, "process %d (%s) has exited", (int)pid, p->name);
	if (err == -EACCES || err == -EPERM)
		return fail(err, "cannot read the mappings of process %d (%s): %s; run alloctrace as root (sudo)",
			    (int)pid, p->name, strerror(-err));
	if (err)
		return fail(err, "cannot read /proc/%d/maps: %s", (int)pid, strerror(-err));
	return 0;
}

void process_read_rights(struct process *p)
{
	struct proc_stat st;
	struct rights ids;

	if (procfs_stat(p->pid, &st) || !strchr("ZXx", st.state))
		procfs_rights(p->pid, &p->rights);
	else if (!procfs_rights_ids(p->pid, &ids) || !rights_equal(&ids, &p->rights))
		p->rights.known = false;
}

/*
 * The module of an opened file: the one that has the same inode open already, if there is one. maps and MMAP2 records
 * may give one file two numbers (see mapfile.c); as two modules it would be probed, and counted, twice.
 */
static uint32_t file_module(struct processes *ps, const struct process *p, const struct maps_line *line,
			    const struct mapfile *mf, const char *path)
{
	struct stat st;
	uint64_t *known;
	uint32_t id;
	bool is_new;

	if (mf->fd < 0)
		return modules_file(ps->modules, path, line->dev, line->ino, -1, p->pid, mf->deleted);
	/* One device, one number: see mounts.h. */
	if (mf->probe_fd >= 0) {
		id = modules_file(ps->modules, path, line->dev, line->ino, mf->fd, p->pid, mf->deleted);
		modules_set_probe_fd(ps->modules, id, mf->probe_fd);
		return id;
	}
	known = u64map_put(&ps->by_inode, mix64(mix64(mf->st_dev) + mf->st_ino), &is_new);
	if (!is_new) {
		const struct module *mod = modules_get(ps->modules, *known);

		if (mod->fd >= 0 && !fstat(mod->fd, &st) && st.st_dev == mf->st_dev && st.st_ino == mf->st_ino) {
			id = modules_file(ps->modules, mod->path, mod->dev, mod->ino, mf->fd, p->pid, mf->deleted);
			*known = id;
			return id;
		}
	}
	id = modules_file(ps->modules, path, line->dev, line->ino, mf->fd, p->pid, mf->deleted);
	*known = id;
	return id;
}

/* The live mapping that holds line's range and says the same about it; its module needs no opening then. */
static const struct mapping *known_mapping(const struct processes *ps, const struct process *p,
					   const struct maps_line *line, uint64_t time_ns)
{
	const struct mapping *m = timeline_find(p, line->start, time_ns);
	const struct module *mod;

	if (!m || m->until_ns != UINT64_MAX || m->end < line->end)
		return NULL;
	mod = modules_get(ps->modules, m->module);
	if (mod->kind != MODULE_ELF || mod->fd < 0 || mod->dev != line->dev || mod->ino != line->ino)
		return NULL;
	/* A reading says nothing new of what was mapped before; a record does. */
	if (time_ns != p->reading_ns && !module_is_current(mod))
		return NULL;
	return line->start - m->start + m->offset == line->offset ? m : NULL;
}

/* What line maps, as a mapping without times. False: nothing that is kept. */
static bool describe(struct processes *ps, struct process *p, const struct maps_line *line, uint64_t time_ns,
		     struct mapping *out)
{
	const struct mapping *known;
	struct buf path = {0};
	struct mapfile mf;

	*out = (struct mapping){.start = line->start, .end = line->end, .offset = line->start};
	switch (mapping_kind(line->path)) {
	case MAPPING_IGNORED:
		return false;
	case MAPPING_VDSO:
		out->offset = 0;
		out->module = modules_vdso(ps->modules, p->pid);
		return true;
	case MAPPING_ANON:
		out->module = modules_jit(ps->modules, p->pid, p->uid);
		return true;
	case MAPPING_FILE:
		break;
	}
	known = known_mapping(ps, p, line, time_ns);
	if (known) {
		out->offset = line->offset;
		out->module = known->module;
		return true;
	}
	if (modules_find_copy(ps->modules, line->path, line->dev, line->ino, &out->module)) {
		out->offset = line->offset;
		return true;
	}
	mf = mapfile_open(p->pid, line, &path);
	/* Code in a file that is no ELF file (a JIT's memfd, say) can only be named by a perf map, as anonymous
	 * code. */
	if ((mf.fd >= 0 && !mf.elf) || (mf.fd < 0 && mapping_is_memory(buf_cstr(&path)))) {
		out->module = modules_jit(ps->modules, p->pid, p->uid);
		if (mf.fd >= 0 && mapping_is_jitdump(buf_cstr(&path)))
			modules_set_jitdump(ps->modules, out->module, mf.fd);
		else if (mf.fd >= 0)
			close(mf.fd);
	} else {
		out->offset = line->offset;
		out->module = file_module(ps, p, line, &mf, buf_cstr(&path));
	}
	buf_free(&path);
	return true;
}

/* A line of maps that outlives the next one. */
struct kept_line {
	struct maps_line line;
	struct buf path;
};

static void keep(struct kept_line *k, const struct maps_line *line)
{
	buf_reset(&k->path);
	buf_str(&k->path, line->path);
	k->line = *line;
	k->line.path = buf_cstr(&k->path);
}

static void take_for_copy(struct process *p, const struct maps_line *anon, uint32_t module, uint64_t offset,
			  struct mapping *out)
{
	const struct code_copy copy = {.start = anon->start, .end = anon->end, .offset = offset, .module = module};

	out->module = module;
	out->offset = offset;
	out->copied = true;
	for (size_t i = 0; i < p->copies.n; i++) {
		if (p->copies.at[i].start == anon->start) {
			p->copies.at[i] = copy;
			return;
		}
	}
	vec_push(&p->copies, copy);
}

/* Anonymous code next to a mapping of a file, whose code it may be: so *out says then. */
static void describe_copy(struct processes *ps, struct process *p, const struct maps_line *anon,
			  const struct maps_line *file, uint64_t time_ns, struct mapping *out)
{
	const struct module *mod;
	struct mapping of;
	uint64_t offset;

	if ((file->end != anon->start && file->start != anon->end) || mapping_kind(file->path) != MAPPING_FILE ||
	    !describe(ps, p, file, time_ns, &of))
		return;
	mod = modules_get(ps->modules, of.module);
	if (mod->kind != MODULE_ELF || mod->fd < 0 || !copied_from(p->pid, anon, file, mod->fd, &offset))
		return;
	take_for_copy(p, anon, of.module, offset, out);
}

/* Anonymous code in the place of a file's. */
static void describe_replacement(const struct processes *ps, struct process *p, const struct maps_line *anon,
				 uint64_t time_ns, struct mapping *out)
{
	const struct mapping *of = timeline_find(p, anon->start, time_ns);
	const struct module *mod = of ? modules_get(ps->modules, of->module) : NULL;
	uint64_t offset, bytes;

	if (!mod || mod->kind != MODULE_ELF || mod->fd < 0)
		return;
	offset = anon->start - of->start + of->offset;
	bytes = (anon->end < of->end ? anon->end : of->end) - anon->start;
	if (!copied_to(p->pid, anon->start, bytes, mod->fd, offset))
		return;
	take_for_copy(p, anon, of->module, offset, out);
}

int process_read_maps(struct processes *ps, struct process *p, uint64_t now_ns)
{
	struct buf text = {0}, path = {0}, next_path = {0};
	uint64_t previous_ns = p->read_ns, end = 0;
	struct kept_line before = {0};
	struct maps_line line, next;
	const char *at, *after;
	const uint64_t clock_ns = monotonic_ns();
	/* The first thread may have exited before the others; it has no memory then. */
	pid_t tid = procfs_live_thread(p->pid);
	int err = tid ? procfs_read(tid, "maps", &text) : -ESRCH;

	if (!err && !text.len)
		err = -ESRCH;
	if (err)
		goto out;
	/* What is there now says nothing about an earlier time. */
	if (now_ns < clock_ns)
		now_ns = clock_ns;
	p->reading_ns = now_ns;
	at = text.data;
	while (maps_next(&at, text.data + text.len, &line, &path)) {
		struct mapping m;

		/* Lines are in order; a line out of order, from a reading in pieces, must not undo the one before. */
		if (!line.exec || line.start < end || !describe(ps, p, &line, now_ns, &m)) {
			keep(&before, &line);
			continue;
		}
		if (mapping_kind(line.path) == MAPPING_ANON) {
			after = at;
			describe_copy(ps, p, &line, &before.line, now_ns, &m);
			if (maps_next(&after, text.data + text.len, &next, &next_path))
				describe_copy(ps, p, &line, &next, now_ns, &m);
		}
		keep(&before, &line);
		timeline_unmap(p, now_ns, end, m.start);
		timeline_map(p, now_ns, previous_ns, &m);
		end = m.end;
	}
	timeline_unmap(p, now_ns, end, UINT64_MAX);
	p->read_ns = now_ns;
out:
	buf_free(&text);
	buf_free(&path);
	buf_free(&next_path);
	buf_free(&before.path);
	return err;
}

void process_mmap(struct processes *ps, struct process *p, uint64_t time_ns, uint64_t start, uint64_t len,
		  uint64_t offset, uint64_t dev, uint64_t ino, const char *path)
{
	struct maps_line line = {
		.start = start,
		.end = start + len,
		.offset = offset,
		.dev = dev,
		.ino = ino,
		.exec = true,
		.path = path,
	};
	struct mapping m;

	p->maps_changed = true;
	if (!len || line.end < start || !describe(ps, p, &line, time_ns, &m))
		return;
	if (mapping_kind(path) == MAPPING_ANON)
		describe_replacement(ps, p, &line, time_ns, &m);
	timeline_map(p, time_ns, time_ns, &m);
}

void process_mmap_module(struct process *p, uint64_t time_ns, uint64_t start, uint64_t len, uint64_t offset,
			 uint32_t module)
{
	const struct mapping m = {.start = start, .end = start + len, .offset = offset, .module = module};

	if (m.end > m.start)
		timeline_map(p, time_ns, time_ns, &m);
}

void process_rename(struct process *p, const char *name)
{
	char *copy = xstrdup(name);

	free(p->name);
	p->name = copy;
}

void process_exec(struct process *p, uint64_t time_ns, const char *name)
{
	/* If a reading was later than the exec, it saw the new program: timeline_unmap() keeps what it saw. */
	timeline_unmap(p, time_ns, 0, UINT64_MAX);
	vec_free(&p->copies);
	if (!name)
		return;
	vec_push(&p->former, ((struct former_program){time_ns, p->name}));
	p->name = xstrdup(name);
}

const char *process_name_at(const struct process *p, uint64_t time_ns, uint32_t *exec)
{
	for (*exec = 0; *exec < p->former.n; ++*exec)
		if (time_ns < p->former.at[*exec].until_ns)
			return p->former.at[*exec].name;
	return p->name;
}

void process_exit(struct process *p, uint64_t time_ns)
{
	p->read_ns = time_ns < p->read_ns ? time_ns : p->read_ns;
	timeline_unmap(p, time_ns, 0, UINT64_MAX);
	p->exited = true;
}

void process_forget(struct process *p)
{
	vec_free(&p->maps);
	vec_free(&p->copies);
	p->n_ended = 0;
}

struct rights processes_rights(const struct processes *ps)
{
	struct rights all = {.known = false};

	for (size_t i = 0; i < ps->list.n; i++) {
		struct process *p = ps->list.at[i];

		if (!p->exited)
			process_read_rights(p);
		if (!i)
			all = p->rights;
		else if (!rights_equal(&all, &p->rights))
			return (struct rights){.known = false};
	}
	return all;
}

bool process_resolve(const struct process *p, const struct modules *modules, uint64_t addr, uint64_t time_ns,
		     uint32_t *module, uint64_t *file_offset)
{
	const struct mapping *m = timeline_find(p, addr, time_ns);

	if (!m)
		return false;
	*module = m->module;
	*file_offset = addr - m->start + m->offset;
	return true;
}

void processes_describe(const struct processes *ps, struct buf *out)
{
	struct strpool seen = {0};

	if (ps->list.n == 1) {
		text_name(out, ps->list.at[0]->name, false);
		buf_printf(out, " (pid %d)", (int)ps->list.at[0]->pid);
		return;
	}
	buf_printf(out, "%zu processes", ps->list.n);
	for (size_t i = 0; i < ps->list.n; i++) {
		size_t before = seen.n;

		strpool_id(&seen, ps->list.at[i]->name);
		if (seen.n == before)
			continue;
		buf_str(out, before ? ", " : " (");
		text_name(out, ps->list.at[i]->name, false);
	}
	buf_str(out, seen.n ? ")" : "");
	strpool_free(&seen);
}
