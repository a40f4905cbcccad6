/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ELF file, opened for reading. The file may have been written by a hostile process: every offset and count in it
 * is checked, it is read with pread and never mapped (a file that shrinks must not raise SIGBUS), and nothing here
 * needs a privilege or keeps global state.
 *
 * Addresses: "vaddr" is an address as the ELF file's own headers and symbols count (p_vaddr, st_value); an offset in
 * the file becomes a vaddr through the PT_LOAD segment that holds it, whatever the load bias of a process.
 */
#ifndef ALLOCTRACE_ELF_ELFFILE_H
#define ALLOCTRACE_ELF_ELFFILE_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/segments.h"

#define ELF_BUILD_ID_MAX 64

struct elf_section {	/* a section's header, not yet believed: elf_section_data() checks it */
	uint32_t name;	/* for elf_section_name() */
	uint32_t type;	/* SHT_PROGBITS, … */
	uint64_t flags, vaddr, offset, size, entsize;
	uint32_t link, info;
};

struct elf_file;

/* Reads from fd, which stays the caller's and must outlive *out. name is for messages and is copied.
 * 0; -ENOEXEC (not an ELF file, or damaged: no message), -ENOMEM, or another -errno. */
int elf_file_open(int fd, const char *name, struct elf_file **out);
/* The same from memory that outlives *out (the vDSO). */
int elf_file_open_memory(const void *data, size_t size, const char *name, struct elf_file **out);
/* NULL is a no-op. */
void elf_file_close(struct elf_file *ef);

/* libelf's handle (it reads with pread, too), for libdw; NULL where the file's tables reach past its end, or libelf
 * refuses it. */
Elf *elf_file_handle(const struct elf_file *ef);
const char *elf_file_name(const struct elf_file *ef);
uint64_t elf_file_size(const struct elf_file *ef);	/* bytes, when it was opened */
int elf_file_class(const struct elf_file *ef);		/* ELFCLASS32, ELFCLASS64 */
int elf_file_machine(const struct elf_file *ef);	/* EM_X86_64, … */
int elf_file_type(const struct elf_file *ef);		/* ET_EXEC, ET_DYN, … */
/* It has code of Go, as its sections tell. */
bool elf_file_is_go(const struct elf_file *ef);
/* What gopclntab_of() keeps with the file (elf/goinside.h). */
struct go_kept *elf_file_go(const struct elf_file *ef);
uint64_t elf_file_entry(const struct elf_file *ef);
/* Where the later of the two tables of headers ends in the file. */
uint64_t elf_file_headers_end(const struct elf_file *ef);
/* The PT_LOAD ones. */
const struct elf_segment *elf_file_segments(const struct elf_file *ef, size_t *n);
/* The first program header of the type (PT_DYNAMIC, …), or NULL. */
const struct elf_segment *elf_segment_by_type(const struct elf_file *ef, uint32_t type);

/* Through the segment whose bytes in the file include the offset, an executable one first. Give it the offset of the
 * byte in question, not of the mapping that holds it: mappings start at a page boundary, where another segment's bytes
 * may be. */
bool elf_offset_to_vaddr(const struct elf_file *ef, uint64_t offset, uint64_t *vaddr);
/* false where the address has no bytes in the file (.bss, or outside every segment). */
bool elf_vaddr_to_offset(const struct elf_file *ef, uint64_t vaddr, uint64_t *offset);
/* Reads up to len bytes at vaddr, as many as the segment's file part holds; the number read, 0 if none. */
size_t elf_read_vaddr(const struct elf_file *ef, uint64_t vaddr, void *data, size_t len);

/* Whether the file has that many bytes there; no sum overflows. */
bool elf_file_holds(const struct elf_file *ef, uint64_t offset, uint64_t len);
/* Exactly len bytes of the file at offset, or false. */
bool elf_file_read(const struct elf_file *ef, uint64_t offset, void *data, size_t len);

/* Section headers by index, as sh_link counts. If the table is missing or damaged: what PT_DYNAMIC tells of the dynamic
 * symbols and their relocations (elf/dynamic.h), or none (n = 0). */
const struct elf_section *elf_file_sections(const struct elf_file *ef, size_t *n);
/* "" where the name's offset lies. */
const char *elf_section_name(const struct elf_file *ef, const struct elf_section *sec);
/* The first section of that name, or of that type; NULL if there is none. */
const struct elf_section *elf_section_by_name(const struct elf_file *ef, const char *name);
const struct elf_section *elf_section_by_type(const struct elf_file *ef, uint32_t type);
/* As elf_section_read() of a section that was found already. */
int elf_section_data(const struct elf_file *ef, const struct elf_section *sec, size_t max_bytes, uint8_t **data,
		     size_t *size);

/* The section's (decompressed: zlib or zstd; at most max_bytes) contents. *data is the caller's to free, and
 * has one NUL byte more than *size, so that a string table's last string ends.
 * 0; -ENOENT; -EFBIG; -ENOEXEC if it lies. */
int elf_section_read(const struct elf_file *ef, const char *name, size_t max_bytes, uint8_t **data, size_t *size);

/* The GNU build id; its length, 0 if there is none. */
size_t elf_build_id(const struct elf_file *ef, uint8_t id[ELF_BUILD_ID_MAX]);

#endif
