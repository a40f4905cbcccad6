/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/refusing.h"

#include "proc/mapfile.h"
#include "proc/procfs.h"

void refusing_read(pid_t pid, struct refusing_list *list)
{
	struct buf text = {0}, path = {0};
	pid_t tid = procfs_live_thread(pid);
	struct maps_line line;
	const char *at;

	if (tid && !procfs_read(tid, "maps", &text) && text.len) {
		at = text.data;
		while (maps_next(&at, text.data + text.len, &line, &path))
			if (line.exec && (line.write || line.shared) && mapping_kind(line.path) == MAPPING_FILE)
				vec_push(list, ((struct refusing){
					line.start, line.end, line.write ? "mapped writable" : "mapped shared",
				}));
	}
	buf_free(&text);
	buf_free(&path);
}

const char *refusing_at(const struct refusing_list *list, uint64_t addr)
{
	for (size_t i = 0; i < list->n; i++)
		if (addr >= list->at[i].start && addr < list->at[i].end)
			return list->at[i].why;
	return NULL;
}
