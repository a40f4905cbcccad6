// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Free runs are kept in a sorted list; the first that is large enough serves. What was given back may still be read by
 * a walk that found it before: such runs wait until the kernel has let every program finish, which costs milliseconds
 * and is done only when the room is needed.
 *
 * Slabs are mapped here side by side, in addresses that were set aside for all there may be.
 */
#include "kern/slabs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/types.h>

#include "base/mem.h"
#include "unwind_map.h"

struct run {
	uint64_t first, n;	/* words */
};

typedef vec_of(struct run) run_list;


struct slabs {
	int map_fd;
	int first_fd;
	size_t max_slabs;
	uint64_t *words;	/* of slab 0; NULL while there is none */
	vec_of(int) fds;	/* of the slabs */
	size_t n_entered;	/* of the slabs, in the array of them */
	run_list free;		/* sorted, neighbours don't touch */
	run_list given;		/* not to be used before the kernel's programs have finished */
	size_t used;		/* words */
};

int slab_create(uint32_t n_chunks)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_slab", sizeof(__u32), UNWIND_CHUNK_WORDS * sizeof(__u64),
				n_chunks, &opts);

	return fd < 0 ? -errno : fd;
}

struct slabs *slabs_new(int map_fd, int first_fd, size_t max_slabs)
{
	struct slabs *s = xcalloc(1, sizeof(*s));

	s->map_fd = map_fd;
	s->first_fd = first_fd;
	s->max_slabs = max_slabs;
	return s;
}

void slabs_free(struct slabs *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->fds.n; i++)
		if (s->fds.at[i] != s->first_fd)
			close(s->fds.at[i]);
	if (s->words)
		munmap(s->words, s->max_slabs * UNWIND_SLAB_BYTES);
	vec_free(&s->fds);
	vec_free(&s->free);
	vec_free(&s->given);
	free(s);
}

static void add_free(struct slabs *s, struct run r)
{
	size_t i = 0;

	while (i < s->free.n && s->free.at[i].first < r.first)
		i++;
	vec_grow(&s->free, s->free.n + 1);
	memmove(s->free.at + i + 1, s->free.at + i, (s->free.n - i) * sizeof(r));
	s->free.at[i] = r;
	s->free.n++;
	for (size_t j = i ? i - 1 : 0; j + 1 < s->free.n && j <= i;) {
		struct run *a = &s->free.at[j], *b = a + 1;

		if (a->first + a->n != b->first) {
			j++;
			continue;
		}
		a->n += b->n;
		memmove(b, b + 1, (s->free.n - j - 2) * sizeof(*b));
		s->free.n--;
	}
}

/* Entering a slab into the array of slabs waits until every program that runs now has finished (kernel/bpf/syscall.c
 * maybe_wait_bpf_programs()): 5 to 30 ms. */
static int enter(const struct slabs *s, uint32_t i)
{
	return bpf_map_update_elem(s->map_fd, &i, &s->fds.at[i], BPF_ANY) ? -errno : 0;
}

/* Linux 6.8 and later wait once for all that are entered together. Those that refuse are left to enter(). */
static void enter_together(struct slabs *s)
{
	vec_of(uint32_t) keys = {0};
	uint32_t n;

	for (uint32_t i = s->n_entered; i < s->fds.n; i++)
		vec_push(&keys, i);
	n = keys.n;
	if (n > 1 && !bpf_map_update_batch(s->map_fd, keys.at, &s->fds.at[s->n_entered], &n, NULL))
		s->n_entered = s->fds.n;
	vec_free(&keys);
}

int slabs_publish(struct slabs *s)
{
	int err = 0;

	enter_together(s);
	while (!err && s->n_entered < s->fds.n) {
		err = enter(s, s->n_entered);
		s->n_entered += !err;
	}
	return err;
}

/* Maps the slab behind the others. */
static int map_slab(struct slabs *s, int fd)
{
	if (!s->words) {
		void *all = mmap(NULL, s->max_slabs * UNWIND_SLAB_BYTES, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (all == MAP_FAILED)
			return -errno;
		s->words = all;
	}
	return mmap(&s->words[s->fds.n << UNWIND_SLAB_SHIFT], UNWIND_SLAB_BYTES, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ? -errno : 0;
}

static int add_slab(struct slabs *s)
{
	const int fd = s->fds.n ? slab_create(UNWIND_SLAB_CHUNKS) : s->first_fd;
	int err;

	if (fd < 0)
		return fd;
	err = map_slab(s, fd);
	if (err) {
		if (fd != s->first_fd)
			close(fd);
		return err;
	}
	add_free(s, (struct run){(uint64_t)s->fds.n << UNWIND_SLAB_SHIFT, UNWIND_SLAB_WORDS});
	vec_push(&s->fds, fd);
	return 0;
}

static bool take_free(struct slabs *s, size_t n, uint32_t *first)
{
	for (size_t i = 0; i < s->free.n; i++) {
		struct run *r = &s->free.at[i];

		if (r->n < n)
			continue;
		*first = r->first;
		r->first += n;
		r->n -= n;
		if (!r->n) {
			memmove(r, r + 1, (s->free.n - i - 1) * sizeof(*r));
			s->free.n--;
		}
		s->used += n;
		return true;
	}
	return false;
}

/* False: nothing was waiting. */
static bool reclaim(struct slabs *s)
{
	/* Entering the first one again changes nothing, but waits. */
	if (!s->given.n || enter(s, 0))
		return false;
	for (size_t i = 0; i < s->given.n; i++)
		add_free(s, s->given.at[i]);
	s->given.n = 0;
	return true;
}

bool slabs_take(struct slabs *s, size_t n, uint32_t *first, int *err)
{
	*err = 0;
	if (n > s->max_slabs * UNWIND_SLAB_WORDS)
		return false;
	for (;;) {
		if (take_free(s, n, first))
			return true;
		if (reclaim(s))
			continue;
		if (s->fds.n == s->max_slabs)
			return false;
		*err = add_slab(s);
		if (*err)
			return false;
	}
}

void slabs_give(struct slabs *s, uint32_t first, size_t n)
{
	if (!n)
		return;
	vec_push(&s->given, ((struct run){first, n}));
	s->used -= n;
}

void slabs_trim(struct slabs *s, uint32_t first, size_t n)
{
	if (!n)
		return;
	add_free(s, (struct run){first, n});
	s->used -= n;
}

uint64_t *slabs_at(const struct slabs *s, uint32_t first)
{
	return &s->words[first];
}

size_t slabs_used(const struct slabs *s)
{
	return s->used * sizeof(uint64_t);
}

size_t slabs_memory(const struct slabs *s)
{
	return s->fds.n * (size_t)UNWIND_SLAB_BYTES;
}
