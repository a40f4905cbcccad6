/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which functions of a file are allocator functions: by the names of the rows, in every symbol table that there is,
 * default versions, old ones and local symbols alike; by the names and addresses of the command line; and by the names
 * of the rows with a prefix, where malloc and free have the same one (je_malloc, _rjem_malloc).
 */
#include <elf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/families.h"
#include "alloc/user.h"
#include "elf/eachfunc.h"
#include "probe/plan_internal.h"

#define HITS_MAX 4096		/* names of a file that are remembered */
#define PREFIX_BYTES 48
#define PREFIXES_MAX 8
#define NO_ROW (-1)

/* Functions that end a path because they do not come back. */
static const char *const noreturn[] = {
	"__cxa_throw", "__cxa_rethrow", "_Unwind_Resume", "_ZSt17__throw_bad_allocv", "_ZSt9terminatev",
	"__cxa_throw_bad_array_new_length", "__cxa_call_unexpected", "__clang_call_terminate",
	"_ZSt28__throw_bad_array_new_lengthv", "abort", "exit", "_exit", "__stack_chk_fail", "__assert_fail",
	"__chk_fail", "__fortify_fail", "__libc_fatal", "__libc_message",
};

#define N_NORETURN (sizeof(noreturn) / sizeof(noreturn[0]))

/* What libcs call their own functions behind those that programs call. */
static const char *const inner[] = {"__libc_", "__minimal_", "__rtld_", "_int_"};

/* A symbol whose name matters. */
struct hit {
	char *name;
	int row;	/* whose name it is, whole or but for a prefix; NO_ROW */
	int user;	/* of the command line, or -1 */
	uint16_t prefix;	/* bytes of the name before the row's */
	uint8_t quality;	/* less is better */
	struct elf_symbol sym;
	bool untyped;
};

struct finder {
	struct planner *p;
	vec_of(struct hit) hits;
	struct u64map exact;	/* hash of a row's name -> row + 1; the functions that do not return follow */
	size_t longest;		/* of those names */
	vec_of(int) suffixes;	/* rows whose names may have a prefix */
	bool last_two[256];	/* hash_two() of the ends of their names */
	vec_of(int) users;	/* of the command line, those that this file may have */
	uint64_t noreturn[N_NORETURN];
};

static uint64_t hash_name(const char *name, size_t len)
{
	uint64_t h = len, word;

	for (size_t i = 0; i < len; i += 8) {
		word = 0;
		memcpy(&word, name + i, len - i < 8 ? len - i : 8);
		h = mix64(h ^ word);
	}
	return h;
}

static uint8_t hash_two(const char *s)
{
	return (uint8_t)(s[0] * 31 + s[1]);
}

static const char *known_name(size_t i)
{
	size_t rows = alloc_function_count();

	return i < rows ? alloc_function(i)->name : noreturn[i - rows];
}

/* It is found elsewhere (plan_go.c, plan_usdt.c, plan_maps.c). */
static bool is_apart(size_t row)
{
	const struct alloc_function *fn = alloc_function(row);

	return fn->is_go || fn->is_usdt || fn->maps;
}

/* The families whose names may have a prefix; mimalloc's and tcmalloc's have one already, and C++'s are mangled. */
static bool may_have_prefix(int row)
{
	size_t first_cxx = alloc_family_c.n, jemalloc = first_cxx + alloc_family_cxx.n;

	return (size_t)row < first_cxx || ((size_t)row >= jemalloc && (size_t)row < jemalloc + alloc_family_jemalloc.n);
}

/* The row with the longest name that this one ends with; NO_ROW. Most symbols of large files fail the first test. */
static int row_of_suffix(const struct finder *f, const char *name, size_t len)
{
	size_t best_len = 0;
	int best = NO_ROW;

	if (len < 5 || !f->last_two[hash_two(name + len - 2)] ||
	    (name[0] == '_' && (name[1] == 'Z' || name[1] == 'R')))
		return NO_ROW;
	for (size_t i = 0; i < f->suffixes.n; i++) {
		const char *row = alloc_function((size_t)f->suffixes.at[i])->name;
		size_t n = strlen(row);

		if (n > best_len && n < len && len - n <= PREFIX_BYTES && !memcmp(name + len - n, row, n)) {
			best = f->suffixes.at[i];
			best_len = n;
		}
	}
	return best;
}

static void add_hit(struct finder *f, const struct elf_function *e, int row, int user)
{
	struct hit h = {.row = row, .user = user, .untyped = e->untyped};

	if (f->hits.n == HITS_MAX)
		return;
	h.name = xasprintf("%.*s", (int)e->len, e->name);
	h.prefix = row == NO_ROW ? 0 : (uint16_t)(e->len - strlen(alloc_function((size_t)row)->name));
	h.quality = (uint8_t)((e->global ? 0 : 4) + (e->old_version ? 2 : 0) + e->untyped);
	h.sym = (struct elf_symbol){
		.name = h.name, .vaddr = e->vaddr, .size = e->size, .global = e->global, .dynamic = e->dynamic,
		.ifunc = e->ifunc,
	};
	vec_push(&f->hits, h);
}

static bool is_named(const struct alloc_user *u, const struct elf_function *e)
{
	char name[256];

	if (!u->name || e->len >= sizeof(name))
		return false;
	if (!strncmp(u->name, e->name, e->len) && !u->name[e->len])
		return true;
	memcpy(name, e->name, e->len);
	name[e->len] = '\0';
	return strpbrk(u->name, "*?[") && !fnmatch(u->name, name, 0);
}

static void on_function(void *arg, const struct elf_function *e)
{
	struct finder *f = arg;
	uint64_t *known = e->len <= f->longest ? u64map_find(&f->exact, hash_name(e->name, e->len)) : NULL;
	size_t rows = alloc_function_count();
	int row = NO_ROW;

	for (size_t i = 0; i < f->users.n; i++)
		if (is_named(alloc_user((size_t)f->users.at[i]), e))
			add_hit(f, e, NO_ROW, f->users.at[i]);
	if (known && !strncmp(known_name(*known - 1), e->name, e->len) && !known_name(*known - 1)[e->len]) {
		if (*known > rows)
			f->noreturn[*known - 1 - rows] = e->vaddr;
		else
			row = (int)*known - 1;
	} else {
		row = row_of_suffix(f, e->name, e->len);
	}
	if (row != NO_ROW)
		add_hit(f, e, row, -1);
}

static void prepare(struct finder *f)
{
	const struct plan_input *in = f->p->in;

	for (size_t i = 0; i < alloc_function_count() + N_NORETURN; i++) {
		size_t len = strlen(known_name(i));

		if (i < alloc_function_count() && is_apart(i))
			continue;
		*u64map_put(&f->exact, hash_name(known_name(i), len), NULL) = i + 1;
		f->longest = len > f->longest ? len : f->longest;
		if (i < alloc_function_count() && may_have_prefix((int)i)) {
			vec_push(&f->suffixes, (int)i);
			f->last_two[hash_two(known_name(i) + len - 2)] = true;
		}
	}
	for (size_t i = 0; i < alloc_user_count(); i++)
		if (alloc_user_in(alloc_user(i), in->path, in->dev, in->ino))
			vec_push(&f->users, (int)i);
}

/* --- candidates */

static const char *keep_name(struct planner *p, const char *name)
{
	char *copy = xstrdup(name);

	vec_push(&p->names, copy);
	return copy;
}

static struct candidate *add_candidate(struct planner *p, size_t id, const char *name)
{
	struct candidate *c;

	if (p->n == PLAN_MAX_FUNCTIONS) {
		p->full = true;
		return NULL;
	}
	c = &p->c[p->n];
	memset(c, 0, sizeof(*c));
	c->id = (int)id;
	c->fn = alloc_function(id);
	c->name = name;
	c->same_as = p->n++;
	c->forwards = -1;
	c->skip_arg = SITE_NO_REG;
	return c;
}

/* The file has the address under that row already, by a name of the same kind. */
static bool has_candidate(const struct planner *p, const struct hit *h)
{
	for (int i = 0; i < p->n; i++)
		if (p->c[i].sym.name && p->c[i].sym.vaddr == h->sym.vaddr && (h->prefix || p->c[i].fn->named ||
		    p->c[i].id == h->row))
			return true;
	return false;
}

static void put_symbol(struct planner *p, struct candidate *c, const struct hit *h)
{
	c->sym = h->sym;
	c->sym.name = c->name;
	p->in_file += plan_is_wanted(p, c->fn);
}

static void add_user_at(struct planner *p, const struct alloc_user *u)
{
	const char *name = alloc_function(u->function)->name;
	struct candidate *c = add_candidate(p, u->function, name);
	uint64_t start;

	if (!c)
		return;
	put_symbol(p, c, &(struct hit){.sym = {.vaddr = u->vaddr, .global = true}});
	if (!flow_is_code(p->ef, u->vaddr))
		snprintf(c->refused, sizeof(c->refused), "no code of the file is at that address");
	else if (plan_function_start(p, u->vaddr, &start) && start != u->vaddr)
		snprintf(c->refused, sizeof(c->refused), "no function starts there; the one around it starts at "
			 "+0x%llx", (unsigned long long)start);
}

static void add_users(struct finder *f)
{
	struct planner *p = f->p;

	for (size_t i = 0; i < f->users.n; i++)
		if (!alloc_user((size_t)f->users.at[i])->name)
			add_user_at(p, alloc_user((size_t)f->users.at[i]));
	for (size_t i = 0; i < f->hits.n; i++) {
		const struct hit *h = &f->hits.at[i];
		struct candidate *c;

		if (h->user < 0 || (h->untyped && !flow_is_code(p->ef, h->sym.vaddr)) || has_candidate(p, h))
			continue;
		c = add_candidate(p, alloc_user((size_t)h->user)->function, keep_name(p, h->name));
		if (c)
			put_symbol(p, c, h);
	}
}

static int by_quality(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->quality != y->quality)
		return x->quality < y->quality ? -1 : 1;
	return x->sym.vaddr < y->sym.vaddr ? -1 : x->sym.vaddr > y->sym.vaddr;
}

static bool has_row_at(const struct planner *p, size_t row, uint64_t vaddr)
{
	for (int i = 0; i < p->n; i++)
		if (p->c[i].id == (int)row && p->c[i].sym.name && p->c[i].sym.vaddr == vaddr)
			return true;
	return false;
}

/* A row for each name, in this file or not (its calls may go to another one), and one more for each further function of
 * that name. */
static void add_rows(struct finder *f)
{
	struct planner *p = f->p;

	for (size_t row = 0; row < alloc_function_count(); row++) {
		struct candidate *c = is_apart(row) ? NULL : add_candidate(p, row, alloc_function(row)->name);

		for (size_t i = 0; i < f->hits.n && c; i++) {
			const struct hit *h = &f->hits.at[i];

			if (h->row != (int)row || h->prefix || has_row_at(p, row, h->sym.vaddr) ||
			    (h->untyped && !flow_is_code(p->ef, h->sym.vaddr)))
				continue;
			if (c->sym.name)
				c = add_candidate(p, row, alloc_function(row)->name);
			if (c)
				put_symbol(p, c, h);
		}
	}
}

/* Whether the file has the row's name with the prefix (len bytes). */
static const struct hit *find_prefixed(const struct finder *f, const char *prefix, size_t len, const char *row)
{
	for (size_t i = 0; i < f->hits.n; i++) {
		const struct hit *h = &f->hits.at[i];

		if (h->row != NO_ROW && h->prefix == len && !memcmp(h->name, prefix, len) &&
		    !strcmp(h->name + len, row))
			return h;
	}
	return NULL;
}

static bool is_inner(const char *name)
{
	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
		if (!strncmp(name, inner[i], strlen(inner[i])))
			return true;
	return false;
}

/* mi_malloc is a row. */
static bool is_row(const char *name)
{
	for (size_t i = 0; i < alloc_function_count(); i++)
		if (!strcmp(alloc_function(i)->name, name))
			return true;
	return false;
}

/* What the command line says of the function there; NULL: nothing. */
static struct candidate *named_at(const struct planner *p, uint64_t vaddr)
{
	for (int i = 0; i < p->n; i++)
		if (p->c[i].fn->named && p->c[i].sym.name && p->c[i].sym.vaddr == vaddr)
			return &p->c[i];
	return NULL;
}

/* Beside a malloc that the command line names, the others of its family are added, too. */
static void add_family(struct finder *f, const struct hit *first, struct candidate *named)
{
	struct planner *p = f->p;

	p->n_prefixes++;
	if (named)
		named->heads = p->n_prefixes;
	for (size_t row = 0; row < alloc_function_count(); row++) {
		const struct hit *h = may_have_prefix((int)row) ?
			find_prefixed(f, first->name, first->prefix, alloc_function(row)->name) : NULL;
		struct candidate *c;

		if (!h || (h->untyped && !flow_is_code(p->ef, h->sym.vaddr)) || has_candidate(p, h))
			continue;
		c = add_candidate(p, row, keep_name(p, h->name));
		if (!c)
			return;
		put_symbol(p, c, h);
		c->prefix = p->n_prefixes;
	}
}

static void add_prefixed(struct finder *f)
{
	for (size_t i = 0; i < f->hits.n && f->p->n_prefixes < PREFIXES_MAX; i++) {
		const struct hit *h = &f->hits.at[i];

		struct candidate *named = named_at(f->p, h->sym.vaddr);

		if (h->row == NO_ROW || !h->prefix || strcmp(h->name + h->prefix, "malloc") || is_inner(h->name) ||
		    is_row(h->name) || h->sym.ifunc || (named ? named->heads != 0 : has_candidate(f->p, h)))
			continue;
		if (find_prefixed(f, h->name, h->prefix, "free"))
			add_family(f, h, named);
	}
}

/* Local symbols count where there is a family of them: a lone static free() of some program may free anything. */
static void find_local_family(struct finder *f)
{
	bool has_malloc = false, has_free = false;

	for (size_t i = 0; i < f->hits.n; i++) {
		const struct hit *h = &f->hits.at[i];

		if (h->row == NO_ROW || h->prefix)
			continue;
		has_malloc |= !h->sym.global && !strcmp(h->name, "malloc");
		has_free |= !strcmp(h->name, "free");
	}
	f->p->local_family = has_malloc && has_free;
}

/* What a resolver may choose, or is known to have chosen, takes its place. */
static void add_ifuncs(struct planner *p)
{
	uint64_t at[PLAN_IFUNC_TARGETS];
	const int n = p->n;

	for (int i = 0; i < n; i++) {
		const struct candidate from = p->c[i];
		size_t n_at = 0;

		if (!from.sym.name || !from.sym.ifunc)
			continue;
		for (size_t k = 0; k < p->in->n_chosen && n_at < PLAN_IFUNC_TARGETS; k++)
			if (p->in->chosen[k].resolver == from.sym.vaddr &&
			    plan_starts_function(p, p->in->chosen[k].vaddr))
				at[n_at++] = p->in->chosen[k].vaddr;
		if (!n_at)
			n_at = plan_ifunc_targets(p, &from, at);
		for (size_t k = 0; k < n_at; k++) {
			struct candidate *c = add_candidate(p, (size_t)from.id, from.name);

			if (!c)
				return;
			c->sym = (struct elf_symbol){.name = from.name, .vaddr = at[k], .global = true};
			c->prefix = from.prefix;
		}
		p->c[i].chosen = n_at > 0;
	}
}

static void open_code(struct finder *f)
{
	struct planner *p = f->p;

	/* Without its relocations a file's imports stay unknown, and no call of one is taken for forwarded. */
	if (elf_imports_load(p->ef, &p->imports))
		p->imports = NULL;
	p->ff = flow_open(p->ef, p->imports);
	for (size_t i = 0; i < N_NORETURN; i++)
		flow_add_noreturn(p->ff, noreturn[i], f->noreturn[i]);
}

int plan_find(struct planner *p)
{
	struct finder f = {.p = p};
	bool by_address = false;
	int err;

	prepare(&f);
	err = elf_each_function(p->ef, on_function, &f);
	if (!err)
		p->stripped = !plan_each_debug_function(p, on_function, &f);
	for (size_t i = 0; i < f.users.n; i++)
		by_address |= !alloc_user((size_t)f.users.at[i])->name;
	if (!err && (f.hits.n || by_address)) {
		if (f.hits.n)
			qsort(f.hits.at, f.hits.n, sizeof(*f.hits.at), by_quality);
		open_code(&f);
		add_users(&f);
		add_rows(&f);
		add_prefixed(&f);
		find_local_family(&f);
		add_ifuncs(p);
	}
	for (size_t i = 0; i < f.hits.n; i++)
		free(f.hits.at[i].name);
	vec_free(&f.hits);
	vec_free(&f.users);
	vec_free(&f.suffixes);
	u64map_free(&f.exact);
	return err ? err : p->in_file;
}
