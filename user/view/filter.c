/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/filter.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "view/filter_tags.h"
#include "view/view.h"

enum which { FOCUS, IGNORE, SHOW, HIDE, SHOW_FROM, N_WHICH };

#define NO_STACK UINT32_MAX

struct kept_frame {
	struct symbol *at;	/* what is left of its functions, the innermost first; NULL: not asked for yet */
};

struct filter {
	struct names names;	/* first: of frames that functions are hidden of */
	struct names *inner;
	uint32_t round;		/* of names, as inner has started */
	const struct recording *from;
	struct recording r;
	struct profile p;
	regex_t regex[N_WHICH];
	bool has[N_WHICH];
	struct filter_tag tags[2];	/* focus, ignore */
	uint8_t *of_frame;	/* by frame of from: BIT()s below */
	struct u64map kept_ids;	/* symbol of inner -> place in kept */
	vec_of(struct kept_frame) kept;
	uint32_t *stack_of;	/* by stack of from: its one in p */
	struct counters whole[PROFILE_KINDS];
	struct buf part, text;
};

#define BIT(which) (1U << (which))	/* a function of it matches */
#define ASKED BIT(N_WHICH)
#define GONE BIT(N_WHICH + 1)		/* none of its functions is left */

static const char *pattern_of(const struct filter_options *o, enum which which)
{
	const char *const patterns[] = {o->focus, o->ignore, o->show, o->hide, o->show_from};

	return patterns[which];
}

static const char *const option_names[] = {"focus", "ignore", "show", "hide", "show-from"};

bool filter_is_any(const struct filter_options *o)
{
	return o->focus || o->ignore || o->show || o->hide || o->show_from || o->tag_focus || o->tag_ignore;
}

static char *error_of(const char *option, const char *pattern)
{
	regex_t regex;
	char why[200];
	int err = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);

	if (!err) {
		regfree(&regex);
		return NULL;
	}
	regerror(err, &regex, why, sizeof(why));
	return xasprintf("--%s %s is not a regular expression: %s", option, pattern, why);
}

char *filter_error(const struct filter_options *o)
{
	char *error = NULL;

	for (int i = 0; i < N_WHICH && !error; i++)
		if (pattern_of(o, i))
			error = error_of(option_names[i], pattern_of(o, i));
	if (!error && o->tag_focus)
		error = filter_tag_error("tagfocus", o->tag_focus);
	if (!error && o->tag_ignore)
		error = filter_tag_error("tagignore", o->tag_ignore);
	return error;
}

/* --- functions */

static bool matches(struct filter *f, enum which which, const struct symbol *sym)
{
	buf_reset(&f->text);
	symbol_text(sym, &f->text);
	return !regexec(&f->regex[which], buf_cstr(&f->text), 0, NULL, 0) ||
	       (sym->file && !regexec(&f->regex[which], sym->file, 0, NULL, 0)) ||
	       (sym->module && !regexec(&f->regex[which], sym->module, 0, NULL, 0));
}

static bool is_kept(struct filter *f, const struct symbol *sym)
{
	return !(f->has[SHOW] && !matches(f, SHOW, sym)) && !(f->has[HIDE] && matches(f, HIDE, sym));
}

static uint8_t look_at(struct filter *f, uint32_t frame)
{
	const struct profile_frame *at = &f->from->profile->frames.at[frame];
	uint8_t bits = ASKED | GONE;

	if (f->of_frame[frame])
		return f->of_frame[frame];
	for (const struct symbol *sym = names_frame(f->inner, at); sym; sym = sym->into) {
		for (int i = 0; i < N_WHICH; i++)
			if (f->has[i] && matches(f, i, sym))
				bits |= BIT(i);
		if (is_kept(f, sym))
			bits &= ~GONE;
	}
	f->of_frame[frame] = bits;
	return bits;
}

/* A copy of what is left of a frame's functions. */
static const struct symbol *kept_symbol(struct filter *f, const struct symbol *sym)
{
	bool is_new;
	uint64_t *id = u64map_put(&f->kept_ids, (uintptr_t)sym, &is_new);
	struct kept_frame kept = {NULL};
	size_t n = 0;

	if (!is_new)
		return f->kept.at[*id].at;
	*id = f->kept.n;
	for (const struct symbol *s = sym; s; s = s->into)
		n++;
	kept.at = xcalloc(n, sizeof(*kept.at));
	n = 0;
	for (const struct symbol *s = sym; s; s = s->into)
		if (is_kept(f, s))
			kept.at[n++] = *s;
	/* Of a frame that is in no stack any more, whatever it had. */
	if (!n)
		kept.at[n++] = *sym;
	for (size_t i = 0; i < n; i++)
		kept.at[i].into = i + 1 < n ? &kept.at[i + 1] : NULL;
	vec_push(&f->kept, kept);
	return kept.at;
}

/* A report has begun: what is counted is counted by `inner`. */
static void follow_round(struct filter *f)
{
	if (f->round != f->names.round)
		names_start(f->inner);
	f->round = f->names.round;
}

static const struct symbol *filtered(struct filter *f, const struct symbol *sym)
{
	memcpy(f->names.asked, f->inner->asked, sizeof(f->names.asked));
	f->names.not_read = f->inner->not_read;
	return f->has[SHOW] || f->has[HIDE] ? kept_symbol(f, sym) : sym;
}

static const struct symbol *name_of(struct names *n, uint32_t module, uint64_t addr)
{
	struct filter *f = (struct filter *)n;

	follow_round(f);
	return filtered(f, f->inner->of(f->inner, module, addr));
}

static const struct symbol *name_of_creator(struct names *n, uint32_t module, uint64_t addr)
{
	struct filter *f = (struct filter *)n;

	follow_round(f);
	return filtered(f, f->inner->creator(f->inner, module, addr));
}

/* Stacks of the two profiles differ in their ids. */
static const char *type_of(struct names *n, const struct profile *p, uint32_t stack)
{
	struct filter *f = (struct filter *)n;

	return f->inner->type(f->inner, p, stack);
}

/* --- stacks */

struct chosen {
	vec_of(uint32_t) frames;	/* of the new profile, innermost first */
	bool focused, ignored, had_frames;
	size_t from;			/* frames up to that of show_from; 0: none matches */
};

static void gather_frames(struct filter *f, const struct profile_stack *st, struct chosen *c)
{
	const struct profile *p = f->from->profile;

	c->frames.n = 0;
	c->focused = !f->has[FOCUS];
	c->ignored = false;
	c->had_frames = st->node;
	c->from = 0;
	for (uint32_t node = st->node; node; node = p->nodes.at[node].parent) {
		const struct profile_frame *frame = &p->frames.at[p->nodes.at[node].frame];
		const uint8_t bits = look_at(f, p->nodes.at[node].frame);

		c->focused |= (bits & BIT(FOCUS)) != 0;
		c->ignored |= (bits & BIT(IGNORE)) != 0;
		if (!(bits & GONE))
			vec_push(&c->frames, frame->creator ? profile_creator(&f->p, frame->module, frame->addr) :
				 profile_frame(&f->p, frame->module, frame->addr));
		if (bits & BIT(SHOW_FROM))
			c->from = c->frames.n + 1;
	}
}

static bool is_chosen(struct filter *f, uint32_t stack, const struct chosen *c)
{
	if (!c->focused || c->ignored || (f->has[SHOW_FROM] && !c->from))
		return false;
	if (f->tags[0].set && !filter_tag_matches(&f->tags[0], f->from->profile, stack))
		return false;
	if (f->tags[1].set && filter_tag_matches(&f->tags[1], f->from->profile, stack))
		return false;
	return c->frames.n || !c->had_frames;
}

static uint32_t like_tag(struct filter *f, uint32_t tag)
{
	const struct profile_tag *t = &f->from->profile->tags.at[tag];

	if (!tag)
		return 0;
	return t->labels ? profile_labels(&f->p, t->labels) : profile_goroutine(&f->p, t->goroutine);
}

static uint32_t like_type(struct filter *f, const struct profile_type *t)
{
	return t->name ? profile_type_named(&f->p, t->name) : profile_type(&f->p, t->module, t->addr);
}

static uint32_t add_stack(struct filter *f, uint32_t stack, struct chosen *c)
{
	const struct profile *p = f->from->profile;
	struct profile_stack like = p->stacks.at[stack];
	uint32_t id;

	if (f->has[SHOW_FROM]) {
		c->frames.n = c->from - 1 < c->frames.n ? c->from - 1 : c->frames.n;
		like.end = STACK_END_COMPLETE;
	}
	like.task = profile_task_like(&f->p, &p->tasks.at[like.task]);
	like.type = like_type(f, &p->types.at[like.type]);
	like.tag = like_tag(f, like.tag);
	id = profile_stack_like(&f->p, like, c->frames.at, c->frames.n);
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (!counters_none(profile_sum(p, kind, stack)))
			profile_add(&f->p, kind, id, profile_sum(p, kind, stack));
	if (profile_oldest(p, stack))
		profile_add_age(&f->p, id, profile_oldest(p, stack));
	return id;
}

static void add_hists(struct filter *f)
{
	const struct profile *p = f->from->profile;

	for (int h = 0; h < PROFILE_HISTS; h++)
		for (size_t i = 0; i < p->hists[h].n; i++) {
			const struct profile_bucket *b = &p->hists[h].at[i];

			if (f->stack_of[b->stack] != NO_STACK)
				profile_add_hist(&f->p, h, f->stack_of[b->stack], b->bucket, b->calls);
		}
}

static void add_past_of(const struct filter *f, const struct profile_past *from, struct profile_past *to)
{
	for (size_t k = 0; k < PROFILE_PAST; k++) {
		to->at[k].n = f->p.stacks.n;
		to->at[k].bytes = xcalloc(f->p.stacks.n + 1, sizeof(*to->at[k].bytes));
		for (size_t i = 0; i < from->at[k].n; i++)
			if (f->stack_of[i] != NO_STACK)
				to->at[k].bytes[f->stack_of[i]] += from->at[k].bytes[i];
	}
}

static void add_parts(struct filter *f)
{
	const struct profile *p = f->from->profile;

	for (size_t i = 0; i < p->parts.n; i++) {
		const struct profile_part *from = &p->parts.at[i];
		struct profile_part part = {.until_ns = from->until_ns, .recorded = from->recorded};

		for (size_t k = 0; k < from->sums.n; k++)
			if (f->stack_of[from->sums.at[k].stack] != NO_STACK)
				vec_push(&part.sums, ((struct profile_part_sum){
					f->stack_of[from->sums.at[k].stack], from->sums.at[k].alloc,
				}));
		vec_push(&f->p.parts, part);
	}
}

static void choose(struct filter *f)
{
	const struct profile *p = f->from->profile;
	struct chosen c = {0};

	f->of_frame = xcalloc(p->frames.n + 1, sizeof(*f->of_frame));
	f->stack_of = xcalloc(p->stacks.n + 1, sizeof(*f->stack_of));
	for (size_t i = 0; i < p->stacks.n; i++) {
		gather_frames(f, &p->stacks.at[i], &c);
		f->stack_of[i] = is_chosen(f, i, &c) ? add_stack(f, i, &c) : NO_STACK;
	}
	vec_free(&c.frames);
	add_hists(f);
	add_parts(f);
	f->p.now_ns = p->now_ns;
	f->p.first_generation = p->first_generation;
	f->p.generations = p->generations;
	f->p.ended_blocks = p->ended_blocks;
	f->p.n_past = p->n_past;
	if (p->n_past) {
		add_past_of(f, &p->past_live, &f->p.past_live);
		add_past_of(f, &p->past_leaks, &f->p.past_leaks);
	}
}

static void describe(struct filter *f, const char *option, const char *value)
{
	if (value)
		buf_printf(&f->part, "%s--%s %s", f->part.len ? " " : "", option, value);
}

struct filter *filter_new(const struct filter_options *o, const struct recording *r)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	const char *const tags[] = {o->tag_focus, o->tag_ignore};

	f->from = r;
	f->inner = r->names;
	for (int i = 0; i < N_WHICH; i++) {
		f->has[i] = pattern_of(o, i) && !regcomp(&f->regex[i], pattern_of(o, i), REG_EXTENDED | REG_NOSUB);
		describe(f, option_names[i], pattern_of(o, i));
	}
	for (int i = 0; i < 2; i++) {
		if (tags[i])
			filter_tag_set(&f->tags[i], tags[i]);
		describe(f, i ? "tagignore" : "tagfocus", tags[i]);
	}
	f->names.of = name_of;
	f->names.creator = f->inner->creator ? name_of_creator : NULL;
	f->names.type = f->inner->type ? type_of : NULL;
	profile_init(&f->p, r->profile->modules, r->profile->function_names, r->profile->n_functions);
	choose(f);
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		f->whole[kind] = profile_total(r->profile, kind);
	f->r = *r;
	f->r.profile = &f->p;
	f->r.names = &f->names;
	f->r.whole = f->whole;
	f->r.part = buf_cstr(&f->part);
	return f;
}

const struct recording *filter_recording(const struct filter *f)
{
	return &f->r;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (int i = 0; i < N_WHICH; i++)
		if (f->has[i])
			regfree(&f->regex[i]);
	for (int i = 0; i < 2; i++)
		filter_tag_free(&f->tags[i]);
	for (size_t i = 0; i < f->kept.n; i++)
		free(f->kept.at[i].at);
	vec_free(&f->kept);
	u64map_free(&f->kept_ids);
	free(f->of_frame);
	free(f->stack_of);
	profile_free(&f->p);
	buf_free(&f->part);
	buf_free(&f->text);
	free(f);
}
