// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A table is built when a file is first mapped, and kept when the last process that had it mapped is gone, until its
 * room is needed. A process's mappings are replaced whole, whenever they are not what they were.
 */
#include "kern/unwind.h"

#include <bpf/bpf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "elf/ehframe.h"
#include "kern/internal.h"
#include "kern/slabs.h"
#include "kern/tableload.h"
#include "kern/unwind_pack.h"
#include "target/maps.h"
#include "target/procfs.h"
#include "unwind_map.h"

/* Stacks that may be copied until the next mapping is told: more than a library that was just loaded needs, and few
 * enough where mappings are never known. In the table of stacks they may have a share. */
#define RAW_STACKS 4096
#define RAW_SHARE 50

enum table_state { TABLE_NEW, TABLE_READY, TABLE_NONE, TABLE_NO_ROOM };

struct table {
	enum table_state state;
	uint8_t shift;
	uint32_t first, n_index, key;
	size_t n_words, n_rows;
	uint64_t base;		/* vaddr */
	uint32_t users;		/* processes that have it mapped */
	uint64_t idle_since;	/* unwind.version as it was when the last one went */
};

struct mapped {
	pid_t pid;
	uint64_t what;		/* hash of the mappings; 0: none told yet */
	uint64_t start_stack;
	vec_of(uint32_t) tables;	/* modules, each once */
};

struct unwind {
	struct kern *kern;
	const struct modules *modules;
	unwind_file_fn file;
	void *arg;
	struct slabs *slabs;
	struct elf_file *vdso;
	vec_of(struct table) tables;	/* by module id */
	vec_of(struct mapped) processes;
	struct u64map by_pid;
	struct unwind_mappings *value;	/* under construction */
	uint64_t version;
	uint64_t next_key;
	bool full_noted;
};

struct unwind *unwind_new(struct kern *k, const struct modules *modules, unwind_file_fn file, void *arg)
{
	struct unwind *u = xcalloc(1, sizeof(*u));
	size_t max_slabs = k->options.unwind_bytes / UNWIND_SLAB_BYTES;

	u->kern = k;
	u->modules = modules;
	u->file = file;
	u->arg = arg;
	u->slabs = slabs_new(bpf_map__fd(k->skel->maps.unwind_slabs), k->unwind_slab, max_slabs ? max_slabs : 1);
	u->value = xcalloc(1, sizeof(*u->value));
	u->next_key = 1;
	k->skel->bss->raw_room = k->options.max_stacks / RAW_SHARE;
	return u;
}

void unwind_free(struct unwind *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->processes.n; i++)
		vec_free(&u->processes.at[i].tables);
	vec_free(&u->processes);
	vec_free(&u->tables);
	u64map_free(&u->by_pid);
	elf_file_close(u->vdso);
	slabs_free(u->slabs);
	free(u->value);
	free(u);
}

/* --- tables */

/* Our own: it is the same in every process. Only the mapping tells how long it is. */
static struct elf_file *open_vdso(void)
{
	const uint64_t image = getauxval(AT_SYSINFO_EHDR);
	struct buf text = {0}, path = {0};
	struct elf_file *ef = NULL;
	struct maps_line line;
	const char *at;

	if (!image || procfs_read(getpid(), "maps", &text) || !text.len)
		goto out;
	at = text.data;
	while (maps_next(&at, text.data + text.len, &line, &path)) {
		if (line.start != image)
			continue;
		if (elf_file_open_memory((const void *)image, line.end - line.start, "[vdso]", &ef))
			ef = NULL;
		break;
	}
out:
	buf_free(&text);
	buf_free(&path);
	return ef;
}

static struct elf_file *file_of(struct unwind *u, uint32_t module)
{
	switch (modules_get(u->modules, module)->kind) {
	case MODULE_ELF:
		return u->file(u->arg, module);
	case MODULE_VDSO:
		if (!u->vdso)
			u->vdso = open_vdso();
		return u->vdso;
	default:
		return NULL;
	}
}

/* Makes room by giving up the table that was idle longest. False: none is idle. */
static bool evict(struct unwind *u)
{
	struct table *oldest = NULL;

	for (size_t i = 0; i < u->tables.n; i++) {
		struct table *t = &u->tables.at[i];

		if (t->state == TABLE_READY && !t->users && (!oldest || t->idle_since < oldest->idle_since))
			oldest = t;
	}
	if (!oldest)
		return false;
	slabs_give(u->slabs, oldest->first, oldest->n_words);
	*oldest = (struct table){0};
	return true;
}

static void note_full(struct unwind *u, int err)
{
	if (err && !u->full_noted)
		note("no more kernel memory for unwind tables: %s", strerror(-err));
	u->full_noted |= err != 0;
}

static bool take_room(struct unwind *u, size_t n_words, uint32_t *first)
{
	int err;

	do {
		if (slabs_take(u->slabs, n_words, first, &err))
			return true;
	} while (!err && evict(u));
	note_full(u, err);
	return false;
}

static void store(struct unwind *u, struct table *t, const struct unwind_table *ut, const char *name)
{
	const struct unwind_packing p = unwind_pack_plan(ut);
	const uint64_t keys = (((uint64_t)p.n_index << p.shift) >> 12) + 1;

	t->state = TABLE_NO_ROOM;
	if (u->next_key + keys > UINT32_MAX || !take_room(u, p.max_words, &t->first)) {
		note("%s: its unwind table, %zu KiB, has no room (--unwind-mem): stacks may end there", name,
		     p.max_words * sizeof(uint64_t) >> 10);
		return;
	}
	t->n_words = unwind_pack(ut, &p, t->first, slabs_at(u->slabs, t->first));
	slabs_trim(u->slabs, t->first + t->n_words, p.max_words - t->n_words);
	t->state = TABLE_READY;
	t->shift = p.shift;
	t->n_index = p.n_index;
	t->n_rows = ut->n;
	t->base = ut->base;
	t->key = u->next_key;
	u->next_key += keys;
}

static struct table *table_of(struct unwind *u, uint32_t module)
{
	const struct module *mod = modules_get(u->modules, module);
	struct unwind_table *ut = NULL;
	struct elf_file *ef;
	struct table *t;
	int err;

	while (u->tables.n <= module)
		vec_push(&u->tables, (struct table){0});
	t = &u->tables.at[module];
	if (t->state != TABLE_NEW)
		return t;
	t->state = TABLE_NONE;
	ef = file_of(u, module);
	if (!ef)
		return t;
	err = table_load(mod, ef, u->kern->options.unwind_bytes / sizeof(struct unwind_row), &ut);
	if (err) {
		t->state = err == -EFBIG ? TABLE_NO_ROOM : TABLE_NONE;
		note("%s: no unwind table: %s", mod->path, unwind_load_why(err));
		return t;
	}
	if (ut->n)
		store(u, t, ut, mod->path);
	unwind_table_free(ut);
	return t;
}

bool unwind_rule_at(struct unwind *u, uint32_t module, uint64_t vaddr, struct unwind_rule *rule)
{
	struct unwind_row *row = &rule->row;

	const struct table *t = table_of(u, module);
	const uint64_t *rows;
	uint64_t rel = vaddr - t->base, bucket;
	uint32_t n;

	if (t->state != TABLE_READY || vaddr < t->base || rel >> t->shift >= t->n_index)
		return false;
	bucket = *slabs_at(u->slabs, t->first + (uint32_t)(rel >> t->shift));
	rows = slabs_at(u->slabs, (uint32_t)bucket);
	n = bucket >> 32;
	while (n > 1 && (uint32_t)rows[n - 1] > rel)
		n--;
	if (!n)
		return false;
	memcpy(row, &rows[n - 1], sizeof(*row));
	if ((row->kind & 15) == UNWIND_CFA_WIDE)
		memcpy(&rule->wide, slabs_at(u->slabs, unwind_row_wide(row) * UNWIND_WIDE_WORDS), sizeof(rule->wide));
	return row->pc <= rel && (row->kind & 15) != UNWIND_CFA_GAP;
}

/* --- mappings */

struct layout {
	struct unwind_mapping *at;
	size_t n;
	bool coarse;	/* anonymous code with gaps in between counts as one */
	bool cut;	/* it did not fit */
};

static void put(struct layout *l, const struct unwind_mapping *m)
{
	struct unwind_mapping *last = l->n ? &l->at[l->n - 1] : NULL;

	/* A file may have its segments in any order: what is not sorted is left out. */
	if (last && m->start < last->start)
		return;
	if (last && m->start == last->start)
		last = --l->n ? last - 1 : NULL;
	if (last && m->kind == last->kind && m->kind != UNWIND_KIND_TABLE)
		return;
	if (l->coarse && m->kind == UNWIND_KIND_JIT && l->n >= 2 && last->kind == UNWIND_KIND_GAP &&
	    last[-1].kind == UNWIND_KIND_JIT) {
		l->n--;
		return;
	}
	/* The last place is for the gap behind the last one. */
	if (l->n + (m->kind != UNWIND_KIND_GAP) >= UNWIND_MAPPINGS) {
		l->cut = true;
		return;
	}
	l->at[l->n++] = *m;
}

static void put_kind(struct layout *l, uint64_t start, enum unwind_kind kind)
{
	put(l, &(struct unwind_mapping){.start = start, .kind = kind});
}

/* The part of a mapping that is one executable segment's and that the table covers. */
static void put_segment(struct layout *l, const struct mapping *m, const struct elf_segment *seg, const struct table *t)
{
	uint64_t low = seg->offset, high, to, start, from, table_end = t->base + ((uint64_t)t->n_index << t->shift);

	if (!(seg->flags & PF_X) || __builtin_add_overflow(seg->offset, seg->filesz, &high) ||
	    __builtin_add_overflow(seg->vaddr, seg->filesz, &to))
		return;
	/* What of the file both have, then its vaddrs. */
	if (low < m->offset)
		low = m->offset;
	if (high > m->offset + (m->end - m->start))
		high = m->offset + (m->end - m->start);
	if (low >= high)
		return;
	from = seg->vaddr + (low - seg->offset);
	to = from + (high - low);
	start = m->start + (low - m->offset);
	if (from < t->base) {
		start += t->base - from;
		from = t->base;
	}
	if (to > table_end)
		to = table_end;
	if (from >= to)
		return;
	put(l, &(struct unwind_mapping){
		.start = start, .kind = UNWIND_KIND_TABLE, .rel = from - t->base, .index = t->first, .key = t->key,
		.shift = t->shift,
	});
	put_kind(l, start + (to - from), UNWIND_KIND_BARE);
}

static void use_table(struct unwind *u, struct mapped *next, uint32_t module)
{
	for (size_t i = 0; i < next->tables.n; i++)
		if (next->tables.at[i] == module)
			return;
	vec_push(&next->tables, module);
	u->tables.at[module].users++;
}

static void put_mapping(struct unwind *u, struct layout *l, const struct mapping *m, struct mapped *next)
{
	enum module_kind kind = modules_get(u->modules, m->module)->kind;
	const struct elf_segment *segs;
	const struct table *t;
	size_t n;

	put_kind(l, m->start, kind == MODULE_JIT ? UNWIND_KIND_JIT : UNWIND_KIND_BARE);
	if (kind == MODULE_ELF || kind == MODULE_VDSO) {
		t = table_of(u, m->module);
		if (t->state == TABLE_READY) {
			use_table(u, next, m->module);
			segs = elf_file_segments(file_of(u, m->module), &n);
			for (size_t i = 0; i < n; i++)
				put_segment(l, m, &segs[i], t);
		}
	}
	put_kind(l, m->end, UNWIND_KIND_GAP);
}

static void lay_out(struct unwind *u, const struct process *p, struct layout *l, struct mapped *next)
{
	l->at = u->value->at;
	l->n = 0;
	l->cut = false;
	put_kind(l, 0, UNWIND_KIND_GAP);
	for (size_t i = 0; i < p->maps.n; i++)
		if (p->maps.at[i].until_ns == UINT64_MAX)
			put_mapping(u, l, &p->maps.at[i], next);
	for (size_t i = l->n; i <= UNWIND_MAPPINGS; i++)
		l->at[i] = (struct unwind_mapping){.start = UNWIND_NOWHERE, .kind = UNWIND_KIND_GAP};
}

static uint64_t hash_mappings(const struct process *p)
{
	uint64_t h = 1;

	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];

		if (m->until_ns == UINT64_MAX)
			h = mix64(mix64(mix64(mix64(h ^ m->start) ^ m->end) ^ m->offset) ^ m->module);
	}
	return h ? h : 1;
}

/* Field 28 of /proc/PID/stat, which an exec changes; 0 if it can't be read. */
static uint64_t mm_start_stack(pid_t pid)
{
	pid_t tid = procfs_live_thread(pid);
	struct buf b = {0};
	uint64_t value = 0;
	char *at;

	if (tid && !procfs_read(tid, "stat", &b)) {
		at = strrchr(buf_cstr(&b), ')');
		for (int field = 2; at && field < 28; field++)
			at = strchr(at + 1, ' ');
		if (at)
			value = strtoull(at + 1, NULL, 10);
	}
	buf_free(&b);
	return value;
}

static struct mapped *mapped_of(struct unwind *u, pid_t pid)
{
	bool is_new;
	uint64_t *i = u64map_put(&u->by_pid, pid, &is_new);

	if (is_new) {
		*i = u->processes.n;
		vec_push(&u->processes, (struct mapped){.pid = pid});
	}
	return &u->processes.at[*i];
}

static void drop_tables(struct unwind *u, struct mapped *m)
{
	for (size_t i = 0; i < m->tables.n; i++) {
		struct table *t = &u->tables.at[m->tables.at[i]];

		if (!--t->users)
			t->idle_since = u->version;
	}
	vec_free(&m->tables);
}

/* What walks keep of the mappings holds no more; those that are under way see it. */
static void change_epoch(struct unwind *u)
{
	__atomic_add_fetch(&u->kern->skel->bss->unwind_epoch, 1, __ATOMIC_SEQ_CST);
}

void unwind_update(struct unwind *u, const struct process *p)
{
	const int fd = bpf_map__fd(u->kern->skel->maps.unwind_mappings);
	const uint32_t pid = p->pid;
	struct mapped *m = mapped_of(u, p->pid), next = {.pid = p->pid, .what = hash_mappings(p)};
	struct layout l = {0};

	if (next.what == m->what)
		return;
	/* Before anything else: if it execs meanwhile, this is the old program's, and no walk uses what follows. */
	next.start_stack = u->value->mm_start_stack = mm_start_stack(p->pid);
	u->version++;
	lay_out(u, p, &l, &next);
	if (l.cut) {
		l.coarse = true;
		lay_out(u, p, &l, &next);
	}
	if (l.cut)
		note("process %d has more executable mappings than are followed: some stacks may end early",
		     (int)p->pid);
	/* Where that fails, walks find no slab: the stacks end there. */
	note_full(u, slabs_publish(u->slabs));
	change_epoch(u);
	if (bpf_map_update_elem(fd, &pid, u->value, BPF_ANY))
		note("cannot store the mappings of process %d: %s; its stacks have one frame", (int)p->pid,
		     strerror(errno));
	change_epoch(u);
	u->kern->skel->bss->raw_left = RAW_STACKS;
	drop_tables(u, m);
	*m = next;
}

void unwind_forget(struct unwind *u, pid_t pid)
{
	const uint64_t *i = u64map_find(&u->by_pid, pid);
	const uint32_t key = pid;

	if (!i)
		return;
	change_epoch(u);
	bpf_map_delete_elem(bpf_map__fd(u->kern->skel->maps.unwind_mappings), &key);
	change_epoch(u);
	drop_tables(u, &u->processes.at[*i]);
	u->processes.at[*i].what = 0;
	/* There may be room now. */
	for (size_t t = 0; t < u->tables.n; t++)
		if (u->tables.at[t].state == TABLE_NO_ROOM)
			u->tables.at[t].state = TABLE_NEW;
}

uint64_t unwind_start_stack(const struct unwind *u, pid_t pid)
{
	const uint64_t *i = u64map_find(&u->by_pid, pid);

	return i ? u->processes.at[*i].start_stack : 0;
}

struct unwind_usage unwind_usage(const struct unwind *u)
{
	struct unwind_usage use = {.table_bytes = slabs_used(u->slabs), .kernel_bytes = slabs_memory(u->slabs)};

	for (size_t i = 0; i < u->tables.n; i++) {
		use.tables += u->tables.at[i].state == TABLE_READY;
		use.rows += u->tables.at[i].n_rows;
		use.without_room += u->tables.at[i].state == TABLE_NO_ROOM;
	}
	return use;
}
