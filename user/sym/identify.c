/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sym/identify.h"

#include <elf.h>
#include <string.h>

#include "base/buf.h"
#include "elf/elffile.h"

#define PAGE_BYTES 4096ULL

static void identify(struct module *mod, const struct elf_file *ef)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	size_t len = elf_build_id(ef, id), n;
	const struct elf_segment *segments = elf_file_segments(ef, &n);
	struct buf hex = {0};

	for (size_t i = 0; i < len; i++)
		buf_printf(&hex, "%02x", id[i]);
	mod->build_id = hex.data;
	for (size_t i = 0; i < n; i++) {
		uint64_t in_page = segments[i].vaddr % PAGE_BYTES;

		if (!(segments[i].flags & PF_X) || segments[i].offset < in_page)
			continue;
		mod->text_vaddr = segments[i].vaddr - in_page;
		mod->text_offset = segments[i].offset - in_page;
		mod->text_bytes = segments[i].memsz + in_page;
		return;
	}
}

static void read_file(struct module *mod)
{
	struct elf_file *ef;

	if (mod->identified || mod->fd < 0)
		return;
	mod->identified = true;
	if (elf_file_open(mod->fd, mod->path, &ef))
		return;
	identify(mod, ef);
	elf_file_close(ef);
}

void modules_identify(struct modules *m, bool all)
{
	vec_of(struct module *) first = {0};	/* of each path */
	struct strpool paths = {0};

	for (size_t i = 0; i < m->list.n; i++) {
		struct module *mod = m->list.at[i];
		uint32_t path;

		if (mod->kind != MODULE_ELF)
			continue;
		path = strpool_id(&paths, mod->path);
		if (path == first.n)
			vec_push(&first, mod);
		if (all || first.at[path] != mod) {
			read_file(first.at[path]);
			read_file(mod);
		}
	}
	strpool_free(&paths);
	vec_free(&first);
}
