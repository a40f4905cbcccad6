/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a library while it is traced; the library allocates in plugin_work(), then it is unloaded again, so that its
 * frames have to be named after their mapping is gone.
 *
 * usage: dlopener [-w] [-s KIB] LIBRARY...      -s: that much stack between main and the rest, 700 KiB at most
 * On stdout: plugin_work BYTES CALLS, for all libraries together.
 */
#include "workload.h"

#include <dlfcn.h>

NOINLINE void call_plugin(void (*work)(size_t *, size_t *), size_t *bytes, size_t *calls);
NOINLINE void call_plugin(void (*work)(size_t *, size_t *), size_t *bytes, size_t *calls)
{
	work(bytes, calls);
	opaque(NULL);
}

static int load(char **libraries)
{
	size_t bytes = 0, calls = 0;

	for (; *libraries; libraries++) {
		void *lib = dlopen(*libraries, RTLD_NOW);
		void *work = lib ? dlsym(lib, "plugin_work") : NULL;

		if (!work) {
			say("%s: %s\n", *libraries, dlerror());
			return 1;
		}
		call_plugin((void (*)(size_t *, size_t *))work, &bytes, &calls);
		dlclose(lib);
	}
	say("plugin_work %zu %zu\n", bytes, calls);
	return 0;
}

/* A frame of 7 KiB each. */
NOINLINE int below(int kib, char **libraries);
NOINLINE int below(int kib, char **libraries)
{
	char room[7 << 10];
	int status;

	memset(room, kib, sizeof(room));
	opaque(room);
	status = kib < 7 ? load(libraries) : below(kib - 7, libraries);
	opaque(room);
	return status;
}

int main(int argc, char **argv)
{
	char **arg = argv + 1;
	int kib = 0;

	if (argc > 1 && !strcmp(*arg, "-w")) {
		wait_for_go();
		arg++;
	}
	if (*arg && !strcmp(*arg, "-s") && arg[1]) {
		kib = (int)number(arg[1]);
		arg += 2;
	}
	return kib ? below(kib, arg) : load(arg);
}
