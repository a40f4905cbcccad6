/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a Go program allocates: from the type that its runtime passes to the allocator, and from the call site. */
/* Part of sym/symbolizer.h. */
#ifndef ALLOCTRACE_SYM_GOTYPES_H
#define ALLOCTRACE_SYM_GOTYPES_H

#include "base/buf.h"
#include "elf/gopclntab.h"

/* Appends the type as Go writes it. type: address of its descriptor, 0: none was passed. frames: of the callers, the
 * innermost first, each the address of the call's last byte; n of them. False: it is not known. */
bool gotypes_name(const struct gopclntab *g, const struct elf_file *ef, uint64_t type, const uint64_t *frames, size_t n,
		  struct buf *out);

#endif
