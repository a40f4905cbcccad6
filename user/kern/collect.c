// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading what the BPF side counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kern/internal.h"
#include "sample.h"

#define BATCH 4096

void kern_counts(const struct kern *k, uint64_t counts[COUNT_MAX])
{
	memset(counts, 0, COUNT_MAX * sizeof(counts[0]));
	for (uint32_t i = 0; i < k->n_slots; i++) {
		const volatile struct slot *slot = (const void *)(k->slots + i * k->slot_bytes);

		for (int c = 0; c < COUNT_MAX; c++)
			counts[c] += slot->counts[c];
	}
	if (k->options.kernel)
		kmem_counts(k, counts);
}

uint64_t kern_lost(const uint64_t c[COUNT_MAX])
{
	return c[COUNT_LOST_TABLE] + c[COUNT_LOST_SCRATCH] + c[COUNT_LOST_RETURN] + c[COUNT_LOST_BLOCK] +
	       c[COUNT_LOST_ARGS] + c[COUNT_LOST_MISSED];
}

/* A bucket larger than the batch is ENOSPC (kernel/bpf/hashtab.c __htab_map_lookup_and_delete_batch): twice the room
 * then. */
int table_read(const struct bpf_map *map, int fd, void (*on_entry)(void *arg, const void *key, const void *value),
	       void *arg)
{
	const size_t key_size = bpf_map__key_size(map), value_size = bpf_map__value_size(map);
	uint32_t room = BATCH, in, out, n;
	char *keys = xcalloc(room, key_size), *values = xcalloc(room, value_size);
	int err;
	bool first = true;

	do {
		n = room;
		err = bpf_map_lookup_batch(fd, first ? NULL : &in, &out, keys, values, &n, NULL) ? -errno : 0;
		if (err == -ENOSPC) {
			room *= 2;
			keys = xrealloc_array(keys, room, key_size);
			values = xrealloc_array(values, room, value_size);
			err = 0;
			continue;
		}
		if (err && err != -ENOENT)
			break;
		for (uint32_t i = 0; i < n; i++)
			on_entry(arg, keys + i * key_size, values + i * value_size);
		in = out;
		first = false;
	} while (!err);
	free(keys);
	free(values);
	if (err != -ENOENT)
		return fail(err, "cannot read the table '%s' from the kernel: %s", bpf_map__name(map), strerror(-err));
	return 0;
}

struct table_reader {
	void (*on_sum)(void *arg, uint64_t id, const struct stack_sum *sum);
	void (*on_block)(void *arg, const struct block_key *key, const struct block *block);
	void (*on_hist)(void *arg, const struct hist_key *key, uint64_t calls);
	void *arg;
	size_t value_size;
};

static void sum_entry(void *arg, const void *key, const void *value)
{
	const struct table_reader *r = arg;
	struct stack_sum sum = {.sent = 0};

	/* The table's values may be shorter. */
	memcpy(&sum, value, r->value_size);
	r->on_sum(r->arg, *(const uint64_t *)key, &sum);
}

int kern_sums(struct kern *k, void (*on_sum)(void *arg, uint64_t id, const struct stack_sum *sum), void *arg)
{
	struct table_reader r = {
		.on_sum = on_sum, .arg = arg, .value_size = bpf_map__value_size(k->skel->maps.stacks),
	};

	return table_read(k->skel->maps.stacks, bpf_map__fd(k->skel->maps.stacks), sum_entry, &r);
}

static void block_entry(void *arg, const void *key, const void *value)
{
	const struct table_reader *r = arg;

	r->on_block(r->arg, key, value);
}

int kern_blocks(struct kern *k, void (*on_block)(void *arg, const struct block_key *key, const struct block *block),
		void *arg)
{
	struct table_reader r = {.on_block = on_block, .arg = arg};
	const struct bpf_map *first = k->skel->maps.blocks;
	int err = k->options.blocks ? table_read(first, bpf_map__fd(first), block_entry, &r) : 0;

	return !err && k->skel->bss->more_blocks ? table_read(first, k->second_blocks, block_entry, &r) : err;
}

bool kern_labels(const struct kern *k, uint64_t tag, struct label_set *out)
{
	return !bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.label_sets), &tag, out);
}

static void hist_entry(void *arg, const void *key, const void *value)
{
	const struct table_reader *r = arg;

	r->on_hist(r->arg, key, *(const uint64_t *)value);
}

int kern_hists(struct kern *k, void (*on_hist)(void *arg, const struct hist_key *key, uint64_t calls), void *arg)
{
	struct table_reader r = {.on_hist = on_hist, .arg = arg};
	const struct bpf_map *map = k->skel->maps.hists;

	return k->options.sizes || k->options.lifetimes ? table_read(map, bpf_map__fd(map), hist_entry, &r) : 0;
}

struct ended_block {
	struct block_key key;
	struct block block;
};

struct ending {
	struct u64map spaces;
	vec_of(struct ended_block) blocks;
};

static void ending_block(void *arg, const struct block_key *key, const struct block *block)
{
	const struct ended_block b = {*key, *block};
	struct ending *e = arg;

	if (u64map_find(&e->spaces, key->space))
		vec_push(&e->blocks, b);
}

/* Moves the processes' address spaces from before those times out of their table. False: they had none with blocks. */
static bool take_spaces(struct kern *k, const struct ended_process *ended, size_t n, struct u64map *out)
{
	const int fd = bpf_map__fd(k->skel->maps.spaces);
	struct u64map before = {0};
	const uint64_t *ns;
	vec_of(uint64_t) taken = {0};
	uint64_t key = 0, next;
	struct space space;
	bool first = true;

	for (size_t i = 0; i < n; i++)
		*u64map_put(&before, (uint64_t)ended[i].pid, NULL) = ended[i].before_ns;
	while (!bpf_map_get_next_key(fd, first ? NULL : &key, &next)) {
		first = false;
		key = next;
		if (bpf_map_lookup_elem(fd, &key, &space))
			continue;
		ns = u64map_find(&before, space.pid);
		if (ns && space.since_ns < *ns)
			vec_push(&taken, key);
	}
	u64map_free(&before);
	for (size_t i = 0; i < taken.n; i++) {
		bpf_map_delete_elem(fd, &taken.at[i]);
		u64map_put(out, taken.at[i], NULL);
	}
	vec_free(&taken);
	return out->n > 0;
}

/* The table of blocks is read only if there are any: not for each process that execs or exits. */
int kern_end_blocks(struct kern *k, const struct ended_process *ended, size_t n,
		    void (*on_block)(void *arg, const struct block_key *key, const struct block *block), void *arg)
{
	struct ending e = {.blocks = {0}};
	int err = 0;

	if (k->options.blocks && take_spaces(k, ended, n, &e.spaces))
		err = kern_blocks(k, ending_block, &e);
	for (size_t i = 0; i < e.blocks.n && !err; i++) {
		const struct ended_block *b = &e.blocks.at[i];

		if (bpf_map_delete_elem(bpf_map__fd(k->skel->maps.blocks), &b->key) &&
		    (k->second_blocks < 0 || bpf_map_delete_elem(k->second_blocks, &b->key)))
			continue;
		if (k->options.peak)
			__atomic_sub_fetch(&k->skel->bss->heap.bytes, sample_bytes(b->block.bytes, b->block.weight),
					   __ATOMIC_RELAXED);
		on_block(arg, &b->key, &b->block);
	}
	vec_free(&e.blocks);
	u64map_free(&e.spaces);
	return err;
}

struct heap kern_heap(const struct kern *k)
{
	return k->skel->bss->heap;
}

uint32_t kern_mark(struct kern *k)
{
	if (k->skel->bss->generation < GENERATION_MAX)
		k->skel->bss->generation++;
	return k->skel->bss->generation;
}

void kern_set_sample_law(struct kern *k, uint64_t law)
{
	*(volatile __u64 *)&k->skel->bss->sample_law = law;
}

uint64_t kern_sample_law(const struct kern *k)
{
	return k->skel->bss->sample_law;
}

bool kern_exact(const struct kern *k)
{
	return *(const volatile __s64 *)&k->skel->bss->exact_left > 0;
}

struct stash_reader {
	struct kern *k;
	vec_of(uint64_t) ids;
};

static void stash_entry(void *arg, const void *key, const void *value)
{
	const struct stack_frames *rec = value;
	struct stash_reader *r = arg;

	vec_push(&r->ids, *(const uint64_t *)key);
	if (rec->n <= r->k->options.max_frames)
		r->k->on_frames(r->k->on_frames_arg, rec);
}

/* What comes in meanwhile is left for the next time. */
static int read_stash(struct kern *k)
{
	const uint64_t stashed = *(const volatile __u64 *)&k->skel->bss->stashed;
	struct stash_reader r = {.k = k};
	int err;

	if (stashed == k->stashed)
		return 0;
	k->stashed = stashed;
	err = table_read(k->skel->maps.stash, bpf_map__fd(k->skel->maps.stash), stash_entry, &r);
	for (size_t i = 0; i < r.ids.n; i++)
		bpf_map_delete_elem(bpf_map__fd(k->skel->maps.stash), &r.ids.at[i]);
	vec_free(&r.ids);
	return err;
}

int kern_frames(struct kern *k, void (*on_frames)(void *arg, const struct stack_frames *rec), void *arg)
{
	int n, err;

	blocks_extend(k);
	k->on_frames = on_frames;
	k->on_frames_arg = arg;
	k->map_budget = k->options.ring_bytes / sizeof(struct map_event) + 1;
	n = ring_buffer__consume(k->ring);
	if (n == -EAGAIN)
		n = 0;
	if (n < 0)
		return fail(n, "cannot read the BPF ring buffer: %s", strerror(-n));
	err = read_stash(k);
	return err ? err : n;
}

void kern_set_on_map(struct kern *k, void (*on_map)(void *arg, const struct map_event *ev), void *arg)
{
	k->on_map = on_map;
	k->on_map_arg = arg;
}

int kern_frames_fd(const struct kern *k)
{
	return ring_buffer__epoll_fd(k->ring);
}
