/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwind rules of many files, and how many of them tables hold, in rows and in bytes of code.
 *
 * usage: census < LIST-OF-PATHS        (make census FILES='/usr/lib /usr/bin')
 * On stdout: a line for each kind of rule; the share that is held. Files that are no programs or libraries of x86-64
 * are left out. -v: each file that has a rule which is not held.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/ehframe.h"

#define MAX_ROWS 50000000

struct tally {
	uint64_t rows, bytes;
};

static struct {
	size_t files, damaged;
	struct tally cfa[UNWIND_CFA_KINDS], why[UNWIND_WHYS], reg[UNWIND_REGS];
	/* Of the wide ones; what makes them so. */
	struct tally large, ra, sp, other_fp, other_cfa;
} all;

static const char *const cfa_names[UNWIND_CFA_KINDS] = {
	[UNWIND_CFA_GAP] = "none",
	[UNWIND_CFA_SP] = "rsp + n",
	[UNWIND_CFA_FP] = "rbp + n",
	[UNWIND_CFA_FP_MEM] = "*(rbp + n) + m",
	[UNWIND_CFA_SP_MEM] = "*(rsp + n) + m",
	[UNWIND_CFA_PLT] = "lazy PLT",
	[UNWIND_CFA_SIGNAL] = "signal frame",
	[UNWIND_CFA_STOP] = "outermost frame",
	[UNWIND_CFA_UNSUPPORTED] = "not held",
	[UNWIND_CFA_REGISTER] = "another register + n",
	[UNWIND_CFA_WIDE] = "wide",
};

static const char *const why_names[UNWIND_WHYS] = {
	[UNWIND_WHY_EXPRESSION] = "not held: CFA expression",
	[UNWIND_WHY_OFFSET] = "not held: offset",
	[UNWIND_WHY_RETURN] = "not held: return address",
	[UNWIND_WHY_SP] = "not held: rsp",
	[UNWIND_WHY_NO_CFA] = "not held: no CFA",
	[UNWIND_WHY_PROGRAM] = "not held: damaged program",
};

static void add(struct tally *t, uint32_t bytes)
{
	t->rows++;
	t->bytes += bytes;
}

static void add_wide(const struct unwind_wide *w, uint32_t bytes)
{
	if (w->ra.how != UNWIND_AT_CFA || w->ra.off != -8)
		add(&all.ra, bytes);
	else if (w->sp.how != UNWIND_CFA_PLUS || w->sp.off != 0)
		add(&all.sp, bytes);
	else if (w->cfa.how == UNWIND_REG_PLUS && (w->cfa.off < -262144 || w->cfa.off > 262136))
		add(&all.large, bytes);
	else if (w->fp.how != UNWIND_SAME && w->fp.how != UNWIND_AT_CFA)
		add(&all.other_fp, bytes);
	else
		add(&all.other_cfa, bytes);
}

static void add_row(const struct unwind_table *t, const struct unwind_row *row)
{
	const uint32_t bytes = row[1].pc - row->pc;
	const unsigned int kind = row->kind & 15;

	add(&all.cfa[kind], bytes);
	if (kind == UNWIND_CFA_UNSUPPORTED)
		add(&all.why[row->cfa_off], bytes);
	else if (kind == UNWIND_CFA_REGISTER)
		add(&all.reg[UNWIND_REGISTER_OF(row->cfa_off)], bytes);
	else if (kind == UNWIND_CFA_WIDE)
		add_wide(&t->wide[unwind_row_wide(row)], bytes);
}

static void add_file(const char *path, bool verbose)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct unwind_table *t = NULL;
	struct elf_file *ef = NULL;
	uint64_t before = all.cfa[UNWIND_CFA_UNSUPPORTED].rows;

	if (fd < 0)
		return;
	if (!elf_file_open(fd, path, &ef) && !unwind_table_load(ef, MAX_ROWS, &t)) {
		all.files++;
		all.damaged += t->stats.bad_cies || t->stats.bad_programs || t->stats.truncated;
		for (size_t i = 0; i + 1 < t->n; i++)
			add_row(t, &t->rows[i]);
		if (verbose && all.cfa[UNWIND_CFA_UNSUPPORTED].rows > before)
			printf("%s: %llu rows are not held\n", path,
			       (unsigned long long)(all.cfa[UNWIND_CFA_UNSUPPORTED].rows - before));
	}
	unwind_table_free(t);
	elf_file_close(ef);
	close(fd);
}

static void show(const char *name, const struct tally *t)
{
	if (t->rows)
		printf("%12llu rows %14llu bytes  %s\n", (unsigned long long)t->rows, (unsigned long long)t->bytes,
			name);
}

int main(int argc, char **argv)
{
	static const char *const regs[UNWIND_REGS] = {
		"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
		"r15",
	};
	const bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	struct tally sum = {0}, lost;
	char path[4096], name[64];

	while (fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		add_file(path, verbose);
	}
	for (size_t i = 0; i < UNWIND_CFA_KINDS; i++) {
		show(cfa_names[i], &all.cfa[i]);
		sum.rows += i == UNWIND_CFA_GAP ? 0 : all.cfa[i].rows;
		sum.bytes += i == UNWIND_CFA_GAP ? 0 : all.cfa[i].bytes;
	}
	for (size_t i = 0; i < UNWIND_REGS; i++) {
		snprintf(name, sizeof(name), "another register: %s", regs[i]);
		show(name, &all.reg[i]);
	}
	show("wide: large frame", &all.large);
	show("wide: return address", &all.ra);
	show("wide: rsp", &all.sp);
	show("wide: rbp", &all.other_fp);
	show("wide: CFA", &all.other_cfa);
	for (size_t i = 0; i < UNWIND_WHYS; i++)
		show(why_names[i], &all.why[i]);
	lost = all.cfa[UNWIND_CFA_UNSUPPORTED];
	if (!sum.rows)
		return 1;
	printf("%zu files, %zu with damaged parts; held: %.4f %% of rows, %.4f %% of bytes\n", all.files, all.damaged,
	       100 - 100.0 * (double)lost.rows / (double)sum.rows,
		100 - 100.0 * (double)lost.bytes / (double)sum.bytes);
	/* One in ten thousand. */
	return lost.rows * 10000 > sum.rows;
}
