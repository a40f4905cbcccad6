/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/symbol.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define UNCERTAIN "[?]"

const struct symbol symbol_uncertain = {.module = UNCERTAIN, .reason = SYM_UNCERTAIN};

const char *sym_reason_text(enum sym_reason reason)
{
	static const char *const text[SYM_REASONS] = {
		[SYM_NAMED] = "named",
		[SYM_NO_SYMBOL] = "no symbol covers the address",
		[SYM_STRIPPED] = "file without symbols",
		[SYM_NOT_OPENED] = "file could not be opened",
		[SYM_NOT_ELF] = "not an ELF file, or a damaged one",
		[SYM_NO_PERF_MAP] = "generated code without a perf map",
		[SYM_NOT_IN_PERF_MAP] = "generated code that is not in the perf map",
		[SYM_NO_MAPPING] = "address in no known mapping",
		[SYM_NO_TIME] = "no time left (--max-naming)",
		[SYM_NO_MEMORY] = "no memory left (--max-memory)",
		[SYM_UNCERTAIN] = "callers may be missing",
		[SYM_NO_KALLSYMS] = "kernel symbols hidden (kernel.kptr_restrict)",
	};

	return (unsigned int)reason < SYM_REASONS ? text[reason] : "unknown reason";
}

void names_start(struct names *n)
{
	n->round++;
	memset(n->asked, 0, sizeof(n->asked));
}

const struct symbol *symbol_creators(const struct symbol *sym, struct symbol_copy *copy)
{
	size_t n = 0;

	for (const struct symbol *s = sym; s; s = s->into)
		n++;
	if (n != copy->n)
		copy->at = xrealloc_array(copy->at, n, sizeof(*copy->at));
	copy->n = n;
	for (struct symbol *to = copy->at; sym; sym = sym->into, to++) {
		*to = *sym;
		to->creator = true;
		to->hidden = false;
		to->into = sym->into ? to + 1 : NULL;
	}
	return copy->at;
}

static void put_creator(const struct symbol *sym, struct buf *out)
{
	if (sym->creator)
		buf_str(out, SYMBOL_CREATOR);
}

void symbol_text(const struct symbol *sym, struct buf *out)
{
	put_creator(sym, out);
	if (sym->function)
		buf_str(out, sym->function);
	else if (sym->reason == SYM_UNCERTAIN)
		buf_str(out, UNCERTAIN);
	else if (sym->reason == SYM_NO_MEMORY)
		buf_printf(out, "%s+?", sym->module);
	else
		buf_printf(out, "%s+0x%llx", sym->module, (unsigned long long)sym->start);
}

static const char *file_name(const struct symbol *sym)
{
	const char *slash = strrchr(sym->file, '/');

	return slash ? slash + 1 : sym->file;
}

static void put_line(const struct symbol *sym, struct buf *out)
{
	text_name(out, file_name(sym), false);
	buf_printf(out, ":%u", sym->line);
}

void symbol_site_text(const struct symbol *sym, struct buf *out)
{
	/* The frame's address is the call's last byte; the return address is the next. */
	if (sym->function && sym->file) {
		put_creator(sym, out);
		buf_printf(out, "%s (", sym->function);
		put_line(sym, out);
		buf_char(out, ')');
	} else if (sym->function) {
		put_creator(sym, out);
		buf_printf(out, "%s+0x%llx", sym->function, (unsigned long long)sym->offset + 1);
	} else {
		symbol_text(sym, out);
	}
}

void symbol_line_text(const struct symbol *sym, struct buf *out)
{
	if (sym->file) {
		put_creator(sym, out);
		put_line(sym, out);
	} else {
		symbol_site_text(sym, out);
	}
}
