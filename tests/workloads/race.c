/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that allocate, free and realloc at full speed and hand their blocks to each other through one queue, so that
 * most blocks are freed or moved by another thread than allocated them, at addresses that are used again at once.
 *
 * usage: race [-w] [-f] [THREADS [EVENTS]]
 *   EVENTS: allocations and frees of all threads together (a realloc is one of each); at most one more for each thread
 *   -w  says "ready" and waits for a line on stdin, threads made
 *   -f  until SIGTERM instead
 *
 * Each block carries its site, its size and a pattern, which are checked when it is given up: a target that its tracer
 * damaged ends with status 3.
 * On stdout: FUNCTION, live BYTES BLOCKS, allocated BYTES CALLS; at last "events N ns NANOSECONDS", of one thread for
 * one event.
 */
#include "workload.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define MAX_THREADS 64
#define QUEUE 512		/* slots: what is live in the end fits in them and in the threads' hands */
#define HANDS 16
#define MAGIC 0x5eed0fa110c8ULL

enum site { BY_MALLOC, BY_CALLOC, BY_MEMALIGN, BY_REALLOC, N_SITES };

struct block {
	uint64_t magic;
	uint32_t site, size;
	unsigned char last[];	/* the block's last byte holds its size's low byte */
};

struct tally {
	long long live_bytes, live_blocks, bytes, calls;
};

struct worker {
	_Alignas(128) pthread_t thread;
	uint64_t seed, events, ns;
	struct block *hands[HANDS];
	struct tally sites[N_SITES];
};

static struct worker workers[MAX_THREADS];
static _Atomic(struct block *) queue[QUEUE];
static pthread_barrier_t start;
static uint64_t wanted = 2000000;	/* by each thread */
static volatile sig_atomic_t stopped;

static inline __attribute__((always_inline)) void *aligned(size_t size)
{
	void *p = NULL;

	return posix_memalign(&p, 64, size) ? NULL : p;
}

ALLOCATOR(by_malloc, malloc(size))
ALLOCATOR(by_calloc, calloc(1, size))
ALLOCATOR(by_memalign, aligned(size))
REALLOCATOR(by_realloc, realloc(old, size))

static uint64_t draw(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Mostly small; one in 4096 is mapped by itself in glibc. */
static size_t draw_size(uint64_t r)
{
	if (r % 4096 == 0)
		return 140000 + (r >> 32) % 100000;
	return sizeof(struct block) + 1 + (r >> 32) % (r % 8 ? 200 : 3000);
}

static void fill(struct worker *w, struct block *b, enum site site, size_t size)
{
	struct tally *t = &w->sites[site];

	if (!b)
		_exit(4);
	*b = (struct block){MAGIC, site, (uint32_t)size};
	((unsigned char *)b)[size - 1] = (unsigned char)size;
	t->live_bytes += (long long)size;
	t->bytes += (long long)size;
	t->live_blocks++;
	t->calls++;
}

/* Before the block is given up: after that it may be another thread's. */
static void give_up(struct worker *w, struct block *b)
{
	if (b->magic != MAGIC || b->site >= N_SITES || ((unsigned char *)b)[b->size - 1] != (unsigned char)b->size) {
		say("a block is damaged\n");
		_exit(3);
	}
	w->sites[b->site].live_bytes -= b->size;
	w->sites[b->site].live_blocks--;
	b->magic = 0;
}

static struct block *fresh(struct worker *w, uint64_t r)
{
	static void *(*const allocate[])(size_t) = {by_malloc, by_calloc, by_memalign};
	const enum site site = r % 16 < 12 ? BY_MALLOC : r % 16 < 15 ? BY_CALLOC : BY_MEMALIGN;
	const size_t size = draw_size(r >> 4);
	struct block *b = allocate[site](size);

	w->events++;
	fill(w, b, site, size);
	return b;
}

static struct block *moved(struct worker *w, struct block *b, uint64_t r)
{
	const size_t size = draw_size(r >> 4);

	give_up(w, b);
	b = by_realloc(b, size);
	w->events += 2;
	fill(w, b, BY_REALLOC, size);
	return b;
}

static void step(struct worker *w)
{
	const uint64_t r = draw(&w->seed);
	struct block **hand = &w->hands[r % HANDS];

	switch (r >> 60) {
	case 0: case 1: case 2:
		/* What it holds goes to whoever comes by, and it takes what lies there. */
		*hand = atomic_exchange(&queue[(r >> 8) % QUEUE], *hand);
		break;
	case 3: case 4:
		if (*hand)
			*hand = moved(w, *hand, r >> 8);
		break;
	default:
		if (*hand) {
			give_up(w, *hand);
			free(*hand);
			w->events++;
			*hand = NULL;
		} else {
			*hand = fresh(w, r >> 8);
		}
	}
}

static void *thread_main(void *arg)
{
	struct worker *w = arg;

	pthread_barrier_wait(&start);
	w->ns = now_ns();
	while (w->events < wanted && !stopped)
		step(w);
	w->ns = now_ns() - w->ns;
	return NULL;
}

static void on_term(int signal)
{
	(void)signal;
	stopped = 1;
}

static void report(size_t n)
{
	static const char *const names[] = {"by_malloc", "by_calloc", "by_memalign", "by_realloc"};
	uint64_t events = 0, ns = 0;

	for (size_t s = 0; s < N_SITES; s++) {
		struct tally sum = {0};

		for (size_t i = 0; i < n; i++) {
			const struct tally *t = &workers[i].sites[s];

			sum.live_bytes += t->live_bytes;
			sum.live_blocks += t->live_blocks;
			sum.bytes += t->bytes;
			sum.calls += t->calls;
		}
		say("%s %lld %lld %lld %lld\n", names[s], sum.live_bytes, sum.live_blocks, sum.bytes, sum.calls);
	}
	for (size_t i = 0; i < n; i++) {
		events += workers[i].events;
		ns += workers[i].ns;
	}
	say("events %llu ns %.1f\n", (unsigned long long)events, (double)ns / (double)(events + !events));
}

int main(int argc, char **argv)
{
	bool wait = false;
	size_t n = 2, numbers = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			wait = true;
		else if (!strcmp(argv[i], "-f"))
			wanted = UINT64_MAX;
		else if (!numbers++)
			n = number(argv[i]);
		else
			wanted = number(argv[i]);
	}
	if (!n || n > MAX_THREADS || !wanted)
		return 2;
	if (wanted != UINT64_MAX)
		wanted = (wanted + n - 1) / n;
	signal(SIGTERM, on_term);
	pthread_barrier_init(&start, NULL, (unsigned)n);
	for (size_t i = 0; i < n; i++) {
		workers[i].seed = 0x9e3779b97f4a7c15ULL * (i + 1);
		if (i && pthread_create(&workers[i].thread, NULL, thread_main, &workers[i]))
			return 1;
	}
	if (wait)
		wait_for_go();
	thread_main(&workers[0]);
	for (size_t i = 1; i < n; i++)
		pthread_join(workers[i].thread, NULL);
	report(n);
	return 0;
}
