/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is counted beside the heap, or instead of it; where no function of a program is probed, some options have no
 * meaning. */
#include "cli/options_table.h"

#define MAP_VIEWS (VIEW_BIT(VIEW_MAPPED) | VIEW_BIT(VIEW_MAPPINGS))
#define RESIDENT_SAMPLE (64 << 10)	/* bytes: one page in 16 */
#define KERNEL_SAMPLE (64 << 10)	/* bytes: of small blocks, one in some hundreds */

struct refused {
	size_t offset;
	const char *name;
};

#define REFUSED(member, name) {offsetof(struct options, member), name}

/* Of probes on functions. */
static const struct refused of_probes[] = {
	REFUSED(max_overhead, "max-overhead"), REFUSED(alloc_fns, "alloc-fn"), REFUSED(free_fns, "free-fn"),
	REFUSED(created_by, "created-by"), REFUSED(force, "force"),
};

/* Of blocks of a program. */
static const struct refused of_sizes[] = {REFUSED(min_size, "min-size"), REFUSED(max_size, "max-size")};

/* Of stacks, names and source of a program; kernel symbols are those of this boot. */
static const struct refused of_programs[] = {
	REFUSED(go_samples, "go-samples"), REFUSED(no_names, "no-names"), REFUSED(list, "list"),
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int refuse(options_given given, const struct refused *list, size_t n, const char *why)
{
	for (size_t i = 0; i < n; i++)
		if (options_are_given(given, list[i].offset))
			return option_error("%s: there is no --%s", why, list[i].name);
	return 0;
}

static int refuse_probes(const struct options *o, options_given given, const char *why)
{
	if (o->attach != ATTACH_AUTO || o->bench != BENCH_OFF)
		return option_error("%s: there is no --%s", why, o->bench != BENCH_OFF ? "bench" : "attach");
	return refuse(given, of_probes, COUNT(of_probes), why);
}

int options_check_resident(struct options *o, options_given given)
{
	static const char why[] = "--view rss probes no function";
	const struct view_by both = view_both(o->by, o->then);
	int err;

	if (!(o->views & VIEW_BIT(VIEW_RSS)))
		return 0;
	if (o->kernel)
		return option_error("--kernel is about the kernel's own memory, --view rss about that of processes: "
				    "they cannot be combined");
	if (o->views != VIEW_BIT(VIEW_RSS))
		return option_error("--view rss probes no function: it cannot be combined with other views");
	if (both.by_goroutine || both.by_label)
		return option_error("--view rss knows no goroutines");
	err = refuse_probes(o, given, why);
	if (!err)
		err = refuse(given, of_sizes, COUNT(of_sizes), why);
	if (err)
		return err;
	if (o->unwind == UNWIND_FP)
		return option_error("--view rss needs stacks by .eh_frame: there is no --unwind fp");
	if (!o->sample_bytes)
		o->sample_bytes = RESIDENT_SAMPLE;
	return 0;
}

int options_check_kernel(struct options *o, options_given given)
{
	static const char why[] = "--kernel counts by tracepoints of the kernel";
	const struct view_by both = view_both(o->by, o->then);
	int err;

	if (!o->kernel)
		return 0;
	if (o->mmap)
		return option_error("--kernel is about the kernel's own memory, --mmap about that of processes: "
				    "they cannot be combined");
	if (both.by_goroutine || both.by_label)
		return option_error("--kernel knows no goroutines");
	err = refuse_probes(o, given, why);
	if (!err)
		err = refuse(given, of_programs, COUNT(of_programs), why);
	if (err)
		return err;
	if (o->unwind != UNWIND_AUTO)
		return option_error("%s: there is no --unwind", why);
	/* No stack of a process is looked at, and none of its files. */
	o->unwind = UNWIND_FP;
	o->max_overhead = 0;
	if (!o->sample_bytes)
		o->sample_bytes = KERNEL_SAMPLE;
	return 0;
}

static const char *one_view_format(const struct options *o)
{
	for (size_t i = 0; i < o->n_outputs; i++)
		if (o->outputs[i].format->one_view)
			return o->outputs[i].format->name;
	return NULL;
}

int options_check_mmap(struct options *o)
{
	const char *one = one_view_format(o);

	if (o->mmap && one && !(o->views & MAP_VIEWS))
		return option_error("--format %s takes one --view: instead of --mmap, give --view mapped or "
				    "mappings, or another view without --mmap", one);
	/* One moment is not of an interval alone. */
	if (o->mmap && !one)
		o->views |= o->delta ? VIEW_BIT(VIEW_MAPPED) : MAP_VIEWS;
	o->mmap = o->views & MAP_VIEWS;
	o->no_heap = !(o->views & ~MAP_VIEWS);
	if (o->mmap && o->unwind == UNWIND_FP && o->command->bit & FOR_TRACE)
		return option_error("--mmap needs stacks by .eh_frame, which tell what an allocator maps: there is "
				    "no --unwind fp");
	return 0;
}
