/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings, functions and locations of a profile become modules and named frames. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "record/stored.h"

/* An index that a file gives, checked; NULL where it is out of range. */
static const char *string_at(const struct reading *r, int64_t i)
{
	return i >= 0 && (uint64_t)i < r->m->n_string_table ? r->m->string_table[i] : NULL;
}

static int add_id(struct reading *r, struct u64map *ids, uint64_t id, size_t index, const char *what)
{
	bool is_new;
	uint64_t *place = u64map_put(ids, id, &is_new);

	if (!id || !is_new)
		return reading_fail(r, "%s %llu is there twice, or has no number", what, (unsigned long long)id);
	*place = index;
	return 0;
}

static enum module_kind kind_of(const char *path)
{
	static const struct {
		const char *path;
		enum module_kind kind;
	} kinds[] = {{"", MODULE_UNKNOWN}, {"[unknown]", MODULE_UNKNOWN}, {"[vdso]", MODULE_VDSO},
		     {"[anon]", MODULE_JIT}, {"//anon", MODULE_JIT}, {MODULE_KERNEL_PATH, MODULE_KERNEL}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(path, kinds[i].path))
			return kinds[i].kind;
	return MODULE_ELF;
}

static bool is_hex(const char *s)
{
	return !s[strspn(s, "0123456789abcdefABCDEF")];
}

/* Where its code lies, for who writes the recording once more. */
static void set_text(struct module *mod, const Pb__Mapping *m, uint64_t vaddr)
{
	const uint64_t most = 1ULL << 47;

	if (mod->kind != MODULE_ELF || mod->text_bytes || m->memory_limit <= m->memory_start || vaddr >= most ||
	    m->memory_limit - m->memory_start >= most)
		return;
	mod->text_vaddr = vaddr;
	mod->text_bytes = m->memory_limit - m->memory_start;
	mod->text_offset = m->file_offset;
}

static int read_mappings(struct reading *r)
{
	r->modules = arena_get(&r->s->a, r->m->n_mapping + 1, sizeof(*r->modules));
	for (size_t i = 0; i < r->m->n_mapping; i++) {
		const Pb__Mapping *m = r->m->mapping[i];
		const char *path = string_at(r, m->filename), *build_id = string_at(r, m->build_id);
		const Pb__Module *x = r->ext ? r->ext->module[i] : NULL;
		int err = add_id(r, &r->mapping_ids, m->id, i, "mapping");

		if (err)
			return err;
		if (!path || !build_id)
			return reading_fail(r, "mapping %zu names a text that is not there", i);
		if (!is_hex(build_id) || strlen(build_id) > 2 * 64)
			build_id = "";
		r->modules[i] = stored_module(r->s, x && x->kind <= MODULE_KERNEL ? x->kind : kind_of(path), path,
					      build_id, x ? x->pid : 0);
		set_text(r->s->modules.list.at[r->modules[i]], m, x ? m->memory_start - x->slide : m->file_offset);
	}
	return 0;
}

static int read_functions(struct reading *r)
{
	for (size_t i = 0; i < r->m->n_function; i++) {
		const Pb__Function *f = r->m->function[i];
		int err = add_id(r, &r->function_ids, f->id, i, "function");

		if (err)
			return err;
		if (!string_at(r, f->name) || !string_at(r, f->filename))
			return reading_fail(r, "function %zu names a text that is not there", i);
	}
	return 0;
}

static const Pb__Function *function_of(const struct reading *r, const Pb__Line *line)
{
	uint64_t *at = u64map_find(&r->function_ids, line->function_id);

	return at ? r->m->function[*at] : NULL;
}

static const char *name_text(struct reading *r, const char *name)
{
	struct buf b = {0};
	const char *text;

	text_name(&b, name, false);
	text = stored_text(r->s, buf_cstr(&b));
	buf_free(&b);
	return text;
}

/* What stands for no frame: [?], or why a stack is not whole. 0: it is a frame. */
static uint32_t mark_of(const struct reading *r, const Pb__Location *l)
{
	const Pb__Function *f = l->n_line == 1 && !l->mapping_id && !l->address ? function_of(r, l->line[0]) : NULL;
	const char *name = f ? r->m->string_table[f->name] : "";

	for (uint32_t end = 0; end < STACK_END_MAX; end++)
		if (stack_end_mark(end) && !strcmp(stack_end_mark(end), name))
			return FRAME_MARK + end;
	return strcmp(name, "[no frames]") ? 0 : FRAME_NO_FRAMES;
}

static bool is_uncertain(const struct reading *r, const Pb__Location *l)
{
	const Pb__Function *f = l->n_line == 1 && !l->mapping_id ? function_of(r, l->line[0]) : NULL;

	return f && !strcmp(r->m->string_table[f->name], symbol_uncertain.module);
}

/* What says that a function is a creator is in its name there, for other programs. */
static struct symbol symbol_of(struct reading *r, const Pb__Line *line, bool creator)
{
	const Pb__Function *f = function_of(r, line);
	const char *file = r->m->string_table[f->filename], *name = r->m->string_table[f->name];
	const size_t mark = strlen(SYMBOL_CREATOR);

	if (creator && !strncmp(name, SYMBOL_CREATOR, mark))
		name += mark;
	return (struct symbol){
		.function = name_text(r, name), .reason = SYM_NAMED, .creator = creator,
		.file = *file && line->line > 0 ? stored_text(r->s, file) : NULL,
		.line = line->line > 0 && line->line <= UINT32_MAX ? line->line : 0,
	};
}

/* The names of location i, innermost first. */
static struct symbol names_of_location(struct reading *r, size_t i, uint64_t addr, bool named)
{
	const Pb__Location *l = r->m->location[i];
	const size_t first = r->s->o.no_inline && l->n_line ? l->n_line - 1 : 0;
	const uint32_t reason = r->ext && r->ext->reason[i] < SYM_REASONS ? r->ext->reason[i] : SYM_NAMED;
	struct symbol proper = {
		.reason = SYM_NOT_OPENED, .offset = addr, .start = addr, .creator = r->creators[i],
	}, *into = NULL;

	for (size_t k = l->n_line; named && k-- > first;) {
		struct symbol *sym = arena_get(&r->s->a, 1, sizeof(*sym));

		*sym = symbol_of(r, l->line[k], r->creators[i]);
		sym->into = into;
		sym->reason = reason;
		if (reason != SYM_NAMED && !into)
			sym->function = NULL;
		if (r->ext) {
			sym->offset = r->ext->offset[i];
			sym->start = r->ext->start[i];
		}
		into = sym;
	}
	return into ? *into : proper;
}

static uint64_t address_of(struct reading *r, const Pb__Location *l, const uint64_t *mapping)
{
	const Pb__Mapping *m = mapping ? r->m->mapping[*mapping] : NULL;

	if (!m)
		return l->address;
	if (r->ext)
		return l->address - r->ext->module[*mapping]->slide;
	return l->address >= m->memory_start ? l->address - m->memory_start + m->file_offset : l->address;
}

static int read_frame(struct reading *r, size_t i)
{
	const Pb__Location *l = r->m->location[i];
	const uint64_t *mapping = l->mapping_id ? u64map_find(&r->mapping_ids, l->mapping_id) : NULL;
	const uint32_t module = mapping ? r->modules[*mapping] : 0;
	const bool facts_named = !r->ext || !r->ext->facts || r->ext->facts->named;
	uint64_t addr = address_of(r, l, mapping);
	size_t before = r->s->p.frames.n;
	struct symbol sym;

	if (l->mapping_id && !mapping)
		return reading_fail(r, "location %zu lies in mapping %llu, which is not there", i,
				    (unsigned long long)l->mapping_id);
	for (size_t k = 0; k < l->n_line; k++)
		if (!function_of(r, l->line[k]))
			return reading_fail(r, "location %zu names function %llu, which is not there", i,
					    (unsigned long long)l->line[k]->function_id);
	if (r->ext ? i < r->ext->frames && r->ext->reason[i] == SYM_UNCERTAIN : is_uncertain(r, l)) {
		r->frames[i] = profile_frame(&r->s->p, MODULE_UNCERTAIN, 0);
		return 0;
	}
	r->frames[i] = r->ext && i < r->ext->frames ? 0 : mark_of(r, l);
	if (r->frames[i])
		return 0;
	if (r->ext && i >= r->ext->frames)
		return reading_fail(r, "location %zu is no frame and no mark", i);
	sym = names_of_location(r, i, addr, facts_named &&
				(r->ext || !mapping || r->m->mapping[*mapping]->has_functions));
	/* Other producers have locations without addresses, and several of one address. */
	r->frames[i] = r->creators[i] ? profile_creator(&r->s->p, module, addr) :
					profile_frame(&r->s->p, module, addr);
	if (!r->ext && (!l->address || (before == r->s->p.frames.n && !r->s->n_files))) {
		addr = 1ULL << 63 | ++r->s->n_synthetic;
		r->frames[i] = profile_frame(&r->s->p, module, addr);
	}
	stored_name(r->s, module, addr, &sym);
	return 0;
}

int reading_locations(struct reading *r)
{
	int err;

	if (!r->m->n_string_table || *r->m->string_table[0])
		return reading_fail(r, "its table of texts does not begin with an empty one");
	err = read_mappings(r);
	if (!err)
		err = read_functions(r);
	r->frames = arena_get(&r->s->a, r->m->n_location + 1, sizeof(*r->frames));
	r->creators = arena_get(&r->s->a, r->m->n_location + 1, sizeof(*r->creators));
	for (size_t i = 0; r->ext && i < r->ext->n_creator; i++) {
		if (r->ext->creator[i] >= r->ext->frames)
			return reading_fail(r, "it says that location %u made a goroutine, which is not there",
					    r->ext->creator[i]);
		r->creators[r->ext->creator[i]] = true;
	}
	for (size_t i = 0; i < r->m->n_location && !err; i++) {
		err = add_id(r, &r->location_ids, r->m->location[i]->id, i, "location");
		if (!err)
			err = read_frame(r, i);
	}
	return err;
}
