// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading and the life of the BPF object. */
#include "kern/kern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "kern/direct.h"
#include "kern/internal.h"
#include "kern/slabs.h"
#include "sample.h"
#include "unwind_map.h"

/* The inode of the initial pid namespace, include/linux/proc_ns.h PROC_PID_INIT_INO: a fixed number. */
#define INIT_PIDNS_INO 0xeffffffcU
#define STASH_ENTRIES 65536
#define RAWS_MAX 16	/* of 1 MiB each; another is taken where a CPU's is in use */
#define FIRST_BLOCKS (1 << 18)
#define NAMED_CGROUPS 4096	/* there at once, whose names are asked for as they come */
#define SECOND_MAKER_STACK ((size_t)64 << 10)
#define HISTS_PER_STACK 2	/* buckets that have something in them, on average, were there the most of stacks */

/* libbpf's own words are for -v; the caller logs what failed in one line. */
static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char *text, *line, *rest;

	if (level == LIBBPF_DEBUG || !log_verbose() || vasprintf(&text, fmt, args) < 0)
		return 0;
	/* A verifier's log is one message of many lines. */
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line)
			note("%s", line);
	free(text);
	return 0;
}

static int frames_callback(void *ctx, void *data, size_t size)
{
	struct kern *k = ctx;
	const struct stack_frames *rec = data;
	const size_t head = offsetof(struct stack_frames, frames);

	const struct stack_raw *raw = data;

	if (size >= head && rec->end == WALK_RAW &&
	    (size < offsetof(struct stack_raw, stack) || size < offsetof(struct stack_raw, stack) + raw->n_stack))
		return 0;
	if (size >= head && size >= head + rec->n * sizeof(rec->frames[0]))
		k->on_frames(k->on_frames_arg, rec);
	return 0;
}

static int map_callback(void *ctx, void *data, size_t size)
{
	struct kern *k = ctx;

	if (size >= sizeof(struct map_event) && k->on_map)
		k->on_map(k->on_map_arg, data);
	/* Threads that do nothing else may send as fast as this reads: what is in the ring by now is enough. */
	return k->map_budget && --k->map_budget ? 0 : -EAGAIN;
}

static void set_constants(struct kern *k, struct alloctrace_bpf *skel)
{
	const struct kern_options *o = &k->options;
	struct stat st;

	skel->rodata->min_size = o->min_size;
	skel->rodata->max_size = o->max_size;
	skel->rodata->max_frames = o->max_frames;
	skel->rodata->by_thread = o->by_thread;
	skel->rodata->wide = o->wide;
	skel->rodata->by_process = o->by_process || o->by_thread;
	skel->rodata->takes_all = o->takes_all;
	if (o->rules)
		memcpy((void *)&skel->rodata->select_rules, o->rules, sizeof(*o->rules));
	if (o->resident)
		resident_set(k, skel);
	if (o->kernel)
		kmem_set(k, skel);
	skel->rodata->by_goroutine = o->by_goroutine;
	skel->rodata->by_label = o->by_label;
	skel->rodata->with_creator = o->creators;
	skel->rodata->n_scratch = k->n_cpus * SLOTS_PER_CPU + 1;
	skel->rodata->frames_max = 1;
	while (skel->rodata->frames_max < o->max_frames)
		skel->rodata->frames_max *= 2;
	if (getrandom((void *)skel->rodata->hash_keys, sizeof(skel->rodata->hash_keys), 0) < 0)
		note("no random numbers available: stack IDs could be guessed");
	skel->rodata->hash_keys[0] |= 1;
	skel->rodata->hash_keys[1] |= 1;
	skel->rodata->follow_blocks = o->blocks;
	skel->rodata->follow_peak = o->blocks && o->peak;
	skel->rodata->follow_temp = o->blocks && o->temp;
	skel->rodata->temp_age_ns = o->temp_age_ns;
	skel->rodata->governed = o->governed;
	skel->rodata->go_samples = o->go_source != GO_CALLS;
	skel->bss->go_by_samples = o->go_source == GO_SAMPLES;
	skel->rodata->usdt = kern_uses_usdt(o);
	skel->bss->window_factor = 1 << CALLS_SHIFT;
	skel->rodata->hist_sizes = o->sizes;
	skel->rodata->hist_lifetimes = o->lifetimes;
	skel->rodata->sample_all = o->sample_fixed && o->sample_law == SAMPLE_ALL;
	skel->bss->sample_law = o->sample_law;
	/* What slots have taken on and not used yet when another one finds nothing left is to be more than enough. */
	if (o->exact_calls)
		skel->bss->exact_left = o->exact_calls + (uint64_t)skel->rodata->n_scratch * EXACT_CHUNK;
	skel->rodata->unwind_tables = o->unwind != UNWIND_FP;
	skel->rodata->ask_kernel = o->unwind != UNWIND_FP && !o->told_mappings && feature(FEATURE_FIND_VMA, NULL);
	if (o->unwind != UNWIND_FP)
		skel->rodata->n_raws = k->n_cpus < RAWS_MAX ? k->n_cpus + 1 : RAWS_MAX;
	skel->rodata->ring_wake_bytes = o->ring_bytes / 4;
	if (!stat("/proc/self/ns/pid", &st) && st.st_ino != INIT_PIDNS_INO) {
		skel->rodata->pidns_dev = st.st_dev;
		skel->rodata->pidns_ino = st.st_ino;
	}
}

/* How much of struct stack_sum is used. */
static size_t sum_bytes(const struct kern_options *o)
{
	if (!o->blocks)
		return offsetof(struct stack_sum, freed);
	return o->temp || o->peak ? sizeof(struct stack_sum) : offsetof(struct stack_sum, temp);
}

static uint32_t first_blocks(const struct kern_options *o)
{
	return o->max_blocks < FIRST_BLOCKS ? o->max_blocks : FIRST_BLOCKS;
}

static uint32_t second_blocks(const struct kern *k)
{
	return k->options.blocks ? k->options.max_blocks - first_blocks(&k->options) : 0;
}

static void *make_second_table(void *arg)
{
	struct kern *k = arg;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	const __u32 first = 0;
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "blocks", sizeof(struct block_key), sizeof(struct block),
				second_blocks(k), &opts);

	k->second_blocks = fd;
	if (fd < 0 || bpf_map_update_elem(bpf_map__fd(k->skel->maps.blocks_beyond), &first, &fd, BPF_ANY))
		note("no room for more than %d live blocks: %s", FIRST_BLOCKS, strerror(errno));
	return NULL;
}

/*
 * The 4 million buckets of the default are 64 MiB that the kernel clears, which took 0.05 to 0.3 s on virtual machines:
 * not before there are probes, since the processes in question allocate meanwhile, unseen.
 */
void blocks_extend(struct kern *k)
{
	if (!k->making_second && second_blocks(k))
		k->making_second = !thread_start(&k->second_maker, SECOND_MAKER_STACK, make_second_table, k);
}

static void set_sizes(struct kern *k, struct alloctrace_bpf *skel)
{
	const struct kern_options *o = &k->options;

	bpf_map__set_max_entries(skel->maps.stacks, o->max_stacks);
	bpf_map__set_value_size(skel->maps.stacks, sum_bytes(o));
	bpf_map__set_max_entries(skel->maps.blocks, o->blocks ? first_blocks(o) : 1);
	bpf_map__set_max_entries(skel->maps.hists, o->sizes || o->lifetimes ? o->max_stacks * HISTS_PER_STACK : 1);
	bpf_map__set_max_entries(skel->maps.ring, o->ring_bytes);
	bpf_map__set_max_entries(skel->maps.map_events, o->maps ? o->ring_bytes : (uint32_t)sysconf(_SC_PAGESIZE));
	bpf_map__set_max_entries(skel->maps.stash, STASH_ENTRIES);
	bpf_map__set_value_size(skel->maps.stash, offsetof(struct stack_frames, frames) +
				o->max_frames * sizeof(__u64));
	bpf_map__set_max_entries(skel->maps.probes, MAX_PROBES);
	bpf_map__set_max_entries(skel->maps.usdts, kern_uses_usdt(o) ? MAX_PROBES : 1);
	bpf_map__set_max_entries(skel->maps.label_sets, o->by_label ? KERN_LABEL_SETS : 1);
	k->n_slots = k->n_cpus * SLOTS_PER_CPU + 1;
	k->slot_bytes = bpf_map__value_size(skel->maps.scratches) -
		4 * (STACK_MAX_FRAMES - skel->rodata->frames_max) * SLOT_FRAME_BYTES;
	bpf_map__set_max_entries(skel->maps.scratches, k->n_slots);
	bpf_map__set_value_size(skel->maps.scratches, k->slot_bytes);
	bpf_map__set_max_entries(skel->maps.unwind_files, skel->rodata->ask_kernel ? UNWIND_FILES : 1);
	if (skel->rodata->ask_kernel || o->unwind == UNWIND_FP)
		bpf_map__set_max_entries(skel->maps.unwind_mappings, 1);
	bpf_program__set_autoload(skel->progs.ask_file, skel->rodata->ask_kernel);
	bpf_map__set_max_entries(skel->maps.raws, skel->rodata->n_raws);
	bpf_program__set_autoload(skel->progs.on_fork, o->wide);
	bpf_program__set_autoload(skel->progs.on_exit, o->wide);
	bpf_program__set_autoload(skel->progs.on_exec_member, o->wide);
	bpf_program__set_autoload(skel->progs.on_cgroup_rmdir, o->wide);
	bpf_program__set_autoload(skel->progs.on_each_task, o->wide);
	bpf_map__set_max_entries(skel->maps.removed_cgroups, o->wide ? REMOVED_CGROUPS : 1);
	resident_size(k, skel);
	kmem_size(k, skel);
	if (!o->wide) {
		bpf_map__set_max_entries(skel->maps.groups, 1);
		bpf_map__set_max_entries(skel->maps.group_laws, 1);
	}
	if (!o->rules || !o->rules->by_cgroup) {
		bpf_map__set_max_entries(skel->maps.select_cgroups, o->wide ? NAMED_CGROUPS : 1);
		bpf_map__set_max_entries(skel->maps.select_asked, o->wide ? NAMED_CGROUPS : 1);
	}
}

/* Without tables the maps are there all the same, small: the programs name them. */
static int set_unwind(struct kern *k, struct alloctrace_bpf *skel)
{
	const struct kern_options *o = &k->options;
	uint64_t n_slabs = o->unwind_bytes / UNWIND_SLAB_BYTES;

	k->unwind_slab = slab_create(o->unwind != UNWIND_FP ? UNWIND_SLAB_CHUNKS : 1);
	if (k->unwind_slab < 0)
		return fail(k->unwind_slab, "cannot create the map of unwind tables: %s", strerror(-k->unwind_slab));
	bpf_map__set_inner_map_fd(skel->maps.unwind_slabs, k->unwind_slab);
	bpf_map__set_max_entries(skel->maps.unwind_slabs, n_slabs ? n_slabs : 1);
	return 0;
}

/* Values of an array are at multiples of 8 bytes, the mapping is whole pages. */
static size_t slots_mapped(const struct kern *k)
{
	const size_t page = sysconf(_SC_PAGESIZE);

	return (k->n_slots * k->slot_bytes + page - 1) / page * page;
}

static void unload(struct kern *k)
{
	alloctrace_bpf__destroy(k->skel);
	k->skel = NULL;
	if (k->unwind_slab >= 0)
		close(k->unwind_slab);
	k->unwind_slab = -1;
}

static int fail_load(int err)
{
	const char *why = "";
	bool locked = !feature(FEATURE_LOCKDOWN, &why);

	return fail(err, "the kernel rejected alloctrace's BPF programs: %s%s%s; -v shows the verifier log",
		strerror(-err),
		    locked ? ": " : "", locked ? why : "");
}

static int load(struct kern *k)
{
	int err = direct_prepare();

	if (err)
		return fail(err, "cannot initialize libbpf: %s", strerror(-err));
	k->skel = alloctrace_bpf__open();
	if (!k->skel)
		return fail(-errno, "cannot open the embedded BPF object: %s", strerror(errno));
	set_constants(k, k->skel);
	set_sizes(k, k->skel);
	direct_set(k->skel);
	err = probes_select(k);
	if (err)
		return err;
	err = set_unwind(k, k->skel);
	if (err)
		return err;
	err = alloctrace_bpf__load(k->skel);
	if (err && k->options.unwind == UNWIND_AUTO) {
		note("the kernel rejected the .eh_frame unwinder (%s); falling back to frame pointers", strerror(-err));
		unload(k);
		k->options.unwind = UNWIND_FP;
		return load(k);
	}
	if (err && k->options.kernel && !k->copies_args) {
		note("the kernel rejected the programs (%s); copying arguments of tracepoints", strerror(-err));
		unload(k);
		k->copies_args = true;
		return load(k);
	}
	if (err)
		return fail_load(err);
	direct_begin(k->skel);
	k->slots = mmap(NULL, slots_mapped(k), PROT_READ, MAP_SHARED, bpf_map__fd(k->skel->maps.scratches), 0);
	if (k->slots == MAP_FAILED) {
		k->slots = NULL;
		return fail(-errno, "cannot map the BPF counters: %s", strerror(errno));
	}
	err = kmem_map(k);
	if (err)
		return err;
	k->ring = ring_buffer__new(bpf_map__fd(k->skel->maps.ring), frames_callback, k, NULL);
	if (!k->ring || (k->options.maps &&
			 ring_buffer__add(k->ring, bpf_map__fd(k->skel->maps.map_events), map_callback, k)))
		return fail(-errno, "cannot map the BPF ring buffer: %s", strerror(errno));
	return 0;
}

int kern_open(const struct kern_options *o, struct kern **out)
{
	struct kern *k;
	int err;

	err = features_require();
	if (err)
		return err;
	/* Ages and times of mappings are differences of the kernel's clock and ours. */
	err = monotonic_begin();
	if (err)
		return fail(err, "cannot determine the kernel's clock in this time namespace: %s", strerror(-err));
	libbpf_set_print(print_libbpf);
	k = xcalloc(1, sizeof(*k));
	k->options = *o;
	k->options.mode = attach_mode_resolve(o->mode);
	k->unwind_slab = k->guard = k->task_iter = -1;
	k->second_blocks = -1;
	k->n_cpus = libbpf_num_possible_cpus();
	if (k->n_cpus < 1) {
		err = fail(-EIO, "cannot determine the number of CPUs: cannot read /sys/devices/system/cpu/possible");
		goto out;
	}
	err = load(k);
out:
	if (err) {
		kern_close(k);
		return err;
	}
	*out = k;
	return 0;
}

void kern_close(struct kern *k)
{
	if (!k)
		return;
	kern_detach(k);
	kern_guard(k, false);
	for (size_t i = 0; i < k->message_links.n; i++)
		close(k->message_links.at[i]);
	vec_free(&k->message_links);
	if (k->task_iter >= 0)
		close(k->task_iter);
	if (k->making_second)
		pthread_join(k->second_maker, NULL);
	u64map_free(&k->probe_ids);
	ring_buffer__free(k->ring);
	kmem_unmap(k);
	unload(k);
	if (k->second_blocks >= 0)
		close(k->second_blocks);
	if (k->slots)
		munmap((void *)k->slots, slots_mapped(k));
	free(k);
}

bool kern_unwinds_by_tables(const struct kern *k)
{
	return k->options.unwind != UNWIND_FP;
}

enum attach_mode kern_mode(const struct kern *k)
{
	return k->options.mode;
}

bool kern_asks_mappings(const struct kern *k)
{
	return k->skel->rodata->ask_kernel;
}

bool kern_reads_in_place(const struct kern *k)
{
	return k->skel->bss->direct_map;
}

/* A bucket is 16 bytes, and there are as many as the next power of two (kernel/bpf/hashtab.c). */
static size_t buckets_memory(uint32_t entries)
{
	size_t buckets = entries ? 1 : 0;

	while (buckets < entries)
		buckets <<= 1;
	return buckets * 16;
}

size_t kern_memory(const struct kern *k)
{
	return buckets_memory(bpf_map__max_entries(k->skel->maps.stacks)) +
	       buckets_memory(bpf_map__max_entries(k->skel->maps.blocks)) + buckets_memory(second_blocks(k)) +
	       buckets_memory(bpf_map__max_entries(k->skel->maps.hists)) +
	       (k->options.maps ? 2ULL : 1ULL) * k->options.ring_bytes + slots_mapped(k);
}

uint32_t kern_entries_within(uint32_t wanted, size_t entry_bytes)
{
	const uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	const uint64_t most = memory / KERN_MEMORY_SHARE / entry_bytes;

	return wanted < most ? wanted : most;
}

void kern_stop(struct kern *k)
{
	*(volatile bool *)&k->skel->bss->stopped = true;
}

void kern_go(struct kern *k)
{
	*(volatile bool *)&k->skel->bss->stopped = false;
	if (kern_is_over(k))
		kern_stop(k);
}

void kern_set_window_factor(struct kern *k, uint64_t factor)
{
	*(volatile __u64 *)&k->skel->bss->window_factor = factor;
}
