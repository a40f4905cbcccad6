/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans held against what really happens: a child that makes known calls is stopped (ptrace, no root) at every planned
 * site. In each call exactly one planned site must count, after the plan's own rules for nested calls, and its
 * registers must hold the call's arguments. Done twice: for allocations alone, where freeing calls are no events, and
 * with blocks followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe/plan.h"

#define LIB "/usr/lib/x86_64-linux-gnu/"
#define MAX_SITES 256
#define ROUNDS 20

/*
 * The child. `now` says what it is about to call; an int3 of its own ends each call. Calls go through volatile
 * pointers: no compiler knows them. What a libc lacks is weak and left out.
 */
static const char child_source[] =
"#include <stddef.h>\n#include <stdint.h>\n#include <signal.h>\n#include <unistd.h>\n#include <stdlib.h>\n"
"#define W __attribute__((weak))\n"
"W void *memalign(size_t, size_t); W void *valloc(size_t); W void *pvalloc(size_t);\n"
"W void *reallocarray(void *, size_t, size_t); W void *aligned_alloc(size_t, size_t);\n"
"W int posix_memalign(void **, size_t, size_t);\n"
"W void *_Znwm(size_t); W void *_Znam(size_t);\n"
"W void *_ZnwmRKSt9nothrow_t(size_t, void *); W void *_ZnamRKSt9nothrow_t(size_t, void *);\n"
"W void *_ZnwmSt11align_val_t(size_t, size_t); W void *_ZnamSt11align_val_t(size_t, size_t);\n"
"W void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t, size_t, void *);\n"
"W void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t, size_t, void *);\n"
"W void cfree(void *); W void _ZdlPv(void *); W void _ZdaPv(void *);\n"
"W void _ZdlPvm(void *, size_t); W void _ZdaPvm(void *, size_t);\n"
"W void _ZdlPvRKSt9nothrow_t(void *, void *); W void _ZdaPvRKSt9nothrow_t(void *, void *);\n"
"W void _ZdlPvSt11align_val_t(void *, size_t); W void _ZdaPvSt11align_val_t(void *, size_t);\n"
"W void _ZdlPvmSt11align_val_t(void *, size_t, size_t); W void _ZdaPvmSt11align_val_t(void *, size_t, size_t);\n"
"W void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *, size_t, void *);\n"
"W void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *, size_t, void *);\n"
"W void *mallocx(size_t, int); W void *rallocx(void *, size_t, int);\n"
"W void dallocx(void *, int); W void sdallocx(void *, size_t, int);\n"
"W void *tc_malloc_skip_new_handler(size_t); W void tc_free(void *);\n"
"#define M(n) W void *mi_##n(u, u, u, u); W void *mi_heap_##n(u, u, u, u);\n"
"typedef uint64_t u; M(malloc) M(malloc_small) M(zalloc) M(zalloc_small) M(calloc) M(mallocn) M(realloc) M(rezalloc)\n"
"M(reallocn) M(recalloc) M(malloc_aligned) M(malloc_aligned_at) M(zalloc_aligned) M(zalloc_aligned_at)\n"
"M(calloc_aligned) M(calloc_aligned_at) M(realloc_aligned) M(realloc_aligned_at) M(rezalloc_aligned)\n"
"M(rezalloc_aligned_at) M(recalloc_aligned) M(recalloc_aligned_at) M(alloc_new) M(alloc_new_n) M(new) M(new_n)\n"
"M(new_nothrow) M(new_aligned) M(new_aligned_nothrow) M(new_realloc) M(new_reallocn) M(get_default)\n"
"W void mi_free(void *); W void mi_free_size(void *, size_t); W void mi_free_aligned(void *, size_t);\n"
"W void mi_free_size_aligned(void *, size_t, size_t); W void mi_cfree(void *);\n"
"typedef u (*fn)(u, u, u, u, u);\n"
"struct { const char *name; u active, a, b, c, bytes, slack, old, out, frees; } volatile now;\n"
"static u call5(const char *name, void *f, u a, u b, u c, u d, u e, u bytes, u slack)\n"
"{\n"
"	volatile fn g = (fn)f; u r;\n"
"	if (!f) return 0;\n"
"	now.name = name; now.a = a; now.b = b; now.c = c; now.bytes = bytes; now.slack = slack; now.active = 1;\n"
"	r = g(a, b, c, d, e);\n"
"	__asm__ volatile(\"int3\" ::: \"memory\");\n"
"	now.active = now.old = now.out = now.frees = 0;\n"
"	return r;\n"
"}\n"
"static u call(const char *name, void *f, u a, u b, u c, u bytes, u slack)\n"
"{\n"
"	return call5(name, f, a, b, c, 0, 0, bytes, slack);\n"
"}\n"
"#define C(f, a, b, c, bytes, slack) call(#f, (void *)f, (u)(a), (u)(b), (u)(c), (u)(bytes), (u)(slack))\n"
"static u giving_up(const char *name, void *f, u p, u a, u b, u bytes, u frees)\n"
"{\n"
"	now.old = p; now.frees = frees;\n"
"	p = call(name, f, p, a, b, bytes, 0);\n"
"	now.old = now.frees = 0;\n"
"	return p;\n"
"}\n"
"#define R(f, p, a, b, bytes) giving_up(#f, (void *)f, (u)(p), (u)(a), (u)(b), (u)(bytes), 0)\n"
"#define F(f, p, a, b) giving_up(#f, (void *)f, (u)(p), (u)(a), (u)(b), 0, 1)\n"
"/* A function of mimalloc, and its twin that takes a heap before the other arguments. */\n"
"#define T(f, o, bytes, a, b, c, d) (now.old = (u)(o), p = call5(\"mi_\" #f, (void *)mi_##f, (u)(a), (u)(b), \\\n"
"	(u)(c), (u)(d), 0, (u)(bytes), 0), free((void *)p), p = (u)malloc(99), \\\n"
"	now.old = o ? p : 0, p = call5(\"mi_heap_\" #f, (void *)mi_heap_##f, h, o ? p : (u)(a), (u)(b), (u)(c), \\\n"
"	(u)(d), (u)(bytes), 0), now.old = 0, free((void *)p), p = (u)malloc(77))\n"
"static void freeing(u n, u big, void *nothrow)\n"
"{\n"
"	u p;\n"
"	F(free, C(malloc, n, 0, 0, n, 0), 0, 0); F(free, C(malloc, big, 0, 0, big, 0), 0, 0); F(free, 0, 0, 0);\n"
"	/* jemalloc has none. */\n"
"	if (!mallocx) F(cfree, malloc(n), 0, 0);\n"
"	if (_ZdlPv) {\n"
"		F(_ZdlPv, _Znwm(n), 0, 0); F(_ZdaPv, _Znam(n), 0, 0); F(_ZdlPv, 0, 0, 0);\n"
"		F(_ZdlPvm, _Znwm(n), n, 0); F(_ZdaPvm, _Znam(n), n, 0); F(_ZdlPvm, 0, n, 0);\n"
"		F(_ZdlPvm, _Znwm(big), big, 0);\n"
"		F(_ZdlPvRKSt9nothrow_t, _Znwm(n), nothrow, 0); F(_ZdaPvRKSt9nothrow_t, _Znam(n), nothrow, 0);\n"
"		for (u a = 16; a <= 4096; a *= 4) {\n"
"			F(_ZdlPvSt11align_val_t, _ZnwmSt11align_val_t(n, a), a, 0);\n"
"			F(_ZdaPvSt11align_val_t, _ZnamSt11align_val_t(n, a), a, 0);\n"
"			F(_ZdlPvmSt11align_val_t, _ZnwmSt11align_val_t(n, a), n, a);\n"
"			F(_ZdaPvmSt11align_val_t, _ZnamSt11align_val_t(n, a), n, a);\n"
"			F(_ZdlPvSt11align_val_tRKSt9nothrow_t, _ZnwmSt11align_val_t(n, a), a, nothrow);\n"
"			F(_ZdaPvSt11align_val_tRKSt9nothrow_t, _ZnamSt11align_val_t(n, a), a, nothrow);\n"
"		}\n"
"	}\n"
"	F(dallocx, C(mallocx, n, 0, 0, n, 0), 0, 0); F(dallocx, C(mallocx, big, 0, 0, big, 0), 0, 0);\n"
"	if (mallocx) {\n"
"		p = R(rallocx, mallocx(n, 0), 2 * n, 0, 2 * n); F(sdallocx, p, 2 * n, 0);\n"
"		p = R(rallocx, mallocx(n, 0), big, 0, big); F(sdallocx, p, big, 0);\n"
"	}\n"
"	F(tc_free, C(tc_malloc_skip_new_handler, n, 0, 0, n, 0), 0, 0);\n"
"}\n"
"static void mimalloc(u n)\n"
"{\n"
"	u h, p;\n"
"	if (!mi_malloc) return;\n"
"	h = (u)mi_heap_get_default(0, 0, 0, 0); p = (u)malloc(55);\n"
"	T(malloc, 0, n, n, 0, 0, 0); T(malloc_small, 0, 40, 40, 0, 0, 0); T(zalloc, 0, n, n, 0, 0, 0);\n"
"	T(zalloc_small, 0, 40, 40, 0, 0, 0); T(zalloc, 0, 40, 40, 0, 0, 0); T(malloc, 0, 40, 40, 0, 0, 0);\n"
"	T(calloc, 0, 3 * n, 3, n, 0, 0); T(mallocn, 0, 3 * n, 3, n, 0, 0);\n"
"	T(realloc, p, n, p, n, 0, 0); T(rezalloc, p, n, p, n, 0, 0); T(realloc, p, 80, p, 80, 0, 0);\n"
"	T(reallocn, p, 3 * n, p, 3, n, 0); T(recalloc, p, 3 * n, p, 3, n, 0);\n"
"	for (u a = 8; a <= 4096; a *= 8) {\n"
"		T(malloc_aligned, 0, n, n, a, 0, 0); T(malloc_aligned_at, 0, n, n, a, 8, 0);\n"
"		T(malloc_aligned, 0, a, a, a, 0, 0);\n"
"		T(zalloc_aligned, 0, n, n, a, 0, 0); T(zalloc_aligned_at, 0, n, n, a, 8, 0);\n"
"		T(calloc_aligned, 0, 3 * n, 3, n, a, 0); T(calloc_aligned_at, 0, 3 * n, 3, n, a, 8);\n"
"		T(realloc_aligned, p, n, p, n, a, 0); T(realloc_aligned_at, p, n, p, n, a, 8);\n"
"		T(rezalloc_aligned, p, n, p, n, a, 0); T(rezalloc_aligned_at, p, n, p, n, a, 8);\n"
"		T(recalloc_aligned, p, 3 * n, p, 3, n, a);\n"
"		F(mi_free_aligned, C(mi_new_aligned, n, a, 0, n, 0), a, 0);\n"
"		F(mi_free_size_aligned, C(mi_new_aligned_nothrow, n, a, 0, n, 0), n, a);\n"
"	}\n"
"	T(alloc_new, 0, n, n, 0, 0, 0); T(alloc_new_n, 0, 3 * n, 3, n, 0, 0);\n"
"	C(mi_new, n, 0, 0, n, 0); T(new_n, 0, 3 * n, 3, n, 0, 0); T(new_nothrow, 0, n, n, 0, 0, 0);\n"
"	T(new_realloc, p, n, p, n, 0, 0); T(new_reallocn, p, 3 * n, p, 3, n, 0);\n"
"	F(mi_free_size, malloc(n), n, 0); F(mi_cfree, malloc(n), 0, 0); F(mi_free, (void *)p, 0, 0);\n"
"}\n"
"int main(int argc, char **argv)\n"
"{\n"
"	static void *out; static const char nothrow;\n"
"	u where = (u)&now, p, q;\n"
"	if (write(3, &where, 8) != 8) return 1;\n"
"	kill(getpid(), SIGSTOP);\n"
"	for (u i = 0; i < (u)atoi(argv[1]); i++) {\n"
"		u n = 1009 + 97 * i, big = 1000003 + 4099 * i;\n"
"		C(malloc, 1 + i, 0, 0, 1 + i, 0); C(malloc, n, 0, 0, n, 0); \n"
"		free((void *)C(malloc, big, 0, 0, big, 0));\n"
"		C(calloc, 7 + i, 13, 0, 13 * (7 + i), 0); C(calloc, 1, n, 0, n, 0);\n"
"		p = R(realloc, 0, n, 0, n); q = C(malloc, 64, 0, 0, 64, 0); (void)q;\n"
"		p = R(realloc, p, n + 3, 0, n + 3); p = R(realloc, p, 5 * n, 0, 5 * n);\n"
"		p = R(realloc, p, big, 0, big);\n"
"		p = R(realloc, p, 2 * big, 0, 2 * big); p = R(realloc, p, 11, 0, 11); R(realloc, p, 0, 0, 0);\n"
"		p = R(reallocarray, 0, 3, n, 3 * n); R(reallocarray, p, 5, n, 5 * n);\n"
"		for (u a = 8; a <= 8192; a *= 2) {\n"
"			now.out = (u)&out; C(posix_memalign, &out, a, n, n, 0); C(memalign, a, n, 0, n, 0);\n"
"			C(aligned_alloc, a, a * 3, 0, a * 3, 0);\n"
"			C(_ZnwmSt11align_val_t, n, a, 0, n, a); C(_ZnamSt11align_val_t, n, a, 0, n, a);\n"
"			C(_ZnwmSt11align_val_tRKSt9nothrow_t, n, a, &nothrow, n, a);\n"
"			C(_ZnamSt11align_val_tRKSt9nothrow_t, n, a, &nothrow, n, a);\n"
"		}\n"
"		C(valloc, n, 0, 0, n, 0); C(pvalloc, n, 0, 0, n, 4096);\n"
"		C(_Znwm, n, 0, 0, n, 0); C(_Znam, n, 0, 0, n, 0);\n"
"		C(_ZnwmRKSt9nothrow_t, n, &nothrow, 0, n, 0); C(_ZnamRKSt9nothrow_t, n, &nothrow, 0, n, 0);\n"
"		C(_Znwm, big, 0, 0, big, 0); C(calloc, 1, big, 0, big, 0);\n"
"		freeing(n, big, (void *)&nothrow);\n"
"		mimalloc(n);\n"
"	}\n"
"	return 0;\n"
"}\n";

struct now {
	uint64_t name, active, a, b, c, bytes, slack, old, out, frees;
};

static char dir[] = "/tmp/test_plan_live.XXXXXX";

struct stop {
	uint64_t address;
	uint8_t was;
	struct plan_probe probe;
};

struct live {
	pid_t pid;
	uint64_t now;
	unsigned int flags;	/* of the plans */
	struct stop stops[MAX_SITES];
	int n;
	long calls, hits;
	const struct stop *outer;	/* may have called others in this call */
	uint64_t outer_sp;
};

static void compile(const char *compiler, const char *flags, const char *name)
{
	char command[512], source[128];
	FILE *f;

	snprintf(source, sizeof(source), "%s/child.c", dir);
	f = fopen(source, "w");
	assert_non_null(f);
	fputs(child_source, f);
	assert_int_equal(fclose(f), 0);
	snprintf(command, sizeof(command), "%s -w -O1 -fno-builtin -D_GNU_SOURCE -o %s/%s %s %s", compiler, dir,
		 name, source, flags);
	if (system(command))
		fail_msg("cannot compile: %s", command);
}

static void peek(pid_t pid, uint64_t at, void *data, size_t size)
{
	struct iovec local = {data, size}, remote = {(void *)(uintptr_t)at, size};

	assert_int_equal(process_vm_readv(pid, &local, 1, &remote, 1, 0), (ssize_t)size);
}

static uint8_t poke(pid_t pid, uint64_t at, uint8_t value)
{
	long word, old;

	errno = 0;
	old = ptrace(PTRACE_PEEKTEXT, pid, (void *)(uintptr_t)at, NULL);
	assert_int_equal(errno, 0);
	word = (old & ~0xffL) | value;
	assert_int_equal(ptrace(PTRACE_POKETEXT, pid, (void *)(uintptr_t)at, (void *)word), 0);
	return (uint8_t)old;
}

/* Every executable mapping of the child, as alloctrace itself would plan it. */
static void plant(struct live *l)
{
	char path[64], line[512], file[256];
	unsigned long from, to, offset;
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)l->pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct elf_file *ef;
		struct plan *p;

		if (sscanf(line, "%lx-%lx r-xp %lx %*s %*s %255s", &from, &to, &offset, file) != 4 || file[0] != '/')
			continue;
		fd = open(file, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(elf_file_open(fd, file, &ef), 0);
		assert_int_equal(plan_make(ef, file, l->flags, &p), 0);
		for (size_t i = 0; i < p->n_probes; i++) {
			struct stop *s = &l->stops[l->n];

			if (p->probes[i].file_offset < offset || p->probes[i].file_offset - offset >= to - from)
				continue;
			assert_true(l->n < MAX_SITES);
			/* A return probe shares the site. */
			if ((l->flags & PLAN_BLOCKS) && !p->probes[i].frees && !p->probes[i].no_return)
				assert_int_equal(p->probes[i].site.pushed, 0);
			s->probe = p->probes[i];
			s->address = from + (p->probes[i].file_offset - offset);
			s->was = poke(l->pid, s->address, 0xcc);
			l->n++;
		}
		plan_free(p);
		elf_file_close(ef);
		close(fd);
	}
	fclose(f);
}

static uint64_t gpr(const struct user_regs_struct *r, uint8_t n)
{
	const unsigned long long in_order[] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
					       r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};

	assert_true(n < 16);
	return in_order[n];
}

/* Is this hit an event by the plan's rules? Checks its registers if so. */
static bool is_event(struct live *l, const struct stop *s, const struct user_regs_struct *r, const struct now *now)
{
	const struct alloc_function *fn = alloc_function(s->probe.function);
	uint64_t back, bytes;
	uint8_t before[7];
	char name[64];

	peek(l->pid, r->rsp + s->probe.site.pushed, &back, 8);
	/* It is a return address: a call is before it. */
	peek(l->pid, back - 7, before, 7);
	assert_true(before[2] == 0xe8 || before[0] == 0xff || before[1] == 0xff || before[4] == 0xff ||
		    before[5] == 0xff);
	if (s->probe.skip_arg != SITE_NO_REG && gpr(r, s->probe.site.arg_reg[s->probe.skip_arg]) <= s->probe.skip_max)
		return false;
	/* Under way is the outermost of this call alone: child_source makes one at a time. */
	if (l->outer && (r->rsp + s->probe.site.pushed < l->outer_sp || (l->outer != s && l->outer->probe.jumps)))
		return false;
	if (s->probe.outer) {
		l->outer = s;
		l->outer_sp = r->rsp + s->probe.site.pushed;
	}
	assert_int_equal(s->probe.frees, fn->frees);
	if (fn->old_arg != ALLOC_NO_ARG)
		assert_int_equal(gpr(r, s->probe.old_reg), now->old);
	else
		assert_int_equal(now->old, 0);
	assert_int_equal(fn->frees, now->frees);
	if (fn->frees)
		return now->old != 0;
	if (s->probe.out_reg != SITE_NO_REG)
		assert_int_equal(gpr(r, s->probe.out_reg), now->out);
	bytes = gpr(r, s->probe.site.arg_reg[fn->size_arg]);
	if (fn->count_arg != ALLOC_NO_ARG)
		bytes *= gpr(r, s->probe.site.arg_reg[fn->count_arg]);
	if (bytes < now->bytes || bytes > now->bytes + now->slack) {
		peek(l->pid, now->name, name, sizeof(name));
		name[sizeof(name) - 1] = '\0';
		fail_msg("%s, called as %s of %lu bytes: %lu bytes", s->probe.name, name, (long)now->bytes,
			 (long)bytes);
	}
	return true;
}

/* Goes on past the stop and arms it again. */
static void step_over(struct live *l, const struct stop *s, struct user_regs_struct *r)
{
	int status;

	r->rip = s->address;
	assert_int_equal(ptrace(PTRACE_SETREGS, l->pid, NULL, r), 0);
	poke(l->pid, s->address, s->was);
	assert_int_equal(ptrace(PTRACE_SINGLESTEP, l->pid, NULL, NULL), 0);
	assert_int_equal(waitpid(l->pid, &status, 0), l->pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	poke(l->pid, s->address, 0xcc);
}

static void watch(struct live *l)
{
	struct user_regs_struct r;
	int status, events = 0, expected;
	struct now now;
	char name[64], seen[256] = "";

	for (;;) {
		const struct stop *s = NULL;

		assert_int_equal(ptrace(PTRACE_CONT, l->pid, NULL, NULL), 0);
		assert_int_equal(waitpid(l->pid, &status, 0), l->pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return;
		}
		assert_true(WIFSTOPPED(status));
		assert_int_equal(WSTOPSIG(status), SIGTRAP);
		assert_int_equal(ptrace(PTRACE_GETREGS, l->pid, NULL, &r), 0);
		peek(l->pid, l->now, &now, sizeof(now));
		for (int i = 0; i < l->n && !s; i++)
			if (l->stops[i].address == r.rip - 1)
				s = &l->stops[i];
		if (s) {
			l->hits++;
			if (now.active && is_event(l, s, &r, &now)) {
				events++;
				snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), " %s", s->probe.name);
			}
			step_over(l, s, &r);
			continue;
		}
		/* The child's own int3: a call has ended. */
		assert_true(now.active);
		l->calls++;
		expected = !now.frees || (now.old && (l->flags & PLAN_BLOCKS));
		if (events != expected) {
			peek(l->pid, now.name, name, sizeof(name));
			name[sizeof(name) - 1] = '\0';
			fail_msg("%s(%#lx, %#lx, %#lx) is %d events:%s", name, (long)now.a, (long)now.b, (long)now.c,
				 events, seen);
		}
		events = 0;
		l->outer = NULL;
		seen[0] = '\0';
	}
}

static void run_planned(const char *program, const char *preload, unsigned int flags)
{
	char path[128], rounds[16];
	static struct live l;
	int fds[2], status;

	memset(&l, 0, sizeof(l));
	l.flags = flags;
	snprintf(path, sizeof(path), "%s/%s", dir, program);
	snprintf(rounds, sizeof(rounds), "%d", ROUNDS);
	assert_int_equal(pipe(fds), 0);
	l.pid = fork();
	assert_true(l.pid >= 0);
	if (!l.pid) {
		char *const argv[] = {path, rounds, NULL};

		dup2(fds[1], 3);
		if (preload)
			setenv("LD_PRELOAD", preload, 1);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(126);
		execv(path, argv);
		_exit(127);
	}
	close(fds[1]);
	/* The exec, then its SIGSTOP. */
	assert_int_equal(waitpid(l.pid, &status, 0), l.pid);
	assert_true(WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, l.pid, NULL, (void *)(long)PTRACE_O_EXITKILL);
	do {
		assert_int_equal(ptrace(PTRACE_CONT, l.pid, NULL, NULL), 0);
		assert_int_equal(waitpid(l.pid, &status, 0), l.pid);
		assert_true(WIFSTOPPED(status));
	} while (WSTOPSIG(status) != SIGSTOP);
	assert_int_equal(read(fds[0], &l.now, 8), 8);
	close(fds[0]);
	plant(&l);
	assert_true(l.n > 0);
	watch(&l);
	assert_true(l.calls > 17 * ROUNDS);
	print_message("%s %s%s: %d sites, %ld calls, %ld hits\n", program, preload ? preload : "",
		      flags & PLAN_BLOCKS ? " (blocks)" : "", l.n, l.calls, l.hits);
}

static void run_live(const char *program, const char *preload)
{
	run_planned(program, preload, PLAN_NOPS);
	run_planned(program, preload, PLAN_NOPS | PLAN_BLOCKS);
}

static bool exists(const char *path)
{
	return !access(path, R_OK);
}

static void live_preload(const char *library)
{
	char path[128];

	snprintf(path, sizeof(path), LIB "%s", library);
	if (!exists(path))
		skip();
	run_live("glibc", path);
}

static void test_live_glibc(void **state)
{
	run_live("glibc", NULL);
}

static void test_live_static(void **state)
{
	compile("cc", "-static", "static");
	run_live("static", NULL);
}

static void test_live_jemalloc(void **state)
{
	live_preload("libjemalloc.so.2");
}

static void test_live_tcmalloc(void **state)
{
	live_preload("libtcmalloc.so.4");
}

static void test_live_tcmalloc_minimal(void **state)
{
	live_preload("libtcmalloc_minimal.so.4");
}

static void test_live_mimalloc(void **state)
{
	live_preload("libmimalloc.so.2");
}

static void test_live_musl(void **state)
{
	if (!exists("/usr/bin/musl-gcc"))
		skip();
	compile("musl-gcc", "", "musl");
	run_live("musl", NULL);
	/* Weak references alone take nothing from an archive. */
	compile("musl-gcc", "-static -Wl,-u,memalign,-u,valloc,-u,reallocarray,-u,aligned_alloc,-u,posix_memalign",
		"musl-static");
	run_live("musl-static", NULL);
}

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	compile("cc", "-Wl,--no-as-needed -lstdc++", "glibc");
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_glibc),
		cmocka_unit_test(test_live_static),
		cmocka_unit_test(test_live_jemalloc),
		cmocka_unit_test(test_live_tcmalloc),
		cmocka_unit_test(test_live_tcmalloc_minimal),
		cmocka_unit_test(test_live_mimalloc),
		cmocka_unit_test(test_live_musl),
	};

	return cmocka_run_group_tests_name("plan live", tests, set_up, tear_down);
}
