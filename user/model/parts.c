/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was allocated in each interval of a run. */
#include <stdlib.h>

#include "model/profile.h"

void profile_forget_parts(struct profile *p)
{
	for (size_t i = 0; i < p->parts.n; i++)
		vec_free(&p->parts.at[i].sums);
	vec_free(&p->parts);
	vec_free(&p->parted);
	p->parted_recorded = (struct counters){0};
	p->joined = p->in_last = 0;
}

static size_t count_sums(const struct profile *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->parts.n; i++)
		n += p->parts.at[i].sums.n;
	return n;
}

/* Both in the order of stacks. */
static struct profile_part join(struct profile_part *a, struct profile_part *b)
{
	struct profile_part both = {
		.until_ns = b->until_ns, .recorded = counters_add(a->recorded, b->recorded),
	};
	size_t i = 0, k = 0;

	while (i < a->sums.n || k < b->sums.n) {
		struct profile_part_sum sum;

		if (k == b->sums.n || (i < a->sums.n && a->sums.at[i].stack < b->sums.at[k].stack)) {
			sum = a->sums.at[i++];
		} else {
			sum = b->sums.at[k++];
			if (i < a->sums.n && a->sums.at[i].stack == sum.stack)
				sum.alloc = counters_add(sum.alloc, a->sums.at[i++].alloc);
		}
		vec_push(&both.sums, sum);
	}
	vec_free(&a->sums);
	vec_free(&b->sums);
	return both;
}

static void halve(struct profile *p)
{
	const size_t n = p->parts.n;

	for (size_t i = 0; i + 1 < n; i += 2)
		p->parts.at[i / 2] = join(&p->parts.at[i], &p->parts.at[i + 1]);
	if (n % 2)
		p->parts.at[n / 2] = p->parts.at[n - 1];
	else
		p->in_last += p->joined + 1;
	p->parts.n = (n + 1) / 2;
	p->joined = 2 * p->joined + 1;
}

static void add_part(struct profile *p, struct profile_part *part)
{
	if (p->parts.n && p->in_last <= p->joined) {
		struct profile_part *last = &p->parts.at[p->parts.n - 1];

		*last = join(last, part);
		p->in_last++;
		return;
	}
	vec_push(&p->parts, *part);
	p->in_last = 1;
}

static struct counters *parted_at(struct profile *p, uint32_t stack)
{
	while (p->parted.n <= stack)
		vec_push(&p->parted, ((struct counters){0}));
	return &p->parted.at[stack];
}

void profile_end_part(struct profile *p, uint64_t until_ns, struct counters recorded, bool alone)
{
	const uint64_t last_ns = p->parts.n ? p->parts.at[p->parts.n - 1].until_ns : 0;
	struct profile_part part = {
		.until_ns = until_ns > last_ns ? until_ns : last_ns,
		.recorded = alone ? recorded : counters_sub(recorded, p->parted_recorded),
	};

	for (size_t i = 0; i < p->sums[PROFILE_ALLOC].n; i++) {
		struct counters *before = parted_at(p, i), now = p->sums[PROFILE_ALLOC].at[i];

		if (!alone)
			now = counters_sub(now, *before);
		*before = counters_add(*before, now);
		if (!counters_none(now))
			vec_push(&part.sums, ((struct profile_part_sum){(uint32_t)i, now}));
	}
	p->parted_recorded = counters_add(p->parted_recorded, part.recorded);
	while (p->parts.n == PROFILE_PARTS || (p->parts.n > 1 && count_sums(p) + part.sums.n > PROFILE_PART_SUMS))
		halve(p);
	add_part(p, &part);
}
