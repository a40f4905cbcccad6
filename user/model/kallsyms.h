/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of the kernel, of its modules and of BPF programs, as /proc/kallsyms names them. */
#ifndef ALLOCTRACE_MODEL_KALLSYMS_H
#define ALLOCTRACE_MODEL_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kallsyms;

struct ksymbol {
	uint64_t start, end;	/* addresses; end: the next function's start, or the end of the page */
	const char *name, *module;	/* live as long as the symbols; module: "": the kernel itself */
};

/* Reads a file of that form; lines of another form are skipped. 0 or -errno without a message; -EPERM: the addresses in
 * it are hidden; -ENOENT also if it has no function. */
int kallsyms_read(const char *path, struct kallsyms **out);
/* NULL is a no-op. */
void kallsyms_free(struct kallsyms *k);
size_t kallsyms_count(const struct kallsyms *k);
/* The function that an address is in. False: none is known. */
bool kallsyms_at(const struct kallsyms *k, uint64_t addr, struct ksymbol *out);
/* In the order of addresses; i is below kallsyms_count(). Of several at one address, kallsyms_at() finds the first. */
struct ksymbol kallsyms_nth(const struct kallsyms *k, size_t i);

/* Those of this kernel, read at the first call, from any thread; they stay as long as the process. NULL: they cannot be
 * read, *err (may be NULL) is as of kallsyms_read(). */
const struct kallsyms *kallsyms_now(int *err);
/* Reads them again, since a module or BPF program came meanwhile; not more often than is worth it. True: there are
 * other ones now. */
bool kallsyms_again(void);

#endif
