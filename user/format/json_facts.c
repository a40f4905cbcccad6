/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of the run in JSON. What is not known, or does not apply, has no key. */
#include "format/json.h"

static void put_string(struct json_out *j, const char *key, const char *s)
{
	if (s)
		json_put_name(j, key, s);
}

static void put_some(struct json_out *j, const char *key, uint64_t n)
{
	if (n)
		json_out_u64(j, key, n);
}

static void put_counts(struct json_out *j, const char *key, const struct recording_count *counts, size_t n)
{
	json_out_array(j, key);
	for (size_t i = 0; i < n; i++) {
		json_out_object(j, NULL);
		json_out_string(j, "reason", counts[i].reason);
		json_out_u64(j, "calls", counts[i].n);
		json_out_end(j);
	}
	json_out_end(j);
}

static void put_account(struct json_out *j, const struct recording_account *a)
{
	json_out_object(j, "account");
	json_out_u64(j, "seen", a->seen);
	json_out_u64(j, "recorded", a->recorded);
	json_out_u64(j, "filtered", a->filtered);
	json_out_u64(j, "unsampled", a->unsampled);
	json_out_u64(j, "lost", a->lost);
	if (a->checked)
		json_out_u64(j, "unaccounted", a->unaccounted);
	json_out_end(j);
}

static void put_sampling(struct json_out *j, const struct recording *r)
{
	json_out_object(j, "sampled");
	json_out_u64(j, "mean_bytes", r->sample_mean);
	if (r->sample_calls > 0)
		json_out_double(j, "mean_calls", r->sample_calls);
	json_out_bool(j, "auto", r->sample_auto);
	put_some(j, "exact_calls", r->exact_calls);
	json_out_end(j);
}

static void put_windows(struct json_out *j, const struct recording_windows *w)
{
	json_out_object(j, "traced");
	json_out_double(j, "share", w->share);
	json_out_u64(j, "windows", w->n);
	json_out_double(j, "max_overhead_percent", w->limit);
	put_string(j, "scaled_by", w->by);
	json_out_bool(j, "lower_bound", w->at_least);
	json_out_double(j, "error", w->error);
	json_out_double(j, "cpus", w->load);
	json_out_double(j, "slowdown", w->slowdown);
	if (w->mixed || w->batched)
		json_out_string(j, "doubt", w->batched ? "reads other amounts at once" : "waits less often");
	json_out_end(j);
}

static void put_host(struct json_out *j, const struct recording_host *h, const struct profile *p)
{
	struct profile_members m;

	profile_members_make(p, &m);
	json_out_object(j, "host");
	put_string(j, "selection", h->selection);
	json_out_u64(j, "processes", h->processes);
	json_out_u64(j, "programs", m.programs);
	json_out_u64(j, "containers", m.containers);
	json_out_u64(j, "ended", h->ended);
	json_out_u64(j, "others_hits", h->others_hits);
	json_out_u64(j, "undecided", h->undecided);
	json_out_u64(j, "new_files", h->new_files);
	json_out_end(j);
	profile_members_free(&m);
}

static bool follows_blocks(const struct report_options *o)
{
	for (size_t i = 0; i < VIEW_KINDS; i++)
		if (o->views & VIEW_BIT(i) && view_kinds[i].blocks)
			return true;
	return false;
}

static void put_heap(struct json_out *j, const struct recording *r)
{
	const struct recording_heap *h = &r->heap;

	json_out_object(j, "heap");
	json_put_counters(j, "live", r, recording_total(r, PROFILE_LIVE));
	if (h->peak_bytes) {
		json_out_u64(j, "peak_bytes", h->peak_bytes);
		json_out_u64(j, "peak_ns", h->peak_ns);
	}
	json_out_u64(j, "frees", h->frees);
	json_out_u64(j, "frees_unknown", h->frees_unknown);
	json_out_u64(j, "replaced", h->replaced);
	json_out_u64(j, "ended_blocks", h->ended_blocks);
	json_out_u64(j, "unfollowed_calls", h->unfollowed);
	json_out_u64(j, "min_age_ns", h->min_age_ns);
	json_out_u64(j, "temp_age_ns", h->temp_age_ns);
	json_out_bool(j, "command_ended", h->ended);
	json_out_array(j, "marks_ns");
	for (size_t i = 0; i < h->n_marks; i++)
		json_out_u64(j, NULL, h->marks_ns[i]);
	json_out_end(j);
	json_out_end(j);
}

static void put_go(struct json_out *j, const struct recording *r)
{
	if (r->runtime.processes) {
		json_out_object(j, "go_records");
		json_out_u64(j, "records", r->runtime.records);
		json_out_u64(j, "processes", r->runtime.processes);
		put_some(j, "mean_bytes", r->runtime.rate);
		json_out_bool(j, "as_of_collection", r->runtime.collected);
		json_out_end(j);
	}
	if (r->sampler.used) {
		json_out_object(j, "go_samples");
		json_out_u64(j, "samples", r->sampler.samples);
		put_some(j, "mean_bytes", r->sampler.rate);
		put_some(j, "from_ns", r->sampler.from_ns);
		put_some(j, "until_ns", r->sampler.until_ns);
		json_out_end(j);
	}
	if (r->by_usdt)
		json_out_u64(j, "usdt_samples", r->usdt_samples);
}

static void put_resident(struct json_out *j, const struct recording_resident *m)
{
	json_out_object(j, "resident");
	json_out_u64(j, "address_spaces", m->spaces);
	json_out_u64(j, "not_followed", m->unfollowed);
	json_out_i64(j, "start_bytes", m->start);
	json_out_i64(j, "end_bytes", m->end);
	json_out_u64(j, "grown_bytes", m->grown);
	json_out_u64(j, "shrunk_bytes", m->shrunk);
	json_out_i64(j, "by_others_bytes", m->others);
	json_out_i64(j, "not_counted_bytes", m->off);
	json_out_end(j);
}

static void put_mapped(struct json_out *j, const struct recording *r)
{
	const struct recording_mapped *m = &r->mapped;

	json_out_object(j, "mapped");
	json_put_counters(j, "mapped", r, recording_total(r, PROFILE_MAPPED));
	json_put_counters(j, "live", r, recording_total(r, PROFILE_MAPPED_LIVE));
	json_out_u64(j, "allocator_bytes", m->allocator_bytes);
	json_out_u64(j, "allocator_calls", m->allocator_calls);
	json_out_u64(j, "allocator_live_bytes", m->allocator_live);
	json_out_u64(j, "lost_calls", m->lost);
	json_out_u64(j, "not_followed", m->unfollowed);
	json_out_end(j);
}

static void put_suppressions(struct json_out *j, const struct recording *r)
{
	json_out_array(j, "suppressed");
	for (size_t i = 0; i < r->n_suppressions; i++) {
		json_out_object(j, NULL);
		put_string(j, "pattern", r->suppressions[i].pattern);
		json_put_counters(j, "hidden", r, r->suppressions[i].hidden);
		json_out_end(j);
	}
	json_out_end(j);
}

static void put_unnamed(struct json_out *j, const struct recording *r)
{
	json_out_object(j, "names");
	json_out_u64(j, "named", r->names->asked[SYM_NAMED]);
	json_out_array(j, "unnamed");
	for (size_t i = 0; i < SYM_REASONS; i++) {
		if (i == SYM_NAMED || !r->names->asked[i])
			continue;
		json_out_object(j, NULL);
		json_out_string(j, "reason", sym_reason_text(i));
		json_out_u64(j, "frames", r->names->asked[i]);
		json_out_end(j);
	}
	json_out_end(j);
	put_some(j, "parts_not_read", r->names->not_read);
	json_out_end(j);
}

static void put_cost(struct json_out *j, const struct recording *r)
{
	json_out_object(j, "cost");
	json_out_u64(j, "hits", r->hits);
	if (r->cost_ns > 0)
		json_out_double(j, "ns", r->cost_ns);
	if (r->hit_ns > 0)
		json_out_double(j, "hit_ns", r->hit_ns);
	json_out_bool(j, "at_most", r->cost_is_all);
	put_some(j, "nested", r->nested);
	json_out_end(j);
}

static void put_calls(struct json_out *j, const struct recording *r)
{
	json_put_counters(j, "seen", r, r->seen);
	json_put_counters(j, "recorded", r, r->recorded);
	if (r->account.seen)
		put_account(j, &r->account);
	if (r->account.unsampled)
		put_sampling(j, r);
	if (r->windows.scaled)
		put_windows(j, &r->windows);
	json_out_u64(j, "filtered_calls", r->filtered);
	json_out_u64(j, "failed_calls", r->failed);
	put_counts(j, "lost", r->losses, r->n_losses);
	if (!r->missing)
		json_out_double(j, "lost_share", recording_lost_share(r));
	put_counts(j, "truncated", r->ends, r->n_ends);
	json_out_u64(j, "uncertain_calls", r->uncertain);
}

void json_put_facts(struct json_out *j, const char *key, const struct recording *r, const struct report_options *o)
{
	json_out_object(j, key);
	put_string(j, "target", r->target);
	put_string(j, "allocator", r->allocator);
	put_string(j, "not_seen", r->gaps);
	put_string(j, "missing", r->missing);
	put_string(j, "part", r->part);
	put_some(j, "time_ns", r->time_ns);
	json_out_u64(j, "duration_ns", r->duration_ns);
	put_some(j, "interval", r->interval);
	if (r->interval)
		json_out_bool(j, "delta", r->delta);
	put_some(j, "ops", r->ops);
	put_calls(j, r);
	if (r->host.wide)
		put_host(j, &r->host, r->profile);
	if (follows_blocks(o))
		put_heap(j, r);
	put_go(j, r);
	if (r->kernel)
		json_out_bool(j, "kernel", true);
	if (r->resident.used)
		put_resident(j, &r->resident);
	if (r->mapped.used)
		put_mapped(j, r);
	if (r->n_suppressions)
		put_suppressions(j, r);
	put_unnamed(j, r);
	if (r->hits)
		put_cost(j, r);
	json_out_end(j);
}
