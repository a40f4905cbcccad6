/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * .eh_frame_hdr as every linker writes it (LSB Core, "The .eh_frame_hdr section"):
 *
 *     | 1 | enc | 0x03 | 0x3b | eh_frame_ptr | count | { start, FDE } * count |
 *           0x03: udata4; 0x3b: datarel sdata4, relative to the table's own address
 *
 * and an FDE with the pointer encoding 0x1b (pcrel sdata4), which is recognised by its start being the table's:
 *
 *     | length | CIE pointer | start | size |
 */
#include "elf/fdestart.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/mem.h"

#define HDR_SIZE 12
#define ENC_UDATA4 0x03
#define ENC_DATAREL_SDATA4 0x3b
/* More functions than any file has: a bound for what is believed of a count. */
#define MAX_FDES (16u << 20)

struct fde_entry {
	int32_t start, fde;	/* relative to the table */
};

struct elf_fdes {
	const struct elf_file *ef;
	uint64_t hdr;		/* vaddr of the table */
	size_t n;
	struct fde_entry entries[];
};

static bool find_hdr(const struct elf_file *ef, uint64_t *vaddr)
{
	const struct elf_segment *seg = elf_segment_by_type(ef, PT_GNU_EH_FRAME);

	if (seg)
		*vaddr = seg->vaddr;
	return seg;
}

int elf_fdes_load(const struct elf_file *ef, struct elf_fdes **out)
{
	uint8_t hdr[HDR_SIZE];
	struct elf_fdes *f;
	uint64_t vaddr;
	uint32_t count;
	size_t size;

	if (elf_file_machine(ef) != ARCH_EM || !find_hdr(ef, &vaddr) ||
	    elf_read_vaddr(ef, vaddr, hdr, sizeof(hdr)) != sizeof(hdr))
		return -ENOENT;
	/* The second pointer (to .eh_frame) is 4 bytes in all encodings but udata8 and absptr, which nobody uses. */
	if (hdr[0] != 1 || (hdr[1] & 0x0f) != 0x0b || hdr[2] != ENC_UDATA4 || hdr[3] != ENC_DATAREL_SDATA4)
		return -ENOENT;
	memcpy(&count, hdr + 8, sizeof(count));
	if (count == 0 || count > MAX_FDES)
		return count ? -ENOEXEC : -ENOENT;
	size = count * sizeof(struct fde_entry);
	f = xmalloc(sizeof(*f) + size);
	f->ef = ef;
	f->hdr = vaddr;
	f->n = count;
	if (elf_read_vaddr(ef, vaddr + HDR_SIZE, f->entries, size) != size) {
		free(f);
		return -ENOEXEC;
	}
	*out = f;
	return 0;
}

void elf_fdes_free(struct elf_fdes *f)
{
	free(f);
}

/* The length of the function of an FDE; 0 if the FDE does not say that it starts there. */
static uint32_t fde_length(const struct elf_fdes *f, uint64_t fde, uint64_t start)
{
	uint32_t words[4];
	int32_t pcrel;

	if (elf_read_vaddr(f->ef, fde, words, sizeof(words)) != sizeof(words) || words[0] < 12 || words[1] == 0)
		return 0;
	memcpy(&pcrel, &words[2], sizeof(pcrel));
	return fde + 8 + (int64_t)pcrel == start ? words[3] : 0;
}

/* The last entry that starts at or before vaddr: its function's [*start, *end). false: there is none. */
static bool find(const struct elf_fdes *f, uint64_t vaddr, uint64_t *start, uint64_t *end)
{
	int64_t rel = (int64_t)(vaddr - f->hdr);
	size_t low = 0, high = f->n;
	const struct fde_entry *e;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->entries[mid].start <= rel)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return false;
	e = &f->entries[low - 1];
	*start = f->hdr + (int64_t)e->start;
	*end = *start + fde_length(f, f->hdr + (int64_t)e->fde, *start);
	return true;
}

bool elf_fdes_start(const struct elf_fdes *f, uint64_t vaddr, uint64_t *start)
{
	uint64_t end;

	return find(f, vaddr, start, &end) && vaddr - *start < end - *start;
}

uint64_t elf_fdes_size(const struct elf_fdes *f, uint64_t vaddr)
{
	uint64_t start, end;

	return find(f, vaddr, &start, &end) && start == vaddr ? end - start : 0;
}

bool elf_fdes_gap(const struct elf_fdes *f, uint64_t vaddr, uint64_t *from)
{
	uint64_t start;

	if (!find(f, vaddr, &start, from)) {
		*from = 0;
		return true;
	}
	return *from != start && vaddr - start >= *from - start;
}
