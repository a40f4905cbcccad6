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
#include "base/memlimit.h"
#include "base/text.h"
#include "base/timelimit.h"
#include "model/profile.h"
#include "sym/debuginfod.h"
#include "sym/demangle.h"
#include "sym/dwarf.h"
#include "sym/source.h"

/* Of a name that a hostile file gives, as much as anybody reads. */
#define NAME_MAX_BYTES 4096
#define TYPE_FRAMES 16	/* of a stack, for its type */
#define ROOM_EVERY 4096	/* new frames between two looks at our memory */

struct frame {
	struct symbol sym;
	uint32_t generation;	/* of the symbolizer, when it was last looked up */
	uint32_t asked;		/* for names_count() */
	struct symbol *all;	/* where there are several: sym itself and what it is inlined in, outwards */
	struct symbol_copy creators;	/* the same as who made a goroutine */
};

struct module_names {
	struct source *source;	/* NULL until the first look-up */
	uint32_t generation;	/* when the source was last read */
	uint32_t reopened;	/* what was looked up in an earlier generation does not hold any more */
	struct u64map frames;	/* address -> struct frame * */
	struct u64map functions;/* start of a function -> its shown name in `names`, so that each is demangled once */
	struct symbol *no_room;	/* of all frames for which there is no memory */
	struct u64map inlined;	/* where the name of an inlined function stands in memory -> likewise */
};

struct symbolizer {
	struct names face;	/* what others see; first, so that it leads back */
	const struct modules *modules;
	struct symbolizer_options options;
	uint32_t generation;
	bool fetching;		/* from debuginfod */
	vec_of(struct module_names) by_module;
	struct strpool names;
	struct u64map types;	/* type and node of a stack -> its type's name in `names`, plus one; 0: not known */
	uint32_t n_new;		/* frames since the last look at our memory */
	bool full;
};

static void free_frame(struct frame *frame)
{
	free(frame->all);
	free(frame->creators.at);
	free(frame);
}

static void free_module_names(struct module_names *m)
{
	for (size_t i = 0; m->frames.slots && i <= m->frames.mask; i++)
		if (m->frames.used[i])
			free_frame((struct frame *)(uintptr_t)m->frames.slots[i].value);
	u64map_free(&m->frames);
	u64map_free(&m->functions);
	u64map_free(&m->inlined);
	source_free(m->source);
	free(m->no_room);
}

void symbolizer_free(struct symbolizer *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->by_module.n; i++)
		free_module_names(&s->by_module.at[i]);
	vec_free(&s->by_module);
	strpool_free(&s->names);
	u64map_free(&s->types);
	free(s);
}

static struct module_names *names_of_module(struct symbolizer *s, uint32_t module)
{
	while (s->by_module.n <= module)
		vec_push(&s->by_module, ((struct module_names){0}));
	return &s->by_module.at[module];
}

static uint32_t shown_name(struct symbolizer *s, const char *raw)
{
	char *demangled = s->options.demangle ? demangle(raw) : NULL;
	char cut[NAME_MAX_BYTES + 1];
	struct buf shown = {0};
	uint32_t id;

	if (!demangled) {
		size_t len = strnlen(raw, NAME_MAX_BYTES);

		memcpy(cut, raw, len);
		cut[len] = '\0';
	}
	text_name(&shown, demangled ? demangled : cut, false);
	id = strpool_id(&s->names, buf_cstr(&shown));
	buf_free(&shown);
	free(demangled);
	return id;
}

/* The name of the function that starts there. A JIT may put another function in the same place: no shortcut for it. */
static const char *function_name(struct symbolizer *s, struct module_names *m, const struct module *mod,
				 const struct source_name *name)
{
	uint64_t *id;
	bool is_new;

	if (mod->kind == MODULE_JIT || name->many)
		return strpool_str(&s->names, shown_name(s, name->function));
	id = u64map_put(&m->functions, name->start, &is_new);
	if (is_new)
		*id = shown_name(s, name->function);
	return strpool_str(&s->names, (uint32_t)*id);
}

static void set_place(struct symbolizer *s, struct symbol *sym, const struct dwarf_place *place)
{
	char file[NAME_MAX_BYTES + 1];
	size_t len;

	if (!place->file || !place->line)
		return;
	len = strnlen(place->file, NAME_MAX_BYTES);
	memcpy(file, place->file, len);
	file[len] = '\0';
	sym->file = strpool_str(&s->names, strpool_id(&s->names, file));
	sym->line = place->line;
}

static const char *inlined_name(struct symbolizer *s, struct module_names *m, const char *name)
{
	uint64_t *id;
	bool is_new;

	if (!name)
		return NULL;
	id = u64map_put(&m->inlined, (uintptr_t)name, &is_new);
	if (is_new)
		*id = shown_name(s, name);
	return strpool_str(&s->names, (uint32_t)*id);
}

/* frame->sym is the function proper: puts before it what is inlined in it. A function without a name is none. */
static void add_inlined(struct symbolizer *s, struct module_names *m, const struct source_name *name,
			struct frame *frame)
{
	struct symbol *all = xrealloc_array(NULL, name->n_places, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i + 1 < name->n_places; i++) {
		all[n] = frame->sym;
		all[n].file = NULL;
		all[n].line = 0;
		all[n].function = inlined_name(s, m, name->places[i].function);
		set_place(s, &all[n], &name->places[i]);
		n += all[n].function != NULL;
	}
	all[n] = frame->sym;
	for (size_t i = 0; i < n; i++)
		all[i].into = &all[i + 1];
	frame->sym = all[0];
	free(frame->all);
	frame->all = all;
}

static void look_up(struct symbolizer *s, struct module_names *m, const struct module *mod, uint64_t addr,
		    struct frame *frame)
{
	struct source_name name = source_at(m->source, addr);
	struct symbol *sym = &frame->sym;

	*sym = (struct symbol){.module = module_basename(mod), .reason = name.reason, .hidden = name.hidden};
	if (name.function) {
		sym->function = function_name(s, m, mod, &name);
		sym->offset = addr - name.start;
	} else {
		sym->offset = addr;
		sym->start = source_function_start(m->source, addr);
	}
	if (!name.n_places)
		return;
	set_place(s, sym, &name.places[name.n_places - 1]);
	if (name.n_places > 1 && !s->options.no_inline)
		add_inlined(s, m, &name, frame);
}

static bool may_get_a_name(enum sym_reason reason)
{
	return reason == SYM_NOT_OPENED || reason == SYM_NO_TIME || reason == SYM_NO_PERF_MAP ||
	       reason == SYM_NOT_IN_PERF_MAP;
}

static struct symbol without_name(const struct module *mod, uint64_t addr, enum sym_reason reason)
{
	return (struct symbol){.module = module_basename(mod), .offset = addr, .start = addr, .reason = reason};
}

/* One more frame: that there is memory for it is looked at now and then. */
static bool has_room(struct symbolizer *s)
{
	if (s->n_new++ % ROOM_EVERY == 0)
		s->full = !memlimit_has_share(MEMLIMIT_NAMES, "names");
	return !s->full;
}

static const struct symbol *without_room(struct symbolizer *s, struct module_names *m, const struct module *mod)
{
	if (!m->no_room)
		m->no_room = xcalloc(1, sizeof(*m->no_room));
	*m->no_room = without_name(mod, 0, SYM_NO_MEMORY);
	s->face.asked[SYM_NO_MEMORY]++;
	return m->no_room;
}

/* What the frame is called now. */
static const struct symbol *current(struct symbolizer *s, struct module_names *m, const struct module *mod,
				    uint64_t addr, struct frame *frame, bool is_new)
{
	if (!is_new && (frame->generation == s->generation ||
			(frame->generation >= m->reopened && !may_get_a_name(frame->sym.reason))))
		return &frame->sym;
	frame->generation = s->generation;
	if (timelimit_is_over()) {
		frame->sym = without_name(mod, addr, SYM_NO_TIME);
		return &frame->sym;
	}
	if (!m->source) {
		m->source = source_new(mod);
		m->generation = s->generation;
	}
	look_up(s, m, mod, addr, frame);
	if (may_get_a_name(frame->sym.reason) && m->generation != s->generation) {
		m->generation = s->generation;
		if (source_refresh(m->source))
			look_up(s, m, mod, addr, frame);
	}
	return &frame->sym;
}

static const struct symbol *look_up_frame(struct names *names, uint32_t module, uint64_t addr)
{
	struct symbolizer *s = (struct symbolizer *)names;
	const struct module *mod = modules_get(s->modules, module);
	struct module_names *m = names_of_module(s, module < s->modules->list.n ? module : 0);
	const struct symbol *sym;
	struct frame *frame;
	uint64_t *place;
	bool is_new;

	if (module == MODULE_UNCERTAIN)
		return &symbol_uncertain;
	if (!u64map_find(&m->frames, addr) && !has_room(s))
		return without_room(s, m, mod);
	place = u64map_put(&m->frames, addr, &is_new);
	if (is_new)
		*place = (uintptr_t)xcalloc(1, sizeof(*frame));
	frame = (struct frame *)(uintptr_t)*place;
	sym = current(s, m, mod, addr, frame, is_new);
	names_count(names, &frame->asked, sym->reason);
	names->not_read = memlimit_refused();
	return sym;
}

/* A frame without memory for it has no place for another name. */
static const struct symbol *look_up_creator(struct names *names, uint32_t module, uint64_t addr)
{
	struct symbolizer *s = (struct symbolizer *)names;
	const struct symbol *sym = look_up_frame(names, module, addr);
	struct module_names *m = names_of_module(s, module < s->modules->list.n ? module : 0);
	const uint64_t *place = u64map_find(&m->frames, addr);

	return place ? symbol_creators(sym, &((struct frame *)(uintptr_t)*place)->creators) : sym;
}

/* Frames in the file that has the type: how many of the innermost. */
static size_t frames_in(const struct profile *p, uint32_t stack, uint32_t module, uint64_t *addrs)
{
	const struct profile_node *nodes = p->nodes.at;
	size_t n = 0;

	for (uint32_t at = p->stacks.at[stack].node; at && n < TYPE_FRAMES; at = nodes[at].parent) {
		const struct profile_frame *f = &p->frames.at[nodes[at].frame];

		if (f->module != module || f->creator)
			break;
		addrs[n++] = f->addr;
	}
	return n;
}

static uint64_t type_id(struct symbolizer *s, const struct profile *p, uint32_t stack)
{
	const struct profile_type *type = &p->types.at[p->stacks.at[stack].type];
	struct module_names *m = names_of_module(s, type->module);
	uint64_t frames[TYPE_FRAMES], id = 0;
	struct buf name = {0}, shown = {0};

	if (!m->source) {
		m->source = source_new(modules_get(s->modules, type->module));
		m->generation = s->generation;
	}
	if (source_type(m->source, type->addr, frames, frames_in(p, stack, type->module, frames), &name)) {
		text_escape(&shown, buf_cstr(&name), name.len);
		id = 1ULL + strpool_id(&s->names, buf_cstr(&shown));
	}
	buf_free(&name);
	buf_free(&shown);
	return id;
}

static const char *look_up_type(struct names *names, const struct profile *p, uint32_t stack)
{
	struct symbolizer *s = (struct symbolizer *)names;
	const struct profile_stack *st = &p->stacks.at[stack];
	uint64_t *id;
	bool is_new;

	if (!st->type || timelimit_is_over())
		return NULL;
	id = u64map_put(&s->types, (uint64_t)st->type << 32 | st->node, &is_new);
	if (is_new) {
		const uint64_t found = type_id(s, p, stack);

		*id = found;
	}
	return *id ? strpool_str(&s->names, (uint32_t)(*id - 1)) : NULL;
}

struct symbolizer *symbolizer_new(const struct modules *modules, struct symbolizer_options options)
{
	struct symbolizer *s = xcalloc(1, sizeof(*s));

	s->face.of = look_up_frame;
	s->face.creator = look_up_creator;
	s->face.type = look_up_type;
	s->modules = modules;
	s->options = options;
	return s;
}

struct names *symbolizer_names(struct symbolizer *s)
{
	return &s->face;
}

/* Files that lacked something are opened again. */
static void reopen_incomplete(struct symbolizer *s)
{
	for (size_t i = 0; i < s->by_module.n; i++) {
		struct module_names *m = &s->by_module.at[i];

		if (!m->source || !source_is_incomplete(m->source))
			continue;
		source_free(m->source);
		m->source = NULL;
		m->reopened = s->generation;
		u64map_free(&m->functions);
		u64map_free(&m->inlined);
	}
}

void symbolizer_refresh(struct symbolizer *s)
{
	s->generation++;
	names_start(&s->face);
	s->face.not_read = memlimit_refused();
	if (debuginfod_is_allowed() && !s->fetching) {
		s->fetching = true;
		reopen_incomplete(s);
	}
}
