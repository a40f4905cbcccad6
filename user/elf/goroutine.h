/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a Go program keeps what there is to know of a goroutine: in its struct g, whose layout differs between versions
 * of Go and is written down nowhere. Small functions of the runtime show it:
 *
 *     systemstack        compares g with g.m.gsignal, g.m.g0 and g.m.curg          (assembly, the same in all versions)
 *     printcreatedby     loads g.gopc, and compares g.goid with 1
 *     setProfLabel       stores g.labels; it is there only if something sets labels
 *     (*labelMap).String iterates over a map, where labels are one
 */
#ifndef ALLOCTRACE_ELF_GOROUTINE_H
#define ALLOCTRACE_ELF_GOROUTINE_H

#include "elf/gopclntab.h"
#include "model/plan.h"

/* Fills *out, all of which is 0 where the functions are not there, or are not as expected. */
void goroutine_find(const struct elf_file *ef, const struct gopclntab *g, struct plan_goroutine *out);

/* Inside, and for tests: code is at vaddr. False: it does not show it. */
bool goroutine_of_thread(const uint8_t *code, size_t size, uint64_t vaddr, struct plan_goroutine *out);
bool goroutine_identity(const uint8_t *code, size_t size, uint64_t vaddr, struct plan_goroutine *out);
bool goroutine_labels(const uint8_t *code, size_t size, uint64_t vaddr, struct plan_goroutine *out);

#endif
