/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stacks of a process at each call of malloc, by libdwfl: an unwinder that shares nothing with ours. The process is
 * being traced by alloctrace at the same time (rawstacks -d), so that both see the very same calls, also in programs
 * that never do the same twice. The breakpoint is a written one, since some virtual machines have none in hardware: on
 * malloc's first one-byte push behind its first instruction, where the uprobe is. That push is done by hand each time,
 * so that the breakpoint stays in place for other threads.
 */
#include "dwfl.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <search.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/insn.h"

#define LIBC "libc.so.6"
#define MAX_FRAMES 600
#define LINE_BYTES (MAX_FRAMES * 64)

struct follow {
	Dwfl *dwfl;
	pid_t pid;
	uint64_t at;			/* the breakpoint; 0 before libc is mapped */
	unsigned pushes;		/* the instruction there: the register's number */
	void *counts;			/* a tree of struct count */
	FILE *out;
	unsigned long hits, nested, errors;
	char error[128];		/* the last one */
};

struct count {
	unsigned long n;
	char *stack;
};

struct frames {
	struct follow *f;
	size_t n, length;
	bool nested;			/* called by another function of the allocator, whose call it is */
	char line[LINE_BYTES];
};

static char *no_debug_files = "/nonexistent";

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_linux_proc_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.debuginfo_path = &no_debug_files,
};

static int by_stack(const void *a, const void *b)
{
	return strcmp(((const struct count *)a)->stack, ((const struct count *)b)->stack);
}

static void report_modules(struct follow *f)
{
	dwfl_report_begin(f->dwfl);
	if (dwfl_linux_proc_report(f->dwfl, f->pid) || dwfl_report_end(f->dwfl, NULL, NULL))
		fprintf(stderr, "dwfl: modules of %d: %s\n", f->pid, dwfl_errmsg(-1));
}

/* Anew after an exec: modules of the old program would stay in its way. */
static void attach(struct follow *f)
{
	if (f->dwfl)
		dwfl_end(f->dwfl);
	f->dwfl = dwfl_begin(&callbacks);
	report_modules(f);
	if (dwfl_linux_proc_attach(f->dwfl, f->pid, true))
		fprintf(stderr, "dwfl: process %d: %s\n", f->pid, dwfl_errmsg(-1));
}

static int find_malloc(Dwfl_Module *m, void **user, const char *name, Dwarf_Addr start, void *arg)
{
	struct follow *f = arg;
	int n = dwfl_module_getsymtab(m);

	(void)user;
	(void)start;
	if (n < 0 || !strstr(name, LIBC))
		return DWARF_CB_OK;
	for (int i = 0; i < n; i++) {
		GElf_Sym sym;
		GElf_Addr addr;
		const char *s = dwfl_module_getsym_info(m, i, &sym, &addr, NULL, NULL, NULL);

		if (s && !strcmp(s, "malloc") && sym.st_value) {
			f->at = addr;
			return DWARF_CB_ABORT;
		}
	}
	return DWARF_CB_OK;
}

/* f->at is malloc. Our own one is the same. */
static void set_breakpoint(struct follow *f, pid_t tid)
{
	const uint8_t *code = (const uint8_t *)malloc;
	struct insn in;
	long word;

	for (size_t off = 0; off < 64 && insn_decode(code + off, 64 - off, 0, &in); off += in.len) {
		if (!off || (code[off] & ~7) != 0x50)
			continue;
		f->at += off;
		f->pushes = code[off] & 7;
		errno = 0;
		word = ptrace(PTRACE_PEEKTEXT, tid, f->at, NULL);
		if (errno || ptrace(PTRACE_POKETEXT, tid, f->at, (word & ~0xffL) | 0xcc))
			fprintf(stderr, "dwfl: breakpoint at malloc+%zu: %s\n", off, strerror(errno));
		return;
	}
	fprintf(stderr, "dwfl: no place for a breakpoint in malloc\n");
	f->at = 0;
}

static Dwfl_Module *module_at(struct follow *f, Dwarf_Addr pc)
{
	Dwfl_Module *m = dwfl_addrmodule(f->dwfl, pc);

	if (!m) {
		report_modules(f);
		m = dwfl_addrmodule(f->dwfl, pc);
	}
	return m;
}

/* Where a file's bytes at this offset are meant to be. */
static uint64_t vaddr_of(const char *path, uint64_t offset)
{
	int fd = open(path, O_RDONLY);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	size_t n = 0;

	if (elf && !elf_getphdrnum(elf, &n)) {
		GElf_Phdr ph;

		for (size_t i = 0; i < n && gelf_getphdr(elf, i, &ph); i++) {
			if (ph.p_type == PT_LOAD && offset - ph.p_offset < ph.p_filesz) {
				offset += ph.p_vaddr - ph.p_offset;
				break;
			}
		}
	}
	elf_end(elf);
	close(fd);
	return offset;
}

/*
 * Of code that no module has: a file's, mapped once more (V8 does that with its builtins), made at run time, or
 * [uprobes], where a return probe on malloc (of somebody else's) lets calls return to: libdwfl gets no further.
 */
static const char *name_elsewhere(pid_t pid, uint64_t *pc)
{
	static char line[4400], path[4200];
	unsigned long long start, end, offset;
	FILE *maps;

	snprintf(line, sizeof(line), "/proc/%d/maps", pid);
	maps = fopen(line, "r");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %4199[^\n]", &start, &end, &offset, path) < 4 ||
		    (path[0] != '/' && strcmp(path, "[uprobes]")) || *pc < start || *pc >= end)
			continue;
		if (path[0] == '/')
			*pc = vaddr_of(path, *pc - start + offset);
		fclose(maps);
		return path;
	}
	if (maps)
		fclose(maps);
	return "[anon]";
}

static bool is_allocator(const char *name)
{
	static const char *const names[] = {"calloc", "realloc", "aligned_alloc", "memalign", "posix_memalign"};

	for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static int add_frame(Dwfl_Frame *state, void *arg)
{
	struct frames *fr = arg;
	const char *name, *path = NULL;
	Dwarf_Addr pc, start, bias = 0;
	bool exact;
	Dwfl_Module *m;

	if (!dwfl_frame_pc(state, &pc, &exact) || fr->n == MAX_FRAMES)
		return DWARF_CB_ABORT;
	if (!fr->n++)
		return DWARF_CB_OK;
	pc -= !exact;
	m = module_at(fr->f, pc);
	name = m ? dwfl_module_info(m, NULL, NULL, NULL, NULL, NULL, &path, NULL) : NULL;
	/* libdwfl gives a module also the gap behind it, and what was made between two mappings of its file. */
	start = pc;
	if (!m || !dwfl_module_address_section(m, &start, &bias)) {
		name = name_elsewhere(fr->f->pid, &pc);
	} else {
		/* Looking for a name is slow in a program with many. */
		fr->nested |= fr->n == 2 && strstr(name, LIBC) && is_allocator(dwfl_module_addrname(m, pc));
		name = path ? path : name;
		name = !strncmp(name, "[vdso", 5) ? "[vdso]" : name;
	}
	name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	fr->length += snprintf(fr->line + fr->length, sizeof(fr->line) - fr->length, "%s%s+0x%llx",
			       fr->length ? ";" : "", name, (unsigned long long)(pc - bias));
	return fr->length + 300 < sizeof(fr->line) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

static void add_stack(struct follow *f, pid_t tid)
{
	static struct frames fr;
	struct count key = {.stack = fr.line}, **found;

	fr = (struct frames){.f = f};
	f->hits++;
	/* A failure is how a walk ends where nothing says what is beyond; the frames up to there are compared. */
	if (dwfl_getthread_frames(f->dwfl, tid, add_frame, &fr) < 0) {
		f->errors++;
		snprintf(f->error, sizeof(f->error), "%s", dwfl_errmsg(-1));
	}
	if (fr.nested) {
		f->nested++;
		return;
	}
	found = tfind(&key, &f->counts, by_stack);
	if (!found) {
		struct count *c = calloc(1, sizeof(*c));

		if (!c)
			abort();
		c->stack = strdup(fr.line);
		found = tsearch(c, &f->counts, by_stack);
	}
	(*found)->n++;
}

static void write_count(const void *node, VISIT which, void *arg)
{
	const struct count *c = *(struct count *const *)node;

	if (which == postorder || which == leaf)
		fprintf(((struct follow *)arg)->out, "%lu %s\n", c->n, c->stack);
}

/* Is it the breakpoint? Then the stack is taken, and the push done. */
static bool take_breakpoint(struct follow *f, pid_t tid)
{
	struct user_regs_struct regs;

	if (!f->at || ptrace(PTRACE_GETREGS, tid, NULL, &regs) || regs.rip != f->at + 1)
		return false;
	const unsigned long long pushed[] = {regs.rax, regs.rcx, regs.rdx, regs.rbx, regs.rsp, regs.rbp, regs.rsi,
					     regs.rdi};

	regs.rip = f->at;
	ptrace(PTRACE_SETREGS, tid, NULL, &regs);
	add_stack(f, tid);
	regs.rip++;
	regs.rsp -= 8;
	if (ptrace(PTRACE_POKEDATA, tid, regs.rsp, pushed[f->pushes]) || ptrace(PTRACE_SETREGS, tid, NULL, &regs))
		fprintf(stderr, "dwfl: thread %d can't go on: %s\n", tid, strerror(errno));
	return true;
}

/* Of one stop; the thread goes on. */
static void stopped(struct follow *f, pid_t tid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_EXEC) {
		f->at = 0;
		attach(f);
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		/* alloctrace holds it here until its probes are placed: the libraries are mapped, none of their code
		 * has run. */
		if (!f->at) {
			report_modules(f);
			dwfl_getmodules(f->dwfl, find_malloc, f, 0);
			if (f->at)
				set_breakpoint(f, tid);
		}
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
		return;
	} else if (!event && sig == SIGTRAP && take_breakpoint(f, tid)) {
		sig = 0;
	}
	ptrace(PTRACE_CONT, tid, NULL, (void *)(long)(event ? 0 : sig));
}

int dwfl_follow(pid_t pid, const char *path, int ready)
{
	struct follow f = {.pid = pid, .out = fopen(path, "w")};
	int status;
	pid_t tid;

	if (!f.out || ptrace(PTRACE_SEIZE, pid, NULL,
			     (void *)(long)(PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC))) {
		fprintf(stderr, "dwfl: %s, process %d: %s\n", path, pid, strerror(errno));
		return 1;
	}
	if (write(ready, "", 1) != 1)
		return 1;
	while ((tid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			stopped(&f, tid, status);
	twalk_r(f.counts, write_count, &f);
	fprintf(stderr, "dwfl: %lu calls, %lu of them by calloc and such, %lu walks ended by an error%s%s\n", f.hits,
		f.nested, f.errors, f.errors ? ": " : "", f.error);
	if (f.dwfl)
		dwfl_end(f.dwfl);
	return fclose(f.out) ? 1 : 0;
}
