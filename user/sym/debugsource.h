/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The separate debug file of a module, from wherever there is one. */
#ifndef ALLOCTRACE_SYM_DEBUGSOURCE_H
#define ALLOCTRACE_SYM_DEBUGSOURCE_H

#include "elf/elffile.h"
#include "model/module.h"

struct debug_source {
	struct elf_file *ef;	/* NULL: there is none */
	int fd;			/* -1: in memory */
	uint8_t *image;
};

/*
 * Looks on disk (where the target would look, then where this host does), then asks debuginfod where that is set and
 * allowed, then takes the file's own .gnu_debugdata, which has symbols only. A file of another build is refused.
 * true if it is a whole debug file. out->ef may be NULL.
 */
bool debug_source_open(const struct module *mod, const struct elf_file *ef, struct debug_source *out);
/* What the debugging information of ef (the module's file, or the debug file of it that was found) shares with other
 * files', if it does and that is on disk. Else out->ef is NULL. */
void debug_source_open_alt(const struct module *mod, const struct elf_file *ef, struct debug_source *out);
void debug_source_close(struct debug_source *d);

#endif
