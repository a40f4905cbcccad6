/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sym/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

struct sink {
	struct buf out;
	jmp_buf too_long;
};

/*
 * Substitutions make a mangled name of a hundred bytes stand for gigabytes, and libiberty offers its callback no way to
 * say stop: leaving through longjmp() is what bounds the time. libiberty keeps what the callback interface needs on its
 * stack, so that nothing is left behind (but for a piece of punycode in a Rust name).
 */
static void add(const char *s, size_t len, void *opaque)
{
	struct sink *sink = opaque;

	if (len > DEMANGLE_OUT_MAX - sink->out.len)
		longjmp(sink->too_long, 1);
	buf_add(&sink->out, s, len);
}

static bool run(struct sink *sink, const char *name)
{
	if (setjmp(sink->too_long))
		return false;
	/* Rust first: its older names are C++ names that end in a hash. The recursion limit stays on: no
	 * DMGL_NO_RECURSE_LIMIT. */
	if (rust_demangle_callback(name, DMGL_NO_OPTS, add, sink))
		return true;
	buf_reset(&sink->out);
	return cplus_demangle_v3_callback(name, DMGL_NO_OPTS, add, sink);
}

char *demangle(const char *name)
{
	struct sink sink = {0};

	if (strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0)
		return NULL;
	if (strnlen(name, DEMANGLE_IN_MAX + 1) > DEMANGLE_IN_MAX)
		return NULL;
	if (run(&sink, name) && sink.out.len > 0)
		return sink.out.data;
	buf_free(&sink.out);
	return NULL;
}
