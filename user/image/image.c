// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/image.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "elf/symbols.h"
#include "image/bytes.h"
#include "image/tableload.h"
#include "probe/plan.h"
#include "proc/vdso.h"

_Static_assert(IMAGE_BUILD_ID_MAX == ELF_BUILD_ID_MAX, "build ids are copied whole");

static void copy_segments(struct image *im, const struct elf_file *ef)
{
	const struct elf_segment *segs = elf_file_segments(ef, &im->n_segments);

	im->segments = xcalloc(im->n_segments + 1, sizeof(*segs));
	if (im->n_segments)
		memcpy(im->segments, segs, im->n_segments * sizeof(*segs));
}

/* The file's separate debug file. */
struct debug {
	int fd;
	struct elf_file *ef;	/* NULL: it has none, or nobody needs it */
};

static void read_plan(struct image *im, const struct elf_file *ef, const struct image_request *r,
		      const struct elf_file *debug)
{
	const struct plan_input in = {
		.path = r->path, .separate = true, .debug = debug, .dev = im->dev, .ino = im->ino,
		.flags = r->plan_flags, .chosen = r->chosen, .n_chosen = r->n_chosen,
	};

	if (plan_make_for(ef, &in, &im->plan))
		im->plan = NULL;
}

/* glibc and musl name it alike; it is there for debuggers. */
static uint64_t find_hook(const struct elf_file *ef)
{
	static const char *const names[] = {"_dl_debug_state"};
	struct elf_symbol found[1];
	uint64_t offset;

	if (elf_find_functions(ef, names, 1, found) || !found[0].name ||
	    !elf_vaddr_to_offset(ef, found[0].vaddr, &offset))
		return 0;
	return offset;
}

/* Unwind tables may have more rules there, and a stripped file has its symbols there. */
static bool needs_debug(const struct elf_file *ef, unsigned int wants)
{
	return wants & IMAGE_UNWIND || (wants & IMAGE_PLAN && !elf_section_by_type(ef, SHT_SYMTAB));
}

static void open_debug(const struct elf_file *ef, const struct image_request *r, struct debug *debug)
{
	char root[IMAGE_ROOT_MAX];

	*debug = (struct debug){.fd = -1};
	if (needs_debug(ef, r->wants) &&
	    table_open_debug(ef, r->path, table_root(r->pid, root), &debug->fd, &debug->ef))
		*debug = (struct debug){.fd = -1};
}

static void close_debug(struct debug *debug)
{
	elf_file_close(debug->ef);
	if (debug->fd >= 0)
		close(debug->fd);
}

/* im has what is not of the ELF file itself. */
static void fill(struct image *im, const struct elf_file *ef, const struct image_request *r,
		 const struct elf_file *debug)
{
	im->n_build_id = elf_build_id(ef, im->build_id);
	im->is_32bit = elf_file_class(ef) == ELFCLASS32;
	copy_segments(im, ef);
	im->unwind_err = -EAGAIN;
	if (r->wants & IMAGE_UNWIND)
		im->unwind_err = table_load(ef, debug, r->max_rows, &im->unwind);
	if (r->wants & IMAGE_PLAN)
		read_plan(im, ef, r, debug);
	if (r->wants & IMAGE_HOOK)
		im->loader_hook = find_hook(ef);
}

int image_read(int fd, const struct image_request *r, struct image **out)
{
	struct debug debug;
	struct elf_file *ef;
	struct stat st;
	int err = elf_file_open(fd, r->path, &ef);

	if (err)
		return err;
	*out = xcalloc(1, sizeof(**out));
	if (!fstat(fd, &st)) {
		(*out)->dev = st.st_dev;
		(*out)->ino = st.st_ino;
	}
	open_debug(ef, r, &debug);
	fill(*out, ef, r, debug.ef);
	close_debug(&debug);
	elf_file_close(ef);
	return 0;
}

int image_read_vdso(const struct image_request *r, struct image **out)
{
	struct elf_file *ef = vdso_open();

	if (!ef)
		return -ENOENT;
	*out = xcalloc(1, sizeof(**out));
	fill(*out, ef, r, NULL);
	elf_file_close(ef);
	return 0;
}

void image_free(struct image *im)
{
	if (!im)
		return;
	free(im->segments);
	plan_free(im->plan);
	unwind_table_free(im->unwind);
	free(im);
}

int image_take_unwind(struct image *im, struct unwind_table **out)
{
	const int err = im->unwind_err;

	*out = im->unwind;
	im->unwind = NULL;
	im->unwind_err = -EAGAIN;
	return err;
}

bool image_to_vaddr(const struct image *im, uint64_t offset, uint64_t *vaddr)
{
	return segments_to_vaddr(im->segments, im->n_segments, offset, vaddr);
}

bool image_to_offset(const struct image *im, uint64_t vaddr, uint64_t *offset)
{
	return segments_to_offset(im->segments, im->n_segments, vaddr, offset);
}

size_t image_code(const struct image *im, int fd, uint64_t vaddr, void *data, size_t len)
{
	const struct elf_segment *seg = segment_of_vaddr(im->segments, im->n_segments, vaddr);
	uint64_t left;

	if (!seg)
		return 0;
	left = seg->filesz - (vaddr - seg->vaddr);
	return bytes_read(fd, seg->offset + (vaddr - seg->vaddr), data, len < left ? len : (size_t)left);
}
