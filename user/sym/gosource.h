/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names, lines and inlined functions of Go code, from .gopclntab. */
/* Part of sym/symbolizer.h. */
#ifndef ALLOCTRACE_SYM_GOSOURCE_H
#define ALLOCTRACE_SYM_GOSOURCE_H

#include "base/buf.h"
#include "elf/elffile.h"
#include "sym/dwarf.h"

struct gosource;

/* ef is borrowed. NULL: it is no Go program, or its table can't be read. */
struct gosource *gosource_open(const struct elf_file *ef);
/* NULL is a no-op. */
void gosource_close(struct gosource *g);
/* The functions at vaddr, as dwarf_at() has them, without those that the compiler made around a method or for another
 * calling convention (pprof leaves them out as well); *hidden: there is no other. Returns how many; 0: it is no Go
 * code. Strings live as long as g. */
size_t gosource_at(const struct gosource *g, uint64_t vaddr, struct dwarf_place places[DWARF_PLACES_MAX],
		   uint64_t *start, bool *hidden);

/* As gotypes_name(). */
bool gosource_type(const struct gosource *g, uint64_t type, const uint64_t *frames, size_t n, struct buf *out);

#endif
