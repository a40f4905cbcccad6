/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that read .gopclntab share: the layouts as data, and the table once it was found. */
/* Part of elf/gopclntab.h. */
#ifndef ALLOCTRACE_ELF_GOINSIDE_H
#define ALLOCTRACE_ELF_GOINSIDE_H

#include <string.h>

#include "elf/gopclntab.h"

#define GO_VERSION_MAX 64

/* Where things are, by layout; in bytes. The header is followed by the functab, or has its offset. */
struct go_layout {
	uint32_t magic;
	uint8_t header;		/* its size */
	uint8_t offsets;	/* in the header: of five offsets: names, CUs, files, pcs, functab; 0: it has none */
	bool relative;		/* functab: u32 from the start of the code; else u64 addresses */
	uint8_t size;		/* of a function's record without what follows by number */
	/* Where in it; 0: not there. */
	uint8_t name, pcsp, pcfile, pcln, npcdata, cu, start_line, id, flags, nfuncdata;
	uint8_t tree;		/* which funcdata is the table of inlined calls */
	uint8_t call;		/* size of a record of that table */
	uint8_t call_id, call_name, call_parent, call_start_line;
	uint8_t end;		/* moduledata: the word with the end of all data */
};

extern const struct go_layout go_layouts[GOPCLNTAB_LAYOUTS];

/* A part of the table: offsets from the header. */
struct go_part {
	uint64_t at, size;
};

/* A header that is sane by itself. */
struct go_header {
	uint64_t vaddr;
	uint64_t room;		/* bytes from it to the end of its segment in the file */
	uint64_t n;		/* functions */
	uint64_t names, cus, files, pcs, functab;	/* offsets from the header; 1.14: 0 but for the last */
	enum gopclntab_layout layout;
};

struct gopclntab {
	const struct elf_file *ef;
	const struct go_layout *l;
	struct go_header h;
	struct go_moduledata md;
	uint8_t *data;		/* the table, from the header on, and a NUL byte */
	uint64_t size;
	struct go_part names, cus, files, pcs;
	const char *found_by;
	uint8_t wrapper_id;	/* the funcID of wrappers; 0: the program has none */
	unsigned int minor;
	char version[GO_VERSION_MAX];
};

static inline uint32_t go_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t go_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The table of an ELF file, once it was asked for. */
struct go_kept {
	bool asked;
	int err;
	const char *why;
	struct gopclntab *table;	/* NULL: there is none */
};

/* A function's record, checked as far as its tables by number reach. */
struct go_record {
	uint64_t entry, end;
	const uint8_t *p;
	uint32_t npcdata, nfuncdata;
};

/* False where entry i of the functab lies. */
bool go_record_at(const struct gopclntab *g, uint64_t i, struct go_record *r);
/* The index of the last function that begins at or before vaddr; false: vaddr is outside the table. */
bool go_index_of(const struct gopclntab *g, uint64_t vaddr, uint64_t *i);
/* A string of names or files, at that offset in it; "" where that is outside. */
const char *go_string(const struct gopclntab *g, const struct go_part *part, uint64_t offset);
/* The path of a file by its number in the function; "" where there is none. */
const char *go_file_path(const struct gopclntab *g, const struct go_record *r, int32_t number);
/* Whether that record is of a wrapper: file is where it is said to be. */
bool go_is_wrapper(const struct gopclntab *g, uint8_t id, const char *file);

/* A table pc → value of a function, read from its start: while (go_pcs_next(&t)) uses from, to and value. */
struct go_pcs {
	const uint8_t *p, *limit;
	uint64_t from, to, end;	/* end: of the function */
	int32_t value;
	bool started, bad;	/* bad: it is damaged from `to` on */
};

/* offset: in the pcs part; 0: there is no such table. */
bool go_pcs_start(const struct gopclntab *g, const struct go_record *r, uint32_t offset, struct go_pcs *t);
bool go_pcs_next(struct go_pcs *t);

/* Finds header and moduledata: h, md, found_by and size. As gopclntab_open(). */
int go_find(const struct elf_file *ef, struct gopclntab *g, const char **why);
/* Reads the version into g. */
void go_find_version(struct gopclntab *g);

#endif
