/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The labels of a goroutine (Go's pprof.Do), read when an allocation is recorded: the target's memory for them is used
 * again. g.labels points to one of the two:
 *
 *     map (to Go 1.23)   ──> map ──> | count | u8 flags | u8 B | … | @16 buckets | old buckets |
 *                            bucket: | 8 bytes of tags | 8 keys | 8 values |                  if B is 0, the only one
 *     list               ──> | pairs | count | … |      pair: | key | value |       key, value: | where | length |
 *
 * A map of more than 8 labels has several buckets, in an order that differs from map to map: nothing of it is kept.
 */
#ifndef ALLOCTRACE_LABELS_BPF_H
#define ALLOCTRACE_LABELS_BPF_H

#include "call.bpf.h"
#include "loop.bpf.h"
#include "scratch.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct label_set);
} label_sets SEC(".maps");

#define MAP_B 1			/* byte of the second word */
#define MAP_WORDS 4
#define MAP_BUCKETS 2		/* word */
#define TAG_USED 5		/* the least tag of a place in use */
#define BUCKET_WORDS (1 + 4 * LABELS_KEPT)
#define LABEL_HASH_WORDS (sizeof(struct label) / 8)

static __always_inline bool go_word(__u64 at, __u64 *word)
{
	return !bpf_probe_read_user(word, sizeof(*word), (void *)at);
}

/* As many bytes of a string as there is room for. */
static __always_inline bool label_text(struct scratch *s, char *to, __u32 room, __u64 word, __u32 *len)
{
	__u64 at = s->labels.words[MASKED(word, LABEL_WORDS - 1)];
	__u64 n = s->labels.words[MASKED(word + 1, LABEL_WORDS - 1)];

	*len = n < ~0U ? n : ~0U;
	if (n > room)
		n = room;
	n = MASKED(n, 2 * LABEL_VALUE_BYTES - 1);
	return !n || !bpf_probe_read_user(to, n, (void *)at);
}

/* Adds the label whose key and value are at these words; returns its hash. */
static __noinline __u64 label_add(struct scratch *s, __u32 key, __u32 value)
{
	struct label_set *set = &s->labels.set;
	struct label *to = &set->at[MASKED(set->n, LABELS_KEPT - 1)];
	const __u64 *words = (const __u64 *)to;
	__u64 h = hash_keys[2];

	__builtin_memset(to, 0, sizeof(*to));
	if (!label_text(s, to->key, LABEL_KEY_BYTES, key, &to->key_len) ||
	    !label_text(s, to->value, LABEL_VALUE_BYTES, value, &to->value_len))
		set->unreadable = 1;
	for (__u32 i = 0; i < LABEL_HASH_WORDS; i++)
		h = hash_step(h, words[i]);
	set->n++;
	return h;
}

/* Reads where the texts of a list are. */
static __always_inline bool labels_list(struct scratch *s, __u64 at)
{
	__u64 *words = s->labels.words, pairs;
	__u32 n;

	if (bpf_probe_read_user(words, 2 * sizeof(__u64), (void *)at))
		return false;
	pairs = words[0];
	s->labels.set.all = words[1] < ~0U ? words[1] : ~0U;
	n = s->labels.set.all < LABELS_KEPT ? s->labels.set.all : LABELS_KEPT;
	n = MASKED(n, 2 * LABELS_KEPT - 1);
	return !n || !bpf_probe_read_user(words + 1, n * 4 * sizeof(__u64), (void *)pairs);
}

/* The same of a map. */
static __always_inline bool labels_map(struct scratch *s, __u64 at)
{
	__u64 *words = s->labels.words;

	if (!go_word(at, &at))
		return false;
	s->labels.set.all = 0;
	if (!at)
		return true;
	if (bpf_probe_read_user(words, MAP_WORDS * sizeof(__u64), (void *)at))
		return false;
	s->labels.set.all = words[0] < ~0U ? words[0] : ~0U;
	if (!s->labels.set.all || s->labels.set.all > LABELS_KEPT)
		return true;
	if ((words[1] >> (8 * MAP_B) & 0xff) || words[MAP_BUCKETS + 1])
		return false;
	return !bpf_probe_read_user(words, BUCKET_WORDS * sizeof(__u64), (void *)words[MAP_BUCKETS]);
}

/* Labels in whatever order are the same. */
static __always_inline __u64 labels_read(struct scratch *s, bool map)
{
	__u64 used = s->labels.words[0], h = 0;

	if (map && s->labels.set.all > LABELS_KEPT)
		return h;
	for (__u32 i = 0; i < LABELS_KEPT; i++) {
		if (map ? (used >> (8 * i) & 0xff) < TAG_USED : i >= s->labels.set.all)
			continue;
		h += map ? label_add(s, 1 + 2 * i, 1 + 2 * LABELS_KEPT + 2 * i) : label_add(s, 1 + 4 * i, 3 + 4 * i);
	}
	return h;
}

/* The key of what is in s->labels.set, which is there from now on. */
static __always_inline __u64 labels_keep(struct scratch *s, __u64 h)
{
	__u64 id = hash_step(hash_step(h, s->labels.set.all), s->labels.set.unreadable);

	if (!id || id >= TAG_LOST)
		id = 1;
	if (!bpf_map_lookup_elem(&label_sets, &id) &&
	    bpf_map_update_elem(&label_sets, &id, &s->labels.set, BPF_NOEXIST) &&
	    !bpf_map_lookup_elem(&label_sets, &id))
		return TAG_LOST;
	return id;
}

/* What s->rec.tag is to be for the goroutine. */
static __noinline __u64 labels_tag(struct scratch *s, const struct probe_info *info, __u64 g)
{
	const bool map = info->g.labels_form == LABELS_MAP;
	__u64 at;

	if (info->g.labels_form == LABELS_NONE)
		return TAG_NONE;
	if (info->g.labels_form == LABELS_UNKNOWN || !go_word(g + info->g.labels, &at))
		return TAG_UNKNOWN;
	if (!at)
		return TAG_NONE;
	s->labels.set.n = s->labels.set.unreadable = 0;
	if (!(map ? labels_map(s, at) : labels_list(s, at)))
		return TAG_UNKNOWN;
	return s->labels.set.all ? labels_keep(s, labels_read(s, map)) : TAG_NONE;
}

#endif
