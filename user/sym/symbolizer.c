/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every distinct frame is looked up once and kept. What had no name then may have one later (a JIT's code, a file that
 * could not be opened at first), so such a frame is looked up again after symbolizer_refresh(), and its struct symbol,
 * which callers may hold, is filled in in place.
 */
#include "sym/symbolizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "sym/demangle.h"
#include "sym/source.h"

/* Of a name that a hostile file gives, as much as anybody reads. */
#define NAME_MAX_BYTES 4096

struct frame {
	struct symbol sym;
	uint32_t generation;	/* of the symbolizer, when it was last looked up */
};

struct module_names {
	struct source *source;	/* NULL until the first look-up */
	uint32_t generation;	/* when the source was last read */
	struct u64map frames;	/* address -> struct frame * */
	struct u64map functions;/* start of a function -> its shown name in `names`, so that each is demangled once */
};

struct symbolizer {
	const struct modules *modules;
	struct symbolizer_options options;
	uint32_t generation;
	vec_of(struct module_names) by_module;
	struct strpool names;
	uint64_t counts[SYM_REASONS];
};

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
	};

	return (unsigned int)reason < SYM_REASONS ? text[reason] : "unknown reason";
}

struct symbolizer *symbolizer_new(const struct modules *modules, struct symbolizer_options options)
{
	struct symbolizer *s = xcalloc(1, sizeof(*s));

	s->modules = modules;
	s->options = options;
	return s;
}

static void free_module_names(struct module_names *m)
{
	for (size_t i = 0; m->frames.slots && i <= m->frames.mask; i++)
		if (m->frames.used[i])
			free((void *)(uintptr_t)m->frames.slots[i].value);
	u64map_free(&m->frames);
	u64map_free(&m->functions);
	source_free(m->source);
}

void symbolizer_free(struct symbolizer *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->by_module.n; i++)
		free_module_names(&s->by_module.at[i]);
	vec_free(&s->by_module);
	strpool_free(&s->names);
	free(s);
}

static struct module_names *names_of(struct symbolizer *s, uint32_t module)
{
	while (s->by_module.n <= module)
		vec_push(&s->by_module, ((struct module_names){0}));
	return &s->by_module.at[module];
}

static uint32_t shown_name(struct symbolizer *s, const char *raw)
{
	char *demangled = s->options.demangle ? demangle(raw) : NULL;
	char cut[NAME_MAX_BYTES + 1];
	uint32_t id;

	if (!demangled) {
		size_t len = strnlen(raw, NAME_MAX_BYTES);

		memcpy(cut, raw, len);
		cut[len] = '\0';
	}
	id = strpool_id(&s->names, demangled ? demangled : cut);
	free(demangled);
	return id;
}

/* The name of the function that starts there. A JIT may put another function in the same place: no shortcut for it. */
static const char *function_name(struct symbolizer *s, struct module_names *m, const struct module *mod,
				 const struct source_name *name)
{
	uint64_t *id;
	bool is_new;

	if (mod->kind == MODULE_JIT)
		return strpool_str(&s->names, shown_name(s, name->function));
	id = u64map_put(&m->functions, name->start, &is_new);
	if (is_new)
		*id = shown_name(s, name->function);
	return strpool_str(&s->names, (uint32_t)*id);
}

static void look_up(struct symbolizer *s, struct module_names *m, const struct module *mod, uint64_t addr,
		    struct symbol *sym)
{
	struct source_name name = source_at(m->source, addr);

	*sym = (struct symbol){.module = module_basename(mod), .reason = name.reason};
	if (name.function) {
		sym->function = function_name(s, m, mod, &name);
		sym->offset = addr - name.start;
	} else {
		sym->offset = source_offset(m->source, addr);
		sym->start = source_offset(m->source, source_function_start(m->source, addr));
	}
}

static bool may_get_a_name(enum sym_reason reason)
{
	return reason == SYM_NOT_OPENED || reason == SYM_NO_PERF_MAP || reason == SYM_NOT_IN_PERF_MAP;
}

const struct symbol *symbolize(struct symbolizer *s, uint32_t module, uint64_t addr)
{
	const struct module *mod = modules_get(s->modules, module);
	struct module_names *m = names_of(s, module < s->modules->list.n ? module : 0);
	struct frame *frame;
	uint64_t *place;
	bool is_new;

	place = u64map_put(&m->frames, addr, &is_new);
	if (is_new)
		*place = (uintptr_t)xcalloc(1, sizeof(*frame));
	frame = (struct frame *)(uintptr_t)*place;
	if (!is_new) {
		if (frame->generation == s->generation || !may_get_a_name(frame->sym.reason))
			return &frame->sym;
		s->counts[frame->sym.reason]--;
	}
	if (!m->source) {
		m->source = source_new(mod);
		m->generation = s->generation;
	}
	look_up(s, m, mod, addr, &frame->sym);
	if (may_get_a_name(frame->sym.reason) && m->generation != s->generation) {
		m->generation = s->generation;
		if (source_refresh(m->source))
			look_up(s, m, mod, addr, &frame->sym);
	}
	frame->generation = s->generation;
	s->counts[frame->sym.reason]++;
	return &frame->sym;
}

void symbolizer_stats(const struct symbolizer *s, uint64_t counts[SYM_REASONS])
{
	memcpy(counts, s->counts, sizeof(s->counts));
}

void symbolizer_refresh(struct symbolizer *s)
{
	s->generation++;
}

void symbol_text(const struct symbol *sym, struct buf *out)
{
	if (sym->function)
		buf_str(out, sym->function);
	else
		buf_printf(out, "%s+0x%llx", sym->module, (unsigned long long)sym->start);
}

void symbol_site_text(const struct symbol *sym, struct buf *out)
{
	/* The frame's address is the call's last byte; the return address is the next. */
	if (sym->function)
		buf_printf(out, "%s+0x%llx", sym->function, (unsigned long long)sym->offset + 1);
	else
		symbol_text(sym, out);
}
