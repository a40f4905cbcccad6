// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A table is built when a file is first mapped, and kept when the last process that had it mapped is gone, until its
 * room is needed. The BPF side finds it by the file (bpf/mapping.bpf.h); where it can't, by the process's mappings,
 * which are replaced whole whenever they are not what they were.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kern/internal.h"
#include "kern/layout.h"
#include "kern/tables_internal.h"
#include "kern/unwind_pack.h"

/* Of the table of stacks, stacks that were copied may have a share. */
#define RAW_SHARE 50

/* What an entry of unwind_files takes in the kernel: its header (48 bytes, struct htab_elem), key and value, rounded up
 * to what the kernel allots (kernel/bpf/memalloc.c). A bucket takes 16 bytes. */
#define FILE_BYTES 512
#define FILES_BUCKETS_BYTES (UNWIND_FILES * 16)

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
	for (size_t i = 0; i < u->images.n; i++)
		image_free(u->images.at[i]);
	vec_free(&u->images);
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

/* Read for its table alone, and kept: what else is wanted of the file takes longer. */
static struct image *own_image(struct unwind *u, uint32_t module, const struct module *mod)
{
	while (u->images.n <= module)
		vec_push(&u->images, NULL);
	if (!u->images.at[module] && mod->fd >= 0 && read_image(u, mod, &u->images.at[module]))
		u->images.at[module] = NULL;
	return u->images.at[module];
}

static struct image *image_of(struct unwind *u, uint32_t module)
{
	const struct module *mod = modules_get(u->modules, module);

	switch (mod->kind) {
	case MODULE_ELF:
		return u->image ? u->image(u->arg, module) : own_image(u, module, mod);
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
void change_epoch(struct unwind *u)
{
	__atomic_add_fetch(&u->kern->skel->bss->unwind_epoch, 1, __ATOMIC_SEQ_CST);
}

/* The room of its table may be used for another one. */
void untell_file(struct unwind *u, struct table *t)
{
	if (!t->told)
		return;
	change_epoch(u);
	bpf_map_delete_elem(bpf_map__fd(u->kern->skel->maps.unwind_files), &t->file_key);
	change_epoch(u);
	t->told = false;
	u->files_told--;
}

static void drop_table(struct unwind *u, struct table *t)
{
	untell_file(u, t);
	if (t->state == TABLE_READY)
		slabs_give(u->slabs, t->first, t->n_words);
	t->state = TABLE_NEW;
	t->n_rows = 0;
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
	drop_table(u, oldest);
	return true;
}

void note_full(struct unwind *u, int err)
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

struct table *table_of(struct unwind *u, uint32_t module)
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

/* Of a module: what the BPF side has to know. */
bool code_file_of(void *arg, uint32_t module, struct code_file *out)
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
void tell_file(struct unwind *u, uint32_t module)
{
	const struct module *m = modules_get(u->modules, module);
	struct table *t = &u->tables.at[module];
	struct unwind_file told;
	struct code_file f;
	int err;

	if (t->told || (m->kind == MODULE_ELF && m->fd < 0))
		return;
	err = key_of(u, m, &t->file_key);
	code_file_of(u, module, &f);
	u->parts_untold += file_parts(&f, &told);
	if (!err)
		err = put_file(u, &t->file_key, &told);
	t->told = !err;
	if (err && !u->untold_noted)
		note("%s: cannot register this file, and maybe others, with the BPF side: %s; stacks end there",
		     m->path, strerror(-err));
	u->untold_noted |= err != 0;
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
	u->kern->skel->bss->raw_left = TABLES_RAW_STACKS;
	return module;
}

void unwind_release(struct unwind *u, uint32_t module)
{
	struct table *t = module < u->tables.n ? &u->tables.at[module] : NULL;
	const uint64_t *known;

	if (module < u->images.n) {
		image_free(u->images.at[module]);
		u->images.at[module] = NULL;
	}
	if (!t)
		return;
	known = u64map_find(&u->by_file, hash_key(&t->file_key));
	if (known && *known == module)
		u64map_remove(&u->by_file, hash_key(&t->file_key));
	drop_table(u, t);
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
