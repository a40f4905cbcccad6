/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of Go's types (abi.Type), as the file has them. */
#ifndef ALLOCTRACE_ELF_GOTYPE_H
#define ALLOCTRACE_ELF_GOTYPE_H

#include "base/buf.h"
#include "elf/gopclntab.h"

/* Whether there is one there that the linker made; others are made at run time, by reflect. */
bool gotype_is_at(const struct gopclntab *g, uint64_t vaddr);
/* Appends its name: "[]main.Account". False where it lies. */
bool gotype_name(const struct gopclntab *g, uint64_t vaddr, struct buf *out);

#endif
