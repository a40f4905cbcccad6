/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/tracepoints.h"

#include <bpf/btf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PARAMS_MAX 7

/* What a tracepoint says, beside its own data: a pointer to a structure of that name; "*": any pointer; "": a number.
 * NULL: no more. */
struct tracepoint {
	const char *name;
	const char *params[PARAMS_MAX];
};

static const struct tracepoint rss_tracepoints[] = {
	{"rss_stat", {"mm_struct", ""}},
	{"page_fault_user", {"", "pt_regs", ""}},
	{"page_fault_kernel", {"", "pt_regs", ""}},
};

static const struct tracepoint kernel_tracepoints[] = {
	{"kfree", {"", "*"}},
	{"kmem_cache_free", {"", "*", "kmem_cache"}},
	{"mm_page_free", {"page", ""}},
	{"kmalloc", {"", "*", "", "", "", ""}},
	{"kmem_cache_alloc", {"", "*", "kmem_cache", "", ""}},
	{"mm_page_alloc", {"page", "", "", ""}},
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct btf_type *without_modifiers(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

static bool is_param(const struct btf *btf, uint32_t id, const char *want)
{
	const struct btf_type *t = without_modifiers(btf, id);

	if (!*want)
		return t && (btf_is_int(t) || btf_is_any_enum(t));
	if (!t || !btf_is_ptr(t))
		return false;
	t = without_modifiers(btf, t->type);
	return *want == '*' || (t && btf_is_struct(t) && !strcmp(btf__name_by_offset(btf, t->name_off), want));
}

static bool says(const struct btf *btf, const struct btf_type *proto, const struct tracepoint *t)
{
	int n = 0;

	while (n < PARAMS_MAX && t->params[n])
		n++;
	if (!proto || !btf_is_func_proto(proto) || btf_vlen(proto) != n + 1)
		return false;
	for (int i = 0; i < n; i++)
		if (!is_param(btf, btf_params(proto)[i + 1].type, t->params[i]))
			return false;
	return true;
}

/* They are there, and say what is meant. since: "6.1", when they came to do so. */
static bool has_tracepoints(const struct btf *btf, const struct tracepoint *t, size_t n, const char *since,
			    const char **why)
{
	static char text[96];
	const struct btf_type *type;
	char name[64];
	int id;

	*why = text;
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "btf_trace_%s", t[i].name);
		id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
		if (id < 0) {
			snprintf(text, sizeof(text), "this kernel has no tracepoint %s", t[i].name);
			return false;
		}
		type = without_modifiers(btf, (uint32_t)id);
		type = type && btf_is_ptr(type) ? without_modifiers(btf, type->type) : NULL;
		if (!says(btf, type, &t[i])) {
			snprintf(text, sizeof(text), "needs Linux %s: the tracepoint %s has other arguments here",
				 since, t[i].name);
			return false;
		}
	}
	*why = NULL;
	return true;
}

/* Of a BTF of the kernel's: the type of a member of one of its structures; 0: there is none. */
static uint32_t member_type(const struct btf *btf, const char *structure, const char *member)
{
	const int id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	const struct btf_member *m = t ? btf_members(t) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, m[i].name_off);
		const struct btf_type *of = btf__type_by_id(btf, m[i].type);

		if (!strcmp(name, member))
			return m[i].type;
		/* Nearly all of struct mm_struct is in a structure without a name. */
		if (*name || !btf_is_struct(of))
			continue;
		for (int j = 0; j < btf_vlen(of); j++)
			if (!strcmp(btf__name_by_offset(btf, btf_members(of)[j].name_off), member))
				return btf_members(of)[j].type;
	}
	return 0;
}

/* Before 6.2 threads count for themselves, and tell only now and then. */
static bool counts_at_once(const struct btf *btf)
{
	const struct btf_type *t = btf__type_by_id(btf, member_type(btf, "mm_struct", "rss_stat"));

	return t && btf_is_array(t);
}

static bool ask_btf(bool (*possible)(const struct btf *btf, const char **why), const char **why)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool yes = false;

	*why = "cannot read the kernel's BTF";
	if (btf)
		yes = possible(btf, why);
	btf__free(btf);
	return yes;
}

static bool rss_possible(const struct btf *btf, const char **why)
{
	if (!has_tracepoints(btf, rss_tracepoints, N(rss_tracepoints), "6.2", why))
		return false;
	if (counts_at_once(btf))
		return true;
	*why = "needs Linux 6.2, which counts resident pages one by one";
	return false;
}

bool tracepoints_for_rss(const char **why)
{
	return ask_btf(rss_possible, why);
}

static bool kernel_possible(const struct btf *btf, const char **why)
{
	return has_tracepoints(btf, kernel_tracepoints, N(kernel_tracepoints), "6.1", why);
}

bool tracepoints_for_kernel(const char **why)
{
	return ask_btf(kernel_possible, why);
}
