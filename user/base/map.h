/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hash maps: 64-bit key to 64-bit value, and interned strings. Open addressing; keys may have any value. */
#ifndef ALLOCTRACE_BASE_MAP_H
#define ALLOCTRACE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct u64map_slot {
	uint64_t key, value;
};

/* `struct u64map m = {0}` is empty. */
struct u64map {
	struct u64map_slot *slots;
	uint8_t *used;
	size_t n, mask;
};

/* Pointer to the value of key, or NULL. Valid until the next insertion. */
uint64_t *u64map_find(const struct u64map *m, uint64_t key);
/* The value's place, made (as 0) if the key is new; *is_new (may be NULL) tells. Valid until the next insertion. */
uint64_t *u64map_put(struct u64map *m, uint64_t key, bool *is_new);
/* Nothing happens where there is none. */
void u64map_remove(struct u64map *m, uint64_t key);
void u64map_free(struct u64map *m);
/* A 64-bit mix (finalizer of MurmurHash3, public domain) for keys made of several fields. */
uint64_t mix64(uint64_t x);

/* Strings to dense ids 0, 1, 2, …; `struct strpool p = {0}` is empty. */
struct strpool {
	char **strings;
	size_t n, cap;
	uint32_t *table;
	size_t mask;
};

uint32_t strpool_id(struct strpool *p, const char *s);
const char *strpool_str(const struct strpool *p, uint32_t id);
void strpool_free(struct strpool *p);

#endif
