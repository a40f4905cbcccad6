/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a file's .eh_frame is. By section header: static musl programs have no program header for it. Without section
 * headers by PT_GNU_EH_FRAME, whose target begins:
 *
 *     | version 1 | encoding of the next pointer | … | … | pointer to .eh_frame |
 *
 * (Its search table is not used: it says nothing that isn't in .eh_frame, and may contradict it.)
 *
 * Code that was built without .eh_frame may have .debug_frame, in the file or in its separate debug file.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "arch/arch.h"
#include "base/mem.h"
#include "elf/dwcursor.h"
#include "elf/ehframe.h"
#include "elf/gorows.h"

/* Chromium's is about 20 MB. */
#define EH_FRAME_MAX (256u << 20)

static int by_start(const void *a, const void *b)
{
	const struct eh_text *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* The executable segments, sorted and those that touch or overlap made one; the caller's to free. */
static struct eh_text *find_text(const struct elf_file *ef, size_t *n)
{
	size_t n_segments, kept = 0;
	const struct elf_segment *seg = elf_file_segments(ef, &n_segments);
	vec_of(struct eh_text) text = {0};

	for (size_t i = 0; i < n_segments; i++) {
		struct eh_text t = { seg[i].vaddr, seg[i].vaddr };

		if (!(seg[i].flags & PF_X) || !seg[i].memsz)
			continue;
		if (__builtin_add_overflow(t.start, seg[i].memsz, &t.end))
			t.end = UINT64_MAX;
		vec_push(&text, t);
	}
	if (text.n)
		qsort(text.at, text.n, sizeof(*text.at), by_start);
	for (size_t i = 0; i < text.n; i++) {
		struct eh_text *last = kept ? &text.at[kept - 1] : NULL;

		if (!last || text.at[i].start > last->end)
			text.at[kept++] = text.at[i];
		else if (text.at[i].end > last->end)
			last->end = text.at[i].end;
	}
	*n = kept;
	return text.at;
}

/* What the rows of a table count from. */
static uint64_t code_start(const struct elf_file *ef)
{
	size_t n;
	struct eh_text *text = find_text(ef, &n);
	const uint64_t start = n ? text[0].start : 0;

	free(text);
	return start;
}

/* The bytes at vaddr up to the end of its segment in the file, at most EH_FRAME_MAX. */
static int read_to_segment_end(const struct elf_file *ef, uint64_t vaddr, uint8_t **data, size_t *size)
{
	size_t n;
	const struct elf_segment *seg = elf_file_segments(ef, &n);

	for (size_t i = 0; i < n; i++) {
		uint64_t left, offset = vaddr - seg[i].vaddr;

		if (vaddr < seg[i].vaddr || offset >= seg[i].filesz)
			continue;
		left = seg[i].filesz - offset;
		if (left > EH_FRAME_MAX)
			left = EH_FRAME_MAX;
		*data = xmalloc_large((size_t)left);
		*size = elf_read_vaddr(ef, vaddr, *data, (size_t)left);
		if (*size)
			return 0;
		free(*data);
		return -ENOEXEC;
	}
	return -ENOEXEC;
}

/* The address of .eh_frame that .eh_frame_hdr, at vaddr, has. */
static int read_hdr(const struct elf_file *ef, uint64_t vaddr, uint64_t *eh_vaddr)
{
	uint8_t hdr[32];
	struct dwcursor c = { hdr, hdr + elf_read_vaddr(ef, vaddr, hdr, sizeof(hdr)), false };
	uint8_t version = dw_u8(&c), encoding = dw_u8(&c);

	dw_skip(&c, 2);
	*eh_vaddr = dw_pointer(&c, encoding, hdr, vaddr, &vaddr);
	return version == 1 && !c.bad ? 0 : -ENOEXEC;
}

static int read_by_segment(const struct elf_file *ef, struct eh_frame *eh, uint8_t **data)
{
	const struct elf_segment *seg = elf_segment_by_type(ef, PT_GNU_EH_FRAME);
	int err;

	if (!seg)
		return -ENOENT;
	eh->open_end = true;
	err = read_hdr(ef, seg->vaddr, &eh->vaddr);
	return err ? err : read_to_segment_end(ef, eh->vaddr, data, &eh->size);
}

static int read_eh_frame(const struct elf_file *ef, struct eh_frame *eh, uint8_t **data)
{
	const struct elf_section *sec = elf_section_by_name(ef, ".eh_frame");
	int err;

	if (!sec)
		return read_by_segment(ef, eh, data);
	/* A separate debug file has only the header of it. */
	if (sec->type == SHT_NOBITS || sec->size == 0)
		return -ENOENT;
	err = elf_section_data(ef, sec, EH_FRAME_MAX, data, &eh->size);
	if (err)
		return err == -EFBIG ? -EFBIG : -ENOEXEC;
	eh->vaddr = sec->vaddr;
	return 0;
}

static bool has_code(const struct elf_file *ef)
{
	return elf_file_machine(ef) == ARCH_EM && elf_file_class(ef) == ELFCLASS64 &&
	       (elf_file_type(ef) == ET_DYN || elf_file_type(ef) == ET_EXEC);
}

/* data is freed. */
static int parse(const struct elf_file *ef, struct eh_frame *eh, uint8_t *data, size_t max_rows,
		 struct unwind_table **out)
{
	struct eh_text *text = find_text(ef, &eh->n_text);
	int err;

	eh->data = data;
	eh->text = text;
	err = unwind_table_parse(eh, max_rows, out);
	free(text);
	free(data);
	return err;
}

int unwind_table_add_debug(const struct elf_file *ef, const struct elf_file *debug, size_t max_rows,
			   struct unwind_table **t)
{
	struct eh_frame eh = { .is_debug = true };
	struct unwind_table *more = NULL;
	uint8_t *data;
	int err;

	/* Go's says nothing of the switch from a goroutine's stack to the thread's (runtime.asmcgocall); Go keeps frame
	 * pointers. */
	if (!has_code(ef) || elf_file_is_go(ef))
		return -ENOTSUP;
	err = elf_section_read(debug, ".debug_frame", EH_FRAME_MAX, &data, &eh.size);
	if (err)
		return err;
	if (!eh.size) {
		free(data);
		return -ENOENT;
	}
	err = parse(ef, &eh, data, max_rows, &more);
	if (err)
		return err;
	if (!*t) {
		*t = more;
		return 0;
	}
	err = unwind_table_fill(*t, more, max_rows);
	unwind_table_free(more);
	return err;
}

/* A program of Go has rows for its own code in a table of another kind, and .eh_frame for what it has of C. */
static int add_go(const struct elf_file *ef, size_t max_rows, struct unwind_table **t)
{
	struct unwind_table *go = NULL;
	const struct gopclntab *g;
	int err = gopclntab_of(ef, &g, NULL);

	if (err)
		return err;
	err = gorows_make(ef, g, code_start(ef), max_rows, &go);
	if (!err && *t)
		err = unwind_table_fill(go, *t, max_rows);
	if (err) {
		unwind_table_free(go);
		return err;
	}
	unwind_table_free(*t);
	*t = go;
	return 0;
}

int unwind_table_load(const struct elf_file *ef, size_t max_rows, struct unwind_table **out)
{
	struct unwind_table *t = NULL;
	struct eh_frame eh = {0};
	uint8_t *data;
	int err;

	if (!has_code(ef))
		return -ENOTSUP;
	err = read_eh_frame(ef, &eh, &data);
	if (!err)
		err = parse(ef, &eh, data, max_rows, &t);
	/* What is wrong with it takes nothing from the others. */
	if (!unwind_table_add_debug(ef, ef, max_rows, &t) || !add_go(ef, max_rows, &t))
		err = 0;
	if (!err)
		*out = t;
	return err;
}
