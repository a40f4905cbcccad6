// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/livecode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "image/ask.h"
#include "image/bytes.h"
#include "kern/uprobes.h"
#include "proc/procfs.h"

#define BEFORE_MAX 240	/* bytes before a site that are compared at most: farther than any prologue is long */
#define BEHIND 16	/* the longest instruction, and a hook of 14 bytes */
#define SPAN_MAX (BEFORE_MAX + BEHIND)
#define IOV_BATCH 1024	/* UIO_MAXIOV */
#define HOPS_MAX 4	/* jumps that lead to jumps */
#define INT3 0xcc
#define CALL 0xe8
#define LEAVING_MS 1000		/* that a breakpoint without an owner is given, in a comparison */
#define LEAVING_STEP_MS 20
#define LEAVING_IN_ALL_MS 4000	/* in all of them: one that stays is not waited for again and again */

/* One probe in one mapping of its file. */
struct span {
	size_t file, probe;
	uint64_t addr, offset;	/* in the process, in the file */
	size_t len;
	bool read;
	uint8_t want[SPAN_MAX], is[SPAN_MAX];
};

struct comparison {
	const struct process *p;
	const struct modules *ms;
	const struct livecode_file *files;
	vec_of(struct span) spans;
	int mem;		/* /proc/PID/mem; -1: not opened */
	pid_t debugger;
	bool asked_debugger;
	unsigned int waited_ms;
};

/* --- reading */

static void add_span(struct comparison *c, size_t file, size_t probe, const struct mapping *m)
{
	const struct livecode_file *f = &c->files[file];
	const struct plan_probe *pp = &f->plan->probes[probe];
	uint64_t before = pp->site.offset < BEFORE_MAX ? pp->site.offset : BEFORE_MAX, behind = BEHIND;
	struct span s = {.file = file, .probe = probe};

	if (pp->file_offset < before)
		return;
	if (pp->size > pp->site.offset && pp->size - pp->site.offset < behind)
		behind = pp->size - pp->site.offset;
	s.offset = pp->file_offset - before;
	s.addr = m->start + (pp->file_offset - m->offset) - before;
	s.len = before + behind;
	if (bytes_read(modules_get(c->ms, f->module)->fd, s.offset, s.want, s.len) == s.len)
		vec_push(&c->spans, s);
}

static bool holds(const struct mapping *m, const struct plan_probe *pp)
{
	return pp->file_offset >= m->offset && pp->file_offset - m->offset < m->end - m->start;
}

static void add_file(struct comparison *c, size_t file)
{
	const struct livecode_file *f = &c->files[file];
	bool *mapped = xcalloc(f->plan->n_probes + 1, sizeof(*mapped)), any = false;

	for (size_t i = 0; i < c->p->maps.n; i++) {
		const struct mapping *m = &c->p->maps.at[i];

		if (m->module != f->module || m->until_ns != UINT64_MAX || m->copied)
			continue;
		any = true;
		for (size_t k = 0; k < f->plan->n_probes; k++) {
			if (!holds(m, &f->plan->probes[k]))
				continue;
			mapped[k] = true;
			add_span(c, file, k, m);
		}
	}
	/* Huge pages take those parts of a file's code that fill one; the kernel places no probe in these, and reports
	 * no error. Of a file that is gone altogether the caller knows. */
	for (size_t k = 0; any && k < f->plan->n_probes; k++)
		if (!mapped[k])
			f->found[k] = xstrdup("not mapped from the file");
	free(mapped);
}

/* What process_vm_readv() may not see: code that can be executed and not be read. */
static bool read_forced(struct comparison *c, uint64_t addr, void *data, size_t len)
{
	char path[40];

	if (c->mem < 0) {
		snprintf(path, sizeof(path), "/proc/%d/mem", (int)c->p->pid);
		c->mem = open(path, O_RDONLY | O_CLOEXEC);
	}
	return c->mem >= 0 && pread(c->mem, data, len, (off_t)addr) == (ssize_t)len;
}

/* The spans [first, first + n) by one call; returns how many are done, or -errno. The first one that can't be read ends
 * it: it is done as well. */
static ssize_t read_batch(struct comparison *c, size_t first, size_t n)
{
	struct iovec local[IOV_BATCH], remote[IOV_BATCH];
	size_t done = 0;
	ssize_t got;

	for (size_t i = 0; i < n; i++) {
		struct span *s = &c->spans.at[first + i];

		local[i] = (struct iovec){s->is, s->len};
		remote[i] = (struct iovec){(void *)(uintptr_t)s->addr, s->len};
	}
	got = process_vm_readv(c->p->pid, local, n, remote, n, 0);
	if (got < 0 && errno != EFAULT)
		return -errno;
	for (; done < n && got >= (ssize_t)c->spans.at[first + done].len; done++) {
		got -= (ssize_t)c->spans.at[first + done].len;
		c->spans.at[first + done].read = true;
	}
	if (done < n) {
		struct span *s = &c->spans.at[first + done++];

		s->read = read_forced(c, s->addr, s->is, s->len);
	}
	return (ssize_t)done;
}

static int read_spans(struct comparison *c)
{
	size_t i = 0;

	while (i < c->spans.n) {
		ssize_t n = read_batch(c, i, c->spans.n - i < IOV_BATCH ? c->spans.n - i : IOV_BATCH);

		if (n < 0)
			return n == -ESRCH ? -ESRCH : -EPERM;
		i += (size_t)n;
	}
	return 0;
}

static bool read_one(struct comparison *c, uint64_t addr, void *data, size_t len)
{
	struct iovec local = {data, len}, remote = {(void *)(uintptr_t)addr, len};

	return process_vm_readv(c->p->pid, &local, 1, &remote, 1, 0) == (ssize_t)len || read_forced(c, addr, data, len);
}

/* --- what it is */

static uint64_t le(const uint8_t *c, size_t n)
{
	uint64_t v = 0;

	for (size_t i = n; i-- > 0;)
		v = v << 8 | c[i];
	return v;
}

/* mov $ADDR, %reg; jmp *%reg, or push %reg; ret */
static char by_register(const uint8_t *c, size_t n, uint64_t *to, size_t *len)
{
	uint8_t high, reg;
	size_t i = 10;

	if (n < 12 || (c[0] & 0xfe) != 0x48 || (c[1] & 0xf8) != 0xb8)
		return 0;
	high = c[0] & 1;
	reg = c[1] & 7;
	*to = le(c + 2, 8);
	if (high && c[i] == 0x41)
		i++;
	if (i + 2 > n || (high && i == 10))
		return 0;
	*len = i + 2;
	if ((c[i] == 0xff && c[i + 1] == (0xe0 | reg)) || (c[i] == (0x50 | reg) && c[i + 1] == 0xc3))
		return 'j';
	return c[i] == 0xff && c[i + 1] == (0xd0 | reg) ? 'c' : 0;
}

/* push $LOW; movl $HIGH, 4(%rsp); ret */
static char by_push(const uint8_t *c, size_t n, uint64_t *to, size_t *len)
{
	static const uint8_t store[] = {0xc7, 0x44, 0x24, 0x04};

	if (n < 6 || c[0] != 0x68)
		return 0;
	*to = (uint64_t)(int64_t)(int32_t)le(c + 1, 4);
	*len = 6;
	if (c[5] == 0xc3)
		return 'j';
	if (n < 14 || memcmp(c + 5, store, sizeof(store)) != 0 || c[13] != 0xc3)
		return 0;
	*to = (*to & UINT32_MAX) | le(c + 9, 4) << 32;
	*len = 14;
	return 'j';
}

static char branch(const uint8_t *c, size_t n, uint64_t at, uint64_t *to, bool *indirect, size_t *len)
{
	char kind;

	*indirect = false;
	if (n >= 2 && c[0] == 0xeb) {
		*to = at + 2 + (uint64_t)(int64_t)(int8_t)c[1];
		*len = 2;
		return 'j';
	}
	if (n >= 5 && (c[0] == 0xe9 || c[0] == CALL)) {
		*to = at + 5 + (uint64_t)(int64_t)(int32_t)le(c + 1, 4);
		*len = 5;
		return c[0] == CALL ? 'c' : 'j';
	}
	if (n >= 6 && c[0] == 0xff && (c[1] == 0x25 || c[1] == 0x15)) {
		*to = at + 6 + (uint64_t)(int64_t)(int32_t)le(c + 2, 4);
		*indirect = true;
		*len = 6;
		return c[1] == 0x15 ? 'c' : 'j';
	}
	kind = by_register(c, n, to, len);
	return kind ? kind : by_push(c, n, to, len);
}

char livecode_branch(const uint8_t *c, size_t n, uint64_t at, uint64_t *to, bool *indirect, size_t *len)
{
	/* bnd, which changes nothing. */
	const bool bnd = n && c[0] == 0xf2;
	char kind = branch(c + bnd, n - bnd, at + bnd, to, indirect, len);

	if (kind)
		*len += bnd;
	return kind;
}

/* "libhook.so+0x1189", "0x7f0012340000 (anonymous memory)" */
static char *place_name(const struct comparison *c, uint64_t addr)
{
	const struct module *m;
	struct buf name = {0};
	uint64_t at, vaddr;
	uint32_t id;
	char *text;

	if (!process_resolve(c->p, c->ms, addr, UINT64_MAX - 1, &id, &at))
		return xasprintf("0x%llx", (unsigned long long)addr);
	m = modules_get(c->ms, id);
	if (m->kind != MODULE_ELF)
		return xasprintf("0x%llx (anonymous memory)", (unsigned long long)addr);
	if (image_ask_vaddr(m->fd, m->path, at, &vaddr))
		at = vaddr;
	text_escape(&name, module_basename(m), strlen(module_basename(m)));
	text = xasprintf("%s+0x%llx", buf_cstr(&name), (unsigned long long)at);
	buf_free(&name);
	return text;
}

/* Where a branch leads in the end: the first jump of a hook is often short, to a longer one. */
static char *branch_name(struct comparison *c, char kind, uint64_t to, bool indirect)
{
	uint8_t code[BEHIND];
	char *name, *text;
	size_t len;

	for (int hops = 0; hops < HOPS_MAX; hops++) {
		if (indirect && !read_one(c, to, &to, sizeof(to)))
			break;
		indirect = false;
		if (!read_one(c, to, code, sizeof(code)) ||
		    livecode_branch(code, sizeof(code), to, &to, &indirect, &len) != 'j')
			break;
	}
	name = place_name(c, to);
	text = xasprintf("a %s to %s", kind == 'c' ? "call" : "jump", name);
	free(name);
	return text;
}

/* diff: the first byte that differs. The instruction it is in may begin as the file's does. */
static char *name_difference(struct comparison *c, const struct span *s, size_t diff)
{
	/* The function's entry; or behind its endbr64. */
	const size_t starts[] = {0, 4, diff};
	bool indirect;
	uint64_t to;
	size_t len;
	char kind;

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		size_t from = starts[i];

		if (from > diff)
			continue;
		kind = livecode_branch(s->is + from, s->len - from, s->addr + from, &to, &indirect, &len);
		if (kind && diff < from + len)
			return branch_name(c, kind, to, indirect);
	}
	return xstrdup("other code");
}

/* --- uprobes among the bytes */

static pid_t debugger_of(struct comparison *c)
{
	if (!c->asked_debugger)
		c->debugger = procfs_debugger(c->p->pid);
	c->asked_debugger = true;
	return c->debugger;
}

static bool is_ours(const struct livecode_file *f, uint64_t offset)
{
	for (size_t i = 0; f->ours && i < f->plan->n_probes; i++)
		if (f->ours[i] && f->plan->probes[i].file_offset == offset)
			return true;
	return false;
}

/* Another tracer's uprobe, rather than a debugger's breakpoint. */
static bool is_others(struct comparison *c, const struct livecode_file *f, uint64_t offset)
{
	switch (uprobe_at(modules_get(c->ms, f->module)->fd, offset, c->p->pid)) {
	case UPROBE_THERE:
		return true;
	case UPROBE_MAYBE:
		return !debugger_of(c);
	case UPROBE_NONE:
		break;
	}
	return false;
}

/*
 * How many bytes at i a uprobe may have written: 0xcc, or, where the file has a nop of 5 bytes, a call to a trampoline
 * of the kernel's (Linux 6.18), which comes byte by byte. 0: none.
 */
static size_t uprobe_bytes(const struct span *s, size_t i)
{
	static const uint8_t nop5[] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	const bool is_nop5 = s->len - i >= sizeof(nop5) && !memcmp(s->want + i, nop5, sizeof(nop5));

	if (is_nop5 && (s->is[i] == INT3 || s->is[i] == CALL))
		return memcmp(s->is + i + 1, nop5 + 1, sizeof(nop5) - 1) != 0 ? sizeof(nop5) : 1;
	return s->is[i] == INT3 ? 1 : 0;
}

static char *name_breakpoint(struct comparison *c)
{
	pid_t debugger = debugger_of(c);

	if (!debugger)
		return xstrdup("a breakpoint");
	return xasprintf("a breakpoint of the debugger, process %d", (int)debugger);
}

/*
 * Another tracer's uprobe on its way out: the kernel takes the program off first, and the breakpoint only after an RCU
 * grace period, 30 to 60 ms later, on a loaded machine several hundred. Or it was not yet known when the memory was
 * read. A debugger's stays.
 */
static bool goes_away(struct comparison *c, const struct span *s, size_t i)
{
	static atomic_uint in_all_ms;
	const struct livecode_file *f = &c->files[s->file];
	uint8_t now;

	if (debugger_of(c))
		return false;
	for (; c->waited_ms < LEAVING_MS && in_all_ms < LEAVING_IN_ALL_MS; c->waited_ms += LEAVING_STEP_MS) {
		in_all_ms += LEAVING_STEP_MS;
		usleep(LEAVING_STEP_MS * 1000);
		if ((read_one(c, s->addr + i, &now, 1) && now == s->want[i]) || is_others(c, f, s->offset + i))
			return true;
	}
	return false;
}

/* What differs in a span, for the caller to free; NULL: nothing. */
static char *difference(struct comparison *c, const struct span *s)
{
	const struct livecode_file *f = &c->files[s->file];

	for (size_t i = 0; i < s->len; i++) {
		size_t n;

		if (s->is[i] == s->want[i])
			continue;
		n = uprobe_bytes(s, i);
		if (!n)
			return name_difference(c, s, i);
		if (!is_ours(f, s->offset + i) && !is_others(c, f, s->offset + i)) {
			if (s->is[i] == CALL)
				return name_difference(c, s, i);
			if (!goes_away(c, s, i))
				return name_breakpoint(c);
		}
		i += n - 1;
	}
	return NULL;
}

int livecode_compare(const struct process *p, const struct modules *ms, struct livecode_file *files, size_t n)
{
	struct comparison c = {.p = p, .ms = ms, .files = files, .mem = -1};
	int err;

	for (size_t i = 0; i < n; i++) {
		files[i].found = xcalloc(files[i].plan->n_probes + 1, sizeof(*files[i].found));
		add_file(&c, i);
	}
	err = read_spans(&c);
	/* What can't be read is not mapped any more: the kernel places nothing there. */
	for (size_t i = 0; !err && i < c.spans.n; i++) {
		const struct span *s = &c.spans.at[i];
		char **found = &files[s->file].found[s->probe];

		if (s->read && !*found)
			*found = difference(&c, s);
	}
	vec_free(&c.spans);
	if (c.mem >= 0)
		close(c.mem);
	return err;
}

void livecode_free(struct livecode_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; files[i].found && k < files[i].plan->n_probes; k++)
			free(files[i].found[k]);
		free(files[i].found);
		files[i].found = NULL;
	}
}
