/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes everything that reads an ELF file for names: headers, sections, symbol tables, imports, build id, demangling.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -std=gnu11 -D_GNU_SOURCE -Iuser -o fuzz_symbols \
 *             tests/fuzz/fuzz_symbols.c user/base/{buf,log,map,mem,outfile,text}.c \
 *             user/elf/{elffile,symtab,symbols,findfunc,imports,pieces}.c user/sym/demangle.c -lelf -lz -liberty
 *     mkdir corpus && cp SMALL-ELF-FILES corpus/
 *     ./fuzz_symbols -max_len=65536 -rss_limit_mb=4096 -max_total_time=120 corpus
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "elf/elffile.h"
#include "elf/imports.h"
#include "elf/symbols.h"
#include "sym/demangle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct elf_symbols *symbols, uint64_t from)
{
	struct elf_symbol sym;

	for (uint64_t i = 0; i < 4096; i += 7) {
		if (!elf_symbols_at(symbols, from + i, &sym))
			continue;
		if (sym.size ? from + i - sym.vaddr >= sym.size : from + i != sym.vaddr)
			abort();
		free(demangle(sym.name));
	}
}

static void use(struct elf_file *ef)
{
	static const char *const names[] = {"malloc", "free", "main", "_start"};
	struct elf_symbol found[4];
	struct elf_symbols *symbols;
	struct elf_imports *imports;
	uint8_t id[ELF_BUILD_ID_MAX], *data;
	uint64_t x;
	size_t n, size;
	const struct elf_segment *seg = elf_file_segments(ef, &n);
	uint64_t from = n ? seg[0].vaddr : 0;

	if (elf_build_id(ef, id) > sizeof(id))
		abort();
	if (elf_offset_to_vaddr(ef, 0x1000, &x))
		elf_vaddr_to_offset(ef, x, &x);
	elf_read_vaddr(ef, elf_file_entry(ef), id, sizeof(id));
	if (elf_section_read(ef, ".debug_info", 1 << 20, &data, &size) == 0)
		free(data);
	if (elf_section_read(ef, ".eh_frame", 1 << 20, &data, &size) == 0)
		free(data);
	elf_find_functions(ef, names, 4, found);
	if (elf_symbols_load(ef, ef, &symbols) == 0) {
		look_up(symbols, from);
		look_up(symbols, elf_file_entry(ef));
		elf_symbols_free(symbols);
	}
	if (elf_imports_load(ef, &imports) == 0) {
		const char *name;
		size_t len = 0;

		for (uint64_t at = from & ~7ull; at < (from & ~7ull) + 65536; at += 8) {
			name = elf_imports_at(imports, at);
			len += name ? strlen(name) : 0;
		}
		if (len == SIZE_MAX)
			abort();
		elf_imports_free(imports);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct elf_file *ef;
	uint8_t *copy;

	log_set_level(LOG_QUIET);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (elf_file_open(fd, "fuzz", &ef) == 0) {
		use(ef);
		elf_file_close(ef);
	}
	close(fd);
	/* In memory of exactly that size, aligned as a file's image is. */
	copy = malloc(size ? size : 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (elf_file_open_memory(copy, size, "fuzz", &ef) == 0) {
		use(ef);
		elf_file_close(ef);
	}
	free(copy);
	return 0;
}
