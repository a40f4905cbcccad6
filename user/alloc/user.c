/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/user.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

#define MAX_ARG 6	/* arguments that are in registers */
#define NAME_BYTES 1024

static struct {
	size_t n;
	struct alloc_user at[ALLOC_USER_MAX];
	size_t n_objects;
	struct {
		char *file;
		uint64_t dev, ino;	/* 0: there is no such file here */
	} objects[ALLOC_USER_OBJECTS];
} users;

/* Of an allocating function, and of one that frees. */
enum key { KEY_SIZE, KEY_N, KEY_OLD, KEY_OUT, KEY_PTR, N_KEYS };
static const char *const keys[N_KEYS] = {"size", "n", "old", "out", "ptr"};

static bool is_allowed(enum key k, bool frees)
{
	return (k == KEY_PTR) == frees;
}

static int unknown_key(const char *word, size_t len, bool frees, struct buf *why)
{
	buf_printf(why, "unknown argument \"%.*s\"; known %s", (int)len, word, frees ? "is " : "are ");
	for (int k = 0, n = 0; k < N_KEYS; k++)
		if (is_allowed(k, frees))
			buf_printf(why, "%s%s", n++ ? ", " : "", keys[k]);
	return -EINVAL;
}

/* One `key=N`, len bytes. args: which argument each key means, from 1. */
static int take_arg(const char *word, size_t len, bool frees, int args[N_KEYS], struct buf *why)
{
	const char *equals = memchr(word, '=', len);
	size_t key_len = equals ? (size_t)(equals - word) : len;
	int k = 0;

	while (k < N_KEYS && (!is_allowed(k, frees) || strlen(keys[k]) != key_len || strncmp(keys[k], word, key_len)))
		k++;
	if (k == N_KEYS)
		return unknown_key(word, key_len, frees, why);
	if (!equals || len != key_len + 2 || word[len - 1] < '1' || word[len - 1] > '0' + MAX_ARG) {
		buf_printf(why, "\"%.*s\": an argument is a number from 1 to %d, the first being 1", (int)len, word,
			   MAX_ARG);
		return -EINVAL;
	}
	if (args[k]) {
		buf_printf(why, "%s is given twice", keys[k]);
		return -EINVAL;
	}
	args[k] = word[len - 1] - '0';
	for (int other = 0; other < N_KEYS; other++)
		if (other != k && args[other] == args[k]) {
			buf_printf(why, "%s and %s are the same argument", keys[other], keys[k]);
			return -EINVAL;
		}
	return 0;
}

/* What stands between the parentheses. */
static int take_args(const char *text, size_t len, bool frees, int args[N_KEYS], struct buf *why)
{
	int err = 0;

	for (const char *end = text + len; !err; text++) {
		size_t n = strcspn(text, ",)");

		if (text + n > end)
			n = (size_t)(end - text);
		err = take_arg(text, n, frees, args, why);
		text += n;
		if (text >= end)
			break;
	}
	if (!err && !args[frees ? KEY_PTR : KEY_SIZE]) {
		buf_printf(why, "%s is missing", frees ? "ptr" : "size");
		err = -EINVAL;
	}
	return err;
}

/* [MODULE]+0x1234 of len bytes; false: it is a name. */
static bool take_address(const char *name, size_t len, struct alloc_user *u, bool *bad)
{
	const char *plus = memrchr(name, '+', len);
	char *end;

	if (!plus || plus + 3 >= name + len || plus[1] != '0' || (plus[2] | 0x20) != 'x')
		return false;
	errno = 0;
	u->vaddr = strtoull(plus + 1, &end, 16);
	*bad = errno || end != name + len || !u->vaddr;
	if (plus > name)
		u->module = xasprintf("%.*s", (int)(plus - name), name);
	return true;
}

static int take_name(const char *name, size_t len, struct alloc_user *u, struct buf *why)
{
	bool bad = false;

	if (!len || len > NAME_BYTES || memchr(name, ' ', len)) {
		buf_str(why, len ? "not a function name" : "missing function name");
		return -EINVAL;
	}
	if (!take_address(name, len, u, &bad))
		u->name = xasprintf("%.*s", (int)len, name);
	else if (bad) {
		buf_str(why, "not an address: expected +0x and hexadecimal digits");
		return -EINVAL;
	}
	return 0;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static int add(const struct alloc_user *u, const int args[N_KEYS], bool frees, const char *shown, struct buf *why)
{
	const struct alloc_function fn = {
		.name = shown, .shown = shown, .size_arg = (int8_t)(args[KEY_SIZE] - 1),
		.count_arg = (int8_t)(args[KEY_N] - 1), .old_arg = (int8_t)(args[frees ? KEY_PTR : KEY_OLD] - 1),
		.out_arg = (int8_t)(args[KEY_OUT] - 1), .frees = frees, .named = true,
		/* C++ and Rust: exceptions and panics pass through. */
		.may_throw = !frees && (!strncmp(shown, "_Z", 2) || !strncmp(shown, "_R", 2)),
	};
	int id;

	_Static_assert(ALLOC_NO_ARG == -1, "an argument that is not given");
	for (size_t i = 0; i < users.n; i++)
		if (same(users.at[i].name, u->name) && same(users.at[i].module, u->module) &&
		    users.at[i].vaddr == u->vaddr) {
			buf_printf(why, "%s is given twice", shown);
			return -EINVAL;
		}
	id = users.n < ALLOC_USER_MAX ? alloc_add_function(&fn) : -ENOSPC;
	if (id < 0) {
		buf_printf(why, "too many functions: there is room for %zu", users.n);
		return -ENOSPC;
	}
	users.at[users.n] = *u;
	users.at[users.n++].function = (size_t)id;
	return 0;
}

int alloc_user_add(const char *spec, bool frees, struct buf *why)
{
	const char *open = strchr(spec, '('), *close = open ? strchr(open, ')') : NULL;
	int args[N_KEYS] = {0}, err;
	struct alloc_user u = {0};
	char *shown = NULL;

	if (!close || close[1] || close == open + 1) {
		buf_printf(why, "missing arguments, as in %.*s%s", open ? (int)(open - spec) : 64, spec,
			   frees ? "(ptr=1)" : "(size=1)");
		return -EINVAL;
	}
	err = take_args(open + 1, (size_t)(close - open - 1), frees, args, why);
	if (!err)
		err = take_name(spec, (size_t)(open - spec), &u, why);
	if (!err) {
		shown = xasprintf("%.*s", (int)(open - spec), spec);
		err = add(&u, args, frees, shown, why);
		free(shown);
	}
	if (err) {
		free(u.name);
		free(u.module);
	}
	return err;
}

int alloc_user_add_object(const char *file, struct buf *why)
{
	struct stat st;

	if (users.n_objects == ALLOC_USER_OBJECTS) {
		buf_printf(why, "given more than %d times", ALLOC_USER_OBJECTS);
		return -EINVAL;
	}
	users.objects[users.n_objects].file = xstrdup(file);
	if (!stat(file, &st)) {
		users.objects[users.n_objects].dev = st.st_dev;
		users.objects[users.n_objects].ino = st.st_ino;
	}
	users.n_objects++;
	return 0;
}

int alloc_user_check(struct buf *why)
{
	if (users.n_objects && !users.n) {
		buf_str(why, "--object needs --alloc-fn or --free-fn");
		return -EINVAL;
	}
	for (size_t i = 0; i < users.n; i++)
		if (!users.at[i].name && !users.at[i].module && users.n_objects != 1) {
			buf_printf(why, "+0x%llx needs %s--object FILE, or FILE before the +",
				   (unsigned long long)users.at[i].vaddr, users.n_objects ? "one " : "");
			return -EINVAL;
		}
	return 0;
}

size_t alloc_user_count(void)
{
	return users.n;
}

const struct alloc_user *alloc_user(size_t i)
{
	return &users.at[i];
}

/* wanted: a path, or without a slash the last part of one. */
static bool is_path(const char *wanted, const char *path)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(wanted, path) || (slash && !strchr(wanted, '/') && !strcmp(wanted, slash + 1));
}

bool alloc_user_is_object(size_t i, const char *path, uint64_t dev, uint64_t ino)
{
	return is_path(users.objects[i].file, path) ||
	       (ino && users.objects[i].ino == ino && users.objects[i].dev == dev);
}

bool alloc_user_in(const struct alloc_user *u, const char *path, uint64_t dev, uint64_t ino)
{
	if (u->module)
		return is_path(u->module, path);
	for (size_t i = 0; i < users.n_objects; i++)
		if (alloc_user_is_object(i, path, dev, ino))
			return true;
	return !users.n_objects;
}

size_t alloc_user_objects(void)
{
	return users.n_objects;
}

const char *alloc_user_object(size_t i)
{
	return users.objects[i].file;
}

void alloc_user_clear(void)
{
	for (size_t i = 0; i < users.n; i++) {
		free(users.at[i].name);
		free(users.at[i].module);
	}
	for (size_t i = 0; i < users.n_objects; i++)
		free(users.objects[i].file);
	users.n = users.n_objects = 0;
}
