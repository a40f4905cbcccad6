/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chain of callers: "parse_value < parse_object (x3) < load_file < main". */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "view/view.h"

struct chain {
	struct buf *out;
	size_t start, width;	/* where in out the chain begins, columns so far */
	struct buf name;	/* the frame that is pending, */
	size_t repeats;		/* and how often it came in a row */
	struct buf full, shorter, next;	/* of the frame that comes next */
};

static void chain_emit(struct chain *c, const char *text)
{
	size_t from = c->out->len;

	if (c->out->len > c->start)
		buf_str(c->out, " < ");
	buf_str(c->out, text);
	c->width += text_width(c->out->data + from);
}

static void chain_flush(struct chain *c)
{
	if (c->repeats > 1)
		buf_printf(&c->name, " (x%zu)", c->repeats);
	if (c->repeats)
		chain_emit(c, buf_cstr(&c->name));
	c->repeats = 0;
}

static void chain_frame(struct chain *c, const struct symbol *sym)
{
	buf_reset(&c->full);
	buf_reset(&c->shorter);
	buf_reset(&c->next);
	symbol_text(sym, &c->full);
	view_short_name(buf_cstr(&c->full), &c->shorter);
	text_escape(&c->next, buf_cstr(&c->shorter), c->shorter.len);
	if (c->repeats && strcmp(buf_cstr(&c->next), buf_cstr(&c->name)))
		chain_flush(c);
	if (!c->repeats++) {
		buf_reset(&c->name);
		buf_add(&c->name, buf_cstr(&c->next), c->next.len);
	}
}

void view_chain(const struct recording *r, uint32_t stack, size_t skip, size_t max_width,
		struct buf *out)
{
	const struct profile_stack *st = &r->profile->stacks.at[stack];
	struct chain c = {.out = out, .start = out->len};
	const char *mark = stack_end_mark(st->end);
	struct view_names n;

	for (view_names_start(&n, r, st->node); n.sym; view_names_next(&n)) {
		if (skip)
			skip--;
		else
			chain_frame(&c, n.sym);
		if (c.width > max_width)	/* the next one is not even looked up */
			break;
	}
	chain_flush(&c);
	if (mark && st->end != STACK_END_LOST && c.width <= max_width)
		chain_emit(&c, mark);
	buf_free(&c.name);
	buf_free(&c.full);
	buf_free(&c.shorter);
	buf_free(&c.next);
}
