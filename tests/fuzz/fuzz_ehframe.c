/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The .eh_frame parser on arbitrary bytes: a whole ELF file if they begin like one, otherwise
 *
 *     | u64 vaddr of the section | u64 start of the code | u32 its size | u8 flags | .eh_frame |
 *
 * Whatever comes out must be a table that the lookup and the step can trust.
 *
 *     make fuzz && tests/fuzz/run fuzz_ehframe -max_total_time=300
 *
 * With -DFUZZ_MAIN and without -fsanitize=fuzzer it is a program that runs the files it is given.
 */
#include "elf/ehframe.h"
#include "model/unwind.h"

#include "fuzz.h"

#define ROWS_MAX 100000
#define HEADER 21

/* A stack whose words are what their address says. */
static bool read_stack(void *ctx, uint64_t addr, uint64_t *value)
{
	(void)ctx;
	*value = addr * 0x9e3779b97f4a7c15;
	return !(*value & 1);
}

static void check_row(const struct unwind_table *t, size_t i)
{
	const struct unwind_row *row = &t->rows[i];
	struct unwind_regs regs = {
		.pc = t->base + row->pc, .sp = 0x7fff0000, .fp = 0x7fff8000, .fp_known = i & 1,
	};
	unsigned int cfa = row->kind & 15, rbp = row->kind >> 4;

	require(cfa < UNWIND_CFA_KINDS);
	require(cfa == UNWIND_CFA_WIDE || rbp < UNWIND_FP_KINDS);
	require((cfa != UNWIND_CFA_GAP && cfa <= UNWIND_CFA_PLT) || cfa == UNWIND_CFA_REGISTER ||
		cfa == UNWIND_CFA_WIDE || (!rbp && !row->fp_off));
	require(cfa != UNWIND_CFA_WIDE || unwind_row_wide(row) < t->n_wide);
	require(cfa != UNWIND_CFA_UNSUPPORTED || (row->cfa_off >= 0 && row->cfa_off < UNWIND_WHYS));
	require(cfa != UNWIND_CFA_PLT || (row->cfa_off >= 0 && row->cfa_off < 16));
	require(!i || row->pc > row[-1].pc);
	require(!i || memcmp((const char *)row + 4, (const char *)row - 4, 4) != 0);
	require(unwind_table_at(t, regs.pc) == (cfa == UNWIND_CFA_GAP ? NULL : row));
	unwind_step(row, cfa == UNWIND_CFA_WIDE ? &t->wide[unwind_row_wide(row)] : NULL, &regs, read_stack, NULL);
}

static void check_table(const struct unwind_table *t, size_t max_rows)
{
	struct unwind_bytes bytes;
	size_t skipped = 0;

	require(t->n <= max_rows);
	require(t->n == 0 || t->rows[t->n - 1].kind == UNWIND_CFA_GAP);
	require(t->n == 0 || t->rows[0].kind != UNWIND_CFA_GAP);
	for (size_t i = 0; i < t->n; i++)
		check_row(t, i);
	for (size_t i = 0; i < UNWIND_SKIPS; i++)
		skipped += t->stats.skipped[i];
	require(skipped <= t->stats.fdes);
	require((t->n == 0) == (skipped == t->stats.fdes));
	require(t->stats.bad_cies <= t->stats.cies);
	unwind_table_count_bytes(t, &bytes);
}

static void parse_raw(const uint8_t *data, size_t size, size_t max_rows)
{
	struct unwind_table *t = NULL;
	struct eh_frame eh = { .n_text = 1 };
	struct eh_text text[2];
	uint32_t text_size;

	if (size < HEADER)
		return;
	memcpy(&eh.vaddr, data, 8);
	memcpy(&text[0].start, data + 8, 8);
	memcpy(&text_size, data + 16, 4);
	if (!text_size || __builtin_add_overflow(text[0].start, text_size, &text[0].end))
		return;
	if ((data[20] & 2) && text_size > 100) {	/* a hole in the middle */
		text[1].end = text[0].end;
		text[0].end = text[0].start + text_size / 2;
		text[1].start = text[0].end + 1;
		eh.n_text = 2;
	}
	eh.open_end = data[20] & 1;
	eh.is_debug = data[20] & 4;
	eh.text = text;
	/* A copy of its own, so that a byte too far is seen. */
	eh.size = size - HEADER;
	eh.data = memcpy(malloc(eh.size + !eh.size), data + HEADER, eh.size);
	if (unwind_table_parse(&eh, max_rows, &t) == 0)
		check_table(t, max_rows);
	unwind_table_free(t);
	free((void *)eh.data);
}

static void parse_file(const uint8_t *data, size_t size)
{
	struct unwind_table *t = NULL;
	struct elf_file *ef = NULL;

	if (elf_file_open_memory(data, size, "fuzz", &ef) != 0)
		return;
	if (unwind_table_load(ef, ROWS_MAX, &t) == 0)
		check_table(t, ROWS_MAX);
	unwind_table_free(t);
	elf_file_close(ef);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 4 && memcmp(data, "\x7f" "ELF", 4) == 0)
		parse_file(data, size);
	else
		parse_raw(data, size, size > 20 && (data[20] & 4) ? 7 : ROWS_MAX);
	return 0;
}

#ifdef FUZZ_MAIN
static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0) {
		perror(path);
		return 1;
	}
	data = malloc((size_t)size + 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
		fprintf(stderr, "%s: cannot read it\n", path);
		return 1;
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int err = 0;

	for (int i = 1; i < argc; i++)
		err |= run_file(argv[i]);
	return err;
}
#endif
