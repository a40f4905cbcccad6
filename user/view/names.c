/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of a stack, and which of them is the site. */
#include <string.h>

#include "view/rows.h"

static void find_symbol(struct view_names *n)
{
	const struct profile_frame *f;

	n->sym = NULL;
	if (!n->node)
		return;
	f = &n->p->frames.at[n->p->nodes.at[n->node].frame];
	n->sym = symbolize(n->s, f->module, f->addr);
}

void view_names_start(struct view_names *n, const struct profile *p, struct symbolizer *s, uint32_t node)
{
	*n = (struct view_names){.p = p, .s = s, .node = node};
	find_symbol(n);
}

void view_names_next(struct view_names *n)
{
	n->sym = n->sym->into;
	if (n->sym)
		return;
	n->node = n->p->nodes.at[n->node].parent;
	find_symbol(n);
}

static bool begins(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

static bool is_operator_new(const char *name)
{
	/* Demangled "operator new(unsigned long)", "operator new[](…)"; mangled _Znwm, _ZnamSt11align_val_t, …. A
	 * class's own one ("Pool::operator new") is the program's code. */
	if (begins(name, "operator new"))
		return name[12] == '(' || name[12] == '[' || !name[12];
	return begins(name, "_Znw") || begins(name, "_Zna");
}

/* std::allocator<T>::allocate and what it consists of, which the compiler puts into every container's function. */
static bool is_std_allocator(const char *name)
{
	static const char *const classes[] = {
		"std::allocator<", "std::allocator_traits<std::allocator<", "std::__new_allocator<",
		"__gnu_cxx::new_allocator<", "std::__1::allocator<", "std::__1::allocator_traits<std::__1::allocator<",
		"_ZNSaI", "_ZNSt16allocator_traitsISaI", "_ZNSt15__new_allocatorI", "_ZN9__gnu_cxx13new_allocatorI",
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (begins(name, classes[i]))
			return name[0] == '_' && name[1] == 'Z' ? strstr(name, "E8allocateE") != NULL :
			       len > 10 && !strcmp(name + len - 10, "::allocate");
	return false;
}

static bool is_rust_alloc(const char *name)
{
	static const char *const starts[] = {
		"alloc::alloc::", "<alloc::alloc::Global as ", "__rust_alloc", "__rust_realloc", "__rdl_alloc",
		"__rdl_realloc", "__rg_alloc", "__rg_realloc",
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (begins(name, starts[i]))
			return true;
	return false;
}

bool view_forwards(const struct symbol *sym)
{
	const char *name = sym->function;

	return name && (is_operator_new(name) || is_std_allocator(name) || is_rust_alloc(name));
}

const struct symbol *view_site(const struct profile *p, struct symbolizer *s, uint32_t node, size_t *skipped)
{
	struct view_names n;
	size_t i = 0;

	for (view_names_start(&n, p, s, node); n.sym; view_names_next(&n), i++) {
		if (!view_forwards(n.sym)) {
			*skipped = i;
			return n.sym;
		}
	}
	*skipped = 0;
	view_names_start(&n, p, s, node);
	return n.sym;
}
