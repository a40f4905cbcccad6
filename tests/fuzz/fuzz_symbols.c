/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that reads an ELF file for names, on arbitrary bytes: headers, sections (compressed ones too), PT_DYNAMIC,
 * symbol tables, .gnu_debugdata, imports, USDT notes, build id, demangling. By hand, for long:
 *
 *     make fuzz && tests/fuzz/run fuzz_symbols -max_total_time=300
 *
 * Nothing here opens a file or maps memory, and inputs are small (-max_len=8192), so that many are tried in a second.
 */
#include "base/log.h"
#include "elf/elffile.h"
#include "elf/imports.h"
#include "elf/minidebug.h"
#include "elf/symbols.h"
#include "elf/usdt.h"
#include "sym/demangle.h"

#include "fuzz.h"

#define SECTION_MAX (1u << 16)
#define TEXT_MAX 48u	/* of the file's end, as arguments of a USDT probe */
#define DEMANGLE_MAX 8	/* per input: libiberty is slow, and not what is tested */

/* Walks the addresses from..to in uneven steps. */
static void look_up(const struct elf_symbols *symbols, uint64_t from, unsigned int *demangled)
{
	struct elf_symbol sym;
	uint64_t at = from;

	for (unsigned int i = 0; i < 64; i++, at += 1 + i) {
		if (!elf_symbols_at(symbols, at, &sym))
			continue;
		if (sym.size ? at - sym.vaddr >= sym.size : at != sym.vaddr)
			abort();
		if (strlen(sym.name) && (*demangled)++ < DEMANGLE_MAX)
			free(demangle(sym.name));
	}
}

static void use_sections(const struct elf_file *ef)
{
	size_t n;
	const struct elf_section *sections = elf_file_sections(ef, &n);

	for (size_t i = 0; i < n && i < 64; i++) {
		uint8_t *data;
		size_t size;

		if (strlen(elf_section_name(ef, &sections[i])) == SIZE_MAX)
			abort();
		if (elf_section_data(ef, &sections[i], SECTION_MAX, &data, &size) != 0)
			continue;
		if (size > SECTION_MAX || data[size] != 0)
			abort();
		free(data);
	}
}

static void use_segments(const struct elf_file *ef)
{
	size_t n;
	const struct elf_segment *seg = elf_file_segments(ef, &n);
	uint8_t bytes[64];

	for (size_t i = 0; i < n && i < 64; i++) {
		uint64_t vaddr, offset;

		if (elf_offset_to_vaddr(ef, seg[i].offset, &vaddr) && !elf_vaddr_to_offset(ef, vaddr, &offset))
			abort();
		if (elf_read_vaddr(ef, seg[i].vaddr, bytes, sizeof(bytes)) > sizeof(bytes))
			abort();
	}
	elf_read_vaddr(ef, elf_file_entry(ef), bytes, sizeof(bytes));
}

/* With what the file carries in .gnu_debugdata, or with itself as its debug file. */
static int load_symbols(const struct elf_file *ef, struct elf_symbols **symbols)
{
	struct elf_file *debug;
	uint8_t *image;
	int err;

	if (elf_minidebug_open(ef, &image, &debug) != 0)
		return elf_symbols_load(ef, ef, symbols);
	err = elf_symbols_load(ef, debug, symbols);
	elf_file_close(debug);
	free(image);
	return err;
}

static void use_symbols(const struct elf_file *ef)
{
	static const char *const names[] = {"malloc", "free", "main", "_start"};
	struct elf_symbol found[4];
	struct elf_symbols *symbols;
	unsigned int demangled = 0;
	size_t n;
	const struct elf_segment *seg = elf_file_segments(ef, &n);

	elf_find_functions(ef, names, 4, found);
	if (load_symbols(ef, &symbols) != 0)
		return;
	look_up(symbols, elf_file_entry(ef), &demangled);
	for (size_t i = 0; i < n && i < 8; i++)
		look_up(symbols, seg[i].vaddr, &demangled);
	elf_symbols_free(symbols);
}

static void use_imports(const struct elf_file *ef)
{
	struct elf_imports *imports;
	size_t n;
	const struct elf_segment *seg = elf_file_segments(ef, &n);

	if (elf_imports_load(ef, &imports) != 0)
		return;
	for (uint64_t at = 0; n && at < 512; at += 8) {
		const char *name = elf_imports_at(imports, seg[n - 1].vaddr + at);

		if (name && strlen(name) == SIZE_MAX)
			abort();
	}
	elf_imports_free(imports);
}

/* Also of texts that no section has: of the file's own bytes. */
static void use_usdt(const struct elf_file *ef, const char *text)
{
	struct usdt_arg args[USDT_ARGS];
	struct usdt_sites sites;
	const char *why;

	usdt_read(ef, "otel_memory", 64, &sites);
	for (size_t i = 0; i < sites.n; i++) {
		if (strlen(sites.at[i].name) == SIZE_MAX || usdt_nop(ef, sites.at[i].vaddr) > 5)
			abort();
		usdt_parse(sites.at[i].args, args, USDT_ARGS, &why);
	}
	usdt_free(&sites);
	for (size_t n = 0; n < USDT_ARGS; n++)
		if (usdt_parse(text, args, n + 1, &why) == (why != NULL) ||
		    (!why && (args[n].kind == USDT_NONE || !args[n].bytes || args[n].bytes > 8)))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t id[ELF_BUILD_ID_MAX], *copy = exact_copy(data, size);
	size_t from = size > TEXT_MAX ? size - TEXT_MAX : 0;
	char *text = strndup((const char *)copy + from, size - from);
	struct elf_file *ef;

	log_set_level(LOG_QUIET);
	if (elf_file_open_memory(copy, size, "fuzz", &ef) == 0) {
		if (elf_build_id(ef, id) > sizeof(id))
			abort();
		use_sections(ef);
		use_segments(ef);
		use_symbols(ef);
		use_imports(ef);
		use_usdt(ef, text);
		elf_file_close(ef);
	}
	free(text);
	free(copy);
	return 0;
}
