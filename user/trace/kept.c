// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/kept.h"

#include <stdlib.h>

#include "base/map.h"
#include "image/functions.h"

/* Bytes that are decoded over all functions of a run. */
#define BYTES_MAX (64u << 20)

struct kept_file {
	bool asked;
	struct image_functions functions;
	struct u64map answers;		/* vaddr -> bool */
};

struct kept {
	const struct modules *modules;
	kept_image_fn image;
	void *arg;
	uint64_t bytes_left;
	vec_of(struct kept_file) files;	/* by module */
};

struct kept *kept_new(const struct modules *modules, kept_image_fn image, void *arg)
{
	struct kept *k = xcalloc(1, sizeof(*k));

	k->modules = modules;
	k->image = image;
	k->arg = arg;
	k->bytes_left = BYTES_MAX;
	return k;
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->files.n; i++) {
		free(k->files.at[i].functions.at);
		u64map_free(&k->files.at[i].answers);
	}
	vec_free(&k->files);
	free(k);
}

static struct kept_file *file_of(struct kept *k, uint32_t module)
{
	const struct module *mod = modules_get(k->modules, module);
	struct kept_file *f;

	while (k->files.n <= module)
		vec_push(&k->files, (struct kept_file){0});
	f = &k->files.at[module];
	if (!f->asked)
		image_functions_read(mod->fd, mod->path, (pid_t)mod->pid, &f->functions);
	f->asked = true;
	return f;
}

/* Its descriptor is there, too. */
static const struct image *image_of(struct kept *k, uint32_t module)
{
	return module < k->modules->list.n && modules_get(k->modules, module)->kind == MODULE_ELF ?
	       k->image(k->arg, module) : NULL;
}

bool kept_root_at(struct kept *k, uint32_t module, uint64_t vaddr)
{
	const struct image *im = image_of(k, module);

	return im && image_begins_thread(im, modules_get(k->modules, module)->fd, vaddr);
}

bool kept_at(struct kept *k, uint32_t module, uint64_t vaddr)
{
	const struct image *im = image_of(k, module);
	const struct image_function *function;
	struct kept_file *f;
	uint64_t *answer;
	bool is_new;

	if (!im)
		return false;
	f = file_of(k, module);
	answer = u64map_put(&f->answers, vaddr, &is_new);
	if (is_new) {
		function = image_function_at(&f->functions, vaddr);
		*answer = function && image_keeps_frame_pointer(im, modules_get(k->modules, module)->fd, function,
								vaddr, &k->bytes_left);
	}
	return *answer;
}
