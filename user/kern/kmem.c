/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/kmem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "kern/internal.h"
#include "model/kallsyms.h"

#define KMALLOC_MOST 8192	/* bytes of the largest cache; more are pages (KMALLOC_MAX_CACHE_SIZE, mm/slab.h) */

/* In the order of attaching: a block that is seen to come must be seen to go. */
static const struct {
	const char *tracepoint, *program;
	bool frees, pages, within;	/* within: it has what comes while the next one is at work */
} tracepoints[] = {
	{"kfree", "on_kfree", true, false, false},
	{"kmem_cache_free", "on_cache_free", true, false, false},
	{"mm_page_free", "on_page_free", true, true, false},
	{"kmalloc", "on_kmalloc_within", false, false, true},
	{"kmalloc", "on_kmalloc", false, false, false},
	{"kmem_cache_alloc", "on_cache_alloc", false, false, false},
	{"mm_page_alloc", "on_page_alloc", false, true, false},
};

#define N_TRACEPOINTS (sizeof(tracepoints) / sizeof(tracepoints[0]))

/* What allocates pages that a kmalloc or kmem_cache_alloc is about to give out parts of, since 6.1. */
static const char *const slab_functions[] = {
	"allocate_slab", "new_slab", "___slab_alloc", "__slab_alloc", "___kmalloc_large_node", "__kmalloc_large_node",
	"__kmalloc_large", "kmalloc_large", "kmalloc_large_node", "__kmem_cache_alloc_bulk", NULL
};
/* What fills the stock that BPF programs have their maps' entries from (kernel/bpf/memalloc.c), or does without. */
static const char *const own_functions[] = {
	"alloc_bulk", "bpf_mem_cache_alloc_flags", "bpf_mem_refill", "bpf_map_kmalloc_node", "bpf_map_kzalloc",
	"bpf_map_kmalloc_nolock", NULL
};
/* Where code is entered from outside: all between the two. */
#define ENTRY_BEGIN "__entry_text_start"
#define ENTRY_END "__entry_text_end"

/* --- where code of the kernel's lies */

/* As C has it: without what compilers and the kernel's macros put behind it. */
static size_t plain_length(const char *name)
{
	size_t n = strcspn(name, ".");

	return n > 7 && !memcmp(name + n - 7, "_noprof", 7) ? n - 7 : n;
}

static bool is_among(const char *name, const char *const *names)
{
	const size_t n = plain_length(name);

	for (; *names; names++)
		if (strlen(*names) == n && !memcmp(*names, name, n))
			return true;
	return false;
}

static void add_range(struct kmem_ranges *r, size_t *n, const struct ksymbol *s)
{
	const uint64_t end = r->all.from + r->all.bytes;

	if (*n == KMEM_RANGES)
		return;
	r->at[(*n)++] = (struct kmem_range){s->start, s->end - s->start};
	if (*n == 1)
		r->all = r->at[0];
	/* They come in the order of addresses. */
	else if (s->end > end)
		r->all.bytes = s->end - r->all.from;
}

static void find_ranges(const struct kallsyms *syms, struct kmem_ranges *slab, struct kmem_ranges *own,
			struct kmem_range *entry)
{
	size_t n_slab = 0, n_own = 0;

	for (size_t i = 0; i < kallsyms_count(syms); i++) {
		const struct ksymbol s = kallsyms_nth(syms, i);

		if (*s.module)
			continue;
		if (is_among(s.name, slab_functions))
			add_range(slab, &n_slab, &s);
		else if (is_among(s.name, own_functions))
			add_range(own, &n_own, &s);
		else if (!strcmp(s.name, ENTRY_BEGIN))
			entry->from = s.start;
		else if (!strcmp(s.name, ENTRY_END) && entry->from)
			entry->bytes = s.start - entry->from;
	}
	if (n_slab == KMEM_RANGES || n_own == KMEM_RANGES)
		note("more functions than expected allocate pages for slabs");
}

static void say_hidden(int err)
{
	if (err == -EPERM)
		warn("the kernel hides the addresses of its functions (kernel.kptr_restrict=2, or no CAP_SYSLOG): "
		     "frames have no names, and pages are not counted, since those of slabs cannot be told; "
		     "sysctl kernel.kptr_restrict=1 shows them");
	else
		warn("cannot read /proc/kallsyms: %s: frames of the kernel have no names, and pages are not counted",
		     err == -ENOENT ? "no such file, or nothing in it (CONFIG_KALLSYMS)" : strerror(-err));
}

/* --- a run */

void kmem_set(struct kern *k, struct alloctrace_bpf *skel)
{
	int err;
	const struct kallsyms *syms = kallsyms_now(&err);
	struct kmem_ranges slab = {0}, own = {0};
	struct kmem_range entry = {0};

	skel->rodata->kernel_memory = true;
	skel->rodata->kmem_reads_args = !k->copies_args;
	if (syms)
		find_ranges(syms, &slab, &own, &entry);
	else
		say_hidden(err);
	k->counts_pages = slab.all.bytes != 0;
	memcpy((void *)&skel->rodata->kmem_slab, &slab, sizeof(slab));
	memcpy((void *)&skel->rodata->kmem_own, &own, sizeof(own));
	memcpy((void *)&skel->rodata->kmem_entry, &entry, sizeof(entry));
}

static struct bpf_program *program(const struct kern *k, size_t i)
{
	return bpf_object__find_program_by_name(k->skel->obj, tracepoints[i].program);
}

static bool is_wanted(const struct kern *k, size_t i)
{
	return k->options.kernel && (k->options.blocks || !tracepoints[i].frees) &&
	       (k->counts_pages || !tracepoints[i].pages);
}

void kmem_size(struct kern *k, struct alloctrace_bpf *skel)
{
	k->n_lanes = k->options.kernel ? (uint32_t)k->n_cpus * KMEM_PROGRAMS : 1;
	bpf_map__set_max_entries(skel->maps.kmem_lanes, k->n_lanes);
	bpf_map__set_max_entries(skel->maps.kmem_live,
				 k->options.kernel && k->options.blocks ? 1 << KMEM_HASH_BITS : 1);
	bpf_map__set_max_entries(skel->maps.kmem_names, k->options.kernel ? KMEM_NAMES : 1);
	for (size_t i = 0; i < N_TRACEPOINTS; i++)
		bpf_program__set_autoload(program(k, i), is_wanted(k, i));
}

int kern_kmem_begin(struct kern *k)
{
	int err = 0;

	for (size_t i = 0; i < N_TRACEPOINTS && !err; i++)
		if (is_wanted(k, i))
			err = tracepoint_attach(k, program(k, i), tracepoints[i].tracepoint);
	return err;
}

bool kern_kmem_has_pages(const struct kern *k)
{
	return k->counts_pages;
}

static size_t lanes_mapped(const struct kern *k)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (k->n_lanes * sizeof(struct kmem_lane) + page - 1) / page * page;
}

int kmem_map(struct kern *k)
{
	void *lanes;

	if (!k->options.kernel)
		return 0;
	lanes = mmap(NULL, lanes_mapped(k), PROT_READ, MAP_SHARED, bpf_map__fd(k->skel->maps.kmem_lanes), 0);
	if (lanes == MAP_FAILED)
		return fail(-errno, "cannot map the BPF counters: %s", strerror(errno));
	k->lanes = lanes;
	return 0;
}

void kmem_unmap(struct kern *k)
{
	if (k->lanes)
		munmap((void *)k->lanes, lanes_mapped(k));
	k->lanes = NULL;
}

/* Events that came while the program that counts them was at work on that CPU, whoever's they are. */
static uint64_t count_missed(const struct kern *k)
{
	uint64_t n = 0;

	for (size_t i = 0; i < N_TRACEPOINTS; i++) {
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);

		/* What both programs on a tracepoint have missed the second one counts. */
		if (is_wanted(k, i) && !tracepoints[i].frees && !tracepoints[i].within &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(program(k, i)), &info, &len))
			n += info.recursion_misses;
	}
	return n;
}

void kmem_counts(const struct kern *k, uint64_t c[COUNT_MAX])
{
	uint64_t within = 0, missed = count_missed(k);

	for (uint32_t i = 0; i < k->n_lanes; i++) {
		const volatile struct kmem_lane *lane = &k->lanes[i];

		c[COUNT_HITS] += lane->seen + lane->others;
		c[COUNT_OTHERS] += lane->others;
		c[COUNT_SEEN] += lane->seen;
		c[COUNT_SEEN_BYTES] += lane->seen_bytes;
		c[COUNT_UNSAMPLED] += lane->seen;
		within += lane->within;
	}
	missed = missed > within ? missed - within : 0;
	c[COUNT_SEEN] += missed;
	c[COUNT_LOST_MISSED] += missed;
}

/* "1k" as the kernel has it. */
static void put_size(struct buf *out, uint64_t bytes)
{
	buf_printf(out, "kmalloc-%llu%s", (unsigned long long)(bytes % 1024 ? bytes : bytes / 1024),
		   bytes % 1024 ? "" : "k");
}

void kern_kmem_type(const struct kern *k, uint64_t type, struct buf *out)
{
	struct kmem_name name;

	if (type & KMEM_CACHE) {
		if (bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.kmem_names), &type, &name))
			return;
		name.text[sizeof(name.text) - 1] = '\0';
		buf_str(out, name.text);
	} else if (type & KMEM_SIZE) {
		type &= ~KMEM_SIZE;
		if (type > KMALLOC_MOST)
			buf_str(out, "kmalloc (pages)");
		else
			put_size(out, type);
	} else if (type & KMEM_ORDER) {
		buf_printf(out, "pages (order %llu)", (unsigned long long)(type & ~KMEM_ORDER));
	}
}

const char *kern_kmem_name(uint32_t function)
{
	static const char *const names[] = {
		[KMEM_KMALLOC - KMEM_KMALLOC] = "kmalloc", [KMEM_CACHE_ALLOC - KMEM_KMALLOC] = "kmem_cache_alloc",
		[KMEM_PAGES - KMEM_KMALLOC] = "alloc_pages",
	};

	return function >= KMEM_KMALLOC && function < KMEM_END ? names[function - KMEM_KMALLOC] : "";
}
