/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_SLOTS 16

uint64_t mix64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	x ^= x >> 33;
	return x;
}

/* At most three quarters full, so that a probe for an absent key ends soon. */
static bool is_crowded(size_t n, size_t mask)
{
	return n + 1 > (mask + 1) / 4 * 3;
}

/* The slot that holds key, or the empty one where it belongs. The table is never full. */
static size_t u64map_slot_of(const struct u64map *m, uint64_t key)
{
	size_t i = mix64(key) & m->mask;

	while (m->used[i] && m->slots[i].key != key)
		i = (i + 1) & m->mask;
	return i;
}

static void u64map_resize(struct u64map *m, size_t n_slots)
{
	struct u64map old = *m;

	m->slots = xrealloc_array(NULL, n_slots, sizeof(*m->slots));
	m->used = xcalloc(n_slots, 1);
	m->mask = n_slots - 1;
	for (size_t i = 0; old.slots && i <= old.mask; i++) {
		size_t to;

		if (!old.used[i])
			continue;
		to = u64map_slot_of(m, old.slots[i].key);
		m->used[to] = 1;
		m->slots[to] = old.slots[i];
	}
	free(old.slots);
	free(old.used);
}

uint64_t *u64map_find(const struct u64map *m, uint64_t key)
{
	size_t i;

	if (!m->slots)
		return NULL;
	i = u64map_slot_of(m, key);
	return m->used[i] ? &m->slots[i].value : NULL;
}

/* Whatever came behind it because its slot was taken moves up. */
void u64map_remove(struct u64map *m, uint64_t key)
{
	size_t gap, i;

	if (!m->slots)
		return;
	gap = u64map_slot_of(m, key);
	if (!m->used[gap])
		return;
	for (i = (gap + 1) & m->mask; m->used[i]; i = (i + 1) & m->mask) {
		size_t home = mix64(m->slots[i].key) & m->mask;

		if (((i - home) & m->mask) < ((i - gap) & m->mask))
			continue;
		m->slots[gap] = m->slots[i];
		gap = i;
	}
	m->used[gap] = 0;
	m->n--;
}

uint64_t *u64map_put(struct u64map *m, uint64_t key, bool *is_new)
{
	uint64_t *value = u64map_find(m, key);
	size_t i;

	if (is_new)
		*is_new = !value;
	if (value)
		return value;
	if (!m->slots)
		u64map_resize(m, FIRST_SLOTS);
	else if (is_crowded(m->n, m->mask))
		u64map_resize(m, (m->mask + 1) * 2);
	i = u64map_slot_of(m, key);
	m->used[i] = 1;
	m->slots[i] = (struct u64map_slot){ .key = key };
	m->n++;
	return &m->slots[i].value;
}

void u64map_free(struct u64map *m)
{
	free(m->slots);
	free(m->used);
	*m = (struct u64map){0};
}

/* FNV-1a, then mixed: the low bits of FNV alone are weak for short strings. */
static uint64_t hash_string(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	return mix64(h);
}

/* The table holds id + 1; 0 is an empty place. */
static size_t strpool_place_of(const struct strpool *p, const char *s)
{
	size_t i = hash_string(s) & p->mask;

	while (p->table[i] && strcmp(p->strings[p->table[i] - 1], s))
		i = (i + 1) & p->mask;
	return i;
}

static void strpool_resize(struct strpool *p, size_t n_places)
{
	free(p->table);
	p->table = xcalloc(n_places, sizeof(*p->table));
	p->mask = n_places - 1;
	for (size_t id = 0; id < p->n; id++)
		p->table[strpool_place_of(p, p->strings[id])] = id + 1;
}

uint32_t strpool_id(struct strpool *p, const char *s)
{
	size_t i;

	if (!p->table)
		strpool_resize(p, FIRST_SLOTS);
	i = strpool_place_of(p, s);
	if (p->table[i])
		return p->table[i] - 1;
	if (is_crowded(p->n, p->mask)) {
		strpool_resize(p, (p->mask + 1) * 2);
		i = strpool_place_of(p, s);
	}
	p->strings = vec_grow_mem(p->strings, &p->cap, p->n + 1, sizeof(*p->strings));
	p->strings[p->n] = xstrdup(s);
	p->table[i] = ++p->n;
	return p->n - 1;
}

const char *strpool_str(const struct strpool *p, uint32_t id)
{
	return id < p->n ? p->strings[id] : "";
}

void strpool_free(struct strpool *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->strings[i]);
	free(p->strings);
	free(p->table);
	*p = (struct strpool){0};
}
