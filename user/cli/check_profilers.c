// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/check_profilers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "image/ask.h"
#include "proc/procfs.h"

/* The value of the first variable whose name ends so (jemalloc's has a prefix where its functions have); NULL: none. */
static const char *variable(const struct buf *env, const char *name)
{
	const size_t len = strlen(name);

	for (const char *s = buf_cstr(env), *end = s + env->len; s < end; s += strlen(s) + 1) {
		const char *equals = strchr(s, '=');

		if (equals && equals - s >= (ptrdiff_t)len && !memcmp(equals - len, name, len))
			return equals + 1;
	}
	return NULL;
}

/* A list of options, "a:1,b:2": has it this one? */
static bool has_option(const char *list, const char *option)
{
	const size_t len = strlen(option);

	for (; list && *list; list += strspn(list, ",")) {
		const size_t n = strcspn(list, ",");

		if (n == len && !memcmp(list, option, len))
			return true;
		list += n;
	}
	return false;
}

static void print_jemalloc(const struct buf *env)
{
	if (has_option(variable(env, "MALLOC_CONF"), "prof:true"))
		printf("    jemalloc's own profile: on (MALLOC_CONF); mallctl prof.dump and its options prof_final, "
		       "lg_prof_interval write it, jeprof reads it\n");
	else
		printf("    jemalloc's own profile: not on by the environment; start with "
		       "MALLOC_CONF=prof:true,prof_final:true, and read jeprof.*.heap with jeprof\n");
}

static void print_sampler(const struct buf *env)
{
	const char *value = variable(env, "TCMALLOC_SAMPLE_PARAMETER");

	if (value && strtod(value, NULL) > 0)
		printf("    tcmalloc's own samples: on (TCMALLOC_SAMPLE_PARAMETER); pprof reads what the program "
		       "serves of MallocExtension::GetHeapSample (/pprof/heap)\n");
	else
		printf("    tcmalloc's own samples: not on by the environment; start with "
		       "TCMALLOC_SAMPLE_PARAMETER=524288\n");
}

static void print_heap(const struct buf *env)
{
	const char *value = variable(env, "HEAPPROFILE");

	if (value && *value)
		printf("    tcmalloc's heap profiler: on (HEAPPROFILE); pprof reads the files of that name, "
		       ".NNNN.heap\n");
	else
		printf("    tcmalloc's heap profiler: not on by the environment; start with HEAPPROFILE=/tmp/NAME, and "
		       "read NAME.*.heap with pprof\n");
}

void check_profilers(const struct module *m, pid_t pid, const struct plan *plan)
{
	const char *what = plan->implementation ? plan->implementation : "";
	struct image_profilers has = {0};
	struct buf env = {0};

	if (strstr(what, "jemalloc") || strstr(what, "tcmalloc"))
		has = image_ask_profilers(m->fd, m->path);
	if ((has.jemalloc || has.sampler || has.heap) && !procfs_read(pid, "environ", &env)) {
		if (has.jemalloc)
			print_jemalloc(&env);
		if (has.sampler)
			print_sampler(&env);
		if (has.heap)
			print_heap(&env);
	}
	buf_free(&env);
}
