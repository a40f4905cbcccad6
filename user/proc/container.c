/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/container.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"

#define ID_MIN 12	/* hexadecimal digits of an id that follows a runtime's name */
#define ID_WHOLE 64	/* of one that stands alone */

/* A piece of the path. */
struct span {
	const char *at;
	size_t len;
};

static struct span span_of(const char *at, size_t len)
{
	return (struct span){at, len};
}

static bool is(struct span s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.at, text, s.len);
}

/* Takes text off the beginning, or the end. */
static bool cut_begin(struct span *s, const char *text)
{
	const size_t len = strlen(text);

	if (s->len < len || memcmp(s->at, text, len))
		return false;
	*s = span_of(s->at + len, s->len - len);
	return true;
}

static bool cut_end(struct span *s, const char *text)
{
	const size_t len = strlen(text);

	if (s->len < len || memcmp(s->at + s->len - len, text, len))
		return false;
	s->len -= len;
	return true;
}

static bool has_end(struct span s, const char *end)
{
	return s.len > strlen(end) && cut_end(&s, end);
}

static bool made_of(struct span s, const char *chars)
{
	for (size_t i = 0; i < s.len; i++)
		if (!s.at[i] || !strchr(chars, s.at[i]))
			return false;
	return s.len > 0;
}

static bool is_id(struct span s)
{
	return s.len >= ID_MIN && s.len <= ID_WHOLE && made_of(s, "0123456789abcdef");
}

static char *copy_of(struct span s)
{
	struct buf b = {0};

	buf_add(&b, s.at, s.len);
	return b.data;
}

static void set(struct container *c, const char *runtime, struct span id)
{
	free(c->id);
	free(c->name);
	c->runtime = runtime;
	c->id = copy_of(id);
	c->name = NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* systemd writes "my-box" as my\x2dbox in the name of a unit. */
static char *unescaped(struct span s)
{
	struct buf b = {0};

	buf_str(&b, "");
	for (size_t i = 0; i < s.len; i++) {
		if (i + 3 < s.len && s.at[i] == '\\' && s.at[i + 1] == 'x' && hex_digit(s.at[i + 2]) >= 0 &&
		    hex_digit(s.at[i + 3]) >= 0 && hex_digit(s.at[i + 2]) + hex_digit(s.at[i + 3]) > 0) {
			buf_char(&b, (char)(hex_digit(s.at[i + 2]) << 4 | hex_digit(s.at[i + 3])));
			i += 3;
		} else {
			buf_char(&b, s.at[i]);
		}
	}
	return b.data;
}

/* --- containers with an id */

/* Names as they stand before an id: docker-<id>.scope, crio-<id>, ...:cri-containerd:<id> */
static const struct {
	const char *name, *runtime;
} runtimes[] = {
	{"docker", "docker"}, {"cri-containerd", "containerd"}, {"nerdctl", "containerd"}, {"crio", "cri-o"},
	{"libpod", "podman"}, {"libpod-payload", "podman"},
};

/* What watches over a container from outside (libpod-conmon-<id>.scope) has another name there. */
static bool take_prefixed(struct container *c, struct span part)
{
	cut_end(&part, ".scope");
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
		struct span id = part;

		if (cut_begin(&id, runtimes[i].name) && cut_begin(&id, "-") && is_id(id)) {
			set(c, runtimes[i].runtime, id);
			return true;
		}
	}
	return false;
}

/* SLICE:NAME:ID is meant for systemd; runc makes a directory of it if its cgroup driver is cgroupfs. */
static bool take_colons(struct container *c, struct span part)
{
	const char *last = memrchr(part.at, ':', part.len), *first;
	struct span id, name;

	if (!last)
		return false;
	first = memrchr(part.at, ':', last - part.at);
	if (!first)
		return false;
	id = span_of(last + 1, part.at + part.len - last - 1);
	name = span_of(first + 1, last - first - 1);
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++)
		if (is(name, runtimes[i].name) && is_id(id)) {
			set(c, runtimes[i].runtime, id);
			return true;
		}
	return false;
}

static bool take_bare(struct container *c, struct span parent, struct span part)
{
	if (is(parent, "buildkit") && part.len >= ID_MIN && part.len <= ID_WHOLE &&
	    made_of(part, "0123456789abcdefghijklmnopqrstuvwxyz")) {
		set(c, "buildkit", part);
		return true;
	}
	if (is(parent, "docker") && is_id(part)) {
		set(c, "docker", part);
		return true;
	}
	if (part.len != ID_WHOLE || !is_id(part))
		return false;
	set(c, c->runtime ? c->runtime : "container", part);
	return true;
}

static bool take_id(struct container *c, struct span parent, struct span part)
{
	return take_prefixed(c, part) || take_colons(c, part) || take_bare(c, parent, part);
}

/* --- pods */

/*
 * kubepods/burstable/pod<uid>, kubepods-burstable-pod<uid>.slice: the second with "_" for "-". The pods of a node's own
 * manifests have a checksum for a UID.
 */
static bool take_pod(struct container *c, struct span part, bool in_kubepods)
{
	const char *colon = memchr(part.at, ':', part.len);
	struct span uid = part;
	char *at;

	if (colon)
		uid.len = colon - uid.at;
	if (cut_end(&uid, ".slice")) {
		at = memmem(uid.at, uid.len, "kubepods", 8);
		at = at ? memmem(at, uid.at + uid.len - at, "-pod", 4) : NULL;
		if (!at)
			return false;
		uid = span_of(at + 4, uid.at + uid.len - at - 4);
	} else if (!in_kubepods || !cut_begin(&uid, "pod")) {
		return false;
	}
	if (uid.len < 32 || uid.len > 36 || !made_of(uid, "0123456789abcdef-_"))
		return false;
	set(c, "kubernetes", uid);
	for (at = c->id; (at = strchr(at, '_')); at++)
		*at = '-';
	return true;
}

/* --- containers and machines with a name */

/* qemu-3-web of libvirt: web. */
static bool strip_number(char *name, const char *prefix)
{
	const size_t len = strlen(prefix);
	size_t digits;

	if (strncmp(name, prefix, len) != 0)
		return false;
	digits = strspn(name + len, "0123456789");
	if (!digits || name[len + digits] != '-' || !name[len + digits + 1])
		return false;
	memmove(name, name + len + digits + 1, strlen(name + len + digits + 1) + 1);
	return true;
}

static bool take_machine(struct container *c, struct span part)
{
	const bool is_scope = has_end(part, ".scope");
	struct span name = part;

	if (!cut_begin(&name, is_scope ? "machine-" : "systemd-nspawn@") ||
	    !cut_end(&name, is_scope ? ".scope" : ".service") || !name.len)
		return false;
	c->id = unescaped(name);
	c->name = xstrdup(c->id);
	c->runtime = !is_scope ? "nspawn" : strip_number(c->name, "qemu-") ? "qemu" :
		     strip_number(c->name, "lxc-") ? "lxc" : "nspawn";
	return true;
}

static bool take_lxc(struct container *c, struct span parent, struct span part)
{
	struct span name = part;

	if (!cut_begin(&name, "lxc.payload.") && !is(parent, "lxc.payload") && !is(parent, "lxc"))
		return false;
	if (!name.len)
		return false;
	c->runtime = "lxc";
	c->id = copy_of(name);
	c->name = copy_of(name);
	return true;
}

/* --- units */

static bool is_user_slice(struct span part, uid_t *uid)
{
	struct span digits = part;
	uint64_t n;
	char *text;
	bool yes;

	if (!cut_begin(&digits, "user-") || !cut_end(&digits, ".slice") || !made_of(digits, "0123456789"))
		return false;
	text = copy_of(digits);
	yes = !parse_u64(text, &n) && n < UINT32_MAX;
	free(text);
	if (yes)
		*uid = (uid_t)n;
	return yes;
}

static bool is_unit(struct span part)
{
	static const char *const ends[] = {".service", ".scope", ".socket", ".mount", ".swap"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (has_end(part, ends[i]))
			return true;
	return false;
}

/* The first part that is no slice is the unit. Sessions are their user's; systemd puts "_" before a name that the
 * kernel could take for a file of its own. Returns whether parts that follow may tell more. */
static bool take_unit(struct container *c, struct span part)
{
	if (is_user_slice(part, &c->uid)) {
		free(c->unit);
		c->unit = copy_of(part);
		c->of_user = true;
		return true;
	}
	if (has_end(part, ".slice"))
		return true;
	if (c->of_user && part.len > 8 && !memcmp(part.at, "session-", 8))
		return false;
	if (is_unit(part)) {
		cut_begin(&part, "_");
		free(c->unit);
		c->unit = copy_of(part);
	}
	return false;
}

/* --- all parts */

static struct span next_part(const char **at)
{
	struct span part;

	*at += strspn(*at, "/");
	part = span_of(*at, strcspn(*at, "/"));
	*at += part.len;
	return part;
}

static void forget(struct container *c)
{
	free(c->id);
	free(c->name);
	c->id = c->name = NULL;
	c->runtime = NULL;
}

/* Outside of containers; true: it is one, or a pod. */
static bool take_outer(struct container *c, struct span parent, struct span part, bool in_kubepods)
{
	if (take_pod(c, part, in_kubepods)) {
		take_colons(c, part);
		return true;
	}
	return take_id(c, parent, part) || take_machine(c, part) || take_lxc(c, parent, part);
}

void container_of_path(const char *path, struct container *out)
{
	bool in_slices = true, in_kubepods = false;
	struct span parent = {"", 0}, part;

	*out = (struct container){0};
	while ((part = next_part(&path)).len) {
		in_slices = in_slices && take_unit(out, part);
		if (out->runtime) {
			/* systemd-nspawn itself is beside its payload. */
			if (out->name && !strcmp(out->runtime, "nspawn") && is(part, "supervisor"))
				forget(out);
			else if (!strcmp(out->runtime, "kubernetes"))
				take_id(out, parent, part);
			return;
		}
		take_outer(out, parent, part, in_kubepods);
		in_kubepods |= is(part, "kubepods");
		parent = part;
	}
}

void container_free(struct container *c)
{
	free(c->id);
	free(c->name);
	free(c->unit);
	*c = (struct container){0};
}
