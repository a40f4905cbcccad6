// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/tableload.h"

#include <stdio.h>

#include "elf/debugfile.h"

const char *table_root(pid_t pid, char buf[IMAGE_ROOT_MAX])
{
	buf[0] = '\0';
	if (pid)
		snprintf(buf, IMAGE_ROOT_MAX, "/proc/%u/root", (unsigned int)pid);
	return buf;
}

int table_open_debug(const struct elf_file *ef, const char *path, const char *root, int *fd, struct elf_file **debug)
{
	if (root[0] && elf_debugfile_open(ef, path, root, fd, debug) == 0)
		return 0;
	return elf_debugfile_open(ef, path, "", fd, debug);
}

int table_load(const struct elf_file *ef, const struct elf_file *debug, size_t max_rows, struct unwind_table **out)
{
	struct unwind_table *t = NULL;
	int err = unwind_table_load(ef, max_rows, &t);

	if (debug && unwind_table_add_debug(ef, debug, max_rows, &t) == 0)
		err = 0;
	if (!err)
		*out = t;
	return err;
}
