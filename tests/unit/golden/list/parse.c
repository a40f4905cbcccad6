/* SPDX-License-Identifier: GPL-2.0-or-later */
struct value;
struct parser;

struct value *new_value(struct parser *p);

static void skip(struct parser *p)
{
	while (next(p))
		;
}

struct value *parse_value(struct parser *p)
{
	struct value *v = malloc(sizeof(*v));

	skip(p);
	if (is_text(p))
		v->text = copy_text(p);
	return v;	/* [31mred Ã */
}

/* Nothing of interest
 * for
 * quite
 * some
 * lines.
 */

struct value *parse_list(struct parser *p)
{
	struct value *v = parse_value(p);

	while (more(p))
		append(v, parse_value(p));
	return v;
}
