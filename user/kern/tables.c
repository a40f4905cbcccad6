// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A table is built when a file is first mapped, and kept when the last process that had it mapped is gone, until its
 * room is needed. The BPF side finds it by the file (bpf/mapping.bpf.h); where it can't, by the process's mappings,
 * which are replaced whole whenever they are not what they were.
 */
#include "kern/tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "kern/codenames.h"
#include "kern/filekey.h"
#include "kern/internal.h"
#include "kern/layout.h"
#include "kern/slabs.h"
#include "kern/unwind_pack.h"
#include "proc/procfs.h"
#include "unwind_map.h"

/* Stacks that may be copied until the next mapping is told: more than a library that was just loaded needs, and few
 * enough where mappings are never known. In the table of stacks they may have a share. */
#define RAW_STACKS 4096
#define RAW_SHARE 50

/* What an entry of unwind_files takes in the kernel: its header (48 bytes, struct htab_elem), key and value, rounded up
 * to what the kernel allots (kernel/bpf/memalloc.c). A bucket takes 16 bytes. */
#define FILE_BYTES 512
#define FILES_BUCKETS_BYTES (UNWIND_FILES * 16)

enum table_state { TABLE_NEW, TABLE_READY, TABLE_NONE, TABLE_NO_ROOM };

struct table {
	enum table_state state;
	uint8_t shift;
	uint32_t first, n_index, key;
	size_t n_words, n_rows;
	uint64_t base;		/* vaddr */
	/* For as long as there is the module: */
	struct code_range range;
	uint64_t name;		/* of the byte at range.low; 0: none yet */
	bool told;		/* the BPF side knows of the file, by file_key */
	struct file_key file_key;
	uint32_t users;		/* processes that have it mapped */
	uint64_t used_at;	/* unwind.version when the last of them came */
	uint64_t idle_since;	/* unwind.version as it was when the last one went */
};

struct unwind_told {
	pid_t pid;
	uint64_t what;		/* hash of the mappings; 0: none yet */
	vec_of(uint32_t) tables;	/* modules, each once */
	vec_of(uint64_t) copies;	/* starts of those that the BPF side knows */
};

struct unwind {
	struct kern *kern;
	const struct modules *modules;
	unwind_image_fn image;
	void *arg;
	struct slabs *slabs;
	struct image *vdso;
	vec_of(struct table) tables;	/* by module id */
	struct unwind_mappings *value;	/* under construction */
	bool asks;	/* the BPF side asks the kernel what is mapped */
	struct codenames names;
	struct u64map by_file;	/* of those of unwind_tell(): hash of the key -> module */
	size_t files_told, parts_untold;
	uint64_t version;
	uint64_t next_key;
	bool full_noted, untold_noted, cut_said;
};

size_t unwind_max_rows(const struct kern *k)
{
	return k->options.unwind_bytes / sizeof(struct unwind_row);
}

struct unwind *unwind_new(struct kern *k, const struct modules *modules, unwind_image_fn image, void *arg)
{
	struct unwind *u = xcalloc(1, sizeof(*u));
	size_t max_slabs = k->options.unwind_bytes / UNWIND_SLAB_BYTES;

	u->kern = k;
	u->modules = modules;
	u->image = image;
	u->arg = arg;
	u->slabs = slabs_new(bpf_map__fd(k->skel->maps.unwind_slabs), k->unwind_slab, max_slabs ? max_slabs : 1);
	u->value = xcalloc(1, sizeof(*u->value));
	u->asks = k->skel->rodata->ask_kernel;
	u->next_key = 1;
	k->skel->bss->raw_room = k->options.max_stacks / RAW_SHARE;
	return u;
}

void unwind_free(struct unwind *u)
{
	if (!u)
		return;
	vec_free(&u->tables);
	vec_free(&u->names.at);
	u64map_free(&u->by_file);
	image_free(u->vdso);
	slabs_free(u->slabs);
	free(u->value);
	free(u);
}

/* --- tables */

static int read_image(const struct unwind *u, const struct module *mod, struct image **out)
{
	const struct image_request r = {
		.path = mod->path, .pid = (pid_t)mod->pid, .wants = IMAGE_UNWIND, .max_rows = unwind_max_rows(u->kern),
	};

	return mod->kind == MODULE_VDSO ? image_read_vdso(&r, out) : image_read(mod->fd, &r, out);
}

static struct image *image_of(struct unwind *u, uint32_t module)
{
	const struct module *mod = modules_get(u->modules, module);

	switch (mod->kind) {
	case MODULE_ELF:
		return u->image(u->arg, module);
	case MODULE_VDSO:
		if (!u->vdso && read_image(u, mod, &u->vdso))
			u->vdso = NULL;
		return u->vdso;
	default:
		return NULL;
	}
}

/* The table that the image was read with; the file's once more if that was taken, and its room given to another. */
static int take_table(const struct unwind *u, const struct module *mod, struct image *im, struct unwind_table **out)
{
	int err = image_take_unwind(im, out);
	struct image *again;

	if (err != -EAGAIN)
		return err;
	err = read_image(u, mod, &again);
	if (err)
		return err;
	err = image_take_unwind(again, out);
	image_free(again);
	return err;
}

/* What walks keep of tables and mappings holds no more; those that are under way see it. */
static void change_epoch(struct unwind *u)
{
	__atomic_add_fetch(&u->kern->skel->bss->unwind_epoch, 1, __ATOMIC_SEQ_CST);
}

/* The room of its table may be used for another one. */
static void untell(struct unwind *u, struct table *t)
{
	if (!t->told)
		return;
	change_epoch(u);
	bpf_map_delete_elem(bpf_map__fd(u->kern->skel->maps.unwind_files), &t->file_key);
	change_epoch(u);
	t->told = false;
	u->files_told--;
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
	untell(u, oldest);
	slabs_give(u->slabs, oldest->first, oldest->n_words);
	oldest->state = TABLE_NEW;
	oldest->n_rows = 0;
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
		note("%s: no room for its unwind table, %zu KiB (--unwind-mem): stacks may end there", name,
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
	struct unwind_table *ut;
	struct image *im;
	struct table *t;
	int err;

	while (u->tables.n <= module)
		vec_push(&u->tables, (struct table){0});
	t = &u->tables.at[module];
	if (t->state != TABLE_NEW)
		return t;
	t->state = TABLE_NONE;
	im = image_of(u, module);
	if (!im)
		return t;
	err = take_table(u, mod, im, &ut);
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

static void drop_tables(struct unwind *u, struct unwind_told *m)
{
	for (size_t i = 0; i < m->tables.n; i++) {
		struct table *t = &u->tables.at[m->tables.at[i]];

		if (!--t->users)
			t->idle_since = u->version;
	}
	vec_free(&m->tables);
}

/* Of a module: what the BPF side has to know. */
static bool code_file(void *arg, uint32_t module, struct code_file *out)
{
	struct unwind *u = arg;
	struct table *t = table_of(u, module);
	const struct image *im = image_of(u, module);

	*out = (struct code_file){.name = t->name, .range = t->range};
	if (!im)
		return false;
	out->segs = im->segments;
	out->n_segs = im->n_segments;
	if (!t->name && code_range(out->segs, out->n_segs, &t->range)) {
		t->name = codenames_add(&u->names, module, t->range.low, t->range.high - t->range.low);
		out->name = t->name;
		out->range = t->range;
	}
	if (t->state == TABLE_READY)
		out->place = (struct table_place){.first = t->first, .key = t->key, .shift = t->shift, .base = t->base,
						  .end = t->base + ((uint64_t)t->n_index << t->shift)};
	return true;
}

static int put_file(struct unwind *u, const struct file_key *key, const struct unwind_file *f)
{
	const int fd = bpf_map__fd(u->kern->skel->maps.unwind_files);
	int err = bpf_map_update_elem(fd, key, f, BPF_NOEXIST);

	if (!err) {
		u->files_told++;
		return 0;
	}
	if (errno != EEXIST)
		return -errno;
	change_epoch(u);
	err = bpf_map_update_elem(fd, key, f, BPF_EXIST) ? -errno : 0;
	change_epoch(u);
	return err;
}

static int key_of(const struct unwind *u, const struct module *m, struct file_key *key)
{
	*key = (struct file_key){0};
	if (m->probe_fd >= 0)
		*key = file_key_of_copy(m);
	else if (m->kind == MODULE_ELF)
		return file_key_ask(u->kern, m->fd, key);
	return 0;
}

/* Once its table is in place. */
static void tell_file(struct unwind *u, uint32_t module)
{
	const struct module *m = modules_get(u->modules, module);
	struct table *t = &u->tables.at[module];
	struct unwind_file told;
	struct code_file f;
	int err;

	if (t->told || (m->kind == MODULE_ELF && m->fd < 0))
		return;
	err = key_of(u, m, &t->file_key);
	code_file(u, module, &f);
	u->parts_untold += file_parts(&f, &told);
	if (!err)
		err = put_file(u, &t->file_key, &told);
	t->told = !err;
	if (err && !u->untold_noted)
		note("%s: cannot register this file, and maybe others, with the BPF side: %s; stacks end there",
		     m->path, strerror(-err));
	u->untold_noted |= err != 0;
}

static void tell_files(struct unwind *u, const struct unwind_told *next)
{
	for (size_t i = 0; i < next->tables.n; i++)
		tell_file(u, next->tables.at[i]);
}

static uint64_t hash_key(const struct file_key *key)
{
	return mix64(mix64(mix64(key->ino) + ((uint64_t)key->dev << 32 | key->generation)) + (uint64_t)key->mtime +
		     key->mtime_nsec);
}

uint32_t unwind_tell(struct unwind *u, uint32_t module)
{
	const struct module *m = modules_get(u->modules, module);
	struct file_key key;
	uint64_t *known;
	struct table *t;

	if (module < u->tables.n && u->tables.at[module].told)
		return module;
	if ((m->kind == MODULE_ELF && m->fd < 0) || key_of(u, m, &key))
		return module;
	known = u64map_find(&u->by_file, hash_key(&key));
	if (known && *known != module && !memcmp(&u->tables.at[*known].file_key, &key, sizeof(key)))
		module = (uint32_t)*known;
	else
		*u64map_put(&u->by_file, hash_key(&key), NULL) = module;
	u->version++;
	t = table_of(u, module);
	t->idle_since = u->version;
	note_full(u, slabs_publish(u->slabs));
	tell_file(u, module);
	u->kern->skel->bss->raw_left = RAW_STACKS;
	return module;
}

bool unwind_key(const struct unwind *u, uint32_t module, struct file_key *key)
{
	if (module >= u->tables.n || !u->tables.at[module].told)
		return false;
	*key = u->tables.at[module].file_key;
	return true;
}

bool unwind_met(struct unwind *u, uint32_t module, const struct file_key *key)
{
	const struct module *m = modules_get(u->modules, module);
	const struct unwind_file f = {.kind = m->kind == MODULE_JIT ? UNWIND_KIND_JIT : UNWIND_KIND_BARE};

	if (!u->asks || !key->ino)
		return true;
	if (m->kind == MODULE_ELF && m->fd >= 0)
		return module >= u->tables.n || !u->tables.at[module].told ||
		       !memcmp(key, &u->tables.at[module].file_key, sizeof(*key));
	if (!bpf_map_update_elem(bpf_map__fd(u->kern->skel->maps.unwind_files), key, &f, BPF_NOEXIST))
		u->files_told++;
	return true;
}

static void untell_copies(struct unwind *u, struct unwind_told *m)
{
	for (size_t i = 0; i < m->copies.n; i++) {
		const struct copy_key key = {.start = m->copies.at[i], .pid = m->pid};

		bpf_map_delete_elem(bpf_map__fd(u->kern->skel->maps.code_copies), &key);
	}
	vec_free(&m->copies);
}

/* Where one finds no room its stacks are walked by frame pointers, as other anonymous code's. */
static void tell_copies(struct unwind *u, const struct process *p, struct unwind_told *next)
{
	for (size_t i = 0; i < p->copies.n; i++) {
		const struct code_copy *c = &p->copies.at[i];
		const struct table *t = c->module < u->tables.n ? &u->tables.at[c->module] : NULL;
		const struct copy_key key = {.start = c->start, .pid = p->pid};
		struct code_copy_of of = {.end = c->end, .offset = c->offset};

		if (!t || !t->told)
			continue;
		of.file = t->file_key;
		if (!bpf_map_update_elem(bpf_map__fd(u->kern->skel->maps.code_copies), &key, &of, BPF_ANY))
			vec_push(&next->copies, c->start);
	}
	if (p->copies.n)
		change_epoch(u);
}

static void tell_mappings(struct unwind *u, const struct process *p)
{
	const uint32_t pid = p->pid;
	const bool whole = layout_make(p, u->modules, code_file, u, u->value);

	if (!whole && !u->cut_said)
		warn("process %d has more executable mappings than this kernel can handle: some stacks end early",
		     (int)p->pid);
	u->cut_said |= !whole;
	change_epoch(u);
	if (bpf_map_update_elem(bpf_map__fd(u->kern->skel->maps.unwind_mappings), &pid, u->value, BPF_ANY))
		note("cannot store the mappings of process %d: %s; its stacks have one frame", (int)p->pid,
		     strerror(errno));
	change_epoch(u);
}

/* The tables of all that is mapped now. */
static void use_tables(struct unwind *u, const struct process *p, struct unwind_told *next)
{
	for (size_t i = 0; i < p->maps.n; i++) {
		const uint32_t module = p->maps.at[i].module;
		const enum module_kind kind = modules_get(u->modules, module)->kind;
		struct table *t;

		if (p->maps.at[i].until_ns != UINT64_MAX || (kind != MODULE_ELF && kind != MODULE_VDSO))
			continue;
		t = table_of(u, module);
		if (t->used_at == u->version)
			continue;
		t->used_at = u->version;
		t->users++;
		vec_push(&next->tables, module);
	}
}

void unwind_update(struct unwind *u, struct process *p, struct unwind_told **told)
{
	struct unwind_told next = {.pid = p->pid, .what = layout_hash(p)};

	if (!*told)
		*told = xcalloc(1, sizeof(**told));
	if (next.what == (*told)->what)
		return;
	/* Before anything else: if it execs meanwhile, this is the old program's, and no walk uses what follows. */
	p->start_stack = u->value->mm_start_stack = procfs_start_stack(p->pid);
	u->version++;
	use_tables(u, p, &next);
	/* Where that fails, walks find no slab: the stacks end there. */
	note_full(u, slabs_publish(u->slabs));
	untell_copies(u, *told);
	if (u->asks) {
		tell_files(u, &next);
		tell_copies(u, p, &next);
	} else {
		tell_mappings(u, p);
	}
	u->kern->skel->bss->raw_left = RAW_STACKS;
	drop_tables(u, *told);
	**told = next;
}

void unwind_told_free(struct unwind_told *told)
{
	if (!told)
		return;
	vec_free(&told->tables);
	vec_free(&told->copies);
	free(told);
}

void unwind_forget(struct unwind *u, struct unwind_told **told)
{
	uint32_t key;

	if (!*told)
		return;
	key = (*told)->pid;
	if (!u->asks) {
		change_epoch(u);
		bpf_map_delete_elem(bpf_map__fd(u->kern->skel->maps.unwind_mappings), &key);
		change_epoch(u);
	}
	untell_copies(u, *told);
	drop_tables(u, *told);
	unwind_told_free(*told);
	*told = NULL;
	/* There may be room now. */
	for (size_t t = 0; t < u->tables.n; t++)
		if (u->tables.at[t].state == TABLE_NO_ROOM) {
			u->tables.at[t].state = TABLE_NEW;
			untell(u, &u->tables.at[t]);
		}
}

bool unwind_name(const struct unwind *u, uint64_t name, uint32_t *module, uint64_t *vaddr)
{
	return codenames_find(&u->names, name, module, vaddr);
}

struct unwind_usage unwind_usage(const struct unwind *u)
{
	struct unwind_usage use = {
		.table_bytes = slabs_used(u->slabs), .kernel_bytes = slabs_memory(u->slabs), .files = u->files_told,
		.file_bytes = u->asks ? FILES_BUCKETS_BYTES + u->files_told * FILE_BYTES : 0,
		.parts_untold = u->parts_untold,
	};

	for (size_t i = 0; i < u->tables.n; i++) {
		use.tables += u->tables.at[i].state == TABLE_READY;
		use.rows += u->tables.at[i].n_rows;
		use.without_room += u->tables.at[i].state == TABLE_NO_ROOM;
	}
	return use;
}
