/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/sums.h"

#include "sample.h"

static uint64_t rounded(uint64_t fixed)
{
	return (fixed + (1ULL << (CALLS_SHIFT - 1))) >> CALLS_SHIFT;
}

struct counters counters_of_sum(const struct sum *s)
{
	return (struct counters){
		.bytes = s->bytes,
		.calls = rounded(s->calls),
		.bytes_var = (double)s->bytes_var * (1 << BYTES_VAR_SHIFT),
		.calls_var = (double)s->calls_var / (1 << CALLS_VAR_SHIFT),
	};
}

static uint64_t sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

struct sum sum_sub(const struct sum *a, const struct sum *b)
{
	return (struct sum){
		sub(a->bytes, b->bytes), sub(a->calls, b->calls), sub(a->bytes_var, b->bytes_var),
		sub(a->calls_var, b->calls_var),
	};
}

void ended_add(struct ended *e, const struct block *block)
{
	e->sum.bytes += sample_bytes(block->bytes, block->weight);
	e->sum.calls += block->weight;
	e->sum.bytes_var += sample_bytes_var(block->bytes, block->weight);
	e->sum.calls_var += sample_calls_var(block->weight);
}

struct sum sum_at_peak(const struct stack_sum *sum, const struct ended *ended, const struct heap *heap)
{
	struct sum live = sum_sub(&sum->alloc, &sum->freed);

	if (sum->peak_seq == heap->peak_seq)
		return sum->peak;
	return ended && heap->peak_ns > ended->time_ns ? sum_sub(&live, &ended->sum) : live;
}

void blocks_begin(const struct blocks *b)
{
	struct profile *p = b->profile;

	p->now_ns = b->now_ns;
	p->generations = b->generation < PROFILE_GENERATIONS ? b->generation : PROFILE_GENERATIONS;
	p->first_generation = b->generation - p->generations + 1;
}

/* Calls stay << CALLS_SHIFT until blocks_end(): a block that stands for 1.4 calls would be rounded a million times. */
void blocks_add(const struct blocks *b, uint32_t stack, const struct block *block)
{
	struct profile *p = b->profile;
	double w = (double)block->weight / (1 << CALLS_SHIFT), s = (double)block->bytes;
	const struct counters c = {
		.bytes = ((unsigned __int128)block->bytes * block->weight + (1 << (CALLS_SHIFT - 1))) >> CALLS_SHIFT,
		.calls = block->weight,
		.bytes_var = s * s * w * (w - 1),
		.calls_var = w * (w - 1),
	};

	profile_add_age(p, stack, block->time_ns);
	if (block->time_ns <= b->now_ns && b->now_ns - block->time_ns >= b->min_age_ns)
		profile_add(p, PROFILE_LEAKS, stack, c);
	if (!p->generations || block->generation < p->first_generation ||
	    block->generation - p->first_generation >= p->generations)
		return;
	profile_add(p, PROFILE_MARKED, stack, c);
	profile_add(p, PROFILE_GENERATION + (block->generation - p->first_generation), stack, c);
}

void blocks_end(const struct blocks *b)
{
	struct profile *p = b->profile;

	for (size_t i = 0; i < p->sums[PROFILE_LEAKS].n; i++)
		p->sums[PROFILE_LEAKS].at[i].calls = rounded(p->sums[PROFILE_LEAKS].at[i].calls);
	for (int kind = PROFILE_MARKED; kind < PROFILE_GENERATION + PROFILE_GENERATIONS; kind++)
		for (size_t i = 0; i < p->sums[kind].n; i++)
			p->sums[kind].at[i].calls = rounded(p->sums[kind].at[i].calls);
}
