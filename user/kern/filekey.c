/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/filekey.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "kern/internal.h"

/* Another thread of ours may change our mappings just then. */
#define ASK_TRIES 100

int file_key_ask(struct kern *k, int fd, struct file_key *key)
{
	/* Never touched, so that it doesn't matter how long the file is or whether it can be read at all. */
	void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	struct file_ask ask = {.addr = (uintptr_t)at};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ask, .ctx_size_in = sizeof(ask));
	int err = 0;

	if (at == MAP_FAILED)
		return -errno;
	for (int i = 0; i < ASK_TRIES && !err && !ask.found; i++)
		err = bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.ask_file), &opts);
	munmap(at, 1);
	*key = ask.key;
	return err ? err : ask.found ? 0 : -EBUSY;
}

struct file_key file_key_of_copy(const struct module *m)
{
	return (struct file_key){
		.ino = m->ino, .mtime = m->written.tv_sec, .mtime_nsec = (uint32_t)m->written.tv_nsec,
		.dev = major(m->dev) << 20 | minor(m->dev),
	};
}

static bool is_code(const struct elf_segment *seg)
{
	uint64_t end;

	return (seg->flags & PF_X) && seg->filesz && !__builtin_add_overflow(seg->offset, seg->filesz, &end) &&
	       !__builtin_add_overflow(seg->vaddr, seg->filesz, &end);
}

bool code_range(const struct elf_segment *segs, size_t n, struct code_range *out)
{
	*out = (struct code_range){.low = UINT64_MAX};
	for (size_t i = 0; i < n; i++) {
		if (!is_code(&segs[i]))
			continue;
		if (segs[i].vaddr < out->low)
			out->low = segs[i].vaddr;
		if (segs[i].vaddr + segs[i].filesz > out->high)
			out->high = segs[i].vaddr + segs[i].filesz;
	}
	return out->low < out->high;
}

struct parts {
	const struct code_file *from;
	struct unwind_file *file;
	size_t n, without_room;
};

/* [from, to): vaddrs in the segment. */
static void add_part(struct parts *p, const struct elf_segment *seg, uint64_t from, uint64_t to, uint32_t kind)
{
	if (from >= to)
		return;
	if (p->n == UNWIND_PARTS) {
		p->without_room++;
		return;
	}
	p->file->at[p->n++] = (struct unwind_part){
		.from = seg->offset + (from - seg->vaddr), .to = seg->offset + (to - seg->vaddr),
		.name = p->from->name + (from - p->from->range.low), .kind = kind,
		.rel = kind == UNWIND_KIND_TABLE ? from - p->from->place.base : 0,
	};
}

static uint64_t clamp(uint64_t at, uint64_t low, uint64_t high)
{
	return at < low ? low : at > high ? high : at;
}

size_t file_parts(const struct code_file *f, struct unwind_file *out)
{
	const struct table_place *place = &f->place;
	struct parts p = {.from = f, .file = out};

	*out = (struct unwind_file){.index = place->first, .key = place->key, .shift = place->shift,
				    .kind = UNWIND_KIND_BARE};
	for (size_t i = 0; f->name && i < f->n_segs; i++) {
		const struct elf_segment *seg = &f->segs[i];
		const uint64_t end = seg->vaddr + seg->filesz;

		if (!is_code(seg))
			continue;
		add_part(&p, seg, clamp(place->base, seg->vaddr, end), clamp(place->end, seg->vaddr, end),
			 UNWIND_KIND_TABLE);
		add_part(&p, seg, seg->vaddr, clamp(place->base, seg->vaddr, end), UNWIND_KIND_BARE);
		add_part(&p, seg, clamp(place->end, seg->vaddr, end), end, UNWIND_KIND_BARE);
	}
	return p.without_room;
}
