/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sym/debugsource.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "elf/debugfile.h"
#include "elf/minidebug.h"
#include "sym/debuginfod.h"

/* A file whose server may not answer (struct module, probe_fd): nothing is looked for beside it, nor below its root. */
static bool is_apart(const struct module *mod)
{
	return mod->probe_fd >= 0;
}

/* As the target would find it, then as we would: a container seldom has any. */
static bool on_disk(const struct module *mod, const struct elf_file *ef, struct debug_source *out)
{
	char root[40];

	if (mod->pid && !is_apart(mod)) {
		snprintf(root, sizeof(root), "/proc/%u/root", mod->pid);
		if (elf_debugfile_open(ef, mod->path, root, &out->fd, &out->ef) == 0)
			return true;
	}
	return elf_debugfile_open(ef, is_apart(mod) ? "" : mod->path, "", &out->fd, &out->ef) == 0;
}

/* A server is asked for a build id; what it gives must have it. */
static bool from_server(const struct module *mod, const struct elf_file *ef, struct debug_source *out)
{
	uint8_t id[ELF_BUILD_ID_MAX], got[ELF_BUILD_ID_MAX];
	size_t len = debuginfod_is_allowed() ? elf_build_id(ef, id) : 0;
	int fd;

	if (!len)
		return false;
	fd = debuginfod_fetch(id, len, mod->path);
	if (fd < 0)
		return false;
	if (elf_file_open(fd, mod->path, &out->ef) == 0) {
		if (elf_build_id(out->ef, got) == len && memcmp(id, got, len) == 0 &&
		    elf_file_machine(out->ef) == elf_file_machine(ef)) {
			out->fd = fd;
			return true;
		}
		elf_file_close(out->ef);
		out->ef = NULL;
	}
	note("debuginfod: the file received for %s is not a debug file of that build", mod->path);
	close(fd);
	return false;
}

bool debug_source_open(const struct module *mod, const struct elf_file *ef, struct debug_source *out)
{
	*out = (struct debug_source){.fd = -1};
	if (on_disk(mod, ef, out) || from_server(mod, ef, out))
		return true;
	if (elf_minidebug_open(ef, &out->image, &out->ef) != 0)
		*out = (struct debug_source){.fd = -1};
	return false;
}

void debug_source_open_alt(const struct module *mod, const struct elf_file *ef, struct debug_source *out)
{
	char root[40];
	int err = -ENOENT;

	*out = (struct debug_source){.fd = -1};
	if (mod->pid && !is_apart(mod)) {
		snprintf(root, sizeof(root), "/proc/%u/root", mod->pid);
		err = elf_altfile_open(ef, root, &out->fd, &out->ef);
	}
	if (err && !is_apart(mod))
		err = elf_altfile_open(ef, "", &out->fd, &out->ef);
	if (err && elf_section_by_name(ef, ".gnu_debugaltlink"))
		note("%s: the debugging information that it shares with other files (.gnu_debugaltlink) is not "
		     "available: some names will be missing", elf_file_name(ef));
}

void debug_source_close(struct debug_source *d)
{
	elf_file_close(d->ef);
	if (d->fd >= 0)
		close(d->fd);
	free(d->image);
	*d = (struct debug_source){.fd = -1};
}
