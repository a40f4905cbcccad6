/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a pprof heap profile, of ours or of others: Go's, and those that pprof -proto makes of jemalloc's and
 * tcmalloc's. What is decoded is bounded (--max-memory); everything that it points to is checked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memlimit.h"
#include "base/text.h"
#include "record/facts.h"
#include "record/gzip.h"
#include "record/stored.h"

/* A file's messages take some times more memory than its bytes; so much of the limit is for these. */
#define WIRE_SHARE 8

static const struct {
	enum profile_kind kind;
	int calls;	/* the column; that of bytes follows */
} kind_columns[] = {
	{PROFILE_ALLOC, ALLOC_CALLS}, {PROFILE_LIVE, LIVE_CALLS}, {PROFILE_MAPPED, MAPPED_CALLS},
	{PROFILE_MAPPED_LIVE, MAPPED_LIVE_CALLS},
};

#define N_KIND_COLUMNS (sizeof(kind_columns) / sizeof(kind_columns[0]))

/* What others call the four: Go and gperftools; tcmalloc's own; Datadog; OpenTelemetry. */
static const struct {
	const char *type;
	int column;
} type_names[] = {
	{"alloc_objects", ALLOC_CALLS}, {"alloc_space", ALLOC_BYTES}, {"inuse_objects", LIVE_CALLS},
	{"inuse_space", LIVE_BYTES}, {"objects", LIVE_CALLS}, {"space", LIVE_BYTES}, {"alloc-samples", ALLOC_CALLS},
	{"alloc-space", ALLOC_BYTES}, {"heap-space", LIVE_BYTES}, {"inuse-objects", LIVE_CALLS},
	{"inuse-space", LIVE_BYTES}, {"allocated_objects", ALLOC_CALLS}, {"allocated_space", ALLOC_BYTES},
	{"rss_faults", ALLOC_CALLS}, {"rss_space", ALLOC_BYTES},
	{"mapped_objects", MAPPED_CALLS}, {"mapped_space", MAPPED_BYTES},
	{"mapped_inuse_objects", MAPPED_LIVE_CALLS}, {"mapped_inuse_space", MAPPED_LIVE_BYTES},
};

static void *arena_alloc(void *data, size_t size)
{
	return arena_get(data, 1, size);
}

static void arena_keep(void *data, void *p)
{
}

static const char *text_at(const struct reading *r, int64_t i)
{
	return i >= 0 && (uint64_t)i < r->m->n_string_table ? r->m->string_table[i] : "";
}

/* What the first two columns are of. */
static uint32_t first_view(const struct reading *r)
{
	for (size_t i = 0; i < r->m->n_sample_type; i++)
		if (!strncmp(text_at(r, r->m->sample_type[i]->type), "rss_", 4))
			return VIEW_BIT(VIEW_RSS);
	return VIEW_BIT(VIEW_ALLOC);
}

static int read_types(struct reading *r)
{
	const char *first = "nothing";

	for (int i = 0; i < READING_COLUMNS; i++)
		r->column[i] = -1;
	for (size_t i = 0; i < r->m->n_sample_type; i++) {
		const char *type = text_at(r, r->m->sample_type[i]->type);

		first = i ? first : type;
		for (size_t k = 0; k < sizeof(type_names) / sizeof(type_names[0]); k++)
			if (!strcmp(type, type_names[k].type) && r->column[type_names[k].column] < 0)
				r->column[type_names[k].column] = i;
	}
	for (int i = 0; i < READING_COLUMNS; i++)
		if (r->column[i] >= 0)
			return 0;
	return reading_fail(r, "it is no heap profile: its values are %s", first);
}

bool reading_has_kind(const struct reading *r, uint32_t kind)
{
	for (size_t k = 0; k < N_KIND_COLUMNS; k++)
		if (kind_columns[k].kind == kind)
			return r->column[kind_columns[k].calls] >= 0 || r->column[kind_columns[k].calls + 1] >= 0;
	return false;
}

static struct counters counters_of(const struct reading *r, size_t sample, size_t k)
{
	return (struct counters){
		.bytes = reading_value(r, sample, kind_columns[k].calls + 1),
		.calls = reading_value(r, sample, kind_columns[k].calls),
	};
}

uint64_t reading_value(const struct reading *r, size_t sample, int column)
{
	return r->column[column] < 0 ? 0 : (uint64_t)r->m->sample[sample]->value[r->column[column]];
}

/* A numeric label; 0 where it has none. */
static uint32_t label_number(const struct reading *r, const Pb__Sample *s, const char *key)
{
	for (size_t i = 0; i < s->n_label; i++)
		if (!strcmp(text_at(r, s->label[i]->key), key) && s->label[i]->num > 0 &&
		    s->label[i]->num <= UINT32_MAX)
			return s->label[i]->num;
	return 0;
}

static const char *label_text(const struct reading *r, const Pb__Sample *s, const char *key)
{
	for (size_t i = 0; i < s->n_label; i++)
		if (s->label[i]->str && !strcmp(text_at(r, s->label[i]->key), key))
			return text_at(r, s->label[i]->str);
	return NULL;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* The program that it is of, where nothing names it. */
static const char *program_of(const struct reading *r)
{
	const char *name = r->m->n_mapping ? text_at(r, r->m->mapping[0]->filename) : "";

	return last_part(*name ? name : r->path);
}

static int read_type(struct reading *r, size_t i, uint32_t *id)
{
	const Pb__Recording *x = r->ext;
	const uint32_t of = x->n_type_of ? x->type_of[i] : 0;
	const Pb__Type *t;

	if (!of)
		return 0;
	if (of > x->n_type || x->type[of - 1]->mapping > r->m->n_mapping)
		return reading_fail(r, "sample %zu is of a type that is not there", i);
	t = x->type[of - 1];
	if (t->mapping)
		*id = profile_type(&r->s->p, r->modules[t->mapping - 1], t->address);
	else
		*id = stored_type(r->s, t->name);
	return 0;
}

static uint32_t labels_id(struct reading *r, const Pb__Tag *t)
{
	struct buf text = {0};
	uint32_t id;

	for (size_t i = 0; i < t->n_key; i++) {
		text_escape(&text, t->key[i], strlen(t->key[i]));
		buf_char(&text, PROFILE_LABEL_IS);
		text_escape(&text, t->value[i], strlen(t->value[i]));
		buf_char(&text, PROFILE_LABEL_END);
	}
	id = profile_labels(&r->s->p, buf_cstr(&text));
	buf_free(&text);
	return id;
}

static int read_tag(struct reading *r, size_t i, uint32_t *id)
{
	const Pb__Recording *x = r->ext;
	const uint32_t of = x->n_tag_of ? x->tag_of[i] : 0;

	if (of > x->n_tag)
		return reading_fail(r, "sample %zu is of a goroutine that is not there", i);
	if (!of)
		return 0;
	if (x->tag[of - 1]->n_key != x->tag[of - 1]->n_value)
		return reading_fail(r, "its labels are not whole");
	*id = x->tag[of - 1]->labels ? labels_id(r, x->tag[of - 1]) :
				       profile_goroutine(&r->s->p, x->tag[of - 1]->goroutine);
	return 0;
}

static int read_owner(struct reading *r, size_t i, struct profile_stack *o)
{
	const Pb__Sample *s = r->m->sample[i];
	const Pb__Recording *x = r->ext;
	const char *function = label_text(r, s, "allocator");

	if (!x) {
		uint32_t pid = label_number(r, s, "pid"), tid = label_number(r, s, "tid");
		const char *program = label_text(r, s, "program");

		o->task = profile_task_like(&r->s->p, &(struct profile_task){
			.pid = pid, .tid = tid, .name = program ? program : program_of(r),
			.container = label_text(r, s, "container"), .user = label_text(r, s, "user"),
			.cgroup = label_text(r, s, "cgroup"),
		});
		o->function = stored_function(r->s, function ? function : "allocation");
		r->s->r.threads |= tid != 0;
	} else {
		const Pb__Task *t;

		if (x->task_of[i] >= x->n_task || x->function_of[i] >= x->n_function || x->end[i] >= STACK_END_MAX)
			return reading_fail(r, "sample %zu is of a task or a function that is not there", i);
		t = x->task[x->task_of[i]];
		o->task = profile_task_like(&r->s->p, &(struct profile_task){
			.pid = t->pid, .tid = t->tid, .exec = t->exec, .name = t->name, .exe = t->exe, .user = t->user,
			.cgroup = t->cgroup, .container = t->container, .inner_pid = t->inner_pid,
		});
		o->function = stored_function(r->s, x->function[x->function_of[i]]);
		o->end = x->end[i];
		if (read_type(r, i, &o->type) || read_tag(r, i, &o->tag))
			return -EINVAL;
	}
	return o->function == UINT16_MAX ? reading_fail(r, "it has too many allocator functions") : 0;
}

/* Its frames without the marks; a truncation reason that a mark gives is *end. */
static int read_stack(struct reading *r, size_t i, uint32_t *frames, size_t *n, uint8_t *end)
{
	const Pb__Sample *s = r->m->sample[i];

	*n = 0;
	for (size_t k = 0; k < s->n_location_id; k++) {
		const uint64_t *at = u64map_find(&r->location_ids, s->location_id[k]);

		if (!at)
			return reading_fail(r, "sample %zu has location %llu, which is not there", i,
					    (unsigned long long)s->location_id[k]);
		if (!(r->frames[*at] & FRAME_MARK))
			frames[(*n)++] = r->frames[*at];
		else if (r->frames[*at] != FRAME_NO_FRAMES && !r->ext)
			*end = (uint8_t)(r->frames[*at] - FRAME_MARK);
	}
	return 0;
}

static int read_values(struct reading *r, size_t i)
{
	const Pb__Sample *s = r->m->sample[i];
	int err = 0;

	if (s->n_value != r->m->n_sample_type)
		return reading_fail(r, "sample %zu has %zu values, and there are %zu types", i, s->n_value,
				    r->m->n_sample_type);
	for (int k = 0; k < READING_COLUMNS; k++)
		if (r->column[k] >= 0 && s->value[r->column[k]] < 0)
			return reading_fail(r, "it has negative counts, as a difference of profiles has");
	if (r->s->o.timed)
		return 0;
	for (size_t k = 0; k < N_KIND_COLUMNS && !err; k++)
		if (reading_has_kind(r, kind_columns[k].kind))
			err = reading_add(r, kind_columns[k].kind, r->stacks[i], counters_of(r, i, k));
	/* What was allocated and is not live any more. */
	if (!err && !r->ext && r->column[ALLOC_BYTES] >= 0 && r->column[LIVE_BYTES] >= 0)
		err = reading_add(r, PROFILE_FREED, r->stacks[i],
				  counters_sub(counters_of(r, i, 0), counters_of(r, i, 1)));
	return err;
}

static int read_samples(struct reading *r)
{
	vec_of(uint32_t) frames = {0};
	int err = 0;

	r->stacks = arena_get(&r->s->a, r->m->n_sample + 1, sizeof(*r->stacks));
	for (size_t i = 0; i < r->m->n_sample && !err; i++) {
		struct profile_stack o = {.end = STACK_END_COMPLETE};
		size_t n;

		vec_grow(&frames, r->m->sample[i]->n_location_id + 1);
		err = read_owner(r, i, &o);
		if (!err)
			err = read_stack(r, i, frames.at, &n, &o.end);
		if (err)
			break;
		r->stacks[i] = profile_stack_like(&r->s->p, o, frames.at, n);
		err = read_values(r, i);
	}
	vec_free(&frames);
	return err;
}

/* What a profile that has nothing but pprof's own fields lacks. */
static const char *missing_text(const struct reading *r, bool ours)
{
	const Pb__ValueType *type = r->m->period_type;
	struct buf text = {0};
	const char *copy;

	if (ours)
		buf_str(&text, "losses, errors of estimates, ages, and views other than alloc and live: another "
			"program has rewritten this file");
	else
		buf_str(&text, "losses and errors of estimates: another program than alloctrace wrote this file");
	if (type && !strcmp(text_at(r, type->unit), "bytes") && r->m->period > 1) {
		buf_str(&text, "; a sample every ");
		text_bytes(&text, r->m->period);
	}
	copy = stored_text(r->s, buf_cstr(&text));
	buf_free(&text);
	return copy;
}

/* Of such a profile. */
static void plain_facts(const struct reading *r, struct recording *rec)
{
	const char *comment = r->m->n_comment ? text_at(r, r->m->comment[0]) : "";
	const bool ours = !strncmp(comment, "alloctrace ", 11);
	const char *colon = ours ? strstr(comment, ": ") : NULL;

	rec->target = facts_text(&r->s->a, colon ? colon + 2 : program_of(r));
	rec->missing = missing_text(r, ours);
	rec->duration_ns = r->m->duration_nanos > 0 ? r->m->duration_nanos : 0;
	rec->views = (reading_has_kind(r, PROFILE_ALLOC) ? first_view(r) : 0) |
		     (reading_has_kind(r, PROFILE_LIVE) ? VIEW_BIT(VIEW_LIVE) : 0) |
		     (reading_has_kind(r, PROFILE_MAPPED) ? VIEW_BIT(VIEW_MAPPED) : 0) |
		     (reading_has_kind(r, PROFILE_MAPPED_LIVE) ? VIEW_BIT(VIEW_MAPPINGS) : 0);
	for (size_t i = 0; i < r->m->n_sample; i++) {
		rec->recorded.bytes += reading_value(r, i, ALLOC_BYTES);
		rec->recorded.calls += reading_value(r, i, ALLOC_CALLS);
		rec->threads |= label_number(r, r->m->sample[i], "tid") != 0;
	}
	rec->seen = rec->recorded;
}

static uint32_t known_views(uint32_t views)
{
	return views & (VIEW_BIT(VIEW_KINDS) - 1);
}

static int read_facts(struct reading *r)
{
	struct stored *s = r->s;
	struct recording rec = {0};
	int err = 0;

	if (r->ext) {
		facts_unpack(r->ext->facts, &rec, &s->a);
		rec.views = known_views(r->ext->facts->views);
		s->names.not_read += r->ext->facts->not_read;
	} else {
		plain_facts(r, &rec);
	}
	if (s->o.timed)
		err = reading_time(r, &rec);
	if (err)
		return err;
	rec.time_ns = r->m->time_nanos > 0 ? r->m->time_nanos : 0;
	if (s->n_files)
		facts_add(&s->r, &rec, &s->a);
	else
		s->r = rec;
	s->r.unnamed |= rec.unnamed;
	s->n_files++;
	return 0;
}

static int read_profile(struct reading *r)
{
	int err;

	if (r->m->alloctrace && r->m->alloctrace->version > 1)
		return fail(-EINVAL, "%s: written by a newer alloctrace (%s): it can't be read here", r->path,
			    r->m->alloctrace->facts ? r->m->alloctrace->facts->program : "unknown");
	if (r->m->alloctrace && reading_extension_holds(r))
		r->ext = r->m->alloctrace;
	err = read_types(r);
	if (!err)
		err = reading_locations(r);
	if (!err)
		err = read_samples(r);
	if (!err)
		err = reading_parts(r);
	if (!err && r->ext && !r->s->o.timed)
		err = reading_extension(r);
	return err ? err : read_facts(r);
}

int stored_add_data(struct stored *s, const char *path, const void *data, size_t size)
{
	struct arena a = {.most = memlimit_bytes()};
	ProtobufCAllocator allocator = {arena_alloc, arena_keep, &a};
	struct reading r = {.s = s, .path = path};
	int err;

	r.m = pb__profile__unpack(&allocator, size, data);
	if (!r.m && a.taken > a.most / 2)
		err = fail(-EFBIG, "%s: decoding it takes more than %llu bytes (--max-memory)", path,
			   (unsigned long long)a.most);
	else if (!r.m)
		err = reading_fail(&r, "it is damaged, or something else");
	else
		err = read_profile(&r);
	u64map_free(&r.mapping_ids);
	u64map_free(&r.function_ids);
	u64map_free(&r.location_ids);
	arena_free(&a);
	return err;
}

static int read_file(const char *path, FILE *f, struct buf *data)
{
	const size_t most = memlimit_bytes() / WIRE_SHARE;
	int err = gzip_read(f, most, data);

	if (err == -EFBIG)
		return fail(err, "%s: it decompresses to more than %zu bytes (an eighth of --max-memory)", path, most);
	if (err == -EBADMSG)
		return fail(-EINVAL, "%s: not a profile that can be read: its compressed data is damaged or cut off",
			    path);
	if (err)
		return fail(err, "cannot read %s: %s", path, strerror(-err));
	if (!data->len)
		return fail(-EINVAL, "%s: not a profile that can be read: it is empty", path);
	return 0;
}

int stored_add(struct stored *s, const char *path)
{
	struct buf data = {0};
	FILE *f = fopen(path, "re");
	int err;

	if (!f)
		return fail(-errno, "cannot open %s: %s", path, strerror(errno));
	err = read_file(path, f, &data);
	fclose(f);
	if (!err)
		err = stored_add_data(s, path, data.data, data.len);
	buf_free(&data);
	return err;
}
