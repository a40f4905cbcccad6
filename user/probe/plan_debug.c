/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The symbols of a stripped file: .gnu_debugdata, or a separate debug file. */
#include <elf.h>
#include <stdlib.h>

#include "elf/minidebug.h"
#include "probe/plan_internal.h"

static bool by_minidebug(const struct planner *p, void (*on_function)(void *arg, const struct elf_function *f),
			 void *arg)
{
	struct elf_file *debug;
	uint8_t *image;
	bool done;

	if (elf_minidebug_open(p->ef, &image, &debug))
		return false;
	done = !elf_each_debug_function(p->ef, debug, on_function, arg);
	elf_file_close(debug);
	free(image);
	return done;
}

bool plan_each_debug_function(const struct planner *p, void (*on_function)(void *arg, const struct elf_function *f),
			      void *arg)
{
	if (elf_section_by_type(p->ef, SHT_SYMTAB))
		return true;
	if (!p->in->separate)
		return false;
	return (p->in->debug && !elf_each_debug_function(p->ef, p->in->debug, on_function, arg)) ||
	       by_minidebug(p, on_function, arg);
}
