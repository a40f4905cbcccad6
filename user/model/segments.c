/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/segments.h"

#include <elf.h>

const struct elf_segment *segment_of_vaddr(const struct elf_segment *segs, size_t n, uint64_t vaddr)
{
	for (size_t i = 0; i < n; i++)
		if (vaddr >= segs[i].vaddr && vaddr - segs[i].vaddr < segs[i].filesz)
			return &segs[i];
	return NULL;
}

bool segments_to_vaddr(const struct elf_segment *segs, size_t n, uint64_t offset, uint64_t *vaddr)
{
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		const struct elf_segment *seg = &segs[i];

		if (offset < seg->offset || offset - seg->offset >= seg->filesz)
			continue;
		/* Two segments may share bytes of the file; code is looked for in the one that can run. */
		if (found && !(seg->flags & PF_X))
			continue;
		*vaddr = seg->vaddr + (offset - seg->offset);
		found = true;
		if (seg->flags & PF_X)
			break;
	}
	return found;
}

bool segments_to_offset(const struct elf_segment *segs, size_t n, uint64_t vaddr, uint64_t *offset)
{
	const struct elf_segment *seg = segment_of_vaddr(segs, n, vaddr);

	if (!seg)
		return false;
	*offset = seg->offset + (vaddr - seg->vaddr);
	return true;
}
