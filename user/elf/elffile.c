/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/elffile.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/memlimit.h"
#include "elf/decompress.h"
#include "elf/dynamic.h"
#include "elf/goinside.h"
#include "elf/headers.h"

#define SECTION_NAMES_MAX (64u << 20)
#define NOTES_MAX (1u << 20)		/* bytes */
#define NOTE_SECTIONS_MAX 64

struct elf_file {
	Elf *elf;		/* NULL until somebody asks for it */
	int fd;			/* -1: the file is in memory */
	const uint8_t *memory;
	uint64_t size;
	char *name;
	struct elf_header header;
	vec_of(struct elf_segment) segments;
	vec_of(struct elf_segment) others;
	vec_of(struct elf_section) sections;
	char *section_names;
	size_t section_names_size;
	struct go_kept *go;
};

bool elf_file_holds(const struct elf_file *ef, uint64_t offset, uint64_t len)
{
	return offset <= ef->size && len <= ef->size - offset;
}

bool elf_file_read(const struct elf_file *ef, uint64_t offset, void *data, size_t len)
{
	char *p = data;

	if (!elf_file_holds(ef, offset, len))
		return false;
	if (ef->memory) {
		memcpy(data, ef->memory + offset, len);
		return true;
	}
	while (len > 0) {
		ssize_t n = pread(ef->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

static void read_segments(struct elf_file *ef)
{
	Elf64_Phdr *all = elf_header_segments(ef, &ef->header);

	for (size_t i = 0; all && i < ef->header.phnum; i++) {
		const Elf64_Phdr *ph = &all[i];
		struct elf_segment seg;

		if (ph->p_filesz > UINT64_MAX - ph->p_offset || ph->p_memsz > UINT64_MAX - ph->p_vaddr)
			continue;
		seg = (struct elf_segment){
			.type = ph->p_type, .flags = ph->p_flags,
			.vaddr = ph->p_vaddr, .memsz = ph->p_memsz, .offset = ph->p_offset,
			/* The kernel maps no more of the file than memsz, rounded up to a page. */
			.filesz = ph->p_filesz < ph->p_memsz ? ph->p_filesz : ph->p_memsz,
		};
		if (ph->p_type == PT_LOAD)
			vec_push(&ef->segments, seg);
		else
			vec_push(&ef->others, seg);
	}
	free(all);
}

static bool is_zdebug(const char *section_name)
{
	return !strncmp(section_name, ".zdebug_", 8);
}

static void read_sections(struct elf_file *ef)
{
	Elf64_Shdr *all = elf_header_sections(ef, &ef->header);
	uint8_t *data;

	for (size_t i = 0; all && i < ef->header.shnum; i++) {
		const Elf64_Shdr *sh = &all[i];

		vec_push(&ef->sections, ((struct elf_section){
			.name = sh->sh_name, .type = sh->sh_type, .flags = sh->sh_flags, .vaddr = sh->sh_addr,
			.offset = sh->sh_offset, .size = sh->sh_size, .entsize = sh->sh_entsize,
			.link = sh->sh_link, .info = sh->sh_info,
		}));
	}
	free(all);
	if (ef->header.shstrndx < ef->sections.n &&
	    elf_section_data(ef, &ef->sections.at[ef->header.shstrndx], SECTION_NAMES_MAX, &data,
			     &ef->section_names_size) == 0)
		ef->section_names = (char *)data;
	for (size_t i = 1; i < ef->sections.n; i++)
		if (is_zdebug(elf_section_name(ef, &ef->sections.at[i])))
			ef->sections.at[i].flags |= SHF_COMPRESSED;
}

/* A file whose section headers were cut off (sstrip, packers) still has what the dynamic linker needs. */
static void make_sections(struct elf_file *ef)
{
	struct elf_section made[ELF_DYNAMIC_SECTIONS];
	size_t n;
	const char *names = elf_dynamic_sections(ef, made, &n, &ef->section_names_size);

	for (size_t i = 0; i < n; i++)
		vec_push(&ef->sections, made[i]);
	ef->section_names = xmalloc(ef->section_names_size + 1);
	memcpy(ef->section_names, names, ef->section_names_size + 1);
}

/* ef->fd or ef->memory and ef->size are set; takes ef over. */
static int open_common(struct elf_file *ef, const char *name, struct elf_file **out)
{
	ef->name = xstrdup(name);
	ef->go = xcalloc(1, sizeof(*ef->go));
	if (!elf_header_read(ef, &ef->header)) {
		elf_file_close(ef);
		return -ENOEXEC;
	}
	read_segments(ef);
	read_sections(ef);
	if (!ef->sections.n)
		make_sections(ef);
	*out = ef;
	return 0;
}

int elf_file_open(int fd, const char *name, struct elf_file **out)
{
	struct elf_file *ef;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	/* A device or a pipe has no size to check against, and reading it may block or have effects. */
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	ef = xcalloc(1, sizeof(*ef));
	ef->fd = fd;
	ef->size = (uint64_t)st.st_size;
	return open_common(ef, name, out);
}

int elf_file_open_memory(const void *data, size_t size, const char *name, struct elf_file **out)
{
	struct elf_file *ef = xcalloc(1, sizeof(*ef));

	ef->fd = -1;
	ef->memory = data;
	ef->size = size;
	return open_common(ef, name, out);
}

void elf_file_close(struct elf_file *ef)
{
	if (!ef)
		return;
	elf_end(ef->elf);
	gopclntab_close(ef->go->table);
	free(ef->go);
	vec_free(&ef->segments);
	vec_free(&ef->others);
	vec_free(&ef->sections);
	free(ef->section_names);
	free(ef->name);
	free(ef);
}

struct go_kept *elf_file_go(const struct elf_file *ef)
{
	return ef->go;
}

Elf *elf_file_handle(const struct elf_file *ef)
{
	Elf **elf = (Elf **)&ef->elf;	/* made when it is asked for: not a change that anybody sees */

	/* libelf allocates a few hundred bytes for each section that a file claims to have, before it looks for it. */
	if (*elf || ef->header.table_lies || elf_version(EV_CURRENT) == EV_NONE)
		return *elf;
	if (ef->memory)
		*elf = elf_memory((char *)ef->memory, ef->size);
	else
		*elf = elf_begin(ef->fd, ELF_C_READ, NULL);
	return *elf;
}

const char *elf_file_name(const struct elf_file *ef)
{
	return ef->name;
}

uint64_t elf_file_size(const struct elf_file *ef)
{
	return ef->size;
}

uint64_t elf_file_headers_end(const struct elf_file *ef)
{
	const bool is_64 = ef->header.class == ELFCLASS64;
	const uint64_t sections = ef->header.shoff +
				  ef->header.shnum * (is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
	const uint64_t segments = ef->header.phoff +
				  ef->header.phnum * (is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));

	return sections > segments ? sections : segments;
}

int elf_file_class(const struct elf_file *ef)
{
	return ef->header.class;
}

int elf_file_machine(const struct elf_file *ef)
{
	return ef->header.machine;
}

int elf_file_type(const struct elf_file *ef)
{
	return ef->header.type;
}

uint64_t elf_file_entry(const struct elf_file *ef)
{
	return ef->header.entry;
}

const struct elf_segment *elf_file_segments(const struct elf_file *ef, size_t *n)
{
	*n = ef->segments.n;
	return ef->segments.at;
}

const struct elf_segment *elf_segment_by_type(const struct elf_file *ef, uint32_t type)
{
	for (size_t i = 0; i < ef->others.n; i++)
		if (ef->others.at[i].type == type)
			return &ef->others.at[i];
	return type == PT_LOAD && ef->segments.n ? ef->segments.at : NULL;
}

bool elf_offset_to_vaddr(const struct elf_file *ef, uint64_t offset, uint64_t *vaddr)
{
	return segments_to_vaddr(ef->segments.at, ef->segments.n, offset, vaddr);
}

bool elf_vaddr_to_offset(const struct elf_file *ef, uint64_t vaddr, uint64_t *offset)
{
	return segments_to_offset(ef->segments.at, ef->segments.n, vaddr, offset);
}

size_t elf_read_vaddr(const struct elf_file *ef, uint64_t vaddr, void *data, size_t len)
{
	const struct elf_segment *seg = segment_of_vaddr(ef->segments.at, ef->segments.n, vaddr);
	uint64_t offset, left;

	if (!seg)
		return 0;
	offset = seg->offset + (vaddr - seg->vaddr);
	left = seg->filesz - (vaddr - seg->vaddr);
	if (offset >= ef->size)
		return 0;
	if (left > ef->size - offset)
		left = ef->size - offset;
	if (len > left)
		len = (size_t)left;
	return elf_file_read(ef, offset, data, len) ? len : 0;
}

const struct elf_section *elf_file_sections(const struct elf_file *ef, size_t *n)
{
	*n = ef->sections.n;
	return ef->sections.at;
}

const char *elf_section_name(const struct elf_file *ef, const struct elf_section *sec)
{
	return sec->name < ef->section_names_size ? ef->section_names + sec->name : "";
}

/* ".zdebug_info" is .debug_info, compressed. */
static bool is_named(const char *section_name, const char *name)
{
	return !strcmp(section_name, name) ||
	       (is_zdebug(section_name) && name[0] == '.' && !strcmp(section_name + 2, name + 1));
}

const struct elf_section *elf_section_by_name(const struct elf_file *ef, const char *name)
{
	for (size_t i = 1; i < ef->sections.n; i++)
		if (is_named(elf_section_name(ef, &ef->sections.at[i]), name))
			return &ef->sections.at[i];
	return NULL;
}

const struct elf_section *elf_section_by_type(const struct elf_file *ef, uint32_t type)
{
	for (size_t i = 1; i < ef->sections.n; i++)
		if (ef->sections.at[i].type == type)
			return &ef->sections.at[i];
	return NULL;
}

int elf_section_data(const struct elf_file *ef, const struct elf_section *sec, size_t max_bytes, uint8_t **data,
		     size_t *size)
{
	uint8_t *raw;
	int err;

	if (sec->type == SHT_NULL)
		return -ENOENT;
	if (sec->type == SHT_NOBITS) {	/* what a separate debug file has in place of code */
		*data = xcalloc(1, 1);
		*size = 0;
		return 0;
	}
	if (!elf_file_holds(ef, sec->offset, sec->size))
		return -ENOEXEC;
	if (sec->size > max_bytes || !memlimit_has_room(sec->size, ef->name))
		return -EFBIG;
	raw = xmalloc_large((size_t)sec->size + 1);
	if (!elf_file_read(ef, sec->offset, raw, (size_t)sec->size)) {
		free(raw);
		return -ENOEXEC;
	}
	raw[sec->size] = 0;
	if (!(sec->flags & SHF_COMPRESSED)) {
		*data = raw;
		*size = (size_t)sec->size;
		return 0;
	}
	if (is_zdebug(elf_section_name(ef, sec)))
		err = decompress_zdebug(raw, (size_t)sec->size, max_bytes, data, size);
	else
		err = decompress_section(elf_file_class(ef), raw, (size_t)sec->size, max_bytes, data, size);
	free(raw);
	return err;
}

int elf_section_read(const struct elf_file *ef, const char *name, size_t max_bytes, uint8_t **data, size_t *size)
{
	const struct elf_section *sec = elf_section_by_name(ef, name);

	return sec ? elf_section_data(ef, sec, max_bytes, data, size) : -ENOENT;
}

/* Looks through the notes in data (each: header, name, descriptor, both padded to 4) for NT_GNU_BUILD_ID. */
static size_t build_id_in(const uint8_t *data, size_t size, uint8_t id[ELF_BUILD_ID_MAX])
{
	size_t at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr nh;	/* the same in both classes */
		size_t name, desc, left;

		memcpy(&nh, data + at, sizeof(nh));
		at += sizeof(nh);
		left = size - at;
		if (nh.n_namesz > left || nh.n_descsz > left)
			return 0;
		name = ((size_t)nh.n_namesz + 3) & ~(size_t)3;
		desc = ((size_t)nh.n_descsz + 3) & ~(size_t)3;
		if (name > left || nh.n_descsz > left - name)
			return 0;
		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == 4 && memcmp(data + at, "GNU", 4) == 0 &&
		    nh.n_descsz > 0 && nh.n_descsz <= ELF_BUILD_ID_MAX) {
			memcpy(id, data + at + name, nh.n_descsz);
			return nh.n_descsz;
		}
		if (desc > left - name)
			return 0;
		at += name + desc;
	}
	return 0;
}

size_t elf_build_id(const struct elf_file *ef, uint8_t id[ELF_BUILD_ID_MAX])
{
	size_t len = 0, tried = 0;

	/* Sections first: a separate debug file's program headers tell of a file that it is not. */
	for (size_t i = 1; i < ef->sections.n && !len && tried < NOTE_SECTIONS_MAX; i++) {
		uint8_t *data;
		size_t size;

		if (ef->sections.at[i].type != SHT_NOTE)
			continue;
		tried++;
		if (elf_section_data(ef, &ef->sections.at[i], NOTES_MAX, &data, &size) != 0)
			continue;
		len = build_id_in(data, size, id);
		free(data);
	}
	for (size_t i = 0; i < ef->others.n && i < NOTE_SECTIONS_MAX && !len; i++) {
		const struct elf_segment *seg = &ef->others.at[i];
		uint8_t *data;

		if (seg->type != PT_NOTE || seg->filesz > NOTES_MAX ||
		    !elf_file_holds(ef, seg->offset, seg->filesz))
			continue;
		data = xmalloc((size_t)seg->filesz + 1);
		if (elf_file_read(ef, seg->offset, data, (size_t)seg->filesz))
			len = build_id_in(data, (size_t)seg->filesz, id);
		free(data);
	}
	return len;
}

bool elf_file_is_go(const struct elf_file *ef)
{
	/* Linked externally and position-independent, it has no section for its table. */
	static const char *const names[] = {
		".gopclntab", ".data.rel.ro.gopclntab", ".go.buildinfo", ".note.go.buildid", ".go.module",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (elf_section_by_name(ef, names[i]))
			return true;
	return false;
}
