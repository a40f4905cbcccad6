/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of unwind tables that the BPF side reads (bpf/unwind_map.h): slabs of 4 MiB, each a BPF array that is
 * mapped here, made when they are needed; in them, runs of words are handed out.
 */
#ifndef ALLOCTRACE_KERN_SLABS_H
#define ALLOCTRACE_KERN_SLABS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slabs;

/* A BPF array as every slab is one, n_chunks long. Its descriptor, or -errno. */
int slab_create(uint32_t n_chunks);

/* map_fd: of the array of slabs, which has max_slabs entries; first_fd: a slab that serves as the first one. Both are
 * borrowed. */
struct slabs *slabs_new(int map_fd, int first_fd, size_t max_slabs);
/* The kernel's references stay until its maps go. NULL is a no-op. */
void slabs_free(struct slabs *s);

/* n words in a row, n > 0. True with the first one's number; false: there is no room (*err 0), or the kernel refuses
 * another slab (*err is -errno). */
bool slabs_take(struct slabs *s, size_t n, uint32_t *first, int *err);
/* Gives back words that no mapping refers to any more; a walk that began before may still be reading them. */
void slabs_give(struct slabs *s, uint32_t first, size_t n);
/* The same of words that no mapping has referred to yet: they are free at once. */
void slabs_trim(struct slabs *s, uint32_t first, size_t n);
/* The words themselves, which the kernel reads as they are. They stay where they are. */
uint64_t *slabs_at(const struct slabs *s, uint32_t first);
/* Lets the BPF side see all slabs that were made since the last time: before anything refers to words in them. 0, or
 * -errno. May take long, but not longer for several. */
int slabs_publish(struct slabs *s);

/* Bytes handed out; and of kernel memory that the slabs take. */
size_t slabs_used(const struct slabs *s);
size_t slabs_memory(const struct slabs *s);

#endif
