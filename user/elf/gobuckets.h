/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a Go program keeps the records of its own heap profiler: one allocation in 512 KiB on average, by stack, with
 * what was freed of it (proc/gorecords.h reads them). Nothing names these variables: the runtime's code that uses them
 * says where they are.
 */
#ifndef ALLOCTRACE_ELF_GOBUCKETS_H
#define ALLOCTRACE_ELF_GOBUCKETS_H

#include "elf/gopclntab.h"
#include "model/plan.h"

/* The vaddr of the first whole word that the code loads from a fixed address; 0: it loads none. code is at vaddr. */
uint64_t gobuckets_loaded(const uint8_t *code, size_t size, uint64_t vaddr);
/* out->found is set; out->kept and the addresses as far as the file tells. */
void gobuckets_find(const struct elf_file *ef, const struct gopclntab *g, struct plan_go *out);

#endif
