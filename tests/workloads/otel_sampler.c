/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An allocator that samples itself and tells so, as OpenTelemetry's contract wants it: USDT probes otel_memory:alloc
 * and otel_memory:free, with semaphores, the notes written by hand. Built as a library with functions malloc and free,
 * and into a static program; with nops of one byte, and of five (-DNOP5), also in functions that call none (-DLEAF).
 *
 * What is a sample is no accident here: every SAMPLE_EVERY-th call while someone listens, which stands for as many; or
 * as often as otel_sample() says.
 */
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_EVERY 7
#define SAMPLES_MAX 65536

#ifdef NOP5
#define NOP ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00"
#else
#define NOP "nop"
#endif

#ifdef LEAF
#define LOOK(kept) (void)look
#else
#define LOOK(kept) look(kept)
#endif

#ifdef WRAPS
extern void *malloc(size_t n);
extern void free(void *p);
#define REAL_MALLOC malloc
#define REAL_FREE free
#define MALLOC sampled_malloc
#define FREE sampled_free
#else
extern void *__libc_malloc(size_t n);
extern void __libc_free(void *p);
#define REAL_MALLOC __libc_malloc
#define REAL_FREE __libc_free
#define MALLOC malloc
#define FREE free
#endif

void *MALLOC(size_t n);
void FREE(void *p);
void otel_sample(size_t one_in, int even_unheard);
int otel_listeners(void);

/* The note's arguments are what the compiler has made of its operands: registers, memory, constants. */
#define PROBE(name, args, ...)	\
	__asm__ volatile("9: " NOP "\n"	\
			 ".pushsection .note.stapsdt, \"\", @note\n"	\
			 ".balign 4\n"	\
			 ".long 8, 2f - 1f, 3\n"	\
			 ".asciz \"stapsdt\"\n"	\
			 "1: .quad 9b, otel_base, otel_" name "_semaphore\n"	\
			 ".asciz \"otel_memory\", \"" name "\", \"" args "\"\n"	\
			 "2: .balign 4\n"	\
			 ".popsection\n" : : __VA_ARGS__)

__asm__(".pushsection .stapsdt.base, \"a\", @progbits\n"
	"otel_base: .space 1\n"
	".popsection\n");

#define SEMAPHORE __attribute__((section(".probes"), used, visibility("hidden"))) volatile uint16_t

SEMAPHORE otel_alloc_semaphore;
SEMAPHORE otel_free_semaphore;

static void *samples[SAMPLES_MAX];
static size_t every = SAMPLE_EVERY, left = SAMPLE_EVERY;
static int unheard;

__attribute__((noinline, noclone)) static void look(const size_t *kept)
{
	__asm__ volatile("" : : "r"(kept) : "memory");
}

__attribute__((noinline, noclone)) static void tell_alloc(void *p, size_t n, size_t weighted)
{
	size_t kept[2] = {n, weighted};

	/* Without a call, what it keeps lies in the red zone. */
	LOOK(kept);
	samples[(uintptr_t)p >> 4 & (SAMPLES_MAX - 1)] = p;
	PROBE("alloc", "8@%[p] 8@%[n] 8@%[w]", [p] "r"(p), [n] "m"(kept[0]), [w] "r"(weighted));
}

__attribute__((noinline, noclone)) static void tell_free(void *p)
{
	size_t kept[2] = {(size_t)p, 0};

	LOOK(kept);
	samples[(uintptr_t)p >> 4 & (SAMPLES_MAX - 1)] = NULL;
	PROBE("free", "8@%[p]", [p] "m"(kept[0]));
}

void *MALLOC(size_t n)
{
	void *p = REAL_MALLOC(n);

	if (otel_alloc_semaphore + unheard && p && --left == 0) {
		left = every;
		tell_alloc(p, n, n * every);
	}
	return p;
}

void FREE(void *p)
{
	if (otel_free_semaphore && p && samples[(uintptr_t)p >> 4 & (SAMPLES_MAX - 1)] == p)
		tell_free(p);
	REAL_FREE(p);
}

/* One call in so many is a sample from now on; even if nobody listens. */
void otel_sample(size_t one_in, int even_unheard)
{
	every = left = one_in;
	unheard = even_unheard;
}

/* For programs that say what the counters are. */
int otel_listeners(void)
{
	return otel_alloc_semaphore + 100 * otel_free_semaphore;
}
