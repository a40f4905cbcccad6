/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/vdso.h"

#include <sys/auxv.h>
#include <unistd.h>

#include "base/buf.h"
#include "proc/maps.h"
#include "proc/procfs.h"

struct elf_file *vdso_open(void)
{
	const uint64_t image = getauxval(AT_SYSINFO_EHDR);
	struct buf text = {0}, path = {0};
	struct elf_file *ef = NULL;
	struct maps_line line;
	const char *at;

	if (!image || procfs_read(getpid(), "maps", &text) || !text.len)
		goto out;
	at = text.data;
	while (maps_next(&at, text.data + text.len, &line, &path)) {
		if (line.start != image)
			continue;
		if (elf_file_open_memory((const void *)image, line.end - line.start, "[vdso]", &ef))
			ef = NULL;
		break;
	}
out:
	buf_free(&text);
	buf_free(&path);
	return ef;
}
