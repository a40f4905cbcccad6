// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * alloctrace check: what this kernel, these privileges and this target allow.
 *
 *     Kernel 6.18.44 x86_64
 *       yes  BTF               kernel types at /sys/kernel/btf/vmlinux
 *       no   uprobe_multi      attach all at once, Linux 6.10: needs Linux 6.6; using perf uprobes instead
 *     Attach by perf uprobes. One probe hit costs the target, with a stack of 3 frames:
 *          612 ns  at an instruction that is emulated; 540 ns if the call is not sampled
 *     redis-server (pid 4711)
 *       /usr/lib/x86_64-linux-gnu/libc.so.6 (glibc 2.36)
 *         malloc                   +0    push %r12               emulated        size rdi        and return
 *         free                     +3    jz 0x0000000000098FB8   emulated        block rdi       live-heap views only
 *       Live-heap views (live, leaks, peak, temp, lifetimes): by a uprobe session; ...
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "alloc/user.h"
#include "arch/arch.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/check_profilers.h"
#include "cli/cmd.h"
#include "cli/options.h"
#include "cli/present.h"
#include "cli/survey.h"
#include "cli/ulimits.h"
#include "image/ask.h"
#include "image/image.h"
#include "kern/kern.h"
#include "kern/livecode.h"
#include "kern/returns.h"
#include "proc/copier.h"
#include "proc/process.h"
#include "proc/refusing.h"

#define CALIBRATE_DEPTH 3

static bool print_features(void)
{
	bool all_required = true;
	struct utsname u;

	if (!uname(&u))
		printf("Kernel %s %s\n", u.release, u.machine);
	for (int f = 0; f < FEATURE_MAX; f++) {
		const char *why = "unknown without privileges";
		bool known = !feature_infos[f].asks_bpf || feature(FEATURE_PRIVILEGE, NULL);
		bool yes = known && feature(f, &why);

		printf("  %-3s  %-16s  %s%s%s\n", yes ? "yes" : known ? "no" : "?", feature_infos[f].name,
		       feature_infos[f].help, why ? ": " : "", why ? why : "");
		if (!yes && feature_infos[f].required)
			all_required = false;
	}
	return all_required;
}

static void print_costs(enum attach_mode mode)
{
	static const struct {
		enum site_cost cost;
		const char *name;
	} classes[] = {{SITE_EMULATED, "emulated"}, {SITE_STEPPED, "single-stepped"}};
	struct hit_cost hit;
	int err;

	printf("Attach by %s. One probe hit costs the target, with a stack of %d frames:\n",
	       attach_mode_name(attach_mode_resolve(mode)), CALIBRATE_DEPTH);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		err = kern_calibrate(mode, UNWIND_AUTO, classes[i].cost, CALIBRATE_DEPTH, &hit);
		if (err)
			printf("  not measured: %s\n", strerror(-err));
		else
			printf("  %6.0f ns  at an instruction that is %s; %.0f ns if the call is not sampled\n",
			       hit.recorded, classes[i].name, hit.other);
	}
	if (!err)
		printf("Stacks are read %s.\n", hit.in_place ? "in place, without a copy" :
		       feature(FEATURE_DIRECT, NULL) ? "by copying: this machine's direct map was not found" :
						       "by copies");
	if (attach_mode_resolve(mode) != ATTACH_MULTI)
		printf("  --max-overhead only warns here: without uprobe_multi, detaching probes takes too long\n");
}

static const char *cost_name(enum site_cost cost)
{
	return cost == SITE_EMULATED ? "emulated" : "single-stepped";
}

/* What the live views do beside; and what they pay, if it isn't the same. */
static void print_live(const struct plan_probe *p, const struct plan_probe *alone)
{
	if (p->frees)
		printf("  live-heap views only");
	else if (p->usdt)
		printf("  live-heap views, too");
	else if (p->no_return)
		printf("  no uretprobe (%s): not followed",
		       alloc_function(p->function)->may_throw ? "it may throw" : "Go");
	else
		printf("  and return");
	if (alone && (alone->site.cost != p->site.cost || alone->file_offset != p->file_offset))
		printf("; without: +%u, %s", alone->site.offset, cost_name(alone->site.cost));
}

/* A je_malloc is no malloc. */
static const char *shown_name(const struct alloc_function *f, const char *symbol)
{
	return strcmp(f->name, symbol) ? symbol : f->shown;
}

/* A dozen operators delete that all come to free are for -v. */
static void print_skip(const struct plan_skip *s)
{
	const struct alloc_function *f = alloc_function(s->function);

	if (!f->frees || f->named || log_verbose())
		printf("    %-32s  not probed: %s\n", shown_name(f, s->name), s->why);
}

/* A register, or an argument on the stack, from 0 on. */
static const char *place_name(uint8_t place, char buf[16])
{
	if (!(place & SITE_ON_STACK))
		return arch_reg_name(place);
	snprintf(buf, 16, "stack[%u]", place - SITE_ON_STACK);
	return buf;
}

/* alone: the same function's probe where blocks are not followed; NULL if it has none. */
static void print_probe(const struct plan_probe *p, const struct plan_probe *alone)
{
	const struct alloc_function *f = alloc_function(p->function);
	char args[48], a[16], b[16];

	if (p->usdt)
		snprintf(args, sizeof(args), p->frees ? "block" : "block, size, weight");
	else if (p->frees)
		snprintf(args, sizeof(args), "block %s", arch_reg_name(p->old_reg));
	else if (f->count_arg != ALLOC_NO_ARG)
		snprintf(args, sizeof(args), "size %s x %s", arch_reg_name(p->site.arg_reg[f->size_arg]),
			 arch_reg_name(p->site.arg_reg[f->count_arg]));
	else if (f->is_go)
		snprintf(args, sizeof(args), "size %s, type %s", place_name(p->site.arg_reg[f->size_arg], a),
			 place_name(p->type_place, b));
	else
		snprintf(args, sizeof(args), "size %s", arch_reg_name(p->site.arg_reg[f->size_arg]));
	printf("    %-32s  +%-4u %-26.26s  %-14s  %-14s", shown_name(f, p->name), p->site.offset, p->site.insn,
	       cost_name(p->site.cost), args);
	print_live(p, alone);
	if (p->site.cost == SITE_STEPPED)
		printf(" (%s)", p->site.why);
	putchar('\n');
}

static const struct plan_probe *probe_on(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_probes; i++)
		if (!strcmp(p->probes[i].name, name))
			return &p->probes[i];
	return NULL;
}

/* Which functions of the command line were found, by the ids of their rows. */
static bool named_found[ALLOC_MAX_FUNCTIONS];

/* With its plan; NULL: it is no file for probes. */
static struct image *image_of(const struct module *m, unsigned int flags)
{
	const struct image_request r = {
		.path = m->path, .pid = (pid_t)m->pid, .wants = IMAGE_PLAN, .plan_flags = flags,
	};
	struct image *im;

	if (image_read(m->fd, &r, &im))
		return NULL;
	if (!im->plan) {
		image_free(im);
		return NULL;
	}
	for (size_t i = 0; i < im->plan->n_probes; i++)
		named_found[im->plan->probes[i].function] = true;
	return im;
}

/* The process has the file's code mapped where the kernel places no probe: why; NULL: it has not. */
static const char *refused(const struct process *p, const struct module *m, uint32_t id)
{
	struct refusing_list list = {0};
	const char *why = NULL;

	refusing_read(p->pid, &list);
	for (size_t i = 0; i < p->maps.n && !why; i++)
		if (p->maps.at[i].module == id && m->kind == MODULE_ELF)
			why = refusing_at(&list, p->maps.at[i].start);
	vec_free(&list);
	return why;
}

static void print_left_out(const struct plan_probe *p, const char *found)
{
	printf("    %-32s  not probed: its code in memory differs from the file: %s\n",
	       shown_name(alloc_function(p->function), p->name), found);
}

/* Without a process (its memory can't be read) nothing is known of its code. Returns the number of probes that
 * allocations alone need. */
static size_t print_probes(const struct process *p, const struct modules *ms, uint32_t module,
			   const struct plan *plan, const struct plan *alone)
{
	struct livecode_file both[] = {{.module = module, .plan = plan}, {.module = module, .plan = alone}};
	const struct module *m = modules_get(ms, module);
	struct image_selfcopy copies = {0};
	size_t n = 0;

	if (livecode_compare(p, ms, both, 2) == -EPERM)
		printf("    cannot read its memory (CAP_SYS_PTRACE): functions changed by a hook or a debugger are "
		       "probed all the same\n");
	for (size_t i = 0; i < plan->n_probes; i++) {
		if (both[0].found[i])
			print_left_out(&plan->probes[i], both[0].found[i]);
		else
			print_probe(&plan->probes[i], probe_on(alone, plan->probes[i].name));
	}
	for (size_t i = 0; i < alone->n_probes; i++)
		n += !both[1].found[i];
	livecode_free(both, 2);
	if (n && copier_is_over(m->ino, p->pid)) {
		printf("    not probed: the process has copied this text into anonymous memory\n");
		return 0;
	}
	if (n && copier_is_executable(m->fd, p->pid))
		copies = image_ask_selfcopy(m->fd, m->path);
	if (copies.sign && (!copies.if_told || copier_is_told(p->pid)))
		printf("    refused without --force: it seems to copy its own text (%s)\n", copies.sign);
	return n;
}

static void print_usdt(const struct plan *plan)
{
	bool alloc = false, frees = false;

	for (size_t i = 0; i < plan->n_probes; i++) {
		alloc |= plan->probes[i].usdt && !plan->probes[i].frees;
		frees |= plan->probes[i].usdt && plan->probes[i].frees;
	}
	if (plan->usdt_unfit)
		printf("    its own samples (otel_memory) are not used: not all of their probes can be\n");
	else if (alloc)
		printf("    its own samples (otel_memory): recorded instead of every call of the process%s; --no-usdt: "
		       "calls\n", frees ? "" : ", except for live-heap views (it does not tell of frees)");
}

static void print_go(const struct plan_go *go)
{
	static const char *const labels[] = {
		[GO_LABELS_UNKNOWN] = "; where their labels are is not known",
		[GO_LABELS_NONE] = "; nothing in the program sets labels",
		[GO_LABELS_MAP] = ", --by label", [GO_LABELS_LIST] = ", --by label",
	};

	if (!go->found)
		return;
	printf("    functions, lines and stacks by %s\n", go->found_by);
	if (!go->kept)
		printf("    no records of the live heap and no samples of its runtime: nothing in the program asks for "
		       "them (runtime.MemProfile)\n");
	else if (!go->buckets || !go->rate)
		printf("    no records of the live heap: it is not known where this runtime keeps them\n");
	else
		printf("    records of the live heap: --view live and --leaks read them, without a probe\n"
		       "    samples of its runtime: --go-samples records them instead of every call\n");
	if (!go->goroutine.known)
		printf("    goroutines: not known, because the code of this runtime is not as expected\n");
	else
		printf("    goroutines: --by goroutine, --created-by%s\n", labels[go->goroutine.labels_form]);
}

/* Returns the number of probes that allocations alone need. */
static size_t print_module(const struct process *p, const struct modules *ms, uint32_t module)
{
	const struct module *m = modules_get(ms, module);
	const unsigned int flags = (feature(FEATURE_NOPS, NULL) ? PLAN_NOPS : 0) | PLAN_GOROUTINES | PLAN_USDT;
	struct image *both = NULL, *alone = NULL;
	struct buf path = {0};
	struct plan *plan;
	const char *why;
	size_t n = 0;

	if (m->kind != MODULE_ELF || m->fd < 0)
		return 0;
	alone = image_of(m, flags);
	both = alone ? image_of(m, flags | PLAN_BLOCKS) : NULL;
	plan = both ? both->plan : NULL;
	if (plan && plan->n_probes + plan->n_skips) {
		why = refused(p, m, module);
		text_escape(&path, m->path, strlen(m->path));
		printf("  %s%s%s%s\n", buf_cstr(&path), plan->implementation ? " (" : "",
		       plan->implementation ? plan->implementation : "", plan->implementation ? ")" : "");
		if (why)
			printf("    no: its text is %s, where the kernel cannot attach probes\n", why);
		else
			n = print_probes(p, ms, module, plan, alone->plan);
		for (size_t i = 0; i < plan->n_skips && !why; i++)
			print_skip(&plan->skips[i]);
		if (plan->gap[0])
			printf("    %s\n", plan->gap);
		print_usdt(plan);
		check_profilers(m, p->pid, plan);
		print_go(&plan->go);
	}
	image_free(both);
	image_free(alone);
	buf_free(&path);
	return n;
}

/* Functions of the command line that no process has. */
static bool print_missing(void)
{
	bool all = true;

	for (size_t i = 0; i < alloc_user_count(); i++) {
		const struct alloc_function *f = alloc_function(alloc_user(i)->function);

		if (named_found[alloc_user(i)->function])
			continue;
		printf("%s %s: not found, or not probed\n", f->frees ? "--free-fn" : "--alloc-fn", f->name);
		all = false;
	}
	return all;
}

/* What becomes of a live view of the process. */
static void print_followed(pid_t pid, enum attach_mode mode)
{
	const bool multi = attach_mode_resolve(mode) == ATTACH_MULTI;
	const char *why;

	printf("  Live-heap views (live, leaks, peak, temp, lifetimes): ");
	if (!feature(FEATURE_RETURN, &why))
		printf("refused, no uretprobes: %s\n", why);
	else if (returns_confined(pid) && !feature(FEATURE_RETURN_SECCOMP, &why))
		printf("refused, the process has a seccomp filter: %s\n", why);
	else if (multi && feature(FEATURE_UPROBE_SESSION, NULL))
		printf("by a uprobe session; a call that is not sampled has no uretprobe\n");
	else
		printf("by uprobe and uretprobe, at every call\n");
}

static int print_process(pid_t pid, enum attach_mode mode)
{
	struct modules modules;
	struct processes processes;
	struct buf name = {0};
	struct process *p;
	size_t n = 0;
	int err = process_check(pid);

	if (err)
		return err;
	modules_init(&modules);
	processes_init(&processes, &modules);
	err = processes_add(&processes, pid, &p);
	if (!err) {
		text_escape(&name, p->name, strlen(p->name));
		printf("%s (pid %d)\n", buf_cstr(&name), (int)pid);
		for (size_t i = 1; i < modules.list.n; i++)
			n += print_module(p, &modules, i);
		if (n)
			print_followed(pid, mode);
		else
			printf("  no allocator function that can be probed: the program is static and stripped, or "
			       "has an allocator of its own; use --alloc-fn to name a C function\n");
	}
	buf_free(&name);
	processes_free(&processes);
	modules_free(&modules);
	return err ? err : n ? 0 : -ENOENT;
}

static int print_host(void)
{
	struct survey survey = {0};
	size_t width, height;
	const int err = survey_read(&survey);

	present_terminal_size(STDOUT_FILENO, &width, &height);
	if (!err)
		survey_print(stdout, &survey, width);
	survey_free(&survey);
	return err;
}

int cmd_check(const struct options *o)
{
	pid_t *pids = NULL;
	size_t n = 0;
	bool ok;

	if (limits_raise())
		return STATUS_FAILED;
	ok = print_features();
	if (ok)
		print_costs(o->attach);
	if (o->pids && processes_parse_list(o->pids, &pids, &n, NULL))
		return STATUS_FAILED;
	for (size_t i = 0; i < n; i++)
		if (print_process(pids[i], o->attach))
			ok = false;
	free(pids);
	if (n && !print_missing())
		ok = false;
	if (o->all && print_host())
		ok = false;
	if (fflush(stdout) || ferror(stdout)) {
		fail(-EIO, "cannot write to standard output: %s; the output is incomplete", strerror(errno));
		ok = false;
	}
	return ok ? STATUS_DONE : STATUS_FAILED;
}
