/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a Go program says of its own code: .gopclntab, the table that its runtime unwinds and symbolizes by, which no
 * strip removes. Go 1.14 to 1.27, x86-64. The file may lie: every offset and count is checked.
 *
 *     moduledata ──> header ─┬─ functab: {pc, function} sorted by pc
 *                            ├─ function: name, tables of pc → stack depth, file, line, number of an inlined call
 *                            ├─ names, files, the bytes of those tables
 *                            └─ (elsewhere) inlined calls: name, pc of the call in the function
 *
 * Addresses are vaddrs (elf/elffile.h). Names and paths are the file's bytes as they are.
 */
#ifndef ALLOCTRACE_ELF_GOPCLNTAB_H
#define ALLOCTRACE_ELF_GOPCLNTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/elffile.h"

/* The form of the header and of what it leads to; Go 1.18 and 1.19 have the third. */
enum gopclntab_layout {
	GOPCLNTAB_1_14,
	GOPCLNTAB_1_16,
	GOPCLNTAB_1_18,
	GOPCLNTAB_1_20,
	GOPCLNTAB_LAYOUTS
};

/* What the linker says of the whole program. All vaddrs; 0: this layout does not have it. */
struct go_moduledata {
	uint64_t vaddr;			/* its own */
	uint64_t text, etext;		/* Go's code; C's is outside */
	uint64_t minpc, maxpc;		/* of the functions */
	uint64_t types, etypes;		/* type descriptors: what an abi.Type's offsets count from */
	uint64_t rodata, gofunc;	/* from 1.18 on */
};

struct go_function {
	uint64_t entry, end;	/* end: where the next one begins */
	const char *name;	/* "main.(*Ledger).Rich"; "" where it lies */
	uint32_t index;		/* in the table, by ascending entry */
	uint32_t start_line;	/* of `func` in its file, from 1.20 on; 0: not known */
	uint8_t id;		/* funcID: 0 for most; what the others mean differs by version */
	uint8_t flags;		/* from 1.17 on: 1 top frame, 2 writes SP */
	bool is_top;		/* nothing calls it on its stack */
	bool is_wrapper;	/* made by the compiler around a method, for another ABI or for defer */
	bool writes_sp;		/* its table of stack depths says nothing of the stack it switches to */
};

struct go_frame {
	const char *function;	/* "" where it lies */
	const char *file;	/* "" where it is not known */
	uint32_t line;		/* 0: not known */
	uint32_t start_line;	/* as go_function */
	bool is_inlined;	/* into the next frame */
	bool is_wrapper;
};

#define GOPCLNTAB_FRAMES_MAX 64	/* inlined calls in each other that are followed */

struct gopclntab;

/* ef is borrowed and must outlive *out. *why (may be NULL) is set on an error: a string that lives for ever. Logs
 * nothing. 0; -ENOENT: no Go program; -ENOEXEC: damaged; -ENOTSUP: of another machine, older than 1.14, or a part of
 * a program (a plugin, -linkshared); -EFBIG: no memory for it within the limit. */
int gopclntab_open(const struct elf_file *ef, struct gopclntab **out, const char **why);
/* NULL is a no-op. */
void gopclntab_close(struct gopclntab *g);
/* The same for all who read the file: opened once, and closed by elf_file_close(). Not for several threads. */
int gopclntab_of(const struct elf_file *ef, const struct gopclntab **out, const char **why);
/* Where the code of a program of Go is, [*text, *etext). False: it is none. A fraction of the cost of opening it, since
 * the table itself is not read. */
bool gopclntab_code(const struct elf_file *ef, uint64_t *text, uint64_t *etext);

enum gopclntab_layout gopclntab_layout(const struct gopclntab *g);
/* "go1.19.8"; "" where the program does not say. */
const char *gopclntab_version(const struct gopclntab *g);
/* 19 of go1.19.8; 0 where the program does not say. Never rely on it where the structure can tell. */
unsigned int gopclntab_minor(const struct gopclntab *g);
/* How it was found, for a report: ".gopclntab", "scan", … */
const char *gopclntab_found_by(const struct gopclntab *g);
const struct go_moduledata *gopclntab_moduledata(const struct gopclntab *g);

size_t gopclntab_count(const struct gopclntab *g);
/* False where entry i lies. */
bool gopclntab_function(const struct gopclntab *g, size_t i, struct go_function *f);
/* The one that [entry, end) of which holds vaddr. Binary search. */
bool gopclntab_find(const struct gopclntab *g, uint64_t vaddr, struct go_function *f);
/* found[i] is for names[i]: its name is NULL if there is none; of several of that name (wrappers for another ABI) one
 * that is no wrapper. One pass over all functions. */
void gopclntab_find_names(const struct gopclntab *g, const char *const names[], size_t n, struct go_function found[]);
/* The functions whose names begin with prefix, by ascending entry; one pass. fn returns false to end it. */
typedef bool (*gopclntab_each_fn)(void *ctx, const struct go_function *f);
void gopclntab_each(const struct gopclntab *g, const char *prefix, gopclntab_each_fn fn, void *ctx);

/* How far SP is below where it was after the call, in bytes, for each [from, to) of f, by ascending pc; the cost is
 * that of f's table. fn returns false to end it. False: f has no such table, or it is damaged from some pc on (what was
 * reported holds). */
typedef bool (*gopclntab_sp_fn)(void *ctx, uint64_t from, uint64_t to, int32_t value);
bool gopclntab_each_sp(const struct gopclntab *g, const struct go_function *f, gopclntab_sp_fn fn, void *ctx);

/* The function's code, from its entry on, at most max bytes; *size: how many the file has. The caller frees it. */
uint8_t *gopclntab_body(const struct elf_file *ef, const struct go_function *f, size_t max, size_t *size);

/* The frames at vaddr (of a caller: its return address - 1), the innermost first; up to max. Returns how many: 0 where
 * no function is. If the inlined calls are damaged, those up to there are dropped: the function proper alone, with no
 * file and line. The cost is that of the function's tables. */
size_t gopclntab_frames(const struct gopclntab *g, uint64_t vaddr, struct go_frame *frames, size_t max);

#endif
