/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions with a frame pointer and without, as the assembler makes them; `here` is a call's last byte. */
#include "elftest.h"

#include "elf/symbols.h"
#include "probe/keeps.h"

#define CALL "call other\nhere: nop\n"

static bool keeps(const char *body)
{
	static const char *const names[] = { "f", "here" };
	char *text = xasprintf(".text\n.globl f\n.type f,@function\n.type here,@function\nf:\n%s.size f,.-f\n"
			       ".globl main,other\nmain:\nother: ret\n.section .note.GNU-stack\n", body);
	uint8_t code[KEEPS_BYTES_MAX];
	struct elf_symbol found[2];
	struct elf_file *ef;
	bool result;
	int fd;

	write_text("f.s", text);
	free(text);
	sh("cc -o f f.s");
	ef = open_elf("f", &fd);
	assert_int_equal(elf_find_functions(ef, names, 2, found), 0);
	assert_int_equal(elf_read_vaddr(ef, found[0].vaddr, code, found[0].size), found[0].size);
	result = keeps_frame_pointer(code, found[0].size, found[0].vaddr, found[1].vaddr - 1);
	close_elf(ef, fd);
	return result;
}

static void functions_that_keep_one(void **state)
{
	assert_true(keeps("push %rbp\nmov %rsp,%rbp\n" CALL "pop %rbp\nret\n"));
	assert_true(keeps("endbr64\nmov %edi,%eax\npush %rbp\nmov %edi,%edx\nmov %rsp,%rbp\npush %rbx\n"
			  "sub $40,%rsp\n" CALL "leave\nret\n"));
	/* The other way out comes first. */
	assert_true(keeps("test %edi,%edi\nje 1f\npush %rbp\nmov %rsp,%rbp\n" CALL "pop %rbp\n1: ret\n"));
	/* A loop whose condition is at its end. */
	assert_true(keeps("push %rbp\nmov %rsp,%rbp\njmp 2f\n1: " CALL "2: dec %edi\njne 1b\nleave\nret\n"));
	/* After the code of another way out. */
	assert_true(keeps("push %rbp\nmov %rsp,%rbp\ntest %edi,%edi\njne 1f\nleave\nret\n1: " CALL "leave\nret\n"));
	/* A switch. */
	assert_true(keeps("push %rbp\nmov %rsp,%rbp\njmp *%rax\n" CALL "leave\nret\n"));
	/* Go: a look at the stack's limit first. */
	assert_true(keeps("1: cmp 16(%r14),%rsp\njbe 2f\npush %rbp\nmov %rsp,%rbp\nsub $32,%rsp\n" CALL
			  "add $32,%rsp\npop %rbp\nret\n2: call other\njmp 1b\n"));
}

static void frames_made_at_once(void **state)
{
	const char *const rest = CALL "mov 24(%rsp),%rbp\nadd $32,%rsp\nret\n";
	char text[400];
	static const struct {
		const char *prologue;
		bool wanted;
	} of[] = {
		{"sub $32,%rsp\nmov %rbp,24(%rsp)\nlea 24(%rsp),%rbp\n", true},
		{"add $-32,%rsp\nmov %rbp,24(%rsp)\nlea 24(%rsp),%rbp\n", true},
		{"1: cmp 16(%r14),%rsp\njbe 2f\nsub $32,%rsp\nmov %rbp,24(%rsp)\nlea 24(%rsp),%rbp\njmp 3f\n"
		 "2: call other\njmp 1b\n3: ", true},
		/* Not the word below the return address, not saved, another register, saved too late. */
		{"sub $32,%rsp\nmov %rbp,16(%rsp)\nlea 16(%rsp),%rbp\n", false},
		{"sub $32,%rsp\nlea 24(%rsp),%rbp\n", false},
		{"sub $32,%rsp\nmov %rbx,24(%rsp)\nlea 24(%rsp),%rbp\n", false},
		{"sub $32,%rsp\nlea 24(%rsp),%rbp\nmov %rbp,24(%rsp)\n", false},
		{"sub $16,%rsp\nsub $16,%rsp\nmov %rbp,24(%rsp)\nlea 24(%rsp),%rbp\n", false},
		{"test %edi,%edi\nje 1f\nsub $32,%rsp\n1: mov %rbp,24(%rsp)\nlea 24(%rsp),%rbp\n", false},
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", of[i].prologue, rest);
		if (keeps(text) != of[i].wanted)
			fail_msg("%s", text);
	}
}

static void functions_that_keep_none(void **state)
{
	assert_false(keeps("sub $8,%rsp\n" CALL "add $8,%rsp\nret\n"));
	assert_false(keeps("push %rbx\n" CALL "pop %rbx\nret\n"));
	/* rbp is one more register. */
	assert_false(keeps("push %rbp\nmov %rdi,%rbp\n" CALL "pop %rbp\nret\n"));
	assert_false(keeps("push %rbp\npush %rbx\nmov %rsp,%rbp\n" CALL "pop %rbx\npop %rbp\nret\n"));
	/* Not where the function was entered. */
	assert_false(keeps("push %rbx\npush %rbp\nmov %rsp,%rbp\n" CALL "pop %rbp\npop %rbx\nret\n"));
	/* Before it, after it, and beside it. */
	assert_false(keeps(CALL "push %rbp\nmov %rsp,%rbp\npop %rbp\nret\n"));
	assert_false(keeps("push %rbp\nmov %rsp,%rbp\npop %rbp\n" CALL "ret\n"));
	assert_false(keeps("test %edi,%edi\nje 1f\npush %rbp\nmov %rsp,%rbp\n1: " CALL "ret\n"));
	assert_false(keeps("push %rbp\nmov %rsp,%rbp\ntest %edi,%edi\nje 1f\nxor %ebp,%ebp\n1: " CALL "ret\n"));
	/* Where nothing leads to. */
	assert_false(keeps("push %rbp\nmov %rsp,%rbp\nleave\nret\n" CALL "ret\n"));
	assert_false(keeps("sub $8,%rsp\njmp *%rax\n" CALL "ret\n"));
}

static void bounds(void **state)
{
	static const uint8_t code[] = { 0x55, 0x48, 0x89, 0xe5, 0xe8, 0, 0, 0, 0 }, bad[] = { 0x06, 0x06, 0x06 };
	static uint8_t jumps[KEEPS_BYTES_MAX];

	assert_true(keeps_frame_pointer(code, sizeof(code), 0x1000, 0x1008));
	assert_false(keeps_frame_pointer(code, sizeof(code), 0x1000, 0x1009));
	assert_false(keeps_frame_pointer(code, sizeof(code), 0x1000, 0xfff));
	assert_false(keeps_frame_pointer(code, 6, 0x1000, 0x1005));
	assert_false(keeps_frame_pointer(code, 0, 0x1000, 0x1000));
	assert_false(keeps_frame_pointer(bad, sizeof(bad), 0, 2));
	/* Every instruction jumps back. */
	for (size_t i = 0; i + 1 < sizeof(jumps); i += 2) {
		jumps[i] = 0x74;
		jumps[i + 1] = i < 128 ? (uint8_t)-i : 0x80;
	}
	assert_false(keeps_frame_pointer(jumps, sizeof(jumps), 0x1000, 0x1000 + sizeof(jumps) - 1));
}

#define ROOT(...) keeps_root((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void roots(void **state)
{
	/* xor %ebp,%ebp; mov %rsp,%rdi; and $-16,%rsp; call */
	assert_true(ROOT(0x31, 0xed, 0x48, 0x89, 0xe7, 0x48, 0x83, 0xe4, 0xf0, 0xe8, 1, 2, 0, 0));
	/* xor %ebp,%ebp; pop %rdi; call *%r9 */
	assert_true(ROOT(0x90, 0x31, 0xed, 0x5f, 0x41, 0xff, 0xd1));
	/* No call: what a coroutine's first frame returns to. */
	assert_true(ROOT(0x90, 0x90, 0x90, 0x90));
	assert_false(ROOT(0x90, 0x48, 0x89, 0xe7, 0xe8, 1, 2, 0, 0));
	/* rbp is set anew, or the code ends before. */
	assert_false(ROOT(0x31, 0xed, 0x48, 0x89, 0xfd, 0xe8, 1, 2, 0, 0));
	assert_false(ROOT(0x31, 0xed, 0xc3, 0xe8, 1, 2, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_that_keep_one),
		cmocka_unit_test(frames_made_at_once),
		cmocka_unit_test(functions_that_keep_none),
		cmocka_unit_test(bounds),
		cmocka_unit_test(roots),
	};

	return cmocka_run_group_tests_name("keeps", tests, elftest_setup, elftest_teardown);
}
