/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/resident.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kern/internal.h"

#define LEAST_BATCH 32	/* lib/percpu_counter.c; or two for each CPU */

static uint32_t power_of_two(uint32_t least)
{
	uint32_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

void resident_set(struct kern *k, struct alloctrace_bpf *skel)
{
	const long online = sysconf(_SC_NPROCESSORS_ONLN);

	skel->rodata->resident = skel->rodata->interrupted = true;
	skel->rodata->resident_n_cpus = k->n_cpus;
	skel->rodata->resident_cpus = power_of_two(k->n_cpus);
	skel->rodata->resident_batch = online > LEAST_BATCH / 2 ? 2 * online : LEAST_BATCH;
}

void resident_size(struct kern *k, struct alloctrace_bpf *skel)
{
	const bool on = k->options.resident;
	const size_t bytes = sizeof(struct resident) +
			     skel->rodata->resident_cpus * sizeof(((struct resident *)NULL)->own[0]);

	bpf_map__set_max_entries(skel->maps.residents, on ? RESIDENT_SPACES : 1);
	bpf_map__set_value_size(skel->maps.residents, bytes);
	bpf_map__set_value_size(skel->maps.resident_none, bytes);
	bpf_map__set_max_entries(skel->maps.cpu_offsets, on ? k->n_cpus : 1);
	bpf_program__set_autoload(skel->progs.find_cpu_offsets, on);
	bpf_program__set_autoload(skel->progs.on_resident, on);
	bpf_program__set_autoload(skel->progs.on_fault_user, on);
	bpf_program__set_autoload(skel->progs.on_fault_kernel, on);
}

static int find_cpu_offsets(struct kern *k)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	const int err = bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.find_cpu_offsets), &opts);

	return err ? fail(err, "cannot find the kernel's per-CPU memory: %s", strerror(-err)) : 0;
}

/* Faults first: what they bring is to have its address. */
int kern_resident_begin(struct kern *k)
{
	int err = find_cpu_offsets(k);

	if (!err)
		err = tracepoint_attach(k, k->skel->progs.on_fault_user, "page_fault_user");
	if (!err)
		err = tracepoint_attach(k, k->skel->progs.on_fault_kernel, "page_fault_kernel");
	return err ? err : tracepoint_attach(k, k->skel->progs.on_resident, "rss_stat");
}

int kern_resident_look(struct kern *k)
{
	return each_task(k);
}

static void add_space(void *arg, const void *key, const void *value)
{
	struct resident_totals *t = arg;
	const struct resident *r = value;

	(void)key;
	t->spaces++;
	t->start += r->start;
	t->end += r->now;
}

int kern_resident_totals(struct kern *k, struct resident_totals *out)
{
	const struct resident_ended ended = *(const volatile struct resident_ended *)&k->skel->bss->resident_ended;
	const int64_t page = sysconf(_SC_PAGESIZE);
	int err;

	*out = (struct resident_totals){
		.spaces = ended.spaces, .unfollowed = ended.full, .start = ended.start, .end = ended.end,
	};
	err = table_read(k->skel->maps.residents, bpf_map__fd(k->skel->maps.residents), add_space, out);
	out->start *= page;
	out->end *= page;
	return err;
}

const char *kern_touched_name(uint32_t function)
{
	static const char *const names[] = {
		[TOUCHED_HEAP - TOUCHED_HEAP] = "[heap]", [TOUCHED_STACK - TOUCHED_HEAP] = "[stack]",
		[TOUCHED_ANON - TOUCHED_HEAP] = "[anonymous]", [TOUCHED_HUGE - TOUCHED_HEAP] = "[huge page]",
		[TOUCHED_FILE - TOUCHED_HEAP] = "[file]", [TOUCHED_COPY - TOUCHED_HEAP] = "[file copy]",
		[TOUCHED_SHARED - TOUCHED_HEAP] = "[shared]",
	};

	return function >= TOUCHED_HEAP && function < TOUCHED_END ? names[function - TOUCHED_HEAP] : "";
}
