/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary bytes as the path of a cgroup. A container has an id, which is one part of the path or comes of one; what
 * is made below a container or a unit makes no other of it, unless it is a pod (-max_len=512 -runs=60000).
 */
#include "proc/container.h"

#include "base/mem.h"
#include "fuzz.h"

#define BELOW "/docker-0123456789abcdef.scope/lxc.payload.x/other.service"

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool is_slice(const char *path)
{
	const size_t len = strlen(path);

	return len > 6 && !strcmp(path + len - 6, ".slice");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *path = (char *)exact_copy(data, size), *text = xasprintf("%.*s", (int)size, path), *below;
	struct container c, d;

	container_of_path(text, &c);
	require(!c.runtime == !c.id);
	require(!c.name || c.runtime);
	require(!c.id || *c.id);
	require(!c.unit || (*c.unit && !strchr(c.unit, '/')));
	below = xasprintf("%s%s", text, BELOW);
	container_of_path(below, &d);
	if (c.runtime && strcmp(c.runtime, "kubernetes") != 0)
		require(same(c.runtime, d.runtime) && same(c.id, d.id) && same(c.name, d.name));
	if (c.unit && !is_slice(c.unit))
		require(same(c.unit, d.unit));
	require(!c.of_user || (d.of_user && c.uid == d.uid));
	container_free(&c);
	container_free(&d);
	free(below);
	free(text);
	free(path);
	return 0;
}
