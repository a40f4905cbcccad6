/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process has mapped, as the BPF side learns it where the kernel can't be asked (bpf/unwind_map.h). */
#ifndef ALLOCTRACE_KERN_LAYOUT_H
#define ALLOCTRACE_KERN_LAYOUT_H

#include "kern/filekey.h"
#include "proc/process.h"

/* Describes a module's file; its segments are borrowed. False: it is none, or has no table. */
typedef bool (*code_file_fn)(void *arg, uint32_t module, struct code_file *out);

/* Fills out->at. False: not all mappings had room. */
bool layout_make(const struct process *p, const struct modules *modules, code_file_fn file, void *arg,
		 struct unwind_mappings *out);

/* Of what is mapped now, never 0: another one once it changes. */
uint64_t layout_hash(const struct process *p);

#endif
