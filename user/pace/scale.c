// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace/scale.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define MUCH_SHARE	0.1	/* of the calls: so many may be made in windows with too little work */
#define SURE_ERROR	0.1
#define MOST_ERROR	0.5
#define ANY_ERROR	1
#define PROBES_SHARE	0.6	/* of the CPU time in windows, at most, to scale by what is left */
#define OWN_LEAST	0.2	/* of a window's CPU time is taken for the target's own, whatever a hit costs */
#define FLOOR_ERROR	0.02	/* of what was not traced */
#define WHOLE_SHARE	0.9	/* of a stratum: from there on it counts as if all was counted */
#define FIRST_IO	5	/* I/O calls before the first window: with fewer, messages are counted as well */
#define MIXED		2
#define BATCHED		1.1	/* so much a read's bytes differ between windows and around them */
#define BATCHED_SHARE	0.75	/* of the strata, and all to the same side: one large file is in one */
#define BATCHED_STRATA	3
#define KEPT		0.9	/* of what was learnt, per window */
#define SLOWDOWN_MAX	1000

/* Least work of a window. */
static const double least[SCALE_KINDS] = {
	[SCALE_READ_BYTES] = 1, [SCALE_READS] = 20, [SCALE_IO] = 20, [SCALE_MESSAGES] = 20,
	[SCALE_CPU] = 1e5, [SCALE_TIME] = 1,
};

/* One way to scale. */
struct sum {
	double calls, bytes;		/* of all strata so far */
	double work;			/* of these */
	double var;			/* of the calls, by each window's own neighbour */
	double squares;			/* what the variance of a ratio is to be multiplied by for it */
	/* Strata whose windows had too little work, which the next one is taken together with. */
	double kept_calls, kept_bytes, kept_inside, kept_work;
	double window_calls, few_calls;	/* in all windows; in those with too little work */
	double windows;
	double last_rate, whole_rate;	/* calls per work: of the last window; when all was counted, the last time */
	double first_square;		/* factor of the variance for the first window, until it has a neighbour */
	double spread, spreads;		/* sum and number of the variances of neighbours */
	double inside, outside;		/* work in windows, and between them, of late */
	double all_inside, all_outside;	/* and of all time */
};

struct scale {
	struct scale_reading stratum, window;	/* as of their beginning */
	struct scale_reading inside;		/* what was counted in the stratum's window */
	bool counting, had_window;
	bool counts_messages;
	/* Before messages were counted: what was seen, and what was missed, as scaled by time. */
	double seen_calls, seen_bytes, missed_calls, missed_bytes;
	struct sum sums[SCALE_KINDS];
	struct own_cpu cpu;
	double own_ns;				/* of cpu.cpu_ns, as taken for the windows' work */
	double waits_inside, waits_outside;
	bool lacked_io;				/* when all was counted */
	double compared, larger, smaller;	/* strata: all, and where reads are larger or smaller in the window */
};

struct scale *scale_new(const struct scale_reading *now)
{
	struct scale *s = xcalloc(1, sizeof(*s));

	s->stratum = s->window = *now;
	s->counting = true;
	return s;
}

void scale_wait(struct scale *s)
{
	s->counting = false;
}

void scale_free(struct scale *s)
{
	free(s);
}

static struct scale_reading since(const struct scale_reading *now, const struct scale_reading *then)
{
	struct scale_reading r = {
		.calls = now->calls - then->calls, .bytes = now->bytes - then->bytes,
		.probes_ns = now->probes_ns - then->probes_ns, .waits = now->waits - then->waits,
		.ticks = {now->ticks.user - then->ticks.user, now->ticks.system - then->ticks.system},
	};

	for (int k = 0; k < SCALE_KINDS; k++)
		r.work[k] = now->work[k] - then->work[k];
	return r;
}

void scale_attached(struct scale *s, const struct scale_reading *now)
{
	s->window = *now;
	s->counting = true;
}

void scale_detached(struct scale *s, const struct scale_reading *now)
{
	s->inside = since(now, &s->window);
	s->counting = false;
	s->had_window = true;
}

/*
 * The variance of a stratum's estimate is the square of the work that its window stands for (less what was counted),
 * times the variance of the ratio from window to window; and that is half the square of the difference of neighbours.
 */
static void observe(struct sum *sum, double rate, double inside, double work)
{
	const double square = work * fmax(work - inside, 0), step = rate - sum->last_rate, diff = step * step / 2;

	sum->squares += square;
	if (sum->windows++ > 0) {
		sum->var += diff * (square + sum->first_square);
		sum->first_square = 0;
		sum->spread += diff;
		sum->spreads++;
	} else {
		sum->first_square = square;
	}
	sum->last_rate = rate;
}

/* Of the ratio, between windows. With one window, the time before it has to do for the other. */
static double rate_var(const struct sum *sum)
{
	const double diff = sum->last_rate - sum->whole_rate;

	return sum->spreads > 0 ? sum->spread / sum->spreads : diff * diff / 2;
}

/*
 * 0.975 quantile of Student's distribution by that of the normal one (Cornish-Fisher, two terms). The differences of
 * neighbours overlap: n of them say as much of their variance as two thirds of that would if they didn't.
 */
static double student(double differences)
{
	const double df = fmax(differences * 2 / 3, 1);

	return 1 + 1.21 / df + 1.44 / (df * df);
}

/* A stratum that was counted as good as all. */
static void add_whole(struct sum *sum, const struct scale_reading *in, double work, enum scale_kind k)
{
	const double factor = in->work[k] >= least[k] ? fmax(work / in->work[k], 1) : 1;

	sum->calls += in->calls * factor;
	sum->bytes += in->bytes * factor;
	sum->work += work;
	if (in->work[k] >= least[k])
		sum->whole_rate = in->calls / in->work[k];
}

/* What a stratum's window has counted, and the stratum's work. */
static void add_window(struct sum *sum, const struct scale_reading *in, double work, enum scale_kind k)
{
	const double calls = sum->kept_calls + in->calls, bytes = sum->kept_bytes + in->bytes;
	const double inside = sum->kept_inside + in->work[k], all = fmax(sum->kept_work + work, inside);

	sum->inside = KEPT * sum->inside + in->work[k];
	sum->outside = KEPT * sum->outside + fmax(work - in->work[k], 0);
	sum->all_inside += in->work[k];
	sum->all_outside += fmax(work - in->work[k], 0);
	sum->window_calls += in->calls;
	sum->few_calls += in->work[k] < least[k] ? in->calls : 0;
	if (inside < least[k]) {
		sum->kept_calls = calls;
		sum->kept_bytes = bytes;
		sum->kept_inside = inside;
		sum->kept_work = all;
		return;
	}
	sum->kept_calls = sum->kept_bytes = sum->kept_inside = sum->kept_work = 0;
	sum->calls += calls * all / inside;
	sum->bytes += bytes * all / inside;
	sum->work += all;
	observe(sum, calls / inside, inside, all);
}

static bool is_whole(const struct scale_reading *in, const struct scale_reading *all)
{
	return in->work[SCALE_TIME] >= WHOLE_SHARE * all->work[SCALE_TIME];
}

static void add_stratum(struct sum *sum, const struct scale_reading *in, const struct scale_reading *all,
			enum scale_kind k)
{
	if (is_whole(in, all))
		add_whole(sum, in, all->work[k], k);
	else
		add_window(sum, in, all->work[k], k);
}

static void compare_reads(struct scale *s, const struct scale_reading *in, const struct scale_reading *all)
{
	const double inside = in->work[SCALE_READS], outside = all->work[SCALE_READS] - inside;
	const double in_bytes = in->work[SCALE_READ_BYTES], out_bytes = all->work[SCALE_READ_BYTES] - in_bytes;

	if (fmin(inside, outside) < least[SCALE_READS])
		return;
	s->compared++;
	s->larger += in_bytes / inside > BATCHED * out_bytes / outside;
	s->smaller += BATCHED * in_bytes / inside < out_bytes / outside;
}

static bool is_batched(const struct scale *s)
{
	return s->compared >= BATCHED_STRATA && fmax(s->larger, s->smaller) >= BATCHED_SHARE * s->compared;
}

/* Takes the probes' share out of the CPU time: of a window, and of a stratum with it. */
static void take_own(struct scale *s, struct scale_reading *in, struct scale_reading *all)
{
	const double factor = own_factor(&s->cpu).factor, cpu = in->work[SCALE_CPU];
	const double rest = all->work[SCALE_CPU] - cpu - factor * (all->probes_ns - in->probes_ns);

	in->work[SCALE_CPU] = fmax(cpu - factor * in->probes_ns, OWN_LEAST * cpu);
	all->work[SCALE_CPU] = in->work[SCALE_CPU] + fmax(rest, 0);
}

static void add_cpu(struct own_cpu *c, const struct scale_reading *in, const struct scale_reading *all)
{
	c->cpu_ns += in->work[SCALE_CPU];
	c->probes_ns += in->probes_ns;
	c->inside.user += in->ticks.user;
	c->inside.system += in->ticks.system;
	c->outside.user += all->ticks.user - in->ticks.user;
	c->outside.system += all->ticks.system - in->ticks.system;
}

void scale_next(struct scale *s, const struct scale_reading *now)
{
	struct scale_reading all = since(now, &s->stratum), in = s->inside;
	const bool whole = is_whole(&in, &all);

	/* Without a window there is nothing to go by: the next one stands for this stratum as well. */
	if (!s->had_window)
		return;
	if (!whole)
		add_cpu(&s->cpu, &in, &all);
	take_own(s, &in, &all);
	for (int k = 0; k < SCALE_KINDS; k++)
		add_stratum(&s->sums[k], &in, &all, k);
	if (!whole) {
		s->own_ns += in.work[SCALE_CPU];
		s->waits_inside += in.waits;
		s->waits_outside += all.waits - in.waits;
		compare_reads(s, &in, &all);
	} else if (in.work[SCALE_IO] < FIRST_IO) {
		s->lacked_io = true;
	}
	s->stratum = *now;
	s->had_window = false;
}

static bool is_few(const struct sum *sum)
{
	return sum->few_calls > MUCH_SHARE * sum->window_calls;
}

bool scale_lacks_io(const struct scale *s)
{
	const struct sum *io = &s->sums[SCALE_IO];

	return !s->counts_messages && (io->window_calls > 0 ? is_few(io) : s->lacked_io);
}

void scale_count_messages(struct scale *s, const struct scale_reading *now)
{
	const struct scale_total t = scale_total_by(s, SCALE_TIME, now);

	s->seen_calls = now->calls;
	s->seen_bytes = now->bytes;
	s->missed_calls = fmax(t.calls - now->calls, 0);
	s->missed_bytes = fmax(t.bytes - now->bytes, 0);
	s->counts_messages = true;
	s->sums[SCALE_MESSAGES] = (struct sum){0};
}

static bool may_scale_by(const struct scale *s, enum scale_kind k)
{
	if (k == SCALE_CPU)
		return s->cpu.cpu_ns > 0 &&
		       own_factor(&s->cpu).factor * s->cpu.probes_ns < PROBES_SHARE * s->cpu.cpu_ns;
	if (k == SCALE_MESSAGES && !s->counts_messages)
		return false;
	if (k == SCALE_READ_BYTES && !is_batched(s))
		return false;
	return s->sums[k].windows > 0 && !is_few(&s->sums[k]);
}

/* The one that will be chosen unless errors are large. */
static enum scale_kind likely_kind(const struct scale *s)
{
	enum scale_kind k = SCALE_READ_BYTES;

	while (k != SCALE_TIME && !may_scale_by(s, k))
		k++;
	return k;
}

double scale_slowdown(const struct scale *s)
{
	const struct sum *sum = &s->sums[likely_kind(s)], *time = &s->sums[SCALE_TIME];

	if (sum->inside <= 0 || time->outside <= 0)
		return 1;
	return fmin(fmax(sum->outside / sum->inside * time->inside / time->outside, 1), SLOWDOWN_MAX);
}

/* Waits were counted from the start, messages maybe not: only how each is divided up is compared. */
static bool is_mixed(const struct scale *s, enum scale_kind k)
{
	const struct sum *sum = &s->sums[k];
	const double waits = s->waits_inside;
	const double expected = sum->all_outside > 0 ? s->waits_outside / sum->all_outside * sum->all_inside : 0;

	if (k > SCALE_MESSAGES || fmax(waits, expected) < least[SCALE_IO])
		return false;
	return waits > MIXED * expected || expected > MIXED * waits;
}

/* What was missed before is taken to be more than by time as much as it is since. */
static void add_before_messages(const struct scale *s, const struct scale_reading *now, struct scale_total *t)
{
	const struct scale_total time = scale_total_by(s, SCALE_TIME, now);
	const double calls = time.calls - s->seen_calls - s->missed_calls;
	const double bytes = time.bytes - s->seen_bytes - s->missed_bytes;

	t->calls += s->seen_calls + s->missed_calls * (calls > 0 ? t->calls / calls : 1);
	t->bytes += s->seen_bytes + s->missed_bytes * (bytes > 0 ? t->bytes / bytes : 1);
}

/* Of what was not traced, which has a share in the total. */
static double unseen_error(const struct scale *s, enum scale_kind k, double share)
{
	const struct own_factor f = own_factor(&s->cpu);
	const double probes_ns = f.factor * s->cpu.probes_ns;
	double error = FLOOR_ERROR;

	if (k == SCALE_CPU && s->cpu.cpu_ns > probes_ns)
		error = hypot(error, f.error * probes_ns / (s->cpu.cpu_ns - probes_ns));
	return error * share;
}

/* What the probes take is known better now than when the windows were added. */
static double cpu_correction(const struct scale *s)
{
	const double own_ns = s->cpu.cpu_ns - own_factor(&s->cpu).factor * s->cpu.probes_ns;

	return s->own_ns > 0 ? s->own_ns / fmax(own_ns, OWN_LEAST * s->cpu.cpu_ns) : 1;
}

/* The stratum under way counts as if it ended now, if it had its window. */
static struct scale ended(const struct scale *s, const struct scale_reading *now)
{
	struct scale copy = *s;

	scale_next(&copy, now);
	return copy;
}

/* Of one where no window waits for its stratum's end. */
static struct scale_total total_by(const struct scale *s, enum scale_kind k, const struct scale_reading *now)
{
	const struct sum *sum = &s->sums[k];
	const double correction = k == SCALE_CPU ? cpu_correction(s) : 1;
	const struct scale_reading rest = since(now, &s->stratum);
	const struct scale_reading in = s->counting ? since(now, &s->window) : (struct scale_reading){0};
	/* What no window stands for yet is taken to be as all the rest. */
	const double missing = fmax(sum->kept_work - sum->kept_inside + rest.work[k] - in.work[k], 0);
	const double factor = correction * (1 + (sum->work > 0 ? missing / sum->work : 0));
	struct scale_total t = {
		.kind = k, .mixed = is_mixed(s, k), .batched = (k == SCALE_READS || k == SCALE_IO) && is_batched(s),
		.calls = sum->calls * factor + sum->kept_calls + in.calls,
		.bytes = sum->bytes * factor + sum->kept_bytes + in.bytes,
	};
	double var;

	if (k == SCALE_MESSAGES && s->counts_messages)
		add_before_messages(s, now, &t);
	if (t.calls <= now->calls)
		return t;
	var = fmax(sum->var * factor * factor + (missing * missing + sum->first_square) * rate_var(sum),
		   (sum->squares * factor * factor + missing * missing) * rate_var(sum));
	t.error = sum->windows > 0 ? student(sum->spreads) * sqrt(var) / t.calls : 1;
	t.error = fmin(hypot(t.error, unseen_error(s, k, 1 - now->calls / t.calls)), 1);
	return t;
}

struct scale_total scale_total_by(const struct scale *s, enum scale_kind k, const struct scale_reading *now)
{
	const struct scale e = ended(s, now);

	return total_by(&e, k, now);
}

struct scale_total scale_total(const struct scale *s, const struct scale_reading *now)
{
	static const struct {
		enum scale_kind kind;
		double most_error;
	} order[] = {
		{SCALE_READ_BYTES, SURE_ERROR}, {SCALE_READS, SURE_ERROR}, {SCALE_IO, SURE_ERROR},
		{SCALE_MESSAGES, SURE_ERROR}, {SCALE_CPU, MOST_ERROR}, {SCALE_READS, ANY_ERROR},
		{SCALE_IO, ANY_ERROR}, {SCALE_MESSAGES, ANY_ERROR},
	};
	const struct scale e = ended(s, now);

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct scale_total t = total_by(&e, order[i].kind, now);

		if (may_scale_by(&e, order[i].kind) && t.error < order[i].most_error)
			return t;
	}
	return total_by(&e, SCALE_TIME, now);
}
