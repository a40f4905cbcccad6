/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/family.h"

#include "alloc/families.h"

const struct alloc_family *const alloc_families[] = {
	&alloc_family_c,
	&alloc_family_cxx,
	&alloc_family_jemalloc,
	&alloc_family_tcmalloc,
	&alloc_family_mimalloc,
	NULL,
};

size_t alloc_function_count(void)
{
	size_t n = 0;

	for (size_t i = 0; alloc_families[i]; i++)
		n += alloc_families[i]->n;
	return n;
}

const struct alloc_function *alloc_function(size_t id)
{
	for (size_t i = 0; alloc_families[i]; i++) {
		if (id < alloc_families[i]->n)
			return &alloc_families[i]->functions[id];
		id -= alloc_families[i]->n;
	}
	return NULL;
}
