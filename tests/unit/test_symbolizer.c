/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sym/symbolizer.h: names, reasons, demangling, what is kept and what is looked up again. */
#include "elftest.h"

#include "sym/demangle.h"
#include "sym/identify.h"
#include "sym/symbolizer.h"
#include "sym/vdso.h"

#define DEMANGLED ((struct symbolizer_options){.demangle = true})
#define MANGLED ((struct symbolizer_options){.demangle = false})

static uint64_t next_ino = 1;

/* The file as a module of its own, known to the target as /nowhere/<name>. */
static uint32_t add_file(struct modules *m, const char *path)
{
	char *shown = xasprintf("/nowhere/%s", path);
	uint32_t id = modules_file(m, shown, 1, next_ino++, open(path, O_RDONLY | O_CLOEXEC), 0, false);

	free(shown);
	return id;
}

static void expect_text(const struct symbol *sym, const char *text, const char *site)
{
	struct buf b = {0};

	symbol_text(sym, &b);
	assert_string_equal(buf_cstr(&b), text);
	buf_reset(&b);
	symbol_site_text(sym, &b);
	assert_string_equal(buf_cstr(&b), site);
	buf_free(&b);
}

/* Only where a path does not say which file it is, unless all are asked for. */
static void test_identify(void **state)
{
	struct modules m;
	uint32_t libc, other, loader;

	modules_init(&m);
	libc = modules_file(&m, "/nowhere/x", 2, 1, open(LIBC, O_RDONLY | O_CLOEXEC), 0, false);
	loader = add_file(&m, "/lib64/ld-linux-x86-64.so.2");
	modules_identify(&m, false);
	assert_null(modules_get(&m, libc)->build_id);
	other = modules_file(&m, "/nowhere/x", 2, 2, open("/lib64/ld-linux-x86-64.so.2", O_RDONLY | O_CLOEXEC), 0,
			     false);
	modules_identify(&m, false);
	assert_non_null(modules_get(&m, libc)->build_id);
	assert_non_null(modules_get(&m, other)->build_id);
	assert_string_not_equal(modules_get(&m, libc)->build_id, modules_get(&m, other)->build_id);
	assert_null(modules_get(&m, loader)->build_id);
	modules_identify(&m, true);
	assert_string_equal(modules_get(&m, loader)->build_id, modules_get(&m, other)->build_id);
	modules_free(&m);
}

static const char cxx_source[] =
	"namespace ns { template <class T> struct box { __attribute__((noinline)) int put(T x) const; };\n"
	"template <class T> int box<T>::put(T x) const { return x + 1; } struct other { other(); int v; };\n"
	"__attribute__((noinline)) other::other() : v(3) {} }\n"
	"__attribute__((noinline)) int over(int x) { return x + 2; }\n"
	"extern \"C\" __attribute__((noinline)) int plain(int x) { return x + 3; }\n"
	"namespace { __attribute__((noinline)) int hidden(int x) { return x + 4; } }\n"
	"int main(int argc, char **) {\n"
	"ns::other o; return ns::box<int>().put(argc) + over(argc) + plain(argc) + hidden(o.v); }\n";

static void test_cxx(void **state)
{
	static const struct {
		const char *mangled, *name;
	} expected[] = {
		{"_ZNK2ns3boxIiE3putEi", "ns::box<int>::put"}, {"_ZN2ns5otherC1Ev", "ns::other::other"},
		{"_Z4overi", "over"}, {"plain", "plain"}, {"main", "main"},
		{"_ZN12_GLOBAL__N_16hiddenEi", "(anonymous namespace)::hidden"},
	};
	struct symbolizer *plain, *raw;
	struct modules m;
	uint32_t id;

	write_text("cxx.cc", cxx_source);
	sh("g++ -O1 -o cxx cxx.cc");
	modules_init(&m);
	id = add_file(&m, "cxx");
	plain = symbolizer_new(&m, DEMANGLED);
	raw = symbolizer_new(&m, MANGLED);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		uint64_t vaddr = nm_vaddr("cxx", expected[i].mangled);
		const struct symbol *sym = names_of(symbolizer_names(plain), id, vaddr + 2), *again;
		char *site = xasprintf("%s+0x3", expected[i].name);

		assert_int_equal(sym->reason, SYM_NAMED);
		assert_string_equal(sym->function, expected[i].name);
		assert_string_equal(sym->module, "cxx");
		assert_int_equal(sym->offset, 2);
		expect_text(sym, expected[i].name, site);
		again = names_of(symbolizer_names(plain), id, vaddr + 2);
		assert_ptr_equal(again, sym);
		assert_ptr_equal(names_of(symbolizer_names(plain), id, vaddr)->function, sym->function);
		/* The constructor's two names are one function; the first in the alphabet is C1. */
		assert_string_equal(names_of(symbolizer_names(raw), id, vaddr)->function, expected[i].mangled);
		free(site);
	}
	symbolizer_free(plain);
	symbolizer_free(raw);
	modules_free(&m);
}

static void expect_demangled(const char *name, const char *want)
{
	char *got = demangle(name);

	if (!want)
		assert_null(got);
	else
		assert_string_equal(got ? got : "(null)", want);
	free(got);
}

static void test_demangle(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *name;
	size_t at;

	expect_demangled("_Znwm", "operator new");
	expect_demangled("_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back");
	expect_demangled("_ZN4llvm9StringMapINS_9StringRefEE6insertEv", "llvm::StringMap<llvm::StringRef>::insert");
	/* Rust, as rustc writes it by default and in its newer scheme; the hash goes. */
	expect_demangled("_ZN5alloc7raw_vec19RawVec$LT$T$C$A$GT$7reserve17h0123456789abcdefE",
			 "alloc::raw_vec::RawVec<T,A>::reserve");
	expect_demangled("_RNvCs15kBYyAo9fc_7mycrate3foo", "mycrate::foo");
	expect_demangled("malloc", NULL);
	expect_demangled("", NULL);
	expect_demangled("_Z", NULL);
	expect_demangled("_R", NULL);
	expect_demangled("_ZN", NULL);
	expect_demangled("_ZNSt6vectorIiSaIiEE9push_backERKi.cold",
			 "std::vector<int, std::allocator<int> >::push_back");

	/* Each template argument is the one before, twice. The last one has 2^30 As. */
	expect_demangled("_Z1fI1A1BIS0_S0_E1BIS2_S2_EEvv", "f<A, B<A, A>, B<B<A, A>, B<A, A> > >");
	name = xmalloc(4096);
	at = (size_t)sprintf(name, "_Z1fI1A");
	for (int i = 0; i < 18; i++)
		at += (size_t)sprintf(name + at, "1BIS%c_S%c_E", digits[2 * i], digits[2 * i]);
	for (int i = 0; i < 12; i++)
		at += (size_t)sprintf(name + at, "1BIS1%c_S1%c_E", digits[2 * i], digits[2 * i]);
	sprintf(name + at, "Evv");
	expect_demangled(name, NULL);
	/* Deep nesting. */
	memset(name, 'P', 4095);
	memcpy(name, "_Z1f", 4);
	name[4095] = '\0';
	expect_demangled(name, NULL);
	free(name);
	name = xmalloc(1 << 20);
	memset(name, 'N', (1 << 20) - 1);
	memcpy(name, "_Z", 2);
	name[(1 << 20) - 1] = '\0';
	expect_demangled(name, NULL);
	free(name);
}

static void test_reasons(void **state)
{
	const uint64_t *counts;
	uint64_t main_vaddr;
	const struct symbol *sym;
	uint32_t bare, some, text, missing;
	struct symbolizer *s;
	struct modules m;

	write_text("reasons.c", "int main(void) { return 5; }\n");
	sh("cc -O1 -static -o some reasons.c && strip -s -o bare some");
	write_text("text", "no ELF file\n");
	modules_init(&m);
	some = add_file(&m, "some");
	bare = add_file(&m, "bare");
	text = add_file(&m, "text");
	missing = add_file(&m, "does-not-exist");
	s = symbolizer_new(&m, DEMANGLED);
	main_vaddr = nm_vaddr("some", "main");

	sym = names_of(symbolizer_names(s), some, main_vaddr);
	assert_int_equal(sym->reason, SYM_NAMED);
	sym = names_of(symbolizer_names(s), some, 1);
	assert_int_equal(sym->reason, SYM_NO_SYMBOL);
	expect_text(sym, "some+0x1", "some+0x1");
	sym = names_of(symbolizer_names(s), bare, main_vaddr);
	assert_int_equal(sym->reason, SYM_STRIPPED);
	assert_null(sym->function);
	/* As addr2line takes it: -static without PIE starts at 0x400000. */
	assert_int_equal(sym->offset, main_vaddr);
	sym = names_of(symbolizer_names(s), text, 0x10);
	assert_int_equal(sym->reason, SYM_NOT_ELF);
	expect_text(sym, "text+0x10", "text+0x10");
	sym = names_of(symbolizer_names(s), missing, 0x20);
	assert_int_equal(sym->reason, SYM_NOT_OPENED);
	expect_text(sym, "does-not-exist+0x20", "does-not-exist+0x20");
	sym = names_of(symbolizer_names(s), 0, 0x7f1234567890);
	assert_int_equal(sym->reason, SYM_NO_MAPPING);
	expect_text(sym, "[unknown]+0x7f1234567890", "[unknown]+0x7f1234567890");
	/* A module that nobody added. */
	assert_int_equal(names_of(symbolizer_names(s), 1000000, 0x30)->reason, SYM_NO_MAPPING);
	names_of(symbolizer_names(s), missing, 0x20);
	names_of(symbolizer_names(s), missing, 0x21);

	counts = symbolizer_names(s)->asked;
	assert_int_equal(counts[SYM_NAMED], 1);
	assert_int_equal(counts[SYM_NO_SYMBOL], 1);
	assert_int_equal(counts[SYM_STRIPPED], 1);
	assert_int_equal(counts[SYM_NOT_ELF], 1);
	assert_int_equal(counts[SYM_NOT_OPENED], 2);
	assert_int_equal(counts[SYM_NO_MAPPING], 2);
	assert_int_equal(counts[SYM_NO_PERF_MAP], 0);
	for (int i = 0; i < SYM_REASONS; i++)
		assert_true(strlen(sym_reason_text(i)) > 3);
	symbolizer_free(s);
	modules_free(&m);
	symbolizer_free(NULL);
}

static void test_opened_later(void **state)
{
	const uint64_t *counts;
	uint64_t vaddr;
	const struct symbol *sym;
	struct symbolizer *s;
	struct modules m;
	uint32_t id;

	write_text("later.c", "int main(void) { return 5; }\n");
	sh("cc -o later later.c");
	vaddr = nm_vaddr("later", "main");
	modules_init(&m);
	id = modules_file(&m, "/nowhere/later", 7, 7, -1, 0, false);
	s = symbolizer_new(&m, DEMANGLED);
	sym = names_of(symbolizer_names(s), id, vaddr);
	assert_int_equal(sym->reason, SYM_NOT_OPENED);
	assert_int_equal(modules_file(&m, "/nowhere/later", 7, 7, open("later", O_RDONLY), 0, false), id);
	assert_int_equal(names_of(symbolizer_names(s), id, vaddr)->reason, SYM_NOT_OPENED);
	symbolizer_refresh(s);
	assert_ptr_equal(names_of(symbolizer_names(s), id, vaddr), sym);
	assert_string_equal(sym->function, "main");
	counts = symbolizer_names(s)->asked;
	assert_int_equal(counts[SYM_NOT_OPENED], 0);
	assert_int_equal(counts[SYM_NAMED], 1);
	symbolizer_free(s);
	modules_free(&m);
}

/* Assembly: named as far as its unwind information goes, or, where it has none, to the next function. */
static void test_without_size(void **state)
{
	static const char source[] =
		".text\n.globl _start\n_start:\n.cfi_startproc\nnop\nnop\n.cfi_endproc\n"
		".cfi_startproc\nnop\n.globl trampoline\ntrampoline:\nnop\nnop\n.cfi_endproc\n"
		".fill 16, 1, 0x90\n"
		"bare:\nnop\nnop\ninner:\nnop\nnop\n"
		".type sized, @function\nsized:\n.cfi_startproc\nnop\nlabel:\nnop\nnop\n.cfi_endproc\n.size sized, 2\n";
	struct modules m;
	struct symbolizer *s;
	uint32_t id;
	uint64_t at;

	write_text("asm.s", source);
	sh("as -o asm.o asm.s && ld --eh-frame-hdr -o asm asm.o");
	modules_init(&m);
	id = add_file(&m, "asm");
	s = symbolizer_new(&m, DEMANGLED);
	at = nm_vaddr("asm", "sized") - 25;
	expect_text(names_of(symbolizer_names(s), id, at + 1), "_start", "_start+0x2");
	expect_text(names_of(symbolizer_names(s), id, at + 4), "trampoline", "trampoline+0x2");
	expect_text(names_of(symbolizer_names(s), id, at + 22), "bare", "bare+0x2");
	expect_text(names_of(symbolizer_names(s), id, at + 24), "inner", "inner+0x2");
	expect_text(names_of(symbolizer_names(s), id, at + 26), "sized", "sized+0x2");
	/* Behind its size, in a function whose start has another name: nobody's. */
	assert_null(names_of(symbolizer_names(s), id, at + 27)->function);
	symbolizer_free(s);
	modules_free(&m);
}

/* As the debugger packages of a distribution: the file is stripped, its symbols are where the target has them. */
static void test_debug_file(void **state)
{
	struct symbolizer *s;
	uint64_t vaddr;
	struct modules m;
	char *path;
	uint32_t id;

	write_text("debug.c", "static __attribute__((noinline)) int secret(int x) { return x + 1; }\n"
			      "int main(int argc, char **argv) { return secret(argc); }\n");
	sh("mkdir -p dbg/.debug && cc -O1 -g -o dbg/full debug.c");
	sh("objcopy --only-keep-debug dbg/full dbg/.debug/prog.debug");
	sh("strip -s -o dbg/prog dbg/full && objcopy --add-gnu-debuglink=dbg/.debug/prog.debug dbg/prog");
	vaddr = nm_vaddr("dbg/full", "secret");
	path = xasprintf("%s/dbg/prog", elftest_dir);
	for (int with_pid = 0; with_pid < 2; with_pid++) {
		modules_init(&m);
		id = modules_file(&m, path, 9, 9, open(path, O_RDONLY), with_pid ? (uint32_t)getpid() : 0, false);
		s = symbolizer_new(&m, DEMANGLED);
		assert_int_equal(names_of(symbolizer_names(s), id, vaddr)->reason, SYM_NAMED);
		assert_string_equal(names_of(symbolizer_names(s), id, vaddr)->function, "secret");
		symbolizer_free(s);
		modules_free(&m);
	}
	free(path);
}

static void test_vdso(void **state)
{
	struct nm_list list = {0};
	struct symbolizer *s;
	struct modules m;
	const void *image;
	bool seen = false;
	uint32_t id;
	size_t size;

	image = vdso_image(&size);
	if (!image)
		skip();
	write_file("vdso.so", image, size);
	nm_add(&list, "-D vdso.so");
	assert_true(list.n >= 2);
	modules_init(&m);
	id = modules_vdso(&m, 0);
	s = symbolizer_new(&m, DEMANGLED);
	for (size_t i = 0; i < list.n; i++) {
		const struct symbol *sym = names_of(symbolizer_names(s), id, list.at[i].vaddr + list.at[i].size - 1);

		assert_int_equal(sym->reason, SYM_NAMED);
		assert_string_equal(sym->module, "[vdso]");
		assert_int_equal(sym->offset, list.at[i].size - 1);
		seen = seen || strcmp(sym->function, "clock_gettime") == 0;
	}
	assert_true(seen);
	nm_free(&list);
	symbolizer_free(s);
	modules_free(&m);
}

static void test_jit(void **state)
{
	char *path = xasprintf("/tmp/perf-%d.map", getpid());
	const uint64_t *counts;
	const struct symbol *a, *b;
	struct symbolizer *s;
	struct modules m;
	uint32_t id;

	unlink(path);
	modules_init(&m);
	id = modules_jit(&m, (uint32_t)getpid(), getuid());
	s = symbolizer_new(&m, DEMANGLED);
	a = names_of(symbolizer_names(s), id, 0x1008);
	assert_int_equal(a->reason, SYM_NO_PERF_MAP);
	expect_text(a, "[anon]+0x1008", "[anon]+0x1008");

	write_text(path, "1000 10 py::one:a.py\n");
	/* Not before the next interval: a map is not read for each miss. */
	assert_int_equal(names_of(symbolizer_names(s), id, 0x1008)->reason, SYM_NO_PERF_MAP);
	symbolizer_refresh(s);
	assert_ptr_equal(names_of(symbolizer_names(s), id, 0x1008), a);
	assert_int_equal(a->reason, SYM_NAMED);
	expect_text(a, "py::one:a.py", "py::one:a.py+0x9");
	b = names_of(symbolizer_names(s), id, 0x2000);
	assert_int_equal(b->reason, SYM_NOT_IN_PERF_MAP);

	write_text(path, "1000 10 py::one:a.py\n2000 10 _ZN2js3fooEv\n");
	symbolizer_refresh(s);
	names_of(symbolizer_names(s), id, 0x2000);
	assert_int_equal(b->reason, SYM_NAMED);
	assert_string_equal(b->function, "js::foo");
	counts = symbolizer_names(s)->asked;
	assert_int_equal(counts[SYM_NAMED], 1);
	assert_int_equal(counts[SYM_NO_PERF_MAP], 0);
	assert_int_equal(counts[SYM_NOT_IN_PERF_MAP], 0);

	/* What was named stays so when the process and its map are gone. */
	unlink(path);
	symbolizer_refresh(s);
	assert_string_equal(names_of(symbolizer_names(s), id, 0x1008)->function, "py::one:a.py");
	assert_string_equal(names_of(symbolizer_names(s), id, 0x1009)->function, "py::one:a.py");
	symbolizer_free(s);
	modules_free(&m);
	free(path);
}

static void test_hostile_name(void **state)
{
	/* A symbol's name of 100,000 bytes is cut; its control characters are the renderers' to escape. */
	struct symbolizer *s;
	struct modules m;
	FILE *f = fopen("long.s", "w");
	uint32_t id;
	const struct symbol *sym;

	assert_non_null(f);
	fprintf(f, ".text\n.globl \"\033[2J");
	for (int i = 0; i < 100000; i++)
		fputc('a', f);
	fprintf(f, "\"\n.type \"\033[2J");
	for (int i = 0; i < 100000; i++)
		fputc('a', f);
	fprintf(f, "\", @function\n\"\033[2J");
	for (int i = 0; i < 100000; i++)
		fputc('a', f);
	fprintf(f, "\": nop\n");
	fclose(f);
	sh("as -o long.o long.s && ld -Ttext=0x10000 -e 0 -o long long.o");
	modules_init(&m);
	id = add_file(&m, "long");
	s = symbolizer_new(&m, DEMANGLED);
	sym = names_of(symbolizer_names(s), id, 0x10000);
	assert_int_equal(sym->reason, SYM_NAMED);
	assert_int_equal(strlen(sym->function), 4096);
	assert_memory_equal(sym->function, "\033[2Jaaaa", 8);
	symbolizer_free(s);
	modules_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identify),
		cmocka_unit_test(test_cxx),
		cmocka_unit_test(test_demangle),
		cmocka_unit_test(test_without_size),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_opened_later),
		cmocka_unit_test(test_debug_file),
		cmocka_unit_test(test_vdso),
		cmocka_unit_test(test_jit),
		cmocka_unit_test(test_hostile_name),
	};

	return cmocka_run_group_tests_name("symbolizer", tests, elftest_setup, elftest_teardown);
}
