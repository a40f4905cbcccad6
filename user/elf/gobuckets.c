// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/gobuckets.h"

#include <stdlib.h>

#include "arch/insn.h"

#define BODY_MAX 4096		/* bytes of a function that are looked at: they have some 300 */
#define FIRST_RATE 524288	/* what runtime.MemProfileRate is initialized with, since Go 1.0 */

/* The next load from *at on; *at is behind it then. False: there is no further one. */
static bool next_load(const uint8_t *code, size_t size, uint64_t vaddr, size_t *at, uint64_t *from)
{
	struct insn in;

	while (insn_decode(code + *at, size - *at, vaddr + *at, &in)) {
		const struct insn_operand *to = &in.op[0], *mem = &in.op[1];

		*at += in.len;
		if (in.kind == INSN_MOVE && to->kind == OPERAND_REG && to->bits == 64 && mem->kind == OPERAND_MEM &&
		    mem->fixed && !mem->apart && mem->bits == 64) {
			*from = (uint64_t)mem->value;
			return true;
		}
	}
	return false;
}

uint64_t gobuckets_loaded(const uint8_t *code, size_t size, uint64_t vaddr)
{
	uint64_t from;
	size_t at = 0;

	return next_load(code, size, vaddr, &at, &from) ? from : 0;
}

static uint64_t find_buckets(const struct elf_file *ef, const struct go_function *flush)
{
	size_t size;
	uint8_t *code = gopclntab_body(ef, flush, BODY_MAX, &size);
	const uint64_t found = gobuckets_loaded(code, size, flush->entry);

	free(code);
	return found;
}

static bool begins_at_first_rate(const struct elf_file *ef, uint64_t vaddr)
{
	uint64_t value;

	return elf_read_vaddr(ef, vaddr, &value, sizeof(value)) == sizeof(value) && value == FIRST_RATE;
}

/*
 * Of the words that runtime.profilealloc loads, the one that begins as MemProfileRate does: which number it is differs.
 * Go 1.17 to 1.19 set it when the program starts, so that the file has nothing of it: there it is the last one.
 */
static uint64_t find_rate(const struct elf_file *ef, const struct go_function *profilealloc)
{
	size_t size, at = 0;
	uint8_t *code = gopclntab_body(ef, profilealloc, BODY_MAX, &size);
	uint64_t from, offset, found = 0, unset = 0;

	while (!found && next_load(code, size, profilealloc->entry, &at, &from)) {
		if (!elf_vaddr_to_offset(ef, from, &offset))
			unset = from;
		else if (begins_at_first_rate(ef, from))
			found = from;
	}
	free(code);
	return found ? found : unset;
}

void gobuckets_find(const struct elf_file *ef, const struct gopclntab *g, struct plan_go *out)
{
	enum { FLUSH, PROFILEALLOC, PROFILE, PROFILE_INTERNAL, NAMES };
	static const char *const names[NAMES] = {
		[FLUSH] = "runtime.mProf_FlushLocked", [PROFILEALLOC] = "runtime.profilealloc",
		/* From Go 1.17 on the linker switches the profiler off where nothing can ask for what it records. */
		[PROFILE] = "runtime.MemProfile", [PROFILE_INTERNAL] = "runtime.memProfileInternal",
	};
	struct go_function f[NAMES];

	*out = (struct plan_go){.found = true};
	gopclntab_find_names(g, names, NAMES, f);
	if (f[FLUSH].name)
		out->buckets = find_buckets(ef, &f[FLUSH]);
	if (f[PROFILEALLOC].name)
		out->rate = find_rate(ef, &f[PROFILEALLOC]);
	out->kept = f[PROFILE].name || f[PROFILE_INTERNAL].name ||
		    (gopclntab_layout(g) <= GOPCLNTAB_1_16 && begins_at_first_rate(ef, out->rate));
}
