/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps by hand-made rows, and this process's own stack, which libgcc's unwinder walks too. */
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf/ehframe.h"
#include "model/unwind.h"

#define RSP 0x1000u
#define RBP 0x1100u

/* Memory of which each word is its address plus one million, except from 0x2000 on, where there is none. */
static bool read_word(void *ctx, uint64_t addr, uint64_t *value)
{
	(void)ctx;
	if (addr >= 0x2000)
		return false;
	*value = addr + 1000000;
	return true;
}

static enum unwind_result step(unsigned int cfa, int cfa_off, unsigned int rbp, int fp_off, struct unwind_regs *regs)
{
	const struct unwind_row row = {
		.kind = (uint8_t)(cfa | rbp << 4), .cfa_off = (int16_t)cfa_off, .fp_off = (int8_t)fp_off,
	};

	*regs = (struct unwind_regs){ .pc = 0x40000b, .sp = RSP, .fp = RBP, .fp_known = true, .pc_exact = true };
	return unwind_step(&row, NULL, regs, read_word, NULL);
}

static void assert_regs(const struct unwind_regs *regs, uint64_t rip, uint64_t rsp, uint64_t rbp)
{
	assert_int_equal(regs->pc, rip);
	assert_int_equal(regs->sp, rsp);
	assert_int_equal(regs->fp, rbp);
	assert_true(regs->fp_known);
}

static void each_cfa_rule(void **state)
{
	struct unwind_regs regs;

	assert_int_equal(step(UNWIND_CFA_SP, 2, UNWIND_FP_SAME, 0, &regs), UNWIND_OK);
	assert_regs(&regs, RSP + 8 + 1000000, RSP + 16, RBP);
	assert_false(regs.pc_exact);
	assert_int_equal(step(UNWIND_CFA_FP, 2, UNWIND_FP_CFA, -2, &regs), UNWIND_OK);
	assert_regs(&regs, RBP + 8 + 1000000, RBP + 16, RBP + 1000000);
	assert_int_equal(step(UNWIND_CFA_PLT, 12, UNWIND_FP_SAME, 0, &regs), UNWIND_OK);
	assert_regs(&regs, RSP + 1000000, RSP + 8, RBP);
	assert_int_equal(step(UNWIND_CFA_PLT, 11, UNWIND_FP_SAME, 0, &regs), UNWIND_OK);
	assert_regs(&regs, RSP + 8 + 1000000, RSP + 16, RBP);
	/* The return address is at what was read, less 8: there is nothing there. */
	assert_int_equal(step(UNWIND_CFA_FP_MEM, -32, UNWIND_FP_FP, 0, &regs), UNWIND_UNREADABLE);
	assert_regs(&regs, 0x40000b, RSP, RBP);
}

/* A realigned stack: rbp - 8 has the CFA, rbp the caller's rbp. */
static bool read_realigned(void *ctx, uint64_t addr, uint64_t *value)
{
	(void)ctx;
	*value = addr == RBP - 8 ? RBP + 0x100 : addr == RBP ? 77 : addr == RSP + 32 ? RSP + 0x200 : addr;
	return true;
}

static void rules_that_read_the_cfa(void **state)
{
	struct unwind_regs regs = { .sp = RSP, .fp = RBP, .fp_known = true };
	struct unwind_row row = { .kind = UNWIND_CFA_FP_MEM | UNWIND_FP_FP << 4, .cfa_off = -32 };

	assert_int_equal(unwind_step(&row, NULL, &regs, read_realigned, NULL), UNWIND_OK);
	assert_regs(&regs, RBP + 0xf8, RBP + 0x100, 77);
	regs = (struct unwind_regs){ .sp = RSP, .fp = RBP, .fp_known = true };
	row = (struct unwind_row){ .kind = UNWIND_CFA_SP_MEM, .cfa_off = 4 * 32 + 1 };
	assert_int_equal(unwind_step(&row, NULL, &regs, read_realigned, NULL), UNWIND_OK);
	assert_regs(&regs, RSP + 0x200, RSP + 0x208, RBP);
}

static void each_way_to_end(void **state)
{
	struct unwind_regs regs;

	assert_int_equal(step(UNWIND_CFA_STOP, 0, 0, 0, &regs), UNWIND_END);
	assert_int_equal(step(UNWIND_CFA_GAP, 0, 0, 0, &regs), UNWIND_NO_ROW);
	assert_int_equal(unwind_step(NULL, NULL, &regs, read_word, NULL), UNWIND_NO_ROW);
	assert_int_equal(step(UNWIND_CFA_UNSUPPORTED, 0, 0, 0, &regs), UNWIND_UNSUPPORTED);
	assert_int_equal(step(UNWIND_CFA_REGISTER, UNWIND_REGISTER(10, 0), 0, 0, &regs), UNWIND_UNSUPPORTED);
	assert_int_equal(step(UNWIND_CFA_WIDE, 0, 0, 0, &regs), UNWIND_UNSUPPORTED);
	assert_int_equal(step(UNWIND_CFA_SP, 0, 0, 0, &regs), UNWIND_STUCK);
	assert_int_equal(step(UNWIND_CFA_SP, -1, 0, 0, &regs), UNWIND_STUCK);
	assert_int_equal(step(UNWIND_CFA_SP, 0x400, 0, 0, &regs), UNWIND_UNREADABLE);
	/* There is no link register. */
	assert_int_equal(step(UNWIND_CFA_SP | UNWIND_RA_LINK << 7, 2, 0, 0, &regs), UNWIND_UNSUPPORTED);
	assert_regs(&regs, 0x40000b, RSP, RBP);
}

static void a_lost_rbp_matters_only_when_it_is_needed(void **state)
{
	const struct unwind_row by_rsp = { .kind = UNWIND_CFA_SP, .cfa_off = 1 };
	const struct unwind_row by_rbp = { .kind = UNWIND_CFA_FP, .cfa_off = 2 };
	const struct unwind_row restores = {
		.kind = UNWIND_CFA_SP | UNWIND_FP_CFA << 4, .cfa_off = 2, .fp_off = -2,
	};
	struct unwind_regs regs;

	assert_int_equal(step(UNWIND_CFA_SP, 1, UNWIND_FP_UNDEFINED, 0, &regs), UNWIND_OK);
	assert_false(regs.fp_known);
	assert_int_equal(unwind_step(&by_rsp, NULL, &regs, read_word, NULL), UNWIND_OK);
	assert_false(regs.fp_known);
	assert_int_equal(unwind_step(&by_rbp, NULL, &regs, read_word, NULL), UNWIND_UNSUPPORTED);
	assert_int_equal(unwind_step(&restores, NULL, &regs, read_word, NULL), UNWIND_OK);
	assert_true(regs.fp_known);
	assert_int_equal(step(UNWIND_CFA_SP, 1, UNWIND_FP_UNSUPPORTED, 0, &regs), UNWIND_OK);
	assert_false(regs.fp_known);
}

#define DWARF_RBX 3
#define SIGNAL_REGS 0x700000u	/* where registers are of a frame that a signal has interrupted: rbx and r12 alone */

static bool read_interrupted(void *ctx, uint64_t addr, uint64_t *value)
{
	if (addr != SIGNAL_REGS + 128 && addr != SIGNAL_REGS + 72)
		return addr < SIGNAL_REGS && read_word(ctx, addr, value);
	*value = addr == SIGNAL_REGS + 128 ? RSP + 0x300 : 0xabcdef;
	return true;
}

/* Words are their address plus one million: what is read leads to no stack, so nothing is read but where it is said. */
static enum unwind_result step_wide(struct unwind_wide wide, struct unwind_regs *regs)
{
	const struct unwind_row row = { .kind = UNWIND_CFA_WIDE };

	*regs = (struct unwind_regs){ .pc = 0x40000b, .sp = RSP, .fp = RBP, .fp_known = true, .pc_exact = true };
	regs->signal_regs = SIGNAL_REGS;
	return unwind_step(&row, &wide, regs, read_interrupted, NULL);
}

#define AT_CFA(o) { .how = UNWIND_AT_CFA, .off = (o) }
#define CFA_PLUS(o) { .how = UNWIND_CFA_PLUS, .off = (o) }
#define AT_REG(r, o) { .how = UNWIND_AT_REG, .reg = (r), .off = (o) }
#define REG_PLUS(r, o) { .how = UNWIND_REG_PLUS, .reg = (r), .off = (o) }
#define WIDE(...) ((struct unwind_wide){ __VA_ARGS__ })

static void wide_rules(void **state)
{
	struct unwind_place same = { .how = UNWIND_SAME }, lost = { .how = UNWIND_LOST };
	struct unwind_regs regs;

	assert_int_equal(step_wide(WIDE(REG_PLUS(7, 0x500), AT_CFA(-16), CFA_PLUS(0), AT_CFA(-24)), &regs), UNWIND_OK);
	assert_regs(&regs, RSP + 0x500 - 16 + 1000000, RSP + 0x500, RSP + 0x500 - 24 + 1000000);
	assert_int_equal(step_wide(WIDE(REG_PLUS(3, 8), AT_CFA(-8), CFA_PLUS(16), same), &regs), UNWIND_OK);
	assert_regs(&regs, RSP + 0x300 + 1000000, RSP + 0x308 + 16, RBP);
	/* Return address and rbp in registers. */
	assert_int_equal(step_wide(WIDE(REG_PLUS(7, 8), REG_PLUS(12, 0), CFA_PLUS(0), REG_PLUS(3, 0)), &regs),
		UNWIND_OK);
	assert_regs(&regs, 0xabcdef, RSP + 8, RSP + 0x300);
	/* The caller's rsp in a register, or saved. */
	assert_int_equal(step_wide(WIDE(REG_PLUS(7, 8), AT_CFA(-8), REG_PLUS(3, 0), same), &regs), UNWIND_OK);
	assert_regs(&regs, RSP + 1000000, RSP + 0x300, RBP);
	assert_int_equal(step_wide(WIDE(REG_PLUS(7, 8), AT_CFA(-8), AT_REG(6, 8), same), &regs), UNWIND_OK);
	assert_regs(&regs, RSP + 1000000, RBP + 8 + 1000000, RBP);
	assert_int_equal(step_wide(WIDE(REG_PLUS(7, 8), AT_CFA(-8), CFA_PLUS(0), lost), &regs), UNWIND_OK);
	assert_false(regs.fp_known);
	assert_int_equal(step_wide(WIDE(REG_PLUS(13, 8), AT_CFA(-8), CFA_PLUS(0), same), &regs), UNWIND_UNREADABLE);
	/* That no signal has interrupted. */
	regs.signal_regs = 0;
	assert_int_equal(unwind_step(&(struct unwind_row){ .kind = UNWIND_CFA_WIDE },
				     &WIDE(REG_PLUS(7, 8), REG_PLUS(14, 0), CFA_PLUS(0), same), &regs,
				     read_interrupted, NULL), UNWIND_UNSUPPORTED);
	assert_int_equal(unwind_step(&(struct unwind_row){ .kind = UNWIND_CFA_WIDE },
				     &WIDE(REG_PLUS(13, 8), AT_CFA(-8), CFA_PLUS(0), same), &regs,
				     read_interrupted, NULL), UNWIND_UNSUPPORTED);
	assert_int_equal(step_wide(WIDE(REG_PLUS(7, 0x2000), AT_CFA(-8), CFA_PLUS(0), same), &regs), UNWIND_UNREADABLE);
	assert_regs(&regs, 0x40000b, RSP, RBP);
}

/* Up and down between two stacks, by rbp: `other` is where the lower one's next frame is. */
static bool read_switch(void *ctx, uint64_t addr, uint64_t *value)
{
	const uint64_t *other = ctx;

	*value = addr % 16 == 0 ? *other : 0x400000;
	return true;
}

static void a_lower_stack_is_gone_to_by_another_register_only(void **state)
{
	const struct unwind_row by_rsp = { .kind = UNWIND_CFA_SP, .cfa_off = -1 };
	const struct unwind_row by_rbp = { .kind = UNWIND_CFA_FP | UNWIND_FP_CFA << 4, .cfa_off = 2, .fp_off = -2 };
	struct unwind_regs regs = { .sp = 0x9000, .fp = 0x2000, .fp_known = true };
	uint64_t other = 0x8000;
	unsigned int steps = 0;

	assert_int_equal(unwind_step(&by_rsp, NULL, &regs, read_switch, &other), UNWIND_STUCK);
	assert_int_equal(unwind_step(&by_rbp, NULL, &regs, read_switch, &other), UNWIND_OK);
	assert_int_equal(regs.sp, 0x2010);
	assert_int_equal(unwind_step(&by_rbp, NULL, &regs, read_switch, &other), UNWIND_OK);
	assert_int_equal(regs.sp, 0x8010);
	/* Back to where it was: it goes round. */
	other = 0x2000;
	assert_int_equal(unwind_step(&by_rbp, NULL, &regs, read_switch, &other), UNWIND_STUCK);
	/* Lower and lower: so many stacks has nobody. */
	regs = (struct unwind_regs){ .sp = 0x90000, .fp = 0x80000, .fp_known = true };
	for (other = 0x70000; unwind_step(&by_rbp, NULL, &regs, read_switch, &other) == UNWIND_OK; other -= 0x1000)
		steps++;
	assert_int_equal(steps, UNWIND_TURNS_MAX);
}

/* As read_word(), without an end. */
static bool read_high(void *ctx, uint64_t addr, uint64_t *value)
{
	(void)ctx;
	*value = addr + 1000000;
	return true;
}

static void a_signal_frame_has_all_registers(void **state)
{
	const struct unwind_row by_rbx = { .kind = UNWIND_CFA_REGISTER, .cfa_off = UNWIND_REGISTER(DWARF_RBX, 0) };
	const struct unwind_row by_r15 = { .kind = UNWIND_CFA_REGISTER, .cfa_off = UNWIND_REGISTER(15, 0) };
	struct unwind_regs regs;

	assert_int_equal(step(UNWIND_CFA_SIGNAL, 0, 0, 0, &regs), UNWIND_OK);
	assert_regs(&regs, RSP + 168 + 1000000, RSP + 160 + 1000000, RSP + 120 + 1000000);
	assert_true(regs.pc_exact);
	assert_int_equal(regs.signal_regs, RSP);
	/* All of them: its CFA is by rbx, at +128, and by r15, at +96. */
	assert_int_equal(unwind_step(&by_rbx, NULL, &regs, read_high, NULL), UNWIND_OK);
	assert_int_equal(regs.sp, RSP + 128 + 1000000);
	step(UNWIND_CFA_SIGNAL, 0, 0, 0, &regs);
	assert_int_equal(unwind_step(&by_r15, NULL, &regs, read_high, NULL), UNWIND_OK);
	assert_int_equal(regs.sp, RSP + 96 + 1000000);
	assert_int_equal(regs.signal_regs, 0);
	step(UNWIND_CFA_SIGNAL, 0, 0, 0, &regs);
	assert_int_equal(unwind_lookup_pc(&regs), regs.pc);
	regs.pc_exact = false;
	assert_int_equal(unwind_lookup_pc(&regs), regs.pc - 1);
}

/* This process: its files' tables, and a walk. */
static struct {
	uint64_t bias, start, end;
	struct unwind_table *table;
} modules[32];
static size_t n_modules;

static int add_module(struct dl_phdr_info *info, size_t size, void *ctx)
{
	const char *name = *info->dlpi_name ? info->dlpi_name : "/proc/self/exe";
	struct elf_file *ef = NULL;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	(void)size;
	(void)ctx;
	if (fd < 0 || n_modules == 32)	/* the vDSO has no file */
		return 0;
	assert_int_equal(elf_file_open(fd, name, &ef), 0);
	modules[n_modules].bias = info->dlpi_addr;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		modules[n_modules].start = info->dlpi_addr + ph->p_vaddr;
		modules[n_modules].end = modules[n_modules].start + ph->p_memsz;
	}
	if (unwind_table_load(ef, 1000000, &modules[n_modules].table) == 0)
		n_modules++;
	elf_file_close(ef);
	close(fd);
	return 0;
}

static const struct unwind_row *row_at(uint64_t pc)
{
	for (size_t i = 0; i < n_modules; i++)
		if (pc >= modules[i].start && pc < modules[i].end)
			return unwind_table_at(modules[i].table, pc - modules[i].bias);
	return NULL;
}

static bool read_own(void *ctx, uint64_t addr, uint64_t *value)
{
	(void)ctx;
	memcpy(value, (const void *)(uintptr_t)addr, sizeof(*value));
	return true;
}

struct walk {
	void *ours[64], *theirs[64];
	size_t n_ours, n_theirs;
	enum unwind_result end;
};

__attribute__((noinline)) static void walk(struct walk *w)
{
	struct unwind_regs regs = { .fp_known = true, .pc_exact = true };
	ucontext_t here;

	w->n_theirs = (size_t)backtrace(w->theirs, 64);
	assert_int_equal(getcontext(&here), 0);
	regs.pc = (uint64_t)here.uc_mcontext.gregs[REG_RIP];
	regs.sp = (uint64_t)here.uc_mcontext.gregs[REG_RSP];
	regs.fp = (uint64_t)here.uc_mcontext.gregs[REG_RBP];
	w->end = UNWIND_OK;
	for (w->n_ours = 0; w->n_ours < 64 && w->end == UNWIND_OK; w->n_ours++) {
		w->ours[w->n_ours] = (void *)(uintptr_t)regs.pc;
		w->end = unwind_step(row_at(unwind_lookup_pc(&regs)), NULL, &regs, read_own, NULL);
	}
}

/* Both begin in walk(), at two places (theirs maybe in a sanitizer's backtrace()); from its caller on they must
 * agree. */
static void assert_same_walk(const struct walk *w)
{
	assert_int_equal(w->end, UNWIND_END);
	assert_true(w->n_ours > 4);
	assert_true(w->n_theirs >= w->n_ours);
	for (size_t i = 1; i < w->n_ours; i++)
		assert_ptr_equal(w->ours[i], w->theirs[i + w->n_theirs - w->n_ours]);
}

__attribute__((noinline)) static void walk_below_realigned(struct walk *w, size_t n)
{
	volatile char aligned[64] __attribute__((aligned(64)));
	volatile char *more = __builtin_alloca(n);

	aligned[n & 63] = more[n - 1] = 1;
	walk(w);
	more[n - 1] = aligned[n & 63];
}

static int compare_and_walk(const void *a, const void *b, void *w)
{
	walk_below_realigned(w, 100);
	return *(const int *)a - *(const int *)b;
}

static void own_stack_through_libc(void **state)
{
	static struct walk w;
	int two[] = { 2, 1 };

	qsort_r(two, 2, sizeof(two[0]), compare_and_walk, &w);
	assert_int_equal(two[0], 1);
	assert_same_walk(&w);
}

static struct walk in_handler;

static void handler(int sig)
{
	(void)sig;
	walk(&in_handler);
}

static void own_stack_through_a_signal(void **state)
{
	struct sigaction sa = { .sa_handler = handler };

	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_same_walk(&in_handler);
}

static void own_stack_from_another_one(void **state)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	static char memory[65536];
	stack_t other = { .ss_sp = memory, .ss_size = sizeof(memory) };

	assert_int_equal(sigaltstack(&other, NULL), 0);
	assert_int_equal(sigaction(SIGUSR2, &sa, NULL), 0);
	assert_int_equal(raise(SIGUSR2), 0);
	assert_same_walk(&in_handler);
}

static int load_modules(void **state)
{
	void *warm[2];

	(void)state;
	backtrace(warm, 2);	/* loads libgcc */
	dl_iterate_phdr(add_module, NULL);
	return 0;
}

static int free_modules(void **state)
{
	(void)state;
	while (n_modules)
		unwind_table_free(modules[--n_modules].table);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cfa_rule),
		cmocka_unit_test(rules_that_read_the_cfa),
		cmocka_unit_test(each_way_to_end),
		cmocka_unit_test(a_lost_rbp_matters_only_when_it_is_needed),
		cmocka_unit_test(wide_rules),
		cmocka_unit_test(a_lower_stack_is_gone_to_by_another_register_only),
		cmocka_unit_test(a_signal_frame_has_all_registers),
		cmocka_unit_test(own_stack_through_libc),
		cmocka_unit_test(own_stack_through_a_signal),
		cmocka_unit_test(own_stack_from_another_one),
	};

	return cmocka_run_group_tests_name("unwind", tests, load_modules, free_modules);
}
