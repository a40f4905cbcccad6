/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk over a function's paths, on hand-made code. */
#include "elftest.h"

#include "elf/symbols.h"
#include "probe/flow.h"

/* What is walked is `tried`; `known` is the function 7. */
static void walk(const char *code, struct flow_result *out)
{
	static const char *const names[] = {"tried", "known"};
	struct elf_symbol found[2];
	struct elf_file *ef;
	struct flow_file *ff;
	int fd;

	write_text("code.s", code);
	sh("cc -shared -nostdlib -o code.so code.s");
	ef = open_elf("code.so", &fd);
	assert_int_equal(elf_find_functions(ef, names, 2, found), 0);
	ff = flow_open(ef, NULL);
	flow_add_function(ff, 7, "known", found[1].vaddr);
	flow_walk(ff, found[0].vaddr, 100, out);
	flow_close(ff);
	close_elf(ef, fd);
}

#define FUNCTION(name, code) \
	".type " name ",@function\n" name ":\n" code ".size " name ",.-" name "\n"
#define KNOWN FUNCTION("known", "lea (%rdi),%rax\nret\n")

/* Where the known one is not called behind a stub. */
static void test_conditional_tail_call(void **state)
{
	struct flow_result r;

	walk(FUNCTION("tried", "test %rdi,%rdi\nje known\nxor %eax,%eax\nret\n") KNOWN, &r);
	assert_int_equal(r.ends.n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct flow_end *e = &r.ends.at[i];

		assert_int_equal(e->kind, e->arg[0].lo ? FLOW_CONST : FLOW_TAIL);
		assert_int_equal(e->id, e->arg[0].lo ? -1 : 7);
		assert_int_equal(e->arg[0].hi, e->arg[0].lo ? UINT64_MAX : 0);
	}
	flow_result_free(&r);
}

/* What a path's only end passes as its first argument. */
static enum flow_passes passed(const char *code)
{
	struct flow_result r;
	enum flow_passes kind;

	walk(code, &r);
	assert_int_equal(r.ends.n, 1);
	assert_int_equal(r.ends.at[0].kind, FLOW_TAIL);
	kind = r.ends.at[0].passed[0].kind;
	flow_result_free(&r);
	return kind;
}

#define KEEP "mov %rdi,-16(%rsp)\n"
#define TAKE "mov -16(%rsp),%rdi\njmp known\n"

static void test_frame(void **state)
{
	assert_int_equal(passed(FUNCTION("tried", KEEP TAKE) KNOWN), FLOW_PASSES_ARG);
	assert_int_equal(passed(FUNCTION("tried", KEEP "mov %rax,-24(%rsp)\n" TAKE) KNOWN), FLOW_PASSES_ARG);
	/* Each of these writes over a part of it. */
	assert_int_equal(passed(FUNCTION("tried", KEEP "movb $0,-16(%rsp)\n" TAKE) KNOWN), FLOW_PASSES_ANY);
	assert_int_equal(passed(FUNCTION("tried", KEEP "mov %rsi,-20(%rsp)\n" TAKE) KNOWN), FLOW_PASSES_ANY);
	assert_int_equal(passed(FUNCTION("tried", KEEP "movups %xmm0,-24(%rsp)\n" TAKE) KNOWN), FLOW_PASSES_ANY);
	assert_int_equal(passed(FUNCTION("tried", KEEP "movups %xmm0,-16(%rsp)\n" TAKE) KNOWN), FLOW_PASSES_ANY);
	/* And this is not what was kept. */
	assert_int_equal(passed(FUNCTION("tried", KEEP "mov -12(%rsp),%rdi\njmp known\n") KNOWN), FLOW_PASSES_ANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditional_tail_call),
		cmocka_unit_test(test_frame),
	};

	return cmocka_run_group_tests(tests, elftest_setup, elftest_teardown);
}
