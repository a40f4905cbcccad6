/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "record/facts.h"
#include "record/stored.h"

int reading_fail(const struct reading *r, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	fail(-EINVAL, "%s: not a profile that can be read: %s", r->path, text);
	free(text);
	return -EINVAL;
}

int reading_add(struct reading *r, enum profile_kind kind, uint32_t stack, struct counters c)
{
	unsigned __int128 *total = r->s->totals[kind];

	total[0] += c.bytes;
	total[1] += c.calls;
	if (total[0] > INT64_MAX || total[1] > INT64_MAX)
		return reading_fail(r, "its counts add up to more than 2^63");
	if (kind != PROFILE_ALLOC && kind != PROFILE_LIVE && counters_none(c))
		return 0;
	*profile_at(&r->s->p, kind, stack) = counters_add(*profile_at(&r->s->p, kind, stack), c);
	return 0;
}

const char *stored_text(struct stored *s, const char *text)
{
	struct buf b = {0};
	const char *copy;

	text_escape(&b, text, strlen(text));
	copy = strpool_str(&s->texts, strpool_id(&s->texts, buf_cstr(&b)));
	buf_free(&b);
	return copy;
}

uint16_t stored_function(struct stored *s, const char *name)
{
	uint32_t id = strpool_id(&s->functions, stored_text(s, name));

	if (id >= UINT16_MAX)
		return UINT16_MAX;
	if (id == s->function_names.n)
		vec_push(&s->function_names, strpool_str(&s->functions, id));
	s->p.function_names = s->function_names.at;
	s->p.n_functions = s->function_names.n;
	return id;
}

uint32_t stored_type(struct stored *s, const char *name)
{
	return profile_type(&s->p, 0, 1ULL + strpool_id(&s->types, stored_text(s, name)));
}

static uint32_t add_module(struct stored *s, enum module_kind kind, const char *path, const char *build_id,
			   uint32_t pid)
{
	uint32_t id;

	switch (kind) {
	case MODULE_UNKNOWN:
		return 0;
	case MODULE_VDSO:
		return modules_vdso(&s->modules, pid);
	case MODULE_JIT:
		return modules_jit(&s->modules, pid, 0);
	case MODULE_KERNEL:
		return modules_kernel(&s->modules, stored_text(s, path));
	default:
		/* No two are the same to modules_file(). */
		id = modules_file(&s->modules, stored_text(s, path), 0, s->module_ids.n + 1, -1, pid, false);
		if (id && *build_id && !s->modules.list.at[id]->build_id)
			s->modules.list.at[id]->build_id = xstrdup(build_id);
		return id;
	}
}

uint32_t stored_module(struct stored *s, enum module_kind kind, const char *path, const char *build_id, uint32_t pid)
{
	struct buf key = {0};
	uint32_t at;

	buf_printf(&key, "%d %u %zu:%s%s", kind, kind == MODULE_JIT ? pid : 0, strlen(path), path, build_id);
	at = strpool_id(&s->module_keys, buf_cstr(&key));
	buf_free(&key);
	if (at == s->module_ids.n) {
		uint32_t id = add_module(s, kind, path, build_id, pid);

		vec_push(&s->module_ids, id);
	}
	return s->module_ids.at[at];
}

static struct stored_module *module_of(struct stored *s, uint32_t module)
{
	while (s->by_module.n <= module)
		vec_push(&s->by_module, ((struct stored_module){0}));
	return &s->by_module.at[module];
}

void stored_name(struct stored *s, uint32_t module, uint64_t addr, const struct symbol *sym)
{
	bool is_new;
	struct stored_module *m = module_of(s, module);
	uint64_t *place = u64map_put(sym->creator ? &m->creators : &m->frames, addr, &is_new);
	struct stored_frame *frame;

	if (is_new)
		*place = (uintptr_t)arena_get(&s->a, 1, sizeof(*frame));
	frame = (struct stored_frame *)(uintptr_t)*place;
	if (!is_new && frame->sym.reason == SYM_NAMED)
		return;
	frame->sym = *sym;
	/* Function by function a frame's names share what is said of the frame. */
	frame->sym.module = module_basename(modules_get(&s->modules, module));
	for (struct symbol *at = &frame->sym; at->into; at = (struct symbol *)at->into)
		((struct symbol *)at->into)->module = frame->sym.module;
}

static const struct symbol *find_symbol(struct stored *s, uint32_t module, uint64_t addr, bool creator)
{
	const struct profile_frame f = {.module = module, .creator = creator, .addr = addr};
	static const struct symbol none = {.module = "[unknown]", .reason = SYM_NO_MAPPING};
	struct names *names = &s->names;
	struct stored_frame *frame;
	uint64_t *place = NULL;

	if (module == MODULE_UNCERTAIN)
		return &symbol_uncertain;
	if (module < s->by_module.n)
		place = u64map_find(creator ? &s->by_module.at[module].creators : &s->by_module.at[module].frames,
				    addr);
	if (!place)
		return &none;
	frame = (struct stored_frame *)(uintptr_t)*place;
	names_count(names, &frame->asked, frame->sym.reason);
	/* A process's own code, and the kernel's page in it, are not those of this machine. */
	if (s->sym && frame->sym.reason == SYM_NOT_OPENED && modules_get(&s->modules, module)->kind == MODULE_ELF) {
		const struct symbol *found = names_frame(symbolizer_names(s->sym), &f);

		names->asked[SYM_NOT_OPENED]--;
		names->asked[found->reason]++;
		return found;
	}
	return &frame->sym;
}

static const struct symbol *stored_symbol(struct names *names, uint32_t module, uint64_t addr)
{
	return find_symbol((struct stored *)names, module, addr, false);
}

static const struct symbol *stored_creator(struct names *names, uint32_t module, uint64_t addr)
{
	return find_symbol((struct stored *)names, module, addr, true);
}

static const char *stored_type_name(struct names *names, const struct profile *p, uint32_t stack)
{
	struct stored *s = (struct stored *)names;
	const struct profile_type *type = &p->types.at[p->stacks.at[stack].type];
	const char *name;

	if (type->module)
		return s->sym ? names_type(symbolizer_names(s->sym), p, stack) : NULL;
	if (!type->addr)
		return NULL;
	name = strpool_str(&s->types, type->addr - 1);
	return *name ? name : NULL;
}

struct stored *stored_new(const struct stored_options *o)
{
	struct stored *s = xcalloc(1, sizeof(*s));

	s->o = *o;
	s->names.of = stored_symbol;
	s->names.creator = stored_creator;
	s->names.type = stored_type_name;
	modules_init(&s->modules);
	profile_init(&s->p, &s->modules, NULL, 0);
	return s;
}

const struct recording *stored_recording(struct stored *s)
{
	s->r.profile = &s->p;
	s->r.names = &s->names;
	if (s->r.unnamed && !s->sym) {
		stored_open_files(s);
		s->sym = symbolizer_new(&s->modules, (struct symbolizer_options){
			.demangle = s->o.demangle, .no_inline = s->o.no_inline,
		});
	}
	return &s->r;
}

void stored_free(struct stored *s)
{
	if (!s)
		return;
	symbolizer_free(s->sym);
	for (size_t i = 0; i < s->by_module.n; i++) {
		u64map_free(&s->by_module.at[i].frames);
		u64map_free(&s->by_module.at[i].creators);
	}
	vec_free(&s->by_module);
	vec_free(&s->module_ids);
	vec_free(&s->function_names);
	profile_free(&s->p);
	modules_free(&s->modules);
	strpool_free(&s->module_keys);
	strpool_free(&s->texts);
	strpool_free(&s->functions);
	strpool_free(&s->types);
	arena_free(&s->a);
	free(s);
}
