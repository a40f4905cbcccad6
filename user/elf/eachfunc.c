/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/eachfunc.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/symtab.h"

#define NAME_MAX_BYTES 4096	/* longer names are not looked at */

struct pass {
	void (*on_function)(void *arg, const struct elf_function *f);
	void *arg;
	uint64_t moved;	/* added to each address */
};

static bool is_untyped(const struct symtab_entry *e)
{
	return e->type == STT_NOTYPE && e->shndx != SHN_UNDEF && e->shndx != SHN_ABS && e->shndx != SHN_COMMON &&
	       e->name[0] != '\0';
}

static void pass_on(const struct pass *p, const struct symtab_entry *e, bool dynamic, bool hidden)
{
	size_t whole = strnlen(e->name, NAME_MAX_BYTES + 1);
	const char *at = memchr(e->name, '@', whole);
	const struct elf_function f = {
		.name = e->name, .len = at ? (size_t)(at - e->name) : whole, .vaddr = e->vaddr + p->moved,
		.size = e->size, .global = e->bind == STB_GLOBAL || e->bind == STB_WEAK, .dynamic = dynamic,
		.ifunc = e->type == STT_GNU_IFUNC, .untyped = e->type == STT_NOTYPE,
		.old_version = hidden || (at && at[1] != '@'),
	};

	if (f.len && whole <= NAME_MAX_BYTES)
		p->on_function(p->arg, &f);
}

static int pass_over(const struct elf_file *ef, uint32_t type, const struct pass *p)
{
	const struct elf_section *sec = elf_section_by_type(ef, type);
	const bool dynamic = type == SHT_DYNSYM;
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
	for (size_t i = 1; i < st.count; i++)
		if (symtab_get(&st, i, &e) && (symtab_is_function(&e) || is_untyped(&e)))
			pass_on(p, &e, dynamic, versions && (versions[i] & SYMTAB_HIDDEN));
	free(versions);
	symtab_close(&st);
	return 0;
}

int elf_each_function(const struct elf_file *ef, void (*on_function)(void *arg, const struct elf_function *f),
		      void *arg)
{
	const struct pass p = {.on_function = on_function, .arg = arg};
	int dyn = pass_over(ef, SHT_DYNSYM, &p), sym = pass_over(ef, SHT_SYMTAB, &p);

	/* One good table is enough, and so is none. */
	return (dyn == -ENOEXEC && sym != 0) || (sym == -ENOEXEC && dyn != 0) ? -ENOEXEC : 0;
}

/* prelink moves a file and leaves its debug file: the distance of their first segments tells. */
static uint64_t debug_moved(const struct elf_file *ef, const struct elf_file *debug)
{
	size_t n, m;
	const struct elf_segment *a = elf_file_segments(ef, &n), *b = elf_file_segments(debug, &m);

	return n && m ? a[0].vaddr - b[0].vaddr : 0;
}

int elf_each_debug_function(const struct elf_file *ef, const struct elf_file *debug,
			    void (*on_function)(void *arg, const struct elf_function *f), void *arg)
{
	const struct pass p = {.on_function = on_function, .arg = arg, .moved = debug_moved(ef, debug)};

	return pass_over(debug, SHT_SYMTAB, &p);
}
