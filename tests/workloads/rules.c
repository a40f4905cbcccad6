// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rules CASE: 101 calls of malloc, in leaf(), below a function with unwind rules of a rare kind. What calls what is in
 * live/rules.sh. Everything is built without frame pointers, so that nothing but the rules leads on.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CALLS 101
#define STACK_BYTES (1 << 20)
#define NOINLINE __attribute__((noinline))

typedef void (*call_fn)(void);

static void *volatile sink;

NOINLINE static void leaf(void)
{
	for (int i = 0; i < CALLS; i++) {
		sink = malloc(100);
		free(sink);
	}
}

/* Keeps values in all callee-saved registers over the call, so that outer frames' ones are on the stack. */
NOINLINE static void busy(void)
{
	long a = random(), b = random(), c = random(), d = random(), e = random(), f = random();

	__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	leaf();
	__asm__ volatile("" : : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f));
}

#define FUNCTION(name, body) \
	__asm__(".text\n.globl " name "\n.type " name ",@function\n" name ":\n.cfi_startproc\n" body \
		".cfi_endproc\n.size " name ",.-" name "\n")

/* On another stack, whose end is the first argument. */
void call_on(void *top, call_fn f);
FUNCTION("call_on",
	 "push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset 6,-16\nmov %rsp,%rbp\n.cfi_def_cfa_register 6\n"
	 "mov %rdi,%rsp\ncall *%rsi\nmov %rbp,%rsp\npop %rbp\n.cfi_def_cfa 7,8\nret\n");

/* The same, with the old stack pointer at the new one's end. */
void call_on_saved(void *top, call_fn f);
FUNCTION("call_on_saved",
	 "mov %rsp,-16(%rdi)\nlea -16(%rdi),%rsp\n"
	 ".cfi_escape 0x0f,5,0x77,0,0x06,0x23,8\n"	/* CFA = *(rsp) + 8 */
	 "call *%rsi\nmov (%rsp),%rsp\n.cfi_def_cfa 7,8\nret\n");

/* The old stack pointer in a callee-saved register, as ld.so's resolver has it. */
void by_rbx(call_fn f);
FUNCTION("by_rbx",
	 "push %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset 3,-16\nmov %rsp,%rbx\n.cfi_def_cfa_register 3\n"
	 "and $-64,%rsp\nsub $128,%rsp\ncall *%rdi\nmov %rbx,%rsp\n.cfi_def_cfa_register 7\npop %rbx\n"
	 ".cfi_def_cfa_offset 8\n.cfi_restore 3\nret\n");

void by_r12_on(void *top, call_fn f);
FUNCTION("by_r12_on",
	 "push %r12\n.cfi_def_cfa_offset 16\n.cfi_offset 12,-16\nmov %rsp,%r12\n.cfi_def_cfa_register 12\n"
	 "mov %rdi,%rsp\ncall *%rsi\nmov %r12,%rsp\n.cfi_def_cfa_register 7\npop %r12\n"
	 ".cfi_def_cfa_offset 8\n.cfi_restore 12\nret\n");

/* The caller's rsp is said by itself, not by the CFA. */
void rsp_in_r15(void *top, call_fn f);
FUNCTION("rsp_in_r15",
	 "push %r15\n.cfi_def_cfa_offset 16\n.cfi_offset 15,-16\nlea 16(%rsp),%r15\n"
	 ".cfi_escape 0x16,7,2,0x7f,0\n"		/* rsp = r15 */
	 ".cfi_escape 0x10,16,2,0x7f,0x78\n"		/* return address at r15 - 8 */
	 ".cfi_escape 0x10,15,2,0x7f,0x70\n"		/* r15 at r15 - 16 */
	 "mov %rdi,%rsp\ncall *%rsi\nlea -16(%r15),%rsp\npop %r15\n"
	 ".cfi_def_cfa 7,8\n.cfi_same_value 7\n.cfi_offset 16,-8\n.cfi_restore 15\nret\n");

/* The return address in a register; the caller's r13 is lost. */
void ra_in_r13(call_fn f);
FUNCTION("ra_in_r13",
	 "pop %r13\n.cfi_def_cfa_offset 0\n.cfi_register 16,13\n.cfi_undefined 13\ncall *%rdi\npush %r13\n"
	 ".cfi_def_cfa_offset 8\n.cfi_offset 16,-8\nret\n");

/* The caller's rbp in a register; the caller's r14 is lost. */
void rbp_in_r14(call_fn f);
FUNCTION("rbp_in_r14",
	 "sub $8,%rsp\n.cfi_def_cfa_offset 16\nmov %rbp,%r14\n.cfi_register 6,14\n.cfi_undefined 14\nxor %ebp,%ebp\n"
	 "call *%rdi\nmov %r14,%rbp\n.cfi_restore 6\nadd $8,%rsp\n.cfi_def_cfa_offset 8\nret\n");

/* A frame whose size is said by a CFA expression of another kind: rsp + 24. */
void by_sum(call_fn f);
FUNCTION("by_sum",
	 "sub $24,%rsp\n.cfi_escape 0x0f,5,0x77,0,0x08,32,0x22\n"
	 "call *%rdi\nadd $24,%rsp\n.cfi_def_cfa 7,8\nret\n");

#define BIG(bytes) \
	NOINLINE static int big_##bytes(void) \
	{ \
		char buf[bytes]; \
		\
		((volatile char *)buf)[0] = 1; \
		busy(); \
		return ((volatile char *)buf)[0]; \
	}

BIG(262000)
BIG(300000)
BIG(7000000)

/* Realigned, with a frame of a size that only rbp knows. */
NOINLINE static int realigned(size_t n)
{
	volatile char aligned[64] __attribute__((aligned(64)));
	volatile char *more = __builtin_alloca(n);

	aligned[n & 63] = more[n - 1] = 1;
	busy();
	return aligned[n & 63] + more[n - 1];
}

/* A caller whose frame is found by rbp alone. */
NOINLINE static void needs_rbp(size_t n, void (*call)(call_fn f), call_fn f)
{
	volatile char *more = __builtin_alloca(n);

	more[n - 1] = 1;
	call(f);
	more[0] = 2;
}

static char *other;
static void (*switch_to)(void *top, call_fn f);

NOINLINE static void *thread(void *arg)
{
	switch_to(other + STACK_BYTES - 64, busy);
	return arg;
}

/* A thread that goes to another stack, which is above its own or below it. */
static void switched(int high, void (*by)(void *top, call_fn f))
{
	char *both = mmap(NULL, 2 * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attr;
	pthread_t t;

	switch_to = by;
	other = high ? both + STACK_BYTES : both;
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, high ? both : both + STACK_BYTES, STACK_BYTES);
	if (pthread_create(&t, &attr, thread, NULL) || pthread_join(t, NULL))
		abort();
}

static void handler(int sig)
{
	(void)sig;
	leaf();
}

/* Interrupted where the CFA is in r10, which a call would not keep. */
void by_r10(void);
FUNCTION("by_r10",
	 "lea 8(%rsp),%r10\n.cfi_def_cfa 10,0\nand $-64,%rsp\nud2\nlea -8(%r10),%rsp\n.cfi_def_cfa 7,8\nret\n");

static void skip_ud2(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	handler(sig);
	uc->uc_mcontext.gregs[REG_RIP] += 2;
}

static void interrupted(int on_other)
{
	struct sigaction sa = {.sa_sigaction = skip_ud2, .sa_flags = SA_SIGINFO | (on_other ? SA_ONSTACK : 0)};
	stack_t ss = {.ss_size = STACK_BYTES};

	ss.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sigaltstack(&ss, NULL) || sigaction(SIGILL, &sa, NULL))
		abort();
	by_r10();
}

/* Two frames that lead to each other for ever. */
void round_and_round(call_fn f);
FUNCTION("round_and_round",
	 "push %rbp\npush %rbp\nmov %rsp,%rbp\n.cfi_def_cfa 6,16\n.cfi_offset 6,-16\n"
	 "mov %rbp,(%rbp)\nlea 1f(%rip),%rax\nmov %rax,8(%rbp)\ncall *%rdi\n1:\n"
	 "nop\nmov %rbp,%rsp\npop %rbp\n.cfi_undefined 16\npop %rbp\nhlt\n");

NOINLINE static void leaf_and_exit(void)
{
	leaf();
	exit(0);
}

static const struct {
	const char *name;
	void (*by)(void *top, call_fn f);
	int high;
} switches[] = {
	{"switch-low", call_on, 0}, {"switch-high", call_on, 1},
	{"saved-low", call_on_saved, 0}, {"saved-high", call_on_saved, 1},
	{"r12-low", by_r12_on, 0}, {"r12-high", by_r12_on, 1},
	{"r15-low", rsp_in_r15, 0}, {"r15-high", rsp_in_r15, 1},
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (strcmp(name, switches[i].name))
			continue;
		switched(switches[i].high, switches[i].by);
		return 0;
	}
	if (!strcmp(name, "big-262000"))
		return big_262000() - 1;
	if (!strcmp(name, "big-300000"))
		return big_300000() - 1;
	if (!strcmp(name, "big-7000000"))
		return big_7000000() - 1;
	if (!strcmp(name, "realigned"))
		return realigned(100) - 2;
	if (!strcmp(name, "rbx"))
		by_rbx(busy);
	else if (!strcmp(name, "rbx-live"))
		by_rbx(leaf);
	else if (!strcmp(name, "sum"))
		by_sum(busy);
	else if (!strcmp(name, "ra"))
		needs_rbp(50, ra_in_r13, busy);
	else if (!strcmp(name, "rbp"))
		needs_rbp(50, rbp_in_r14, busy);
	else if (!strcmp(name, "r10"))
		interrupted(0);
	else if (!strcmp(name, "r10-altstack"))
		interrupted(1);
	else if (!strcmp(name, "round"))
		round_and_round(leaf_and_exit);
	else
		return 2;
	return 0;
}
