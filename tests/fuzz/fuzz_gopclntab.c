/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of Go's .gopclntab and the rows made of it: on a whole ELF file if the bytes begin like one, otherwise on
 * a small program of one of the four layouts (tests/unit/gofile.h), of which some bytes are others:
 *
 *     | u8 layout, 4: position-independent, 8: without sections | { u16 offset from the table | u8 n | n bytes } … |
 *
 * What is found by search has to be what a look at every function finds, and each row what the function's table says.
 *
 *     make fuzz && tests/fuzz/run fuzz_gopclntab -max_total_time=300
 *
 * The short run: -runs=100000 -max_len=1024
 */
#include <errno.h>

#include "base/log.h"
#include "elf/ehframe.h"
#include "elf/gopclntab.h"
#include "elf/gorows.h"

#include "../unit/gofile.h"
#include "fuzz.h"

#define ROWS_MAX 2000
#define FUNCTIONS_MAX 64
#define PCS_MAX 64
#define FRAMES_MAX 16

/* All functions of a table, each read once; those that lie are left out. */
struct functions {
	struct go_function *at;
	size_t n;
	bool sorted;	/* each begins where the one before ends, and none lies */
};

static void read_functions(const struct gopclntab *g, struct functions *all)
{
	const size_t n = gopclntab_count(g);
	uint64_t end = 0;

	*all = (struct functions){ .at = calloc(n + 1, sizeof(*all->at)), .sorted = true };
	require(all->at);
	for (size_t i = 0; i < n; i++) {
		struct go_function *f = &all->at[all->n];

		if (!gopclntab_function(g, i, f)) {
			all->sorted = false;
			continue;
		}
		all->sorted &= !i || f->entry == end;
		end = f->end;
		all->n++;
	}
}

/* The first function that has the pc, one by one; NULL: there is none. */
static const struct go_function *find_slowly(const struct functions *all, uint64_t pc)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].entry <= pc && pc < all->at[i].end)
			return &all->at[i];
	return NULL;
}

static void check_frames(const struct gopclntab *g, uint64_t pc, const struct functions *all)
{
	struct go_frame frames[FRAMES_MAX], fewer[1];
	const struct go_function *slow;
	struct go_function f;
	const bool found = gopclntab_find(g, pc, &f);
	const size_t n = gopclntab_frames(g, pc, frames, FRAMES_MAX);

	require(n <= FRAMES_MAX && found == (n > 0));
	if (all->sorted) {
		slow = find_slowly(all, pc);
		require(found == (slow != NULL));
		require(!found || f.index == slow->index);
	}
	for (size_t i = 0; i < n; i++) {
		require(strlen(frames[i].function) != SIZE_MAX && strlen(frames[i].file) != SIZE_MAX);
		require(frames[i].is_inlined == (i + 1 < n) || n == FRAMES_MAX);
		require(!frames[i].is_inlined || frames[i].function[0]);
	}
	if (!n)
		return;
	require(frames[n - 1].is_inlined || frames[n - 1].function == f.name);
	require(gopclntab_frames(g, pc, fewer, 1) == 1);
	/* Those that are dropped because of what comes after them are not dropped if that is not looked at. */
	require(n == 1 || fewer[0].function == frames[0].function);
	require(n == 1 || (fewer[0].file == frames[0].file && fewer[0].line == frames[0].line));
}

struct depths {
	const struct go_function *f;
	const struct unwind_table *t;
	uint64_t to;
};

/* In a function that is nothing special, the row at the start of each piece is what its depth says. */
static bool check_depth(void *ctx, uint64_t from, uint64_t to, int32_t depth)
{
	struct depths *d = ctx;
	const struct unwind_row *row;
	const struct unwind_wide *wide;

	require(from == d->to && to > from && to <= d->f->end);
	d->to = to;
	/* The byte before systemstack_switch may have a row of its own. */
	if (!d->t || from + 1 == d->f->end)
		return true;
	row = unwind_table_at(d->t, from);
	require(row);
	if (depth < 0 || depth % 8 || depth > INT32_MAX - 8) {
		require((row->kind & 15) == UNWIND_CFA_UNSUPPORTED);
	} else if ((row->kind & 15) == UNWIND_CFA_WIDE) {
		wide = &d->t->wide[unwind_row_wide(row)];
		require(wide->cfa.how == UNWIND_REG_PLUS && wide->cfa.off == depth + 8);
		require(depth + 8 > INT16_MAX);
	} else {
		require((row->kind & 15) == UNWIND_CFA_SP && row->cfa_off == (depth + 8) / 8);
	}
	return true;
}

static bool is_plain(const struct go_function *f)
{
	return strncmp(f->name, "runtime.", 8) != 0 && !f->is_top && !f->writes_sp;
}

static void check_functions(const struct gopclntab *g, const struct unwind_table *t, const struct functions *all)
{
	const struct go_moduledata *md = gopclntab_moduledata(g);

	for (size_t i = 0; i < all->n && i < FUNCTIONS_MAX; i++) {
		const struct go_function *f = &all->at[i];
		struct go_function same;
		struct depths d = { .f = f, .t = all->sorted && is_plain(f) ? t : NULL, .to = f->entry };

		require(f->entry < f->end && f->entry >= md->text && f->end <= md->etext);
		require(f->index >= i && f->index < gopclntab_count(g) && strlen(f->name) != SIZE_MAX);
		gopclntab_each_sp(g, f, check_depth, &d);
		if (f->name[0]) {
			const char *const names[] = {f->name};

			gopclntab_find_names(g, names, 1, &same);
			require(same.name && !strcmp(same.name, f->name));
		}
		check_frames(g, f->entry, all);
		check_frames(g, f->end - 1, all);
	}
	for (uint64_t i = 0; i < PCS_MAX; i++)
		check_frames(g, md->text + i * 5 * (1 + i / 16), all);
}

static void check_rows(const struct unwind_table *t, size_t max_rows)
{
	require(t->n <= max_rows);
	require(!t->n || (t->rows[t->n - 1].kind == UNWIND_CFA_GAP && t->rows[0].kind != UNWIND_CFA_GAP));
	for (size_t i = 0; i < t->n; i++) {
		const struct unwind_row *row = &t->rows[i];

		require((row->kind & 15) < UNWIND_CFA_KINDS);
		require((row->kind & 15) != UNWIND_CFA_WIDE || unwind_row_wide(row) < t->n_wide);
		require(!i || (row->pc > row[-1].pc && memcmp(&row->kind, &row[-1].kind, 4) != 0));
	}
}

static void use(const uint8_t *data, size_t size)
{
	struct unwind_table *t = NULL;
	struct elf_file *ef = NULL;
	struct gopclntab *g = NULL;
	const char *why = NULL;
	struct functions all;
	uint8_t *copy;
	int err;

	copy = exact_copy(data, size);
	if (elf_file_open_memory(copy, size, "fuzz", &ef) == 0) {
		err = gopclntab_open(ef, &g, &why);
		require(!err || (err < 0 && why && why[0]));
		if (!err) {
			read_functions(g, &all);
			err = gorows_make(ef, g, gopclntab_moduledata(g)->text, ROWS_MAX, &t);
			require(!err || err == -EFBIG || err == -EOVERFLOW);
			if (t)
				check_rows(t, ROWS_MAX);
			check_functions(g, t, &all);
			free(all.at);
			unwind_table_free(t);
			t = NULL;
			gopclntab_close(g);
		}
		if (unwind_table_load(ef, ROWS_MAX, &t) == 0) {
			check_rows(t, ROWS_MAX);
			unwind_table_free(t);
		}
		elf_file_close(ef);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gofile f;

	log_set_level(LOG_QUIET);
	if (size >= 4 && !memcmp(data, "\x7f" "ELF", 4)) {
		use(data, size);
		return 0;
	}
	if (!size)
		return 0;
	gofile_make(&f, (struct gofile_options){
		.layout = (enum gopclntab_layout)(data[0] & 3), .pie = data[0] & 4, .bare = data[0] & 8,
	});
	for (size_t at = 1; at + 3 < size;) {
		const size_t n = data[at + 2] < size - at - 3 ? data[at + 2] : size - at - 3;
		const size_t to = (size_t)(data[at] | data[at + 1] << 8) + GOFILE_TABLE;

		if (to < sizeof(f.data))
			memcpy(f.data + to, data + at + 3, n < sizeof(f.data) - to ? n : sizeof(f.data) - to);
		at += 3 + n;
	}
	use(f.data, sizeof(f.data));
	return 0;
}
