/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile of arbitrary bytes, read, and shown as a table of every view and as folded stacks. Whatever is read has the
 * sums of the message, which are added up here once more, and of the folded lines; and neither format has a character
 * that a terminal would take for a command. What was allocated before and after a moment is all of it (-max_len=8192
 * -runs=20000).
 */
#include "base/log.h"
#include "base/memlimit.h"
#include "base/text.h"
#include "format/report.h"
#include "record/stored.h"

#include "fuzz.h"

typedef unsigned __int128 sum_t;

struct sums {
	sum_t bytes, calls;
};

/* Which of the values has one of these names. */
static int column_of(const Pb__Profile *m, const char *const *names)
{
	int found = -1;

	for (size_t i = 0; i < m->n_sample_type; i++)
		for (const char *const *name = names; *name; name++) {
			int64_t at = m->sample_type[i]->type;

			if (found < 0 && at >= 0 && (uint64_t)at < m->n_string_table &&
			    !strcmp(m->string_table[at], *name))
				found = (int)i;
		}
	return found;
}

static sum_t add_column(const Pb__Profile *m, int column)
{
	sum_t sum = 0;

	for (size_t i = 0; i < m->n_sample && column >= 0; i++) {
		require(m->sample[i]->n_value == m->n_sample_type);
		require(m->sample[i]->value[column] >= 0);
		sum += (uint64_t)m->sample[i]->value[column];
	}
	return sum;
}

/* Values of the profile count allocations and, if it has any of these, live blocks and mappings; our own field counts
 * the rest. */
static struct sums message_sums(const Pb__Profile *m, enum profile_kind kind, bool ours)
{
	static const char *const names[][6] = {
		{"alloc_space", "alloc-space", "allocated_space", "rss_space"},
		{"alloc_objects", "alloc-samples", "allocated_objects", "rss_faults"},
		{"inuse_space", "space", "heap-space", "inuse-space"},
		{"inuse_objects", "objects", "inuse-objects"},
		{"mapped_space"}, {"mapped_objects"}, {"mapped_inuse_space"}, {"mapped_inuse_objects"},
	};
	const int first = kind == PROFILE_LIVE ? 2 : kind == PROFILE_MAPPED ? 4 : kind == PROFILE_MAPPED_LIVE ? 6 : 0;
	const int bytes = column_of(m, names[first]), calls = column_of(m, names[first + 1]);
	struct sums s = {0};

	if (kind == PROFILE_ALLOC || (first && (bytes >= 0 || calls >= 0)))
		return (struct sums){add_column(m, bytes), add_column(m, calls)};
	for (size_t i = 0; ours && i < m->alloctrace->n_sums; i++)
		for (size_t k = 0; m->alloctrace->sums[i]->kind == kind && k < m->alloctrace->sums[i]->n_sample; k++) {
			s.bytes += m->alloctrace->sums[i]->bytes[k];
			s.calls += m->alloctrace->sums[i]->calls[k];
		}
	return s;
}

static void check_sums(const struct recording *r, const Pb__Profile *m)
{
	const bool ours = !r->missing;

	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		const struct counters c = profile_total(r->profile, kind);
		const struct sums s = message_sums(m, kind, ours);

		/* What others wrote has no count of what was freed: it is what is not live. */
		if (kind == PROFILE_FREED && !ours)
			continue;
		require(c.bytes == s.bytes);
		require(c.calls == s.calls);
	}
}

static char *render(const struct recording *r, const char *format, const struct report_options *o, size_t *size)
{
	char *text;
	FILE *f = open_memstream(&text, size);

	require(f);
	names_start(r->names);
	require(!report_format_find(format)->write(f, r, o));
	fclose(f);
	for (size_t i = 0; i < *size; i++)
		require((unsigned char)text[i] >= ' ' ? text[i] != 0x7f : text[i] == '\n');
	return text;
}

static void check_folded(const struct recording *r, struct report_options *o, enum view_id view)
{
	struct counters c = profile_total(r->profile, view_kinds[view].counted);
	sum_t sum = 0;
	size_t size;
	char *text;

	o->views = VIEW_BIT(view);
	text = render(r, "folded", o, &size);
	for (char *line = text, *end; *line; line = end + 1) {
		char *number;

		end = strchr(line, '\n');
		require(end);
		*end = '\0';
		number = strrchr(line, ' ');
		require(number && strchr(line, ';') && number[1] >= '0' && number[1] <= '9');
		sum += strtoull(number + 1, NULL, 10);
	}
	require(sum == counters_metric(c, o->metric));
	free(text);
}

static void show(const struct recording *r, size_t size)
{
	size_t n_by = 0, length;
	struct report_options o = {.metric = size / 2 % 2 ? METRIC_CALLS : METRIC_BYTES, .top = 5, .width = size % 200};

	while (view_bys[n_by].name)
		n_by++;
	o.by = &view_bys[size % n_by];
	if (size & 32)
		o.then = &view_bys[(size / 3 + 1) % n_by];
	o.cum = view_has_cum(o.by, o.then) && size & 16;
	for (int view = 0; view < VIEW_KINDS; view++) {
		if (!(r->views & VIEW_BIT(view)))
			continue;
		o.views = VIEW_BIT(view);
		free(render(r, "table", &o, &length));
		if (!view_kinds[view].histogram)
			check_folded(r, &o, view);
	}
}

/* Before and after a moment: together they are all of it. */
static void check_time(const struct recording *whole, const uint8_t *data, size_t size)
{
	const size_t n = whole->profile->parts.n;
	const uint64_t cut = n ? whole->profile->parts.at[size % n].until_ns : size;
	struct counters sum = {0}, all = profile_total(whole->profile, PROFILE_ALLOC);
	bool read = false;

	for (int side = 0; side < 2; side++) {
		struct stored *s = stored_new(&(struct stored_options){
			.timed = true, .from_ns = side ? cut : 0, .until_ns = side ? UINT64_MAX : cut,
		});

		if (!stored_add_data(s, "profile", data, size)) {
			sum = counters_add(sum, profile_total(stored_recording(s)->profile, PROFILE_ALLOC));
			read = true;
		}
		stored_free(s);
	}
	require(!read || n);
	require(!read || (sum.bytes == all.bytes && sum.calls == all.calls));
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	/* Most inputs are errors, which are logged. */
	log_set_stream(fopen("/dev/null", "we"));
	log_set_level(LOG_QUIET);
	memlimit_set(256 << 20);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stored *s = stored_new(&(struct stored_options){.no_inline = size & 1});
	Pb__Profile *m;
	uint8_t *copy = exact_copy(data, size);

	if (!stored_add_data(s, "profile", copy, size)) {
		const struct recording *r;

		/* No file of this machine is looked at. */
		s->r.unnamed = false;
		r = stored_recording(s);
		m = pb__profile__unpack(NULL, size, data);
		require(m);
		check_sums(r, m);
		pb__profile__free_unpacked(m, NULL);
		show(r, size);
		check_time(r, copy, size);
	}
	stored_free(s);
	free(copy);
	return 0;
}
