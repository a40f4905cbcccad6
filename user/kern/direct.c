/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysinfo.h>

#include "kern/features.h"

#define GIB_SHIFT 30
/* Memory has holes, on machines of many parts large ones: how far beyond its size its last page may be. */
#define HOLES_FACTOR 4
#define HOLES_GIB 64

/* Linux 5.15 refuses a call of a kernel function that it has not even where it is never reached; later ones don't
 * (5.16, commit a5d827275241). */
static int drop_missing_calls(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	const size_t n = bpf_program__insn_cnt(prog);
	struct bpf_insn *insns = xcalloc(n, sizeof(*insns));
	int err;

	(void)opts;
	(void)cookie;
	memcpy(insns, bpf_program__insns(prog), n * sizeof(*insns));
	for (size_t i = 0; i < n; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && insns[i].src_reg == BPF_PSEUDO_KFUNC_CALL &&
		    !insns[i].imm)
			insns[i] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0};
	err = bpf_program__set_insns(prog, insns, n);
	free(insns);
	return err;
}

int direct_prepare(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = drop_missing_calls);
	static int handler;

	if (feature(FEATURE_DIRECT, NULL) || handler > 0)
		return 0;
	handler = libbpf_register_prog_handler("uprobe", BPF_PROG_TYPE_KPROBE, 0, &opts);
	return handler < 0 ? handler : 0;
}

/*	100000000-43fffffff : System RAM	(for who may not know: 00000000-00000000)	*/
uint64_t direct_memory_end(const char *path)
{
	unsigned long long from, to, end = 0;
	FILE *f = fopen(path, "re");
	char line[256];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx-%llx", &from, &to) == 2 && strstr(line, " : System RAM") &&
		    to > from && to >= end)
			end = to + 1;
	fclose(f);
	return end;
}

void direct_set(struct alloctrace_bpf *skel)
{
	skel->rodata->direct_end = direct_memory_end("/proc/iomem");
	skel->rodata->direct_possible = feature(FEATURE_DIRECT, NULL) && skel->rodata->direct_end;
	bpf_program__set_autoload(skel->progs.find_direct_map, skel->rodata->direct_possible);
}

void direct_begin(struct alloctrace_bpf *skel)
{
	uint64_t word, gibs;
	struct direct_map_try try = {.addr = (uintptr_t)&word};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &try, .ctx_size_in = sizeof(try));
	struct sysinfo info;

	if (!skel->rodata->direct_possible || sysinfo(&info) || getrandom(&word, sizeof(word), 0) != sizeof(word))
		return;
	try.word = word;
	gibs = ((uint64_t)info.totalram * info.mem_unit >> GIB_SHIFT) * HOLES_FACTOR + HOLES_GIB;
	for (try.gib = 0; try.gib < gibs; try.gib++)
		for (try.top = 39; try.top <= 48; try.top += 9)
			if (!bpf_prog_test_run_opts(bpf_program__fd(skel->progs.find_direct_map), &opts) &&
			    skel->bss->direct_map)
				return;
}
