// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/tableload.h"

#include <stdio.h>
#include <unistd.h>

#include "elf/debugfile.h"

int table_open_debug(const struct module *mod, const struct elf_file *ef, int *fd, struct elf_file **debug)
{
	char root[40];

	if (mod->pid) {
		snprintf(root, sizeof(root), "/proc/%u/root", mod->pid);
		if (elf_debugfile_open(ef, mod->path, root, fd, debug) == 0)
			return 0;
	}
	return elf_debugfile_open(ef, mod->path, "", fd, debug);
}

int table_load(const struct module *mod, const struct elf_file *ef, size_t max_rows, struct unwind_table **out)
{
	struct unwind_table *t = NULL;
	struct elf_file *debug;
	int err = unwind_table_load(ef, max_rows, &t), fd;

	if (mod->kind == MODULE_ELF && table_open_debug(mod, ef, &fd, &debug) == 0) {
		if (unwind_table_add_debug(ef, debug, max_rows, &t) == 0)
			err = 0;
		elf_file_close(debug);
		close(fd);
	}
	if (!err)
		*out = t;
	return err;
}
