/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The site chooser on hand-made code. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe/site.h"

#define BASE 0x401000u
#define RAX 0
#define RCX 1
#define RBX 3
#define RSI 6
#define RDI 7

#define CODE(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

static struct site_request request(const uint8_t *code, size_t size)
{
	struct site_request r = {.code = code, .size = size, .vaddr = BASE, .nops_emulated = true};

	memset(r.arg_reg, SITE_NO_REG, sizeof(r.arg_reg));
	r.arg_reg[0] = RDI;
	return r;
}

/* The site for a function of one argument; fails the test if there is none. */
static struct site choose(const uint8_t *code, size_t size)
{
	struct site_request r = request(code, size);
	struct site s;

	assert_int_equal(site_choose(&r, &s), 0);
	return s;
}

static void expect(struct site s, uint32_t offset, enum site_cost cost, uint8_t size_reg, uint16_t pushed)
{
	assert_int_equal(s.offset, offset);
	assert_int_equal(s.cost, cost);
	assert_int_equal(s.arg_reg[0], size_reg);
	assert_int_equal(s.pushed, pushed);
}

static void test_entry_is_emulated(void **state)
{
	/* push %rbx; mov %rdi,%rbx; ret */
	struct site s = choose(CODE(0x53, 0x48, 0x89, 0xfb, 0xc3));

	expect(s, 0, SITE_EMULATED, RDI, 0);
	assert_true(s.fp_intact);
	assert_string_equal(s.insn, "push %rbx");
	/* push %r12 */
	expect(choose(CODE(0x41, 0x54, 0xc3)), 0, SITE_EMULATED, RDI, 0);
}

static void test_endbr64_first(void **state)
{
	/* endbr64; push %rbp */
	expect(choose(CODE(0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0xc3)), 4, SITE_EMULATED, RDI, 0);
	/* endbr64; ret: nothing else */
	expect(choose(CODE(0xf3, 0x0f, 0x1e, 0xfa, 0xc3)), 0, SITE_STEPPED, RDI, 0);
}

static void test_jcc_at_once(void **state)
{
	/* test %rdi,%rdi; je +2; push %rbx; ret: the jcc, not the push behind it */
	struct site s = choose(CODE(0x48, 0x85, 0xff, 0x74, 0x02, 0x53, 0xc3));

	expect(s, 3, SITE_EMULATED, RDI, 0);
	/* je rel32 */
	expect(choose(CODE(0x0f, 0x84, 0x00, 0x00, 0x00, 0x00, 0xc3)), 0, SITE_EMULATED, RDI, 0);
	/* mov %rdi,%rax; ret; nothing: what lies behind a branch is not looked at */
	expect(choose(CODE(0x48, 0x89, 0xf8, 0xc3, 0x53)), 0, SITE_STEPPED, RDI, 0);
}

static void test_argument_moved(void **state)
{
	/* mov %rdi,%rsi; mov %fs:(%rax),%rdi; cmp $0x400,%rsi; ja: mimalloc's malloc */
	struct site s = choose(CODE(0x48, 0x89, 0xfe, 0x64, 0x48, 0x8b, 0x38, 0x48, 0x81, 0xfe, 0x00, 0x04, 0x00, 0x00,
				    0x77, 0x00, 0xc3));

	expect(s, 14, SITE_EMULATED, RSI, 0);
	/* mov %rdi,%rbx; mov %rbx,%rcx; xor %edi,%edi; xor %ebx,%ebx; push %rax: a copy of a copy */
	s = choose(CODE(0x48, 0x89, 0xfb, 0x48, 0x89, 0xd9, 0x31, 0xff, 0x31, 0xdb, 0x50, 0xc3));
	expect(s, 10, SITE_EMULATED, RCX, 0);
	/* xchg %rax,%rdi; push %rbx */
	expect(choose(CODE(0x48, 0x97, 0x53, 0xc3)), 2, SITE_EMULATED, RAX, 0);
	/* mov %rdi,%rsi; mov %rsi,%rdi; push: both hold it, the register of the ABI is named */
	expect(choose(CODE(0x48, 0x89, 0xfe, 0x48, 0x89, 0xf7, 0x53, 0xc3)), 6, SITE_EMULATED, RDI, 0);
}

static void test_argument_lost(void **state)
{
	struct site s;

	/* xor %edi,%edi; push %rbx */
	s = choose(CODE(0x31, 0xff, 0x53, 0xc3));
	expect(s, 0, SITE_STEPPED, RDI, 0);
	assert_string_equal(s.why, "entry: an argument is overwritten first");
	/* mov %edi,%eax; mov (%rsi),%rdi; push: a 32-bit copy does not hold 64 bits */
	expect(choose(CODE(0x89, 0xf8, 0x48, 0x8b, 0x3e, 0x53, 0xc3)), 0, SITE_STEPPED, RDI, 0);
	/* mov %edi,%edi; push: zero-extended onto itself */
	expect(choose(CODE(0x89, 0xff, 0x53, 0xc3)), 0, SITE_STEPPED, RDI, 0);
	/* mov %al,%dil; push: a partial write */
	expect(choose(CODE(0x40, 0x88, 0xc7, 0x53, 0xc3)), 0, SITE_STEPPED, RDI, 0);
	/* cmove %rax,%rdi; push: a write on a condition */
	expect(choose(CODE(0x48, 0x0f, 0x44, 0xf8, 0x53, 0xc3)), 0, SITE_STEPPED, RDI, 0);
	/* pop %rdi would leave the frame; rep movsb; push: an implicit operand */
	expect(choose(CODE(0xf3, 0xa4, 0x53, 0xc3)), 0, SITE_STEPPED, RDI, 0);
}

static void test_implicit_operands(void **state)
{
	/* mov %rdi,%rax; xor %edi,%edi; mul %rsi; push: mul writes rax and rdx */
	struct site s = choose(CODE(0x48, 0x89, 0xf8, 0x31, 0xff, 0x48, 0xf7, 0xe6, 0x53, 0xc3));

	expect(s, 0, SITE_STEPPED, RDI, 0);
	/* mov %rdi,%rbx; xor %edi,%edi; cpuid; push: cpuid writes rbx */
	expect(choose(CODE(0x48, 0x89, 0xfb, 0x31, 0xff, 0x0f, 0xa2, 0x50, 0xc3)), 0, SITE_STEPPED, RDI, 0);
	/* mov %rdi,%r11; xor %edi,%edi; syscall; push: a system call ends the line */
	expect(choose(CODE(0x49, 0x89, 0xfb, 0x31, 0xff, 0x0f, 0x05, 0x50, 0xc3)), 0, SITE_STEPPED, RDI, 0);
}

static void test_more_arguments(void **state)
{
	/* mov %rdi,%rax; mov %fs:(%rdx),%rdi; cmp $1,%rax; je: mimalloc's calloc */
	const uint8_t code[] = {0x48, 0x89, 0xf8, 0x64, 0x48, 0x8b, 0x3a, 0x48, 0x83, 0xf8, 0x01, 0x74, 0x00, 0xc3};
	struct site_request r = request(code, sizeof(code));
	struct site s;

	r.arg_reg[1] = RSI;
	assert_int_equal(site_choose(&r, &s), 0);
	expect(s, 11, SITE_EMULATED, RAX, 0);
	assert_int_equal(s.arg_reg[1], RSI);
	assert_int_equal(s.arg_reg[2], SITE_NO_REG);
	/* mov (%rdx),%rdx; push: an argument that is not wanted may go; where rdx is wanted only the entry does. */
	const uint8_t lost[] = {0x48, 0x8b, 0x12, 0x53, 0xc3};

	r = request(lost, sizeof(lost));
	assert_int_equal(site_choose(&r, &s), 0);
	assert_int_equal(s.offset, 3);
	r.arg_reg[2] = 2;
	assert_int_equal(site_choose(&r, &s), 0);
	assert_int_equal(s.offset, 0);
	assert_int_equal(s.cost, SITE_STEPPED);
}

static void test_stack_pointer(void **state)
{
	struct site s;

	/* sub $0x18,%rsp; push %rbx */
	expect(choose(CODE(0x48, 0x83, 0xec, 0x18, 0x53, 0xc3)), 4, SITE_EMULATED, RDI, 0x18);
	/* add $-128,%rsp; push %rbx */
	expect(choose(CODE(0x48, 0x83, 0xc4, 0x80, 0x53, 0xc3)), 4, SITE_EMULATED, RDI, 128);
	/* lea -0x20(%rsp),%rsp; jmp */
	expect(choose(CODE(0x48, 0x8d, 0x64, 0x24, 0xe0, 0xeb, 0x00)), 5, SITE_EMULATED, RDI, 0x20);
	/* pushq $1; pop %rax; pushfq; push %rbx: pushes that are not emulated count as well */
	expect(choose(CODE(0x6a, 0x01, 0x58, 0x9c, 0x53, 0xc3)), 4, SITE_EMULATED, RDI, 8);
	/* and $-16,%rsp; push: by an unknown amount */
	s = choose(CODE(0x48, 0x83, 0xe4, 0xf0, 0x53, 0xc3));
	expect(s, 0, SITE_STEPPED, RDI, 0);
	assert_string_equal(s.why, "entry: the stack pointer changes by an unknown amount");
	/* mov %rax,%rsp; push */
	expect(choose(CODE(0x48, 0x89, 0xc4, 0x53, 0xc3)), 0, SITE_STEPPED, RDI, 0);
	/* pop %rax; push: above the entry's stack */
	expect(choose(CODE(0x58, 0x53, 0xc3)), 0, SITE_STEPPED, RDI, 0);
	/* mov %rdi,%rbp; push: rbp is no longer the caller's */
	s = choose(CODE(0x48, 0x89, 0xfd, 0x53, 0xc3));
	expect(s, 3, SITE_EMULATED, RDI, 0);
	assert_false(s.fp_intact);
}

static void test_keep_sp(void **state)
{
	/* sub $8,%rsp; push %rbx; ret; and: test; push */
	const uint8_t moved[] = {0x48, 0x83, 0xec, 0x08, 0x53, 0xc3}, still[] = {0x48, 0x85, 0xff, 0x53, 0xc3};
	struct site_request r = request(moved, sizeof(moved));
	struct site s;

	r.keep_sp = true;
	assert_int_equal(site_choose(&r, &s), 0);
	expect(s, 0, SITE_STEPPED, RDI, 0);
	r = request(still, sizeof(still));
	r.keep_sp = true;
	assert_int_equal(site_choose(&r, &s), 0);
	expect(s, 3, SITE_EMULATED, RDI, 0);
}

static void test_branch_into_prologue(void **state)
{
	struct site s;

	/* 0: mov %rdi,%rax; 3: push %rbx; 4: dec %rsi; 7: jne 3: the push runs more than once */
	s = choose(CODE(0x48, 0x89, 0xf8, 0x53, 0x48, 0xff, 0xce, 0x75, 0xfa, 0xc3));
	expect(s, 0, SITE_STEPPED, RDI, 0);
	assert_string_equal(s.why, "entry: a branch lands in the prologue");
	/* jne 4, behind the push: fine */
	expect(choose(CODE(0x48, 0x89, 0xf8, 0x53, 0x48, 0xff, 0xce, 0x75, 0xfb, 0xc3)), 3, SITE_EMULATED, RDI, 0);
	/* The branch back lies behind bytes that are no instruction (06), and out of step with a decoding in a row. */
	expect(choose(CODE(0x48, 0x89, 0xf8, 0x53, 0xc3, 0x06, 0xb8, 0x75, 0xfa, 0xc3, 0x90, 0x90)), 0, SITE_STEPPED,
	       RDI, 0);
	/* 9: call 3 */
	expect(choose(CODE(0x48, 0x89, 0xf8, 0x53, 0x48, 0xff, 0xce, 0xe8, 0xf7, 0xff, 0xff, 0xff, 0xc3)), 0,
	       SITE_STEPPED, RDI, 0);
}

static void test_back_to_entry(void **state)
{
	/* 0: push %rbx; 1: dec %rdi; 4: jne 0: every site repeats, and that is said */
	struct site s = choose(CODE(0x53, 0x48, 0xff, 0xcf, 0x75, 0xfa, 0xc3));

	expect(s, 0, SITE_EMULATED, RDI, 0);
	assert_true(s.repeats);
	/* 0: cmp 0x10(%r14),%rsp; 4: jbe 8; 6: push %rbp; 7: ret; 8: call +0; 13: jmp 0: a Go prologue */
	s = choose(CODE(0x49, 0x3b, 0x66, 0x10, 0x76, 0x02, 0x55, 0xc3, 0xe8, 0x10, 0x00, 0x00, 0x00, 0xeb, 0xf1));
	expect(s, 6, SITE_EMULATED, RDI, 0);
	assert_false(s.repeats);
	/* The same where the target does not lead back: the jbe is the site. */
	s = choose(CODE(0x49, 0x3b, 0x66, 0x10, 0x76, 0x02, 0x55, 0xc3, 0xe8, 0x10, 0x00, 0x00, 0x00, 0xc3, 0x90));
	expect(s, 4, SITE_EMULATED, RDI, 0);
	assert_false(s.repeats);
}

static void test_one_jump(void **state)
{
	struct site s = choose(CODE(0xe9, 0x00, 0x10, 0x00, 0x00));

	expect(s, 0, SITE_EMULATED, RDI, 0);
	expect(choose(CODE(0xeb, 0x10)), 0, SITE_EMULATED, RDI, 0);
	/* call rel32, and call through memory, which is stepped */
	expect(choose(CODE(0xe8, 0x00, 0x10, 0x00, 0x00, 0xc3)), 0, SITE_EMULATED, RDI, 0);
	expect(choose(CODE(0xff, 0x25, 0x00, 0x10, 0x00, 0x00)), 0, SITE_STEPPED, RDI, 0);
	/* mov %rdi,%rax; jmp *%rax; push */
	expect(choose(CODE(0x48, 0x89, 0xf8, 0xff, 0xe0, 0x53)), 0, SITE_STEPPED, RDI, 0);
}

/* The site of a function that frees its argument. */
static struct site choose_free(const uint8_t *code, size_t size)
{
	struct site_request r = request(code, size);
	struct site s;

	r.null_args = 1;
	assert_int_equal(site_choose(&r, &s), 0);
	assert_false(s.repeats);
	return s;
}

/* Calls with NULL need not be seen: glibc's free. */
static void test_null_jump(void **state)
{
	/* test %rdi,%rdi; je end; push %rbp; pop %rbp; end: ret */
	const uint8_t code[] = {0x48, 0x85, 0xff, 0x74, 0x02, 0x55, 0x5d, 0xc3};
	struct site s = choose_free(code, sizeof(code));

	expect(s, 5, SITE_EMULATED, RDI, 0);
	assert_string_equal(s.insn, "push %rbp");
	/* Where they are events, not so. */
	expect(choose(code, sizeof(code)), 3, SITE_EMULATED, RDI, 0);
	/* test; je rel32 back out of the function; sub $8,%rsp; call: jemalloc's sized operator delete */
	expect(choose_free(CODE(0x48, 0x85, 0xff, 0x0f, 0x84, 0x00, 0xff, 0xff, 0xff, 0x48, 0x83, 0xec, 0x08, 0xe8,
				0x00, 0x10, 0x00, 0x00, 0xc3)), 13, SITE_EMULATED, RDI, 8);
	/* mov %rdi,%rcx; test %rdi,%rdi; je end; lea -1(%rdi),%rdi; cmp %rdi,%rcx; jne end; ret: mimalloc's free */
	expect(choose_free(CODE(0x48, 0x89, 0xf9, 0x48, 0x85, 0xff, 0x74, 0x09, 0x48, 0x8d, 0x7f, 0xff, 0x48, 0x39,
				0xf9, 0x75, 0x00, 0xc3)), 15, SITE_EMULATED, RCX, 0);
	/* mov %rdi,%rbx; test %rbx,%rbx; je end; push %rbx; end: ret: the copy is tested */
	expect(choose_free(CODE(0x48, 0x89, 0xfb, 0x48, 0x85, 0xdb, 0x74, 0x01, 0x53, 0xc3)), 8, SITE_EMULATED, RDI, 0);
	/* test; je end; test; je end; push %rbx; end: ret */
	expect(choose_free(CODE(0x48, 0x85, 0xff, 0x74, 0x06, 0x48, 0x85, 0xff, 0x74, 0x01, 0x53, 0xc3)), 10,
	       SITE_EMULATED, RDI, 0);
}

/* The jump itself, as for other functions. */
static void test_not_past_the_jump(void **state)
{
	/* test %rdi,%rdi; jne work; ret; work: push %rbx: the blocks take it */
	expect(choose_free(CODE(0x48, 0x85, 0xff, 0x75, 0x01, 0xc3, 0x53, 0xc3)), 3, SITE_EMULATED, RDI, 0);
	/* test %rdi,%rdi; js end; push %rbx */
	expect(choose_free(CODE(0x48, 0x85, 0xff, 0x78, 0x01, 0x53, 0xc3)), 3, SITE_EMULATED, RDI, 0);
	/* test %rsi,%rsi; je end; push %rbx: another register */
	expect(choose_free(CODE(0x48, 0x85, 0xf6, 0x74, 0x01, 0x53, 0xc3)), 3, SITE_EMULATED, RDI, 0);
	/* test %rdi,%rsi: two registers; test %edi,%edi: half of it */
	expect(choose_free(CODE(0x48, 0x85, 0xfe, 0x74, 0x01, 0x53, 0xc3)), 3, SITE_EMULATED, RDI, 0);
	expect(choose_free(CODE(0x85, 0xff, 0x74, 0x01, 0x53, 0xc3)), 2, SITE_EMULATED, RDI, 0);
	/* test $0xfff,%edi; je end: a block at a page's start has such bits as well */
	expect(choose_free(CODE(0xf7, 0xc7, 0xff, 0x0f, 0x00, 0x00, 0x74, 0x01, 0x53, 0xc3)), 6, SITE_EMULATED, RDI, 0);
	/* test %rdi,%rdi; cmp %rsi,%rdi; je end; push %rbx: flags of another instruction */
	expect(choose_free(CODE(0x48, 0x85, 0xff, 0x48, 0x39, 0xf7, 0x74, 0x01, 0x53, 0xc3)), 6, SITE_EMULATED, RDI, 0);
	/* mov %rdi,%rcx; mov (%rsi),%rdi; test %rdi,%rdi; je end; push %rbx: rdi is no argument any more */
	expect(choose_free(CODE(0x48, 0x89, 0xf9, 0x48, 0x8b, 0x3e, 0x48, 0x85, 0xff, 0x74, 0x01, 0x53, 0xc3)), 9,
	       SITE_EMULATED, RCX, 0);
	/* test; je end; mov (%rdi),%rdi; push %rbx: behind it the block is lost before there is a site */
	expect(choose_free(CODE(0x48, 0x85, 0xff, 0x74, 0x04, 0x48, 0x8b, 0x3f, 0x53, 0xc3)), 3, SITE_EMULATED, RDI, 0);
	/* test; je end; lea 8(%rdi),%rax; ret: behind it there is nothing emulated */
	expect(choose_free(CODE(0x48, 0x85, 0xff, 0x74, 0x05, 0x48, 0x8d, 0x47, 0x08, 0xc3, 0xc3)), 3, SITE_EMULATED,
	       RDI, 0);
	/* test; je end; again: push %rbx; pop %rbx; dec %eax; jne again: a site there would be run more than once */
	expect(choose_free(CODE(0x48, 0x85, 0xff, 0x74, 0x06, 0x53, 0x5b, 0xff, 0xc8, 0x75, 0xfa, 0xc3)), 3,
	       SITE_EMULATED, RDI, 0);
	/* test; je end; again: lea 8(%rdi),%rax; push %rbx; pop %rbx; dec %eax; jne again: it lands before the push */
	expect(choose_free(CODE(0x48, 0x85, 0xff, 0x74, 0x0a, 0x48, 0x8d, 0x47, 0x08, 0x53, 0x5b, 0xff, 0xc8, 0x75,
				0xf6, 0xc3)), 3, SITE_EMULATED, RDI, 0);
}

static void test_nops(void **state)
{
	const uint8_t longnop[] = {0x48, 0x85, 0xff, 0x0f, 0x1f, 0x00, 0x53, 0xc3};
	struct site_request r = request(longnop, sizeof(longnop));
	struct site s;

	assert_int_equal(site_choose(&r, &s), 0);
	expect(s, 3, SITE_EMULATED, RDI, 0);
	r.nops_emulated = false;
	assert_int_equal(site_choose(&r, &s), 0);
	expect(s, 6, SITE_EMULATED, RDI, 0);
	/* nop, xchg %ax,%ax */
	expect(choose(CODE(0x90, 0xc3)), 0, SITE_EMULATED, RDI, 0);
	expect(choose(CODE(0x66, 0x90, 0xc3)), 0, SITE_EMULATED, RDI, 0);
	/* pause and xchg %rax,%r8 are none */
	expect(choose(CODE(0xf3, 0x90, 0xc3)), 0, SITE_STEPPED, RDI, 0);
	expect(choose(CODE(0x49, 0x90, 0xc3)), 0, SITE_STEPPED, RDI, 0);
}

static void test_prefixed_branch(void **state)
{
	struct site s;

	/* bnd jmp: stepped */
	s = choose(CODE(0xf2, 0xe9, 0x00, 0x10, 0x00, 0x00));
	expect(s, 0, SITE_STEPPED, RDI, 0);
	/* push with a needless prefix: rex.W */
	expect(choose(CODE(0x48, 0x53, 0xc3)), 0, SITE_STEPPED, RDI, 0);
	/* jrcxz and loop are branches, and stepped */
	expect(choose(CODE(0x48, 0x85, 0xff, 0xe3, 0x00, 0x53)), 0, SITE_STEPPED, RDI, 0);
}

static void test_refused(void **state)
{
	const uint8_t locked[] = {0xf0, 0x48, 0xff, 0x07, 0xc3}, hlt[] = {0xf4}, wide[] = {0x66, 0xe9, 0, 0, 0, 0};
	struct site_request r = request(locked, sizeof(locked));
	struct site s;

	/* lock incq (%rdi); ret: the next one that the kernel takes */
	assert_int_equal(site_choose(&r, &s), 0);
	expect(s, 4, SITE_STEPPED, RDI, 0);
	r = request(hlt, sizeof(hlt));
	assert_int_equal(site_choose(&r, &s), -ENOTSUP);
	r = request(wide, sizeof(wide));
	assert_int_equal(site_choose(&r, &s), -ENOTSUP);
	/* cs nopw: not this, the push behind it */
	expect(choose(CODE(0x2e, 0x66, 0x0f, 0x1f, 0x00, 0x53, 0xc3)), 5, SITE_EMULATED, RDI, 0);
}

static void test_damaged(void **state)
{
	const uint8_t none[] = {0x06, 0x06}, cut[] = {0x48}, one[] = {0x53};
	struct site_request r = request(none, sizeof(none));
	struct site s;

	assert_int_equal(site_choose(&r, &s), -EINVAL);
	r = request(cut, sizeof(cut));
	assert_int_equal(site_choose(&r, &s), -EINVAL);
	r = request(one, 0);
	assert_int_equal(site_choose(&r, &s), -EINVAL);
	r.size = 1;
	assert_int_equal(site_choose(&r, &s), 0);
	/* mov %rdi,%rax; undecodable */
	s = choose(CODE(0x48, 0x89, 0xf8, 0x06, 0x53));
	expect(s, 0, SITE_STEPPED, RDI, 0);
	assert_string_equal(s.why, "entry: undecodable code after it");
	/* Every cut of a prologue, and every value of one byte in it: no crash, never an offset outside. */
	uint8_t code[] = {0x48, 0x8b, 0x05, 0x49, 0xb4, 0x00, 0x00, 0x48, 0x89, 0xfe, 0x64, 0x48, 0x8b, 0x38, 0x77,
			  0x10};

	for (size_t size = 0; size <= sizeof(code); size++)
		for (size_t at = 0; at < sizeof(code); at++)
			for (int v = 0; v < 256; v++) {
				uint8_t *copy = malloc(size + 1), was = code[at];

				code[at] = (uint8_t)v;
				memcpy(copy, code, size);
				code[at] = was;
				r = request(copy, size);
				if (!site_choose(&r, &s))
					assert_true(s.offset < size);
				free(copy);
			}
}

static void test_edges(void **state)
{
	/* 0: call +0x100; 5: jmp out; 7: je back inside; 9: call *0x10(%rip); 15: jmp *0x20(%rip); 21: call *%rax */
	const uint8_t code[] = {0xe8, 0x00, 0x01, 0x00, 0x00, 0xeb, 0x40, 0x74, 0xf7, 0xff, 0x15, 0x10, 0x00, 0x00,
				0x00, 0xff, 0x25, 0x20, 0x00, 0x00, 0x00, 0xff, 0xd0};
	struct site_edge e[8];

	memset(e, 0xff, sizeof(e));
	assert_int_equal(site_edges(code, sizeof(code), BASE, e, 8), 4);
	assert_int_equal(e[0].offset, 0);
	assert_int_equal(e[0].next, 5);
	assert_true(e[0].is_call && !e[0].indirect);
	assert_int_equal(e[0].target, BASE + 5 + 0x100);
	assert_true(!e[1].is_call && !e[1].indirect);
	assert_int_equal(e[1].target, BASE + 7 + 0x40);
	assert_true(e[2].is_call && e[2].indirect);
	assert_int_equal(e[2].target, BASE + 15 + 0x10);
	assert_true(!e[3].is_call && e[3].indirect);
	assert_int_equal(e[3].next, 21);
	assert_int_equal(e[3].target, BASE + 21 + 0x20);
	/* Only as many are written as there is room for. */
	memset(e, 0, sizeof(e));
	assert_int_equal(site_edges(code, sizeof(code), BASE, e, 1), 4);
	assert_int_equal(e[1].target, 0);
	assert_int_equal(site_edges(code, 0, BASE, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry_is_emulated),
		cmocka_unit_test(test_endbr64_first),
		cmocka_unit_test(test_jcc_at_once),
		cmocka_unit_test(test_argument_moved),
		cmocka_unit_test(test_argument_lost),
		cmocka_unit_test(test_implicit_operands),
		cmocka_unit_test(test_more_arguments),
		cmocka_unit_test(test_stack_pointer),
		cmocka_unit_test(test_keep_sp),
		cmocka_unit_test(test_branch_into_prologue),
		cmocka_unit_test(test_back_to_entry),
		cmocka_unit_test(test_one_jump),
		cmocka_unit_test(test_null_jump),
		cmocka_unit_test(test_not_past_the_jump),
		cmocka_unit_test(test_nops),
		cmocka_unit_test(test_prefixed_branch),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}
