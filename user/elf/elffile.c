/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/elffile.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

/* More than any linker writes; a table of section headers may be that long only in a file made to exhaust memory. */
#define SECTIONS_MAX (1u << 20)
#define SECTION_NAMES_MAX (64u << 20)
#define NOTES_MAX (1u << 20)		/* bytes */
#define NOTE_SECTIONS_MAX 64

struct elf_file {
	Elf *elf;
	int fd;			/* -1: the file is in memory */
	const uint8_t *memory;
	uint64_t size;
	char *name;
	GElf_Ehdr ehdr;
	vec_of(struct elf_segment) segments;
	vec_of(struct elf_segment) notes;	/* PT_NOTE */
	vec_of(struct elf_section) sections;
	char *section_names;
	size_t section_names_size;
};

bool elf_file_read(const struct elf_file *ef, uint64_t offset, void *data, size_t len)
{
	char *p = data;

	if (offset > ef->size || len > ef->size - offset)
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

/*
 * libelf allocates a few hundred bytes for each section a file claims to have, before anybody can ask how many there
 * are; the claim is bounded by the file's size alone, which is nothing where the file is sparse. So look first.
 */
static bool header_is_sane(const struct elf_file *ef)
{
	unsigned char ident[EI_NIDENT];
	uint64_t shoff, shnum;

	if (!elf_file_read(ef, 0, ident, sizeof(ident)) || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return false;
	if (ident[EI_DATA] != (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB))
		return false;
	if (ident[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr eh;
		Elf64_Shdr sh;

		if (!elf_file_read(ef, 0, &eh, sizeof(eh)))
			return false;
		shoff = eh.e_shoff;
		shnum = eh.e_shnum;
		if (shoff && !shnum && elf_file_read(ef, shoff, &sh, sizeof(sh)))
			shnum = sh.sh_size;
	} else if (ident[EI_CLASS] == ELFCLASS32) {
		Elf32_Ehdr eh;
		Elf32_Shdr sh;

		if (!elf_file_read(ef, 0, &eh, sizeof(eh)))
			return false;
		shoff = eh.e_shoff;
		shnum = eh.e_shnum;
		if (shoff && !shnum && elf_file_read(ef, shoff, &sh, sizeof(sh)))
			shnum = sh.sh_size;
	} else {
		return false;
	}
	return shnum <= SECTIONS_MAX;
}

static void read_segments(struct elf_file *ef)
{
	size_t n = 0;

	if (elf_getphdrnum(ef->elf, &n) != 0)
		return;
	for (size_t i = 0; i < n && i <= UINT16_MAX; i++) {
		struct elf_segment seg;
		GElf_Phdr ph;

		if (!gelf_getphdr(ef->elf, (int)i, &ph))
			break;
		if (ph.p_type != PT_LOAD && ph.p_type != PT_NOTE)
			continue;
		if (ph.p_filesz > UINT64_MAX - ph.p_offset || ph.p_memsz > UINT64_MAX - ph.p_vaddr)
			continue;
		seg = (struct elf_segment){
			.vaddr = ph.p_vaddr, .memsz = ph.p_memsz, .offset = ph.p_offset,
			/* The kernel maps no more of the file than memsz, rounded up to a page. */
			.filesz = ph.p_filesz < ph.p_memsz ? ph.p_filesz : ph.p_memsz,
			.flags = ph.p_flags,
		};
		if (ph.p_type == PT_LOAD)
			vec_push(&ef->segments, seg);
		else
			vec_push(&ef->notes, seg);
	}
}

static void read_sections(struct elf_file *ef)
{
	size_t n = 0, names = 0;
	uint8_t *data;

	if (elf_getshdrnum(ef->elf, &n) != 0 || n > SECTIONS_MAX)
		return;
	for (size_t i = 0; i < n; i++) {
		Elf_Scn *scn = elf_getscn(ef->elf, i);
		GElf_Shdr sh;

		if (!scn || !gelf_getshdr(scn, &sh))
			break;
		vec_push(&ef->sections, ((struct elf_section){
			.name = sh.sh_name, .type = sh.sh_type, .flags = sh.sh_flags, .vaddr = sh.sh_addr,
			.offset = sh.sh_offset, .size = sh.sh_size, .entsize = sh.sh_entsize,
			.link = sh.sh_link, .info = sh.sh_info,
		}));
	}
	if (elf_getshdrstrndx(ef->elf, &names) != 0 || names >= ef->sections.n)
		return;
	if (elf_section_data(ef, &ef->sections.at[names], SECTION_NAMES_MAX, &data, &ef->section_names_size) == 0)
		ef->section_names = (char *)data;
}

/* ef->fd or ef->memory and ef->size are set; takes ef over. */
static int open_common(struct elf_file *ef, const char *name, struct elf_file **out)
{
	ef->name = xstrdup(name);
	if (elf_version(EV_CURRENT) == EV_NONE || !header_is_sane(ef))
		goto damaged;
	if (ef->memory)
		ef->elf = elf_memory((char *)ef->memory, ef->size);
	else
		ef->elf = elf_begin(ef->fd, ELF_C_READ, NULL);
	if (!ef->elf || elf_kind(ef->elf) != ELF_K_ELF || !gelf_getehdr(ef->elf, &ef->ehdr))
		goto damaged;
	read_segments(ef);
	read_sections(ef);
	*out = ef;
	return 0;
damaged:
	elf_file_close(ef);
	return -ENOEXEC;
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
	vec_free(&ef->segments);
	vec_free(&ef->notes);
	vec_free(&ef->sections);
	free(ef->section_names);
	free(ef->name);
	free(ef);
}

Elf *elf_file_handle(const struct elf_file *ef)
{
	return ef->elf;
}

const char *elf_file_name(const struct elf_file *ef)
{
	return ef->name;
}

int elf_file_class(const struct elf_file *ef)
{
	return ef->ehdr.e_ident[EI_CLASS];
}

int elf_file_machine(const struct elf_file *ef)
{
	return ef->ehdr.e_machine;
}

int elf_file_type(const struct elf_file *ef)
{
	return ef->ehdr.e_type;
}

uint64_t elf_file_entry(const struct elf_file *ef)
{
	return ef->ehdr.e_entry;
}

const struct elf_segment *elf_file_segments(const struct elf_file *ef, size_t *n)
{
	*n = ef->segments.n;
	return ef->segments.at;
}

bool elf_offset_to_vaddr(const struct elf_file *ef, uint64_t offset, uint64_t *vaddr)
{
	bool found = false;

	for (size_t i = 0; i < ef->segments.n; i++) {
		const struct elf_segment *seg = &ef->segments.at[i];

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

/* The segment whose file part holds vaddr. */
static const struct elf_segment *segment_at(const struct elf_file *ef, uint64_t vaddr)
{
	for (size_t i = 0; i < ef->segments.n; i++) {
		const struct elf_segment *seg = &ef->segments.at[i];

		if (vaddr >= seg->vaddr && vaddr - seg->vaddr < seg->filesz)
			return seg;
	}
	return NULL;
}

bool elf_vaddr_to_offset(const struct elf_file *ef, uint64_t vaddr, uint64_t *offset)
{
	const struct elf_segment *seg = segment_at(ef, vaddr);

	if (!seg)
		return false;
	*offset = seg->offset + (vaddr - seg->vaddr);
	return true;
}

size_t elf_read_vaddr(const struct elf_file *ef, uint64_t vaddr, void *data, size_t len)
{
	const struct elf_segment *seg = segment_at(ef, vaddr);
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

const struct elf_section *elf_section_by_name(const struct elf_file *ef, const char *name)
{
	for (size_t i = 1; i < ef->sections.n; i++)
		if (strcmp(elf_section_name(ef, &ef->sections.at[i]), name) == 0)
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

/* Inflates one zlib stream that must give exactly size bytes. */
static bool inflate_exactly(uint8_t *in, size_t in_size, uint8_t *data, size_t size)
{
	z_stream z = {0};
	bool ok;

	if (in_size > UINT32_MAX || size > UINT32_MAX || inflateInit(&z) != Z_OK)
		return false;
	z.next_in = in;
	z.avail_in = (uInt)in_size;
	z.next_out = data;
	z.avail_out = (uInt)size;
	ok = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_out == 0;
	inflateEnd(&z);
	return ok;
}

/* raw: the section's contents in the file, raw_size bytes of them. */
static int decompress(const struct elf_file *ef, uint8_t *raw, size_t raw_size, size_t max_bytes,
		      uint8_t **data, size_t *size)
{
	uint64_t type, want, header;
	uint8_t *p;

	if (elf_file_class(ef) == ELFCLASS64) {
		Elf64_Chdr ch;

		header = sizeof(ch);
		if (raw_size < header)
			return -ENOEXEC;
		memcpy(&ch, raw, sizeof(ch));
		type = ch.ch_type;
		want = ch.ch_size;
	} else {
		Elf32_Chdr ch;

		header = sizeof(ch);
		if (raw_size < header)
			return -ENOEXEC;
		memcpy(&ch, raw, sizeof(ch));
		type = ch.ch_type;
		want = ch.ch_size;
	}
	/* deflate never shrinks by more than 1032:1: a larger claim only wants memory. */
	if (type != ELFCOMPRESS_ZLIB || want / 1032 > raw_size)
		return -ENOEXEC;
	if (want > max_bytes)
		return -EFBIG;
	p = xmalloc((size_t)want + 1);
	if (!inflate_exactly(raw + header, raw_size - header, p, (size_t)want)) {
		free(p);
		return -ENOEXEC;
	}
	p[want] = 0;
	*data = p;
	*size = (size_t)want;
	return 0;
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
	if (sec->offset > ef->size || sec->size > ef->size - sec->offset)
		return -ENOEXEC;
	if (sec->size > max_bytes)
		return -EFBIG;
	raw = xmalloc((size_t)sec->size + 1);
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
	err = decompress(ef, raw, (size_t)sec->size, max_bytes, data, size);
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
	for (size_t i = 0; i < ef->notes.n && i < NOTE_SECTIONS_MAX && !len; i++) {
		const struct elf_segment *seg = &ef->notes.at[i];
		uint8_t *data;

		if (seg->filesz > NOTES_MAX || seg->offset > ef->size || seg->filesz > ef->size - seg->offset)
			continue;
		data = xmalloc((size_t)seg->filesz + 1);
		if (elf_file_read(ef, seg->offset, data, (size_t)seg->filesz))
			len = build_id_in(data, (size_t)seg->filesz, id);
		free(data);
	}
	return len;
}
