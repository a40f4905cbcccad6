/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions by name: one pass over each symbol table, nothing kept. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/symbols.h"
#include "elf/symtab.h"

/* How good a find is; more is better. */
enum quality {
	Q_NONE,
	Q_LOCAL,		/* a static function that happens to have the name */
	Q_OLD_VERSION,		/* name@VERSION */
	Q_DEFAULT,		/* name, or name@@VERSION */
};

struct wanted {
	const char *name;
	size_t len;
	uint64_t prefix;
	enum quality quality;
};

/* The first eight bytes of a name without its version, as a number: tells most names apart in one comparison. */
static uint64_t name_prefix(const char *name)
{
	uint64_t prefix = 0;

	for (unsigned int i = 0; i < 8 && name[i] != '\0' && name[i] != '@'; i++)
		prefix |= (uint64_t)(unsigned char)name[i] << (8 * i);
	return prefix;
}

/* Q_NONE if the symbol's name is another. */
static enum quality match(const struct wanted *w, const struct symtab_entry *e, bool hidden)
{
	const char *rest;

	if (strncmp(e->name, w->name, w->len) != 0)
		return Q_NONE;
	rest = e->name + w->len;
	if (rest[0] != '\0' && rest[0] != '@')
		return Q_NONE;
	if (e->bind == STB_LOCAL)
		return Q_LOCAL;
	return hidden || (rest[0] == '@' && rest[1] != '@') ? Q_OLD_VERSION : Q_DEFAULT;
}

static void consider(struct wanted *w, const struct symtab_entry *e, bool dynamic, bool hidden,
		     struct elf_symbol *found)
{
	enum quality q = match(w, e, hidden);

	if (q <= w->quality)
		return;
	w->quality = q;
	*found = (struct elf_symbol){
		.name = w->name, .vaddr = e->vaddr, .size = e->size, .dynamic = dynamic,
		.global = e->bind == STB_GLOBAL || e->bind == STB_WEAK, .ifunc = e->type == STT_GNU_IFUNC,
	};
}

static int search(const struct elf_file *ef, uint32_t type, struct wanted *wanted, size_t n, struct elf_symbol found[])
{
	const struct elf_section *sec = elf_section_by_type(ef, type);
	bool dynamic = type == SHT_DYNSYM;
	uint16_t *versions = NULL;
	struct symtab_entry e;
	struct symtab st;
	int err;

	if (!sec)
		return -ENOENT;
	err = symtab_open(&st, ef, sec);
	if (err)
		return err;
	if (dynamic)
		versions = symtab_versions(ef, st.count);
	for (size_t i = 1; i < st.count; i++) {
		uint64_t prefix;

		if (!symtab_get(&st, i, &e) || !symtab_is_function(&e))
			continue;
		prefix = name_prefix(e.name);
		for (size_t k = 0; k < n; k++)
			if (wanted[k].prefix == prefix)
				consider(&wanted[k], &e, dynamic, versions && (versions[i] & SYMTAB_HIDDEN), &found[k]);
	}
	free(versions);
	symtab_close(&st);
	return 0;
}

int elf_find_functions(const struct elf_file *ef, const char *const names[], size_t n, struct elf_symbol found[])
{
	struct wanted *wanted = xcalloc(n ? n : 1, sizeof(*wanted));
	bool all = true;
	int dyn, sym = -ENOENT;

	for (size_t i = 0; i < n; i++) {
		found[i] = (struct elf_symbol){0};
		wanted[i].name = names[i];
		wanted[i].len = strlen(names[i]);
		wanted[i].prefix = name_prefix(names[i]);
	}
	dyn = search(ef, SHT_DYNSYM, wanted, n, found);
	for (size_t i = 0; i < n; i++)
		all = all && wanted[i].quality == Q_DEFAULT;
	if (!all)
		sym = search(ef, SHT_SYMTAB, wanted, n, found);
	free(wanted);
	/* One good table is enough, and so is none. */
	return (dyn == -ENOEXEC && sym != 0) || (sym == -ENOEXEC && dyn != 0) ? -ENOEXEC : 0;
}
