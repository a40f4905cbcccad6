// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/functions.h"

#include <unistd.h>

#include "base/mem.h"
#include "elf/symbols.h"
#include "image/tableload.h"
#include "probe/keeps.h"

static void flatten(const struct elf_symbols *symbols, struct image_functions *out)
{
	out->n = elf_symbols_pieces(symbols);
	out->at = xrealloc_array(NULL, out->n + 1, sizeof(*out->at));
	for (size_t i = 0; i < out->n; i++) {
		struct elf_symbol sym;

		elf_symbols_piece(symbols, i, &out->at[i].from, &sym);
		out->at[i].vaddr = sym.vaddr;
		out->at[i].size = (uint32_t)sym.size;
	}
}

void image_functions_read(int fd, const char *path, pid_t pid, struct image_functions *out)
{
	struct elf_symbols *symbols;
	struct elf_file *ef, *debug = NULL;
	char root[IMAGE_ROOT_MAX];
	int debug_fd = -1;

	*out = (struct image_functions){0};
	if (elf_file_open(fd, path, &ef))
		return;
	if (table_open_debug(ef, path, table_root(pid, root), &debug_fd, &debug))
		debug = NULL;
	if (!elf_symbols_load(ef, debug, &symbols)) {
		flatten(symbols, out);
		elf_symbols_free(symbols);
	}
	elf_file_close(debug);
	if (debug_fd >= 0)
		close(debug_fd);
	elf_file_close(ef);
}

const struct image_function *image_function_at(const struct image_functions *f, uint64_t vaddr)
{
	const struct image_function *last;
	size_t low = 0, high = f->n;

	while (low < high) {	/* ends at the first that begins above vaddr */
		size_t mid = low + (high - low) / 2;

		if (f->at[mid].from <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	last = &f->at[low - 1];
	return vaddr - last->vaddr < (last->size ? last->size : 1) ? last : NULL;
}

bool image_keeps_frame_pointer(const struct image *im, int fd, const struct image_function *f, uint64_t vaddr,
			       uint64_t *bytes_left)
{
	uint8_t code[KEEPS_BYTES_MAX];
	size_t n = f->size < sizeof(code) ? f->size : sizeof(code);

	if (vaddr - f->vaddr >= sizeof(code))
		return false;
	/* The rest of a function of unknown size is not known. */
	if (n <= vaddr - f->vaddr)
		n = vaddr - f->vaddr + 1;
	if (*bytes_left < n)
		return false;
	*bytes_left -= n;
	return image_code(im, fd, f->vaddr, code, n) == n && keeps_frame_pointer(code, n, f->vaddr, vaddr);
}

bool image_begins_thread(const struct image *im, int fd, uint64_t vaddr)
{
	uint8_t code[KEEPS_ROOT_BYTES];
	size_t n = vaddr + 1 < sizeof(code) ? vaddr + 1 : sizeof(code);

	return image_code(im, fd, vaddr + 1 - n, code, n) == n && keeps_root(code, n);
}
