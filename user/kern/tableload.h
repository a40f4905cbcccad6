/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unwind table of a file, from all there is of it. */
#ifndef ALLOCTRACE_KERN_TABLELOAD_H
#define ALLOCTRACE_KERN_TABLELOAD_H

#include "elf/ehframe.h"
#include "model/module.h"

/* As unwind_table_load(); where that has no rule, from the file's separate debug file, as the target or as we
 * find it. */
int table_load(const struct module *mod, const struct elf_file *ef, size_t max_rows, struct unwind_table **out);

/* The file's separate debug file, as the target would find it, then as we would. As elf_debugfile_open(). */
int table_open_debug(const struct module *mod, const struct elf_file *ef, int *fd, struct elf_file **debug);

#endif
