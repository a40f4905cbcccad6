/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A steady leak in the middle of steady churn: every millisecond `leaky` allocates a block that nobody frees, `cache`
 * replaces its oldest of 256 (full after a quarter of a second), `buffered` fills a buffer that is thrown away when it
 * has 100 blocks, and `churn` frees what it allocates, 20 times.
 *
 * usage: leak [-w] [ROUNDS]      rounds of a millisecond; 0: for ever
 * On stdout in the end: FUNCTION, live BYTES BLOCKS, allocated BYTES CALLS.
 */
#include "workload.h"

#define LEAKY 211
#define CACHE 1009
#define BUFFER 307
#define CHURN 4001
#define CACHED 256
#define BUFFERED 100

#define SITE(name, size)			\
	NOINLINE void *name(void);		\
	NOINLINE void *name(void)		\
	{					\
		return opaque(malloc(size));	\
	}

SITE(leaky, LEAKY)
SITE(cache, CACHE)
SITE(buffered, BUFFER)
SITE(churn, CHURN)

static void *cached[CACHED], *buffer[BUFFERED];

static void round_of(size_t n)
{
	void **oldest = &cached[n % CACHED];

	leaky();
	free(*oldest);
	*oldest = cache();
	if (n && n % BUFFERED == 0) {
		for (size_t i = 0; i < BUFFERED; i++)
			free(buffer[i]);
	}
	buffer[n % BUFFERED] = buffered();
	for (size_t i = 0; i < 20; i++)
		free(churn());
}

int main(int argc, char **argv)
{
	size_t rounds = 0, in_cache, in_buffer;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			wait_for_go();
		else
			rounds = number(argv[i]);
	}
	for (size_t n = 0; !rounds || n < rounds; n++) {
		round_of(n);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	in_cache = rounds < CACHED ? rounds : CACHED;
	in_buffer = (rounds - 1) % BUFFERED + 1;
	say("leaky %zu %zu %zu %zu\n", rounds * LEAKY, rounds, rounds * LEAKY, rounds);
	say("cache %zu %zu %zu %zu\n", in_cache * CACHE, in_cache, rounds * CACHE, rounds);
	say("buffered %zu %zu %zu %zu\n", in_buffer * BUFFER, in_buffer, rounds * BUFFER, rounds);
	say("churn 0 0 %zu %zu\n", rounds * 20 * CHURN, rounds * 20);
	return 0;
}
