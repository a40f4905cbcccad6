/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/copied.h"

#include <elf.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "elf/elffile.h"

#define PAGE 4096
#define SPOTS 16
#define SPOT_BYTES 64
/* Of the spots that hold code: breakpoints and patches may have changed some. */
#define SPOTS_EQUAL (SPOTS * 3 / 4)

static bool same_bytes(pid_t pid, uint64_t addr, int fd, uint64_t offset)
{
	uint8_t memory[SPOT_BYTES], file[SPOT_BYTES];
	struct iovec local = {memory, SPOT_BYTES}, remote = {(void *)(uintptr_t)addr, SPOT_BYTES};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == SPOT_BYTES &&
	       pread(fd, file, SPOT_BYTES, (off_t)offset) == SPOT_BYTES && !memcmp(memory, file, SPOT_BYTES);
}

/* All zeros, or padding, tells nothing. */
static bool tells_much(int fd, uint64_t offset)
{
	uint8_t file[SPOT_BYTES];

	if (pread(fd, file, SPOT_BYTES, (off_t)offset) != SPOT_BYTES)
		return false;
	for (size_t i = 1; i < SPOT_BYTES; i++)
		if (file[i] != file[0])
			return true;
	return false;
}

bool copied_to(pid_t pid, uint64_t start, uint64_t bytes, int fd, uint64_t offset)
{
	size_t equal = 0, telling = 0;

	for (size_t i = 0; i < SPOTS; i++) {
		uint64_t at = (bytes / SPOTS * i) & ~(uint64_t)(SPOT_BYTES - 1);

		if (!same_bytes(pid, start + at, fd, offset + at))
			continue;
		equal++;
		telling += tells_much(fd, offset + at);
	}
	return equal >= SPOTS_EQUAL && telling;
}

/* Where the file's vaddr 0 is, if `line` maps a part of the segment. */
static bool bias_of(const struct elf_segment *seg, const struct maps_line *line, uint64_t *bias)
{
	uint64_t from = seg->offset & -(uint64_t)PAGE, to = seg->offset + seg->filesz;

	*bias = line->start - (seg->vaddr - seg->offset + line->offset);
	return seg->type == PT_LOAD && line->offset >= from && line->offset < to;
}

/* The bytes of the anonymous mapping, from its start on, that an executable segment has there. */
static uint64_t bytes_within(const struct elf_segment *seg, const struct maps_line *anon, uint64_t bias)
{
	uint64_t start = (bias + seg->vaddr) & -(uint64_t)PAGE, end = bias + seg->vaddr + seg->filesz;

	if (seg->type != PT_LOAD || !(seg->flags & PF_X) || anon->start < start || anon->start >= end)
		return 0;
	return (anon->end < end ? anon->end : end) - anon->start;
}

bool copied_from(pid_t pid, const struct maps_line *anon, const struct maps_line *next_to, int fd, uint64_t *offset)
{
	const struct elf_segment *segs;
	struct elf_file *ef;
	bool found = false;
	uint64_t bias;
	size_t n;

	if (elf_file_open(fd, next_to->path, &ef))
		return false;
	segs = elf_file_segments(ef, &n);
	for (size_t i = 0; i < n && !found; i++) {
		if (!bias_of(&segs[i], next_to, &bias))
			continue;
		for (size_t k = 0; k < n && !found; k++) {
			uint64_t bytes = bytes_within(&segs[k], anon, bias);

			*offset = anon->start - bias - segs[k].vaddr + segs[k].offset;
			found = bytes >= SPOTS * SPOT_BYTES && copied_to(pid, anon->start, bytes, fd, *offset);
		}
	}
	elf_file_close(ef);
	return found;
}
