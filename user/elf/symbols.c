/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One symbol is 16 bytes here, and names stay in the string tables, each read once and whole. Where symbols nest, the
 * smallest one wins, in pieces of the address space (elf/pieces.h).
 */
#include "elf/symbols.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/pieces.h"
#include "elf/symtab.h"

#define SIZE_BITS 29
#define NAME_SCAN_MAX 4096	/* bytes of a name that are looked at to choose between aliases */
#define TABLES 3		/* .dynsym, .symtab, the debug file's .symtab */

struct entry {
	uint64_t vaddr;
	uint32_t size : SIZE_BITS, global : 1, dynamic : 1, ifunc : 1;
	uint32_t name;		/* offset in the string tables laid end to end */
};

struct elf_symbols {
	vec_of(struct entry) entries, labels;	/* labels: what assembly gave neither type nor size */
	char *strings[TABLES];
	uint64_t strings_end[TABLES];	/* where the table ends when all are laid end to end */
	size_t n_tables;
	struct pieces pieces;
};

static const char *entry_name(const struct elf_symbols *s, const struct entry *e)
{
	for (size_t i = 0; i < s->n_tables; i++)
		if (e->name < s->strings_end[i])
			return s->strings[i] + (e->name - (i ? s->strings_end[i - 1] : 0));
	return "";
}

/* ".symtab" of glibc and others says malloc@@GLIBC_2.2.5. Cuts in the string table itself, which is ours. */
static void cut_version(char *name)
{
	size_t len = strnlen(name, NAME_SCAN_MAX);
	char *at = len > 1 ? memchr(name + 1, '@', len - 1) : NULL;

	if (at)
		*at = '\0';
}

/* Adds the functions of one section; moved is added to every address. 0 or -ENOEXEC. */
static int add_table(struct elf_symbols *s, const struct elf_file *ef, uint32_t type, uint64_t moved)
{
	uint64_t base = s->n_tables ? s->strings_end[s->n_tables - 1] : 0;
	const struct elf_section *sec = elf_section_by_type(ef, type);
	struct symtab_entry e;
	struct symtab st;
	int err;

	if (!sec)
		return -ENOENT;
	err = symtab_open(&st, ef, sec);
	if (err)
		return err;
	if (st.strings_size > UINT32_MAX - base) {
		symtab_close(&st);
		return -ENOEXEC;
	}
	for (size_t i = 1; i < st.count; i++) {
		struct entry entry;
		bool is_function;

		if (!symtab_get(&st, i, &e) || e.size >= 1u << SIZE_BITS)
			continue;
		is_function = symtab_is_function(&e);
		if ((!is_function && !symtab_is_label(&st, &e)) || e.vaddr + moved >= UINT64_MAX - e.size)
			continue;
		if (type == SHT_SYMTAB)
			cut_version(st.strings + (e.name - st.strings));
		entry = (struct entry){
			.vaddr = e.vaddr + moved, .size = (uint32_t)e.size,
			.name = (uint32_t)(base + (e.name - st.strings)),
			.global = e.bind == STB_GLOBAL || e.bind == STB_WEAK,
			.dynamic = type == SHT_DYNSYM, .ifunc = e.type == STT_GNU_IFUNC,
		};
		if (is_function)
			vec_push(&s->entries, entry);
		else
			vec_push(&s->labels, entry);
	}
	s->strings[s->n_tables] = st.strings;
	s->strings_end[s->n_tables] = base + st.strings_size;
	s->n_tables++;
	st.strings = NULL;
	symtab_close(&st);
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return 0;
}

/* Is a better than b as the one name of an address? */
static bool better_alias(const struct elf_symbols *s, const struct entry *a, const struct entry *b)
{
	const char *x = entry_name(s, a), *y = entry_name(s, b);
	size_t x_len, y_len;
	int order;

	if (a->global != b->global)
		return a->global;
	if ((x[0] == '_') != (y[0] == '_'))
		return x[0] != '_';
	x_len = strnlen(x, NAME_SCAN_MAX);
	y_len = strnlen(y, NAME_SCAN_MAX);
	if (x_len != y_len)
		return x_len < y_len;
	order = strncmp(x, y, NAME_SCAN_MAX);
	return order < 0 || (order == 0 && a->dynamic && !b->dynamic);
}

static void fold_aliases(struct elf_symbols *s)
{
	size_t n = 0;

	if (!s->entries.n)
		return;
	qsort(s->entries.at, s->entries.n, sizeof(*s->entries.at), compare_entries);
	for (size_t i = 1; i < s->entries.n; i++) {
		const struct entry *e = &s->entries.at[i];

		if (compare_entries(&s->entries.at[n], e) != 0)
			s->entries.at[++n] = *e;
		else if (better_alias(s, e, &s->entries.at[n]))
			s->entries.at[n] = *e;
	}
	s->entries.n = n + 1;
	s->entries.at = xrealloc_array(s->entries.at, s->entries.n, sizeof(*s->entries.at));
	s->entries.cap = s->entries.n;
}

static uint64_t entry_start(const void *of, size_t i)
{
	const struct entry *e = of;

	return e[i].vaddr;
}

/* A symbol without a size names its one address, and only where no other does. */
static uint64_t entry_end(const void *of, size_t i)
{
	const struct entry *e = of;

	return e[i].vaddr + (e[i].size ? e[i].size : 1);
}

static bool entry_wins(const void *of, size_t a, size_t b)
{
	const struct entry *e = of;
	uint32_t x = e[a].size ? e[a].size : UINT32_MAX, y = e[b].size ? e[b].size : UINT32_MAX;

	return x < y || (x == y && a < b);
}

static struct ranges ranges_of(const struct elf_symbols *s)
{
	return (struct ranges){
		.of = s->entries.at, .n = s->entries.n, .start = entry_start, .end = entry_end, .wins = entry_wins,
	};
}

/* prelink moves a file and leaves its debug file: the distance of their first segments tells. */
static uint64_t debug_moved(const struct elf_file *ef, const struct elf_file *debug)
{
	size_t n, m;
	const struct elf_segment *a = elf_file_segments(ef, &n), *b = elf_file_segments(debug, &m);

	return n && m ? a[0].vaddr - b[0].vaddr : 0;
}

int elf_symbols_load(const struct elf_file *ef, const struct elf_file *debug, struct elf_symbols **out)
{
	struct elf_symbols *s = xcalloc(1, sizeof(*s));
	int dyn = add_table(s, ef, SHT_DYNSYM, 0);
	int sym = add_table(s, ef, SHT_SYMTAB, 0);
	struct ranges ranges;

	if (debug && add_table(s, debug, SHT_SYMTAB, debug_moved(ef, debug)) == 0)
		sym = 0;
	/* One good table is enough: the other one's damage costs names and nothing else. */
	if (dyn != 0 && sym != 0) {
		elf_symbols_free(s);
		return dyn == -ENOENT ? sym : dyn;
	}
	fold_aliases(s);
	if (s->labels.n)
		qsort(s->labels.at, s->labels.n, sizeof(*s->labels.at), compare_entries);
	ranges = ranges_of(s);
	pieces_cut(&s->pieces, &ranges);
	*out = s;
	return 0;
}

void elf_symbols_free(struct elf_symbols *s)
{
	if (!s)
		return;
	vec_free(&s->entries);
	vec_free(&s->labels);
	for (size_t i = 0; i < s->n_tables; i++)
		free(s->strings[i]);
	pieces_free(&s->pieces);
	free(s);
}

size_t elf_symbols_count(const struct elf_symbols *s)
{
	return s->entries.n;
}

static struct elf_symbol symbol_of(const struct elf_symbols *s, const struct entry *e)
{
	return (struct elf_symbol){
		.name = entry_name(s, e), .vaddr = e->vaddr, .size = e->size,
		.global = e->global, .dynamic = e->dynamic, .ifunc = e->ifunc,
	};
}

bool elf_symbols_at(const struct elf_symbols *s, uint64_t vaddr, struct elf_symbol *sym)
{
	struct ranges ranges = ranges_of(s);
	size_t i = pieces_find(&s->pieces, &ranges, vaddr);
	const struct entry *e;

	if (i == PIECES_NONE || vaddr >= entry_end(s->entries.at, i))
		return false;
	e = &s->entries.at[i];
	*sym = symbol_of(s, e);
	return true;
}

size_t elf_symbols_pieces(const struct elf_symbols *s)
{
	return s->pieces.n ? s->pieces.n : s->entries.n;
}

void elf_symbols_piece(const struct elf_symbols *s, size_t i, uint64_t *start, struct elf_symbol *sym)
{
	const struct entry *e = &s->entries.at[s->pieces.n ? s->pieces.range[i] : i];

	*start = s->pieces.n ? s->pieces.start[i] : e->vaddr;
	*sym = symbol_of(s, e);
}

/* The last of the sorted entries that starts at or before vaddr, or NULL. */
static const struct entry *last_before(const struct entry *at, size_t n, uint64_t vaddr)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;

		if (at[mid].vaddr <= vaddr)
			low = mid + 1;
		else
			n = mid;
	}
	return low ? &at[low - 1] : NULL;
}

bool elf_symbols_unsized(const struct elf_symbols *s, uint64_t from, uint64_t vaddr, struct elf_symbol *sym)
{
	const struct entry *e = last_before(s->entries.at, s->entries.n, vaddr);
	const struct entry *label = last_before(s->labels.at, s->labels.n, vaddr);

	if (!e || (label && label->vaddr > e->vaddr))
		e = label;
	if (!e || e->size || e->vaddr < from)
		return false;
	*sym = symbol_of(s, e);
	return true;
}
