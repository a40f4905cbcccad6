/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a library while it is traced; the library allocates in plugin_work(), then it is unloaded again, so that its
 * frames have to be named after their mapping is gone.
 *
 * usage: dlopener [-w] LIBRARY...
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

int main(int argc, char **argv)
{
	size_t bytes = 0, calls = 0;

	argc--, argv++;
	if (argc > 0 && !strcmp(argv[0], "-w")) {
		wait_for_go();
		argc--, argv++;
	}
	for (; argc > 0; argc--, argv++) {
		void *lib = dlopen(argv[0], RTLD_NOW);
		void *work = lib ? dlsym(lib, "plugin_work") : NULL;

		if (!work) {
			say("%s: %s\n", argv[0], dlerror());
			return 1;
		}
		call_plugin((void (*)(size_t *, size_t *))work, &bytes, &calls);
		dlclose(lib);
	}
	say("plugin_work %zu %zu\n", bytes, calls);
	return 0;
}
