/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording as a pprof profile. Locations are the frames, in order, and behind them marks: what stands at the root of
 * a stack that is not whole. Addresses are those in the files, each file's moved to a place of its own, since readers
 * may look by address alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "record/facts.h"
#include "record/gzip.h"
#include "record/writer.h"

#define SLIDE (1ULL << 32)
/* Below, a file's code can be moved; programs that cannot be lie above. */
#define FIXED_FROM 0x200000ULL

int64_t writer_string(struct writer *w, const char *s)
{
	struct buf b = {0};
	uint32_t id;

	text_escape(&b, s, strlen(s));
	id = strpool_id(&w->strings, buf_cstr(&b));
	buf_free(&b);
	return id;
}

static Pb__ValueType *value_type(struct writer *w, const char *type, const char *unit)
{
	Pb__ValueType *t = NEW(w, 1, Pb__ValueType);

	pb__value_type__init(t);
	t->type = writer_string(w, type);
	t->unit = writer_string(w, unit);
	return t;
}

static uint64_t function_id(struct writer *w, const char *name, const char *file)
{
	struct buf key = {0};
	uint32_t id;

	buf_printf(&key, "%s\n%s", name, file ? file : "");
	id = strpool_id(&w->functions, buf_cstr(&key));
	buf_free(&key);
	if (id == w->function.n) {
		Pb__Function *f = NEW(w, 1, Pb__Function);

		pb__function__init(f);
		f->id = id + 1;
		f->name = f->system_name = writer_string(w, name);
		f->filename = file ? writer_string(w, file) : 0;
		vec_push(&w->function, f);
	}
	return id + 1;
}

static Pb__Location *add_location(struct writer *w, size_t n_lines)
{
	Pb__Location *l = NEW(w, 1, Pb__Location);
	Pb__Line *lines = NEW(w, n_lines, Pb__Line);

	pb__location__init(l);
	vec_push(&w->location, l);
	l->id = w->location.n;
	l->line = NEW(w, n_lines, Pb__Line *);
	l->n_line = n_lines;
	for (size_t i = 0; i < n_lines; i++) {
		pb__line__init(&lines[i]);
		l->line[i] = &lines[i];
	}
	return l;
}

static uint64_t mark_location(struct writer *w, unsigned int mark)
{
	const char *text = mark == NO_FRAMES ? "[no frames]" : stack_end_mark(mark);

	if (!w->marks[mark]) {
		Pb__Location *l = add_location(w, 1);

		l->line[0]->function_id = function_id(w, text, NULL);
		w->marks[mark] = l->id;
	}
	return w->marks[mark];
}

static void set_line(struct writer *w, Pb__Line *line, const struct symbol *sym)
{
	struct buf name = {0};

	symbol_text(sym, &name);
	line->function_id = function_id(w, buf_cstr(&name), sym->file);
	line->line = sym->file ? sym->line : 0;
	buf_free(&name);
}

/* As it is named where nobody looked names up. */
static struct symbol unnamed_symbol(const struct profile *p, const struct profile_frame *f)
{
	return (struct symbol){
		.module = module_basename(modules_get(p->modules, f->module)), .start = f->addr, .offset = f->addr,
		.reason = SYM_NOT_OPENED, .creator = f->creator,
	};
}

static void add_frame(struct writer *w, const struct profile_frame *f)
{
	const bool uncertain = f->module == MODULE_UNCERTAIN;
	const struct symbol plain = unnamed_symbol(w->p, f), *sym = &plain;
	const uint32_t place = uncertain ? ORDER_NONE : w->o.modules.place[f->module];
	size_t n = 0;
	Pb__Location *l;

	if (!w->r->unnamed || uncertain)
		sym = names_frame(w->r->names, f);
	for (const struct symbol *s = sym; s; s = s->into)
		n++;
	l = add_location(w, n);
	w->hidden[l->id - 1] = sym->hidden;
	if (f->creator)
		w->ext.creator[w->ext.n_creator++] = (uint32_t)(l->id - 1);
	w->ext.reason[l->id - 1] = sym->reason;
	w->ext.offset[l->id - 1] = sym->offset;
	w->ext.start[l->id - 1] = sym->start;
	if (!uncertain) {
		Pb__Mapping *m = w->out.mapping[place];

		l->mapping_id = m->id;
		l->address = f->addr + w->slides[place];
		m->has_inline_frames |= n > 1;
		m->has_filenames |= sym->file != NULL;
		m->has_line_numbers |= sym->file != NULL;
		/* Parts of the kernel begin where their first frame is. */
		if (w->ext.module[place]->kind == MODULE_KERNEL &&
		    (!m->memory_start || l->address < m->memory_start))
			m->memory_start = l->address;
		if (l->address >= m->memory_limit)
			m->memory_limit = l->address + 1;
	}
	for (size_t i = 0; sym; sym = sym->into, i++)
		set_line(w, l->line[i], sym);
}

/* Addresses of processes, and programs that lie at a fixed place, stay. */
static uint64_t slide_of(struct writer *w, const struct module *mod)
{
	uint64_t slide = w->next_slide;

	if (mod->kind == MODULE_JIT || mod->kind == MODULE_UNKNOWN || mod->kind == MODULE_KERNEL ||
	    mod->text_vaddr >= FIXED_FROM ||
	    mod->text_vaddr + mod->text_bytes >= 1ULL << 40)
		return 0;
	w->next_slide += (mod->text_vaddr + mod->text_bytes) / SLIDE * SLIDE + SLIDE;
	return slide;
}

static void add_mapping(struct writer *w, size_t i)
{
	const struct module *mod = modules_get(w->p->modules, w->o.modules.ids[i]);
	Pb__Mapping *m = NEW(w, 1, Pb__Mapping);
	Pb__Module *x = NEW(w, 1, Pb__Module);

	pb__mapping__init(m);
	pb__module__init(x);
	w->slides[i] = slide_of(w, mod);
	m->id = i + 1;
	m->memory_start = w->slides[i] + mod->text_vaddr;
	m->memory_limit = m->memory_start + mod->text_bytes;
	m->file_offset = mod->text_offset;
	m->filename = writer_string(w, mod->path);
	m->build_id = writer_string(w, mod->build_id ? mod->build_id : "");
	m->has_functions = !w->r->unnamed;
	x->kind = mod->kind;
	x->path = facts_text(&w->a, mod->path);
	x->build_id = mod->build_id ? mod->build_id : "";
	x->slide = w->slides[i];
	x->pid = mod->pid;
	x->deleted = mod->deleted;
	w->out.mapping[i] = m;
	w->ext.module[i] = x;
}

static void add_files(struct writer *w)
{
	const size_t n = w->o.modules.n, frames = w->o.frames.n;

	w->next_slide = SLIDE;
	w->out.n_mapping = w->ext.n_module = w->ext.mappings = n;
	w->out.mapping = NEW(w, n + 1, Pb__Mapping *);
	w->ext.module = NEW(w, n + 1, Pb__Module *);
	w->slides = NEW(w, n + 1, uint64_t);
	for (size_t i = 0; i < n; i++)
		add_mapping(w, i);
	w->ext.frames = w->ext.n_reason = w->ext.n_offset = w->ext.n_start = frames;
	w->hidden = NEW(w, frames + 1, bool);
	w->ext.reason = NEW(w, frames + 1, uint32_t);
	w->ext.offset = NEW(w, frames + 1, uint64_t);
	w->ext.start = NEW(w, frames + 1, uint64_t);
	w->ext.creator = NEW(w, frames + 1, uint32_t);
	for (size_t i = 0; i < frames; i++)
		add_frame(w, &w->p->frames.at[w->o.frames.ids[i]]);
}

static char *or_empty(struct writer *w, const char *s)
{
	return facts_text(&w->a, s ? s : "");
}

static void add_tasks(struct writer *w)
{
	w->ext.n_task = w->o.tasks.n;
	w->ext.task = NEW(w, w->o.tasks.n + 1, Pb__Task *);
	for (size_t i = 0; i < w->o.tasks.n; i++) {
		const struct profile_task *t = &w->p->tasks.at[w->o.tasks.ids[i]];
		Pb__Task *m = NEW(w, 1, Pb__Task);

		pb__task__init(m);
		m->pid = t->pid;
		m->tid = t->tid;
		m->exec = t->exec;
		m->name = facts_text(&w->a, t->name);
		m->exe = or_empty(w, t->exe);
		m->user = or_empty(w, t->user);
		m->cgroup = or_empty(w, t->cgroup);
		m->container = or_empty(w, t->container);
		m->inner_pid = t->inner_pid;
		w->ext.task[i] = m;
	}
	w->ext.n_function = w->o.functions.n;
	w->ext.function = NEW(w, w->o.functions.n + 1, char *);
	for (size_t i = 0; i < w->o.functions.n; i++)
		w->ext.function[i] = facts_text(&w->a, writer_allocator(w->p, w->o.functions.ids[i]));
}

static void add_locations(struct writer *w, Pb__Sample *s, const struct profile_stack *st)
{
	const struct profile_node *nodes = w->p->nodes.at;
	size_t n = 0;

	for (uint32_t node = st->node; node; node = nodes[node].parent)
		n++;
	s->location_id = NEW(w, n + 1, uint64_t);
	for (uint32_t node = st->node; node; node = nodes[node].parent) {
		const uint32_t place = w->o.frames.place[nodes[node].frame];

		if (!w->hidden[place])
			s->location_id[s->n_location_id++] = place + 1;
	}
	if (stack_end_mark(st->end))
		s->location_id[s->n_location_id++] = mark_location(w, st->end);
	else if (!s->n_location_id)
		s->location_id[s->n_location_id++] = mark_location(w, NO_FRAMES);
}

/* 0: it has none; else its index, and one. */
static uint32_t type_of(struct writer *w, uint32_t stack)
{
	const struct profile_type *type = &w->p->types.at[w->p->stacks.at[stack].type];
	const bool named = !w->r->unnamed || type->name;
	const char *name = named ? names_type(w->r->names, w->p, stack) : "";
	struct buf key = {0};
	uint32_t id;

	if (!w->p->stacks.at[stack].type)
		return 0;
	if (named)
		buf_str(&key, name ? name : "");
	else
		buf_printf(&key, "%u %llx", type->module, (unsigned long long)type->addr);
	id = strpool_id(&w->types, buf_cstr(&key));
	buf_free(&key);
	if (id == w->type.n) {
		Pb__Type *t = NEW(w, 1, Pb__Type);

		pb__type__init(t);
		t->name = facts_text(&w->a, name ? name : "");
		t->mapping = named ? 0 : w->o.modules.place[type->module] + 1;
		t->address = named ? 0 : type->addr;
		vec_push(&w->type, t);
	}
	return id + 1;
}

static void fill_tag(struct writer *w, const struct profile_tag *tag, Pb__Tag *t)
{
	const size_t n = writer_n_labels(tag);
	const char *at = tag->labels;
	struct profile_label l;

	t->labels = at != NULL;
	t->key = NEW(w, n + 1, char *);
	t->value = NEW(w, n + 1, char *);
	for (; at && profile_next_label(&at, &l); t->n_key++) {
		t->key[t->n_key] = writer_part(w, l.key, l.key_len);
		t->value[t->n_value++] = writer_part(w, l.value, l.value_len);
	}
}

/* Likewise. */
static uint32_t tag_of(struct writer *w, uint32_t tag)
{
	uint64_t *index;
	bool is_new;

	if (!tag)
		return 0;
	index = u64map_put(&w->tags, tag, &is_new);
	if (is_new) {
		Pb__Tag *t = NEW(w, 1, Pb__Tag);

		pb__tag__init(t);
		t->goroutine = w->p->tags.at[tag].goroutine;
		fill_tag(w, &w->p->tags.at[tag], t);
		*index = w->tag.n;
		vec_push(&w->tag, t);
	}
	return (uint32_t)*index + 1;
}

static void put_values(int64_t *value, struct counters c)
{
	value[0] = writer_int(c.calls);
	value[1] = writer_int(c.bytes);
}

static void add_sample(struct writer *w, size_t i)
{
	const uint32_t id = w->o.stacks.ids[i];
	const struct profile_stack *st = &w->p->stacks.at[id];
	const struct counters alloc = profile_sum(w->p, PROFILE_ALLOC, id), live = profile_sum(w->p, PROFILE_LIVE, id);
	const struct counters mapped = profile_sum(w->p, PROFILE_MAPPED, id);
	Pb__Sample *s = NEW(w, 1, Pb__Sample);

	pb__sample__init(s);
	s->n_value = w->n_types;
	s->value = NEW(w, w->n_types, int64_t);
	put_values(s->value, alloc);
	if (w->first_mapped > 2)
		put_values(s->value + 2, live);
	if (w->n_types > w->first_mapped) {
		put_values(s->value + w->first_mapped, mapped);
		put_values(s->value + w->first_mapped + 2, profile_sum(w->p, PROFILE_MAPPED_LIVE, id));
	}
	add_locations(w, s, st);
	writer_add_labels(w, s, st, !counters_none(alloc) ? alloc : !counters_none(live) ? live : mapped);
	w->out.sample[i] = s;
	w->ext.task_of[i] = w->o.tasks.place[st->task];
	w->ext.function_of[i] = w->o.functions.place[st->function];
	w->ext.end[i] = st->end;
	w->ext.type_of[i] = type_of(w, id);
	w->ext.tag_of[i] = tag_of(w, st->tag);
}

static void add_samples(struct writer *w)
{
	const size_t n = w->o.stacks.n;

	w->out.n_sample = w->ext.samples = w->ext.n_task_of = w->ext.n_function_of = w->ext.n_end = n;
	w->out.sample = NEW(w, n + 1, Pb__Sample *);
	w->ext.task_of = NEW(w, n + 1, uint32_t);
	w->ext.function_of = NEW(w, n + 1, uint32_t);
	w->ext.end = NEW(w, n + 1, uint32_t);
	w->ext.type_of = NEW(w, n + 1, uint32_t);
	w->ext.tag_of = NEW(w, n + 1, uint32_t);
	for (size_t i = 0; i < n; i++)
		add_sample(w, i);
	w->ext.n_type = w->type.n;
	w->ext.type = w->type.at;
	w->ext.n_type_of = w->type.n ? n : 0;
	w->ext.n_tag = w->tag.n;
	w->ext.tag = w->tag.at;
	w->ext.n_tag_of = w->tag.n ? n : 0;
}

static void add_extension(struct writer *w)
{
	Pb__Recording *m = &w->ext;

	m->version = 1;
	add_tasks(w);
	writer_add_counts(w);
	writer_add_parts(w);
	m->pasts = w->p->n_past;
	m->first_generation = w->p->first_generation;
	m->generations = w->p->generations;
	m->ended_blocks = w->p->ended_blocks;
	m->facts = facts_pack(w->r, &w->a);
	w->out.alloctrace = m;
}

static void add_comments(struct writer *w)
{
	struct buf b = {0};

	buf_printf(&b, "alloctrace %s: %s", ALLOCTRACE_VERSION, w->r->target);
	if (w->r->allocator)
		buf_printf(&b, ", %s", w->r->allocator);
	w->out.comment = NEW(w, 1, int64_t);
	w->out.comment[w->out.n_comment++] = writer_string(w, buf_cstr(&b));
	buf_free(&b);
}

/* pprof then shows what its users know: as Go's own heap profiles do, what called the runtime's allocator. All frames
 * are in the file nonetheless, and alloctrace takes no notice. */
static void set_drop_frames(struct writer *w)
{
	struct buf b = {0};
	bool has_go = false;

	for (size_t i = 0; i < w->o.functions.n; i++)
		has_go |= !strcmp(writer_allocator(w->p, w->o.functions.ids[i]), "runtime.mallocgc");
	if (!has_go)
		return;
	view_put_runtime_allocators(&b);
	w->out.drop_frames = writer_string(w, buf_cstr(&b));
	buf_free(&b);
}

static void add_types(struct writer *w, enum view_id view, enum metric metric)
{
	static const char *const names[] = {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};
	static const char *const resident_names[] = {"rss_faults", "rss_space"};
	static const char *const mapped_names[] = {
		"mapped_objects", "mapped_space", "mapped_inuse_objects", "mapped_inuse_space",
	};
	static const int n_mapped = sizeof(mapped_names) / sizeof(mapped_names[0]);
	const char *const *types = w->r->views == VIEW_BIT(VIEW_RSS) ? resident_names : names;
	const int first = view_kinds[view].state && view_kinds[view].blocks ? 2 : 0;
	const int shown = view == VIEW_MAPPINGS ? 2 : 0;
	const bool maps = view == VIEW_MAPPED || view == VIEW_MAPPINGS;

	for (int i = 0; i < VIEW_KINDS; i++)
		if (w->r->views & VIEW_BIT(i) && view_kinds[i].blocks)
			w->n_types = 4;
	w->n_types = w->n_types ? w->n_types : 2;
	w->first_mapped = w->n_types;
	if (w->r->mapped.used)
		w->n_types += n_mapped;
	w->out.sample_type = NEW(w, w->n_types, Pb__ValueType *);
	w->out.n_sample_type = w->n_types;
	for (int i = 0; i < w->n_types; i++)
		w->out.sample_type[i] =
			value_type(w, i < w->first_mapped ? types[i] : mapped_names[i - w->first_mapped],
				   i % 2 ? "bytes" : "count");
	w->out.default_sample_type =
		writer_string(w, maps ? mapped_names[shown + (metric == METRIC_BYTES)] :
				 types[(first < w->first_mapped ? first : 0) + (metric == METRIC_BYTES)]);
	w->out.period_type = value_type(w, "space", "bytes");
	w->out.period = w->r->sample_mean > 1 ? writer_int(w->r->sample_mean) : 1;
}

static int pack(struct writer *w, FILE *f)
{
	size_t size = pb__profile__get_packed_size(&w->out);
	uint8_t *data = xmalloc_large(size + 1);
	int err;

	pb__profile__pack(&w->out, data);
	err = gzip_write(f, data, size);
	free(data);
	return err;
}

int record_write(FILE *f, const struct recording *r, enum view_id view, enum metric metric)
{
	struct writer w = {.r = r, .p = r->profile};
	int err;

	pb__profile__init(&w.out);
	pb__recording__init(&w.ext);
	writer_string(&w, "");
	order_make(r, &w.o);
	profile_members_make(r->profile, &w.members);
	add_types(&w, view, metric);
	w.out.time_nanos = writer_int(r->time_ns);
	w.out.duration_nanos = writer_int(r->duration_ns);
	add_comments(&w);
	set_drop_frames(&w);
	add_files(&w);
	add_samples(&w);
	add_extension(&w);
	w.out.n_location = w.ext.locations = w.location.n;
	w.out.location = w.location.at;
	w.out.n_function = w.function.n;
	w.out.function = w.function.at;
	w.out.n_string_table = w.strings.n;
	w.out.string_table = w.strings.strings;
	err = pack(&w, f);
	order_free(&w.o);
	profile_members_free(&w.members);
	arena_free(&w.a);
	vec_free(&w.location);
	vec_free(&w.function);
	vec_free(&w.type);
	vec_free(&w.tag);
	u64map_free(&w.tags);
	strpool_free(&w.types);
	strpool_free(&w.functions);
	strpool_free(&w.strings);
	return err;
}
