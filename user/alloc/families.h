/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line per family's file; alloc_families[] (family.c) gives them their order. */
/* Part of alloc/family.h. */
#ifndef ALLOCTRACE_ALLOC_FAMILIES_H
#define ALLOCTRACE_ALLOC_FAMILIES_H

#include "alloc/family.h"

extern const struct alloc_family alloc_family_c;
extern const struct alloc_family alloc_family_cxx;
extern const struct alloc_family alloc_family_jemalloc;
extern const struct alloc_family alloc_family_tcmalloc;
extern const struct alloc_family alloc_family_mimalloc;
extern const struct alloc_family alloc_family_go;
extern const struct alloc_family alloc_family_usdt;
extern const struct alloc_family alloc_family_maps;

#endif
