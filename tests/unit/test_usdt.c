/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes of USDT probes and their arguments; which of them become probes of a plan, and which do not. */
#include "elftest.h"

#include "elf/usdt.h"
#include "probe/plan.h"

static struct usdt_arg parsed(const char *text)
{
	struct usdt_arg a;
	const char *why;

	if (!usdt_parse(text, &a, 1, &why))
		fail_msg("%s: %s", text, why);
	return a;
}

static void expect_arg(const char *text, struct usdt_arg want)
{
	const struct usdt_arg a = parsed(text);

	assert_int_equal(a.kind, want.kind);
	assert_int_equal(a.bytes, want.bytes);
	assert_int_equal(a.is_signed, want.is_signed);
	assert_int_equal(a.reg, want.reg);
	assert_int_equal(a.shift, want.shift);
	assert_int_equal(a.index, want.index);
	assert_int_equal(a.scale, want.scale);
	assert_true(a.value == want.value);
}

#define NONE USDT_NO_REG
#define REG(n, r, ...) (struct usdt_arg){.kind = USDT_REGISTER, .bytes = (n), .reg = (r), .index = NONE, __VA_ARGS__}
#define MEM(n, r, v, ...) \
	(struct usdt_arg){.kind = USDT_MEMORY, .bytes = (n), .reg = (r), .value = (v), .index = NONE, __VA_ARGS__}
#define CONST(n, v, ...) \
	(struct usdt_arg){.kind = USDT_CONSTANT, .bytes = (n), .reg = NONE, .index = NONE, .value = (v), __VA_ARGS__}

static void arguments(void **state)
{
	expect_arg("8@%rax", REG(8, 0));
	expect_arg("-4@%eax", REG(4, 0, .is_signed = true));
	expect_arg("2@%cx", REG(2, 1));
	expect_arg("1@%sil", REG(1, 6));
	expect_arg("-1@%ah", REG(1, 0, .is_signed = true, .shift = 8));
	expect_arg("8@%r15", REG(8, 15));
	expect_arg("4@%r9d", REG(4, 9));
	expect_arg("1@%r10b", REG(1, 10));
	expect_arg("4@%rdi", REG(4, 7));
	expect_arg("%edx", REG(4, 2));
	expect_arg("8@-16(%rbp)", MEM(8, 5, -16));
	expect_arg("8@(%rsp)", MEM(8, 4, 0));
	expect_arg("-4@0x10(%r12)", MEM(4, 12, 16, .is_signed = true));
	expect_arg("8@8(%rax,%rcx,4)", (struct usdt_arg){USDT_MEMORY, 8, false, 0, 0, 1, 4, 8});
	expect_arg("8@(%rax,%rcx)", (struct usdt_arg){USDT_MEMORY, 8, false, 0, 0, 1, 1, 0});
	expect_arg("8@64(,%rcx,8)", (struct usdt_arg){USDT_MEMORY, 8, false, NONE, 0, 1, 8, 64});
	expect_arg("8@$524288", CONST(8, 524288));
	expect_arg("-4@$-1", CONST(4, -1, .is_signed = true));
	expect_arg("8@$0xffffffffffffffff", CONST(8, -1));
	expect_arg("-8@$-9223372036854775808", CONST(8, INT64_MIN, .is_signed = true));
}

static void bad_arguments(void **state)
{
	static const char *const bad[] = {
		"", "8@", "8", "@%rax", "3@%rax", "16@%xmm0", "8@%xmm0", "8@%eax", "8@%rip", "8@16(%rip)",
		"8@size(%rip)", "8@size", "8@$size", "8@$", "8@$18446744073709551616", "8@%rax,", "8@%raxx",
		"8@%", "8@()", "8@(%eax)",
		"8@(%rax", "8@(%rax,%rsp)", "8@(%rax,%rcx,3)", "8@(%rax,%rcx,)", "-9223372036854775808@%rax",
		"99999999999999999999@%rax", "8@--1(%rax)", "8@1 (%rax)", "8@%rax%rbx", "8@%fs:16(%rax)",
	};
	struct usdt_arg a[USDT_ARGS];
	const char *why;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		if (usdt_parse(bad[i], a, 1, &why))
			fail_msg("taken: %s", bad[i]);
		assert_non_null(why);
	}
	assert_true(usdt_parse("8@%rax 8@-8(%rbp)   8@$5 and more", a, 3, &why));
	assert_int_equal(a[2].value, 5);
	assert_false(usdt_parse("8@%rax 8@%rbx", a, 3, &why));
	assert_string_equal(why, "too few arguments");
}

/* NOTE() is a probe; HERE() one of otel_memory, at the label 9 of its code. */
#define CODE(nop, how) \
	"asm(\".section .probes,\\\"aw\\\",@progbits\\n.balign 2\\ncounter_of_it: .short 0\\n.text\\n\");\n" \
	"#define HERE(code) AT(code, \"otel_memory\", \"alloc\", \"8@%rdi 8@%rsi 8@%rdx\")\n" \
	"#define NOTE(provider, name, args) AT(\"9: " nop "\", provider, name, args)\n" \
	"#define AT(code, provider, name, args) \\\n" \
	"asm volatile(code \"\\n.pushsection .note.stapsdt,\\\"\\\",@note\\n\" \\\n" \
	"\".balign 4\\n.long 8, 2f - 1f, 3\\n\" \\\n" \
	"\".asciz \\\"stapsdt\\\"\\n1: .quad 9b, 0, counter_of_it\\n\" \\\n" \
	"\".asciz \\\"\" provider \"\\\", \\\"\" name \"\\\", " \
	"\\\"\" args \"\\\"\\n\" \\\n" \
	"\"2: .balign 4\\n.popsection\\n\")\n" \
	"void other(void) { NOTE(\"other\", \"alloc\", \"8@%rax 8@%rax 8@%rax\"); }\n" \
	"__attribute__((noipa)) void callee(void) { }\n" \
	"void one(void) { " how "NOTE(\"otel_memory\", \"alloc\", \"8@%rdi 8@%rsi 8@$4096\"); }\n" \
	"void two(void) { " how "NOTE(\"otel_memory\", \"free\", \"8@%rdi\"); }\n"

static struct plan *plan_of(const char *source, unsigned int flags)
{
	struct elf_file *ef;
	struct plan *plan;
	int fd;

	write_text("usdt.c", source);
	sh("cc -O2 -shared -fPIC -o usdt.so usdt.c");
	fd = open("usdt.so", O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_file_open(fd, "usdt.so", &ef), 0);
	assert_int_equal(plan_make(ef, "usdt.so", flags, &plan), 0);
	elf_file_close(ef);
	close(fd);
	return plan;
}

static void plans(void **state)
{
	struct plan *plan = plan_of(CODE("nop", ""), PLAN_USDT | PLAN_BLOCKS | PLAN_NOPS);

	assert_int_equal(plan->n_probes, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(plan->probes[i].usdt);
		assert_true(plan->probes[i].semaphore > 0 && plan->probes[i].file_offset > 0);
		assert_int_equal(plan->probes[i].site.cost, SITE_EMULATED);
		assert_string_equal(plan->probes[i].name, i ? "otel_memory:free" : "otel_memory:alloc");
		assert_int_equal(plan->probes[i].frees, i);
	}
	assert_int_equal(plan->probes[0].usdt_args[2].value, 4096);
	assert_false(plan->usdt_unfit);
	plan_free(plan);

	plan = plan_of(CODE("nop", ""), PLAN_USDT);
	assert_int_equal(plan->n_probes, 1);
	plan_free(plan);
	plan = plan_of(CODE("nop", ""), PLAN_BLOCKS);
	assert_int_equal(plan->n_probes, 0);
	plan_free(plan);
}

/* Of an allocator of its own nothing else is probed; one that passes on to another's keeps its probes. */
static void alone(void **state)
{
	static const char own[] = CODE("nop", "")
		"static char room[1 << 20];\n"
		"static unsigned long used;\n"
		"void *malloc(unsigned long n) { void *p = room + used; used += n + 15 & -16ul; one(); return p; }\n"
		"void free(void *p) { two(); }\n";
	static const char passes[] = CODE("nop", "")
		"extern void *__libc_malloc(unsigned long n);\n"
		"void *malloc(unsigned long n) { void *p = __libc_malloc(n); one(); return p; }\n";
	struct plan *plan = plan_of(own, PLAN_USDT | PLAN_USDT_ALONE | PLAN_NOPS);
	bool skipped = false;

	assert_int_equal(plan->n_probes, 1);
	assert_true(plan->probes[0].usdt && plan->probes[0].usdt_alone);
	for (size_t i = 0; i < plan->n_skips; i++)
		skipped |= !strcmp(plan->skips[i].name, "malloc") && plan->skips[i].size;
	assert_true(skipped);
	plan_free(plan);

	plan = plan_of(own, PLAN_USDT | PLAN_NOPS);
	assert_int_equal(plan->n_probes, 2);
	plan_free(plan);

	plan = plan_of(passes, PLAN_USDT | PLAN_USDT_ALONE | PLAN_NOPS);
	assert_int_equal(plan->n_probes, 2);
	for (size_t i = 0; i < plan->n_probes; i++)
		assert_false(plan->probes[i].usdt_alone);
	plan_free(plan);
}

/* What the kernel makes a call of must not be in a function that calls none. */
static void long_nops(void **state)
{
	static const char leaf[] = CODE(".byte 0x0f,0x1f,0x44,0,0", ""),
			  calls[] = CODE(".byte 0x0f,0x1f,0x44,0,0", "callee(); ");
	struct plan *plan = plan_of(leaf, PLAN_USDT | PLAN_NOPS);

	assert_int_equal(plan->n_probes, 0);
	assert_true(plan->usdt_unfit);
	assert_non_null(strstr(plan->skips[0].why, "red zone"));
	plan_free(plan);

	plan = plan_of(leaf, PLAN_USDT);
	assert_int_equal(plan->n_probes, 1);
	assert_int_equal(plan->probes[0].site.cost, SITE_STEPPED);
	plan_free(plan);

	plan = plan_of(calls, PLAN_USDT | PLAN_NOPS | PLAN_BLOCKS);
	assert_int_equal(plan->n_probes, 2);
	assert_int_equal(plan->probes[0].site.cost, SITE_EMULATED);
	plan_free(plan);
}

/* One place that can't be probed, and none is: a part of the samples stands for too little. */
static void unfit(void **state)
{
	static const char *const reasons[] = {"no nop", "an argument at a symbol"};
	const char *const sources[] = {
		CODE("nop", "") "void three(void) { HERE(\"nop\\n9: ret\"); }\n",
		CODE("nop", "") "void three(void) { NOTE(\"otel_memory\", \"alloc\", \"8@%rdi 8@size(%rip) 8@0\"); }\n",
	};

	for (size_t i = 0; i < 2; i++) {
		struct plan *plan = plan_of(sources[i], PLAN_USDT);

		assert_int_equal(plan->n_probes, 0);
		assert_true(plan->usdt_unfit);
		assert_int_equal(plan->n_skips, 1);
		assert_non_null(strstr(plan->skips[0].why, reasons[i]));
		plan_free(plan);
	}
}

/* Notes that reach past their section, of other types and owners, without their texts' ends. */
static void damaged(void **state)
{
	static const struct {
		const char *note;
		int err;
		size_t n;
	} cases[] = {
		{".long 8, 0xfffffff0, 3; .asciz \"stapsdt\"", -ENOEXEC, 0},
		{".long 0xffffffff, 8, 3; .asciz \"stapsdt\"", -ENOEXEC, 0},
		{".long 8, 16, 3; .asciz \"stapsdt\"; .quad 1, 2", 0, 0},
		{".long 8, 24, 3; .asciz \"stapsdt\"; .quad 1, 2, 3", 0, 0},
		{".long 8, 36, 3; .asciz \"stapsdt\"; .quad 1, 2, 3; .ascii \"otel_memory\\0\"", 0, 0},
		{".long 8, 44, 3; .asciz \"stapsdt\"; .quad 1, 2, 3; .ascii \"otel_memory\\0alloc\\0xx\"", 0, 0},
		{".long 8, 44, 4; .asciz \"stapsdt\"; .quad 1, 2, 3; .ascii \"otel_memory\\0alloc\\0x\\0\"", 0, 0},
		{".long 8, 44, 3; .asciz \"stapsdx\"; .quad 1, 2, 3; .ascii \"otel_memory\\0alloc\\0x\\0\"", 0, 0},
		{".long 8, 44, 3; .asciz \"stapsdt\"; .quad 1, 2, 3; .ascii \"otel_memory\\0alloc\\0x\\0\"", 0, 1},
		{".long 8, 44, 3; .asciz \"stapsdt\"; .quad 1, 2, 3; .ascii \"otel_memory\\0alloc\\0x\\0\"; .long 8",
		 0, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct usdt_sites sites;
		struct elf_file *ef;
		FILE *f = fopen("note.s", "w");
		int fd;

		fprintf(f, ".section .note.stapsdt,\"\",@note\n%s\n", cases[i].note);
		fclose(f);
		sh("cc -c -o note.o note.s");
		fd = open("note.o", O_RDONLY | O_CLOEXEC);
		assert_int_equal(elf_file_open(fd, "note.o", &ef), 0);
		assert_int_equal(usdt_read(ef, "otel_memory", 8, &sites), cases[i].err);
		assert_int_equal(sites.n, cases[i].n);
		if (sites.n)
			assert_int_equal(sites.at[0].semaphore, 3);
		usdt_free(&sites);
		elf_file_close(ef);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments), cmocka_unit_test(bad_arguments), cmocka_unit_test(plans),
		cmocka_unit_test(alone), cmocka_unit_test(long_nops), cmocka_unit_test(unfit),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, elftest_setup, elftest_teardown);
}
