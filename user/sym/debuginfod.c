/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libdebuginfod is loaded when it is first needed, so that alloctrace does not depend on it (and on libcurl). It keeps
 * what it fetched in a cache below the user's home.
 *
 * As root that needs care. Under `sudo -E`, or where sudo is told to keep HOME, the home is that of the user who
 * called sudo: files that belong to root would be left in it, and that user could lay links so that root makes, opens
 * to all or deletes files elsewhere. So root takes the configured cache only if nobody but root can change any
 * directory on the way to it, and otherwise the one in root's own home as the user database knows it.
 */
#include "sym/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/timelimit.h"

#define FILE_SECONDS 10		/* unless DEBUGINFOD_TIMEOUT says otherwise */
#define FILE_SECONDS_MAX 3600
#define RUN_FILES 3		/* a run may take as long as so many files */

typedef int (*progress_fn)(void *client, long a, long b);

static struct {
	bool allowed, tried;
	void *client;		/* NULL: cannot be used */
	int (*find)(void *client, const unsigned char *id, int id_len, char **path);
	uint64_t file_ns, run_ns;	/* limits */
	uint64_t spent_ns, until_ns;
	bool said_over;
} state;

bool debuginfod_is_set(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	return urls && urls[strspn(urls, " ")] != '\0';
}

void debuginfod_allow(void)
{
	state.allowed = true;
}

bool debuginfod_is_allowed(void)
{
	return state.allowed && debuginfod_is_set();
}

/* Called by the library about once a second while it waits. */
static int progress(void *client, long a, long b)
{
	return monotonic_ns() > state.until_ns;
}

/* Directories that only root can change, as far as path exists; no link among them. path is changed while it looks. */
static bool only_root_changes(char *path)
{
	for (char *p = path;; p++) {
		char end = *p;
		struct stat st;

		if (end != '/' && end != '\0')
			continue;
		*p = '\0';
		if (lstat(*path ? path : "/", &st) != 0) {
			*p = end;
			return errno == ENOENT && p > path;
		}
		*p = end;
		if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
			return false;
		if (end == '\0')
			return true;
	}
}

/* The cache that the environment asks for, as libdebuginfod finds it; the caller frees it. NULL if it asks for none. */
static char *configured_cache(void)
{
	const char *path = getenv("DEBUGINFOD_CACHE_PATH"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (path)
		return xstrdup(path);
	if (xdg)
		return xasprintf("%s/debuginfod_client", xdg);
	return home ? xasprintf("%s/.cache/debuginfod_client", home) : NULL;
}

/* See the top of this file. */
static bool settle_cache_of_root(void)
{
	char *path = configured_cache();
	const struct passwd *root;
	bool good = path && path[0] == '/' && only_root_changes(path);

	free(path);
	if (good)
		return true;
	root = getpwuid(0);
	if (!root || root->pw_dir[0] != '/')
		return false;
	path = xasprintf("%s/.cache", root->pw_dir);
	good = only_root_changes(path) && (mkdir(path, 0700) == 0 || errno == EEXIST);
	free(path);
	path = xasprintf("%s/.cache/debuginfod_client", root->pw_dir);
	good = good && only_root_changes(path) && setenv("DEBUGINFOD_CACHE_PATH", path, 1) == 0;
	if (good)
		note("debuginfod: the cache is %s: other users could change the one named by the environment", path);
	free(path);
	return good;
}

static void set_limits(void)
{
	const char *text = getenv("DEBUGINFOD_TIMEOUT");
	uint64_t seconds;

	if (!text || parse_u64(text, &seconds) != 0 || !seconds || seconds > FILE_SECONDS_MAX) {
		seconds = FILE_SECONDS;
		setenv("DEBUGINFOD_TIMEOUT", "10", 1);
	}
	state.file_ns = seconds * 1000000000u;
	state.run_ns = RUN_FILES * state.file_ns;
	note("debuginfod: fetching debug files from %s, at most %llu s per file, %llu s in all",
	     getenv("DEBUGINFOD_URLS"),
	     (unsigned long long)seconds, (unsigned long long)(RUN_FILES * seconds));
}

static void start(void)
{
	void *lib = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	void *(*begin)(void);
	void (*set_progress)(void *client, progress_fn fn);

	if (!lib) {
		warn("DEBUGINFOD_URLS is set, but libdebuginfod.so.1 is not installed (Debian: libdebuginfod1): "
		     "looking for debug files on this host only");
		return;
	}
	begin = (void *(*)(void))dlsym(lib, "debuginfod_begin");
	state.find = (int (*)(void *, const unsigned char *, int, char **))dlsym(lib, "debuginfod_find_debuginfo");
	set_progress = (void (*)(void *, progress_fn))dlsym(lib, "debuginfod_set_progressfn");
	if (!begin || !state.find || !set_progress) {
		warn("debuginfod: libdebuginfod.so.1 lacks required functions");
		return;
	}
	if (geteuid() == 0 && !settle_cache_of_root()) {
		warn("debuginfod: no cache directory that only root can change: set DEBUGINFOD_CACHE_PATH to one");
		return;
	}
	set_limits();
	state.client = begin();
	if (state.client)
		set_progress(state.client, progress);
	else
		warn("debuginfod: cannot start: %s", strerror(errno));
}

int debuginfod_fetch(const uint8_t *id, size_t id_len, const char *path)
{
	uint64_t began, left;
	int fd;

	if (!debuginfod_is_allowed() || !id_len)
		return -ENOENT;
	if (!state.tried)
		start();
	state.tried = true;
	if (!state.client)
		return -ENOSYS;
	if (state.spent_ns >= state.run_ns) {
		if (!state.said_over)
			warn("debuginfod: %llu s are over: fetching no more debug files (the limit is three times "
			     "DEBUGINFOD_TIMEOUT)", (unsigned long long)(state.run_ns / 1000000000u));
		state.said_over = true;
		return -ETIMEDOUT;
	}
	began = monotonic_ns();
	left = state.run_ns - state.spent_ns;
	state.until_ns = began + (left < state.file_ns ? left : state.file_ns);
	fd = state.find(state.client, id, (int)id_len, NULL);
	state.spent_ns += monotonic_ns() - began;
	timelimit_add(monotonic_ns() - began);
	if (fd < 0)
		note("debuginfod: no debug file for %s: %s", path,
		     monotonic_ns() > state.until_ns ? "took too long" : strerror(-fd));
	return fd;
}
