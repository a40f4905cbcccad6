/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/family.h"

#include <errno.h>
#include <string.h>

#include "alloc/families.h"
#include "base/mem.h"

const struct alloc_family *const alloc_families[] = {
	&alloc_family_c,
	&alloc_family_cxx,
	&alloc_family_jemalloc,
	&alloc_family_tcmalloc,
	&alloc_family_mimalloc,
	&alloc_family_go,
	&alloc_family_usdt,
	&alloc_family_maps,
	NULL,
};

size_t alloc_function_count(void)
{
	size_t n = 0;

	for (size_t i = 0; alloc_families[i]; i++)
		n += alloc_families[i]->n;
	return n;
}

/* Added while alloctrace runs; base: the row that an alias is like, or its own id. They last as long as the program. */
static struct {
	size_t n;
	struct alloc_function fn[ALLOC_MAX_FUNCTIONS];
	size_t base[ALLOC_MAX_FUNCTIONS];
} added;

const struct alloc_function *alloc_function(size_t id)
{
	for (size_t i = 0; alloc_families[i]; i++) {
		if (id < alloc_families[i]->n)
			return &alloc_families[i]->functions[id];
		id -= alloc_families[i]->n;
	}
	return id < added.n ? &added.fn[id] : NULL;
}

uint16_t alloc_function_of_go(void)
{
	for (size_t id = 0; id < alloc_function_count(); id++)
		if (alloc_function(id)->is_go)
			return (uint16_t)id;
	return 0;
}

uint16_t alloc_function_of_usdt(bool frees)
{
	for (size_t id = 0; id < alloc_function_count(); id++)
		if (alloc_function(id)->is_usdt && alloc_function(id)->frees == frees)
			return (uint16_t)id;
	return 0;
}

int alloc_add_function(const struct alloc_function *fn)
{
	size_t id = alloc_function_count() + added.n;

	if (id >= ALLOC_MAX_FUNCTIONS)
		return -ENOSPC;
	added.fn[added.n] = *fn;
	added.fn[added.n].name = xstrdup(fn->name);
	added.fn[added.n].shown = xstrdup(fn->shown);
	added.base[added.n++] = id;
	return (int)id;
}

size_t alloc_alias(size_t id, const char *name)
{
	struct alloc_function fn = *alloc_function(id);
	int alias;

	if (!strcmp(fn.name, name))
		return id;
	for (size_t i = 0; i < added.n; i++)
		if (added.base[i] == id && !strcmp(added.fn[i].name, name))
			return alloc_function_count() + i;
	fn.name = fn.shown = name;
	alias = alloc_add_function(&fn);
	if (alias < 0)
		return id;
	added.base[added.n - 1] = id;
	return (size_t)alias;
}
