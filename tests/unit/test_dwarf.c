/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sym/dwarf.h against addr2line: every return address of programs in the ways that compilers and tools write them. */
#include "elftest.h"

#include "base/buf.h"
#include "elf/debugfile.h"
#include "sym/dwarf.h"

static const char inner_h[] =
	"static inline int twice(int x) { volatile int v = x; return v + v; }\n"
	"static inline int around(int x)\n"
	"{\n"
	"\tint sum = leaf(x);\n"
	"\tfor (int i = 0; i < x; i++)\n"
	"\t\tsum += leaf(twice(i));\n"
	"\treturn sum;\n"
	"}\n";

static const char one_c[] =
	"int leaf(int), two(int);\n"
	"#include \"inner.h\"\n"
	"static inline __attribute__((always_inline)) int deep(int x) { return around(x) + leaf(7); }\n"
	"static inline __attribute__((always_inline)) int deeper(int x) { return deep(x + 1) + deep(x + 2); }\n"
	"__attribute__((noinline)) int recurse(int x)\n"
	"{\n"
	"\treturn x > 0 ? recurse(x - 1) + deeper(x) : leaf(x);\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"\tif (argc > 5)\n"
	"\t\t__builtin_abort();\n"
	"\treturn recurse(argc) + two(argc);\n"
	"}\n";

static const char two_c[] =
	"int leaf(int), two(int);\n"
	"#include \"sub/../inner.h\"\n"
	"__attribute__((noinline)) int leaf(int x) { __asm__ volatile(\"\" : \"+r\"(x)); return x; }\n"
	"int two(int x) { return around(x) + around(leaf(x)); }\n";

static const char cxx_cc[] =
	"#include <map>\n#include <string>\n#include <vector>\n"
	"namespace app { struct Parser { std::map<std::string, std::vector<int>> m;\n"
	"  void add(const std::string &k, int v) { m[k].push_back(v); }\n"
	"  struct Inner { int run(Parser &p) { auto f = [&](int i) { p.add(std::string(i, 'x'), i); return i; };\n"
	"    int s = 0; for (int i = 0; i < 100; i++) s += f(i); return s; } }; }; }\n"
	"int main() { app::Parser p; app::Parser::Inner in; return in.run(p) == 3 ? 0 : 1; }\n";

static void write_sources(void)
{
	sh("mkdir -p sub");
	write_text("inner.h", inner_h);
	write_text("one.c", one_c);
	write_text("two.c", two_c);
	write_text("cxx.cc", cxx_cc);
}

/* The file's own name: binutils and we join directories differently. */
static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_place(struct buf *out, const char *function, const char *file, unsigned int line)
{
	buf_printf(out, "%s %s:%u\n", function, line ? base(file) : "?", line);
}

static void ours(struct dwarf *d, uint64_t addr, struct buf *out)
{
	struct dwarf_place p[DWARF_PLACES_MAX];
	uint64_t start;
	size_t n = dwarf_at(d, addr, p, &start);

	if (n && p[n - 1].function)
		assert_true(start > 0);
	for (size_t i = 0; i < n; i++)
		add_place(out, p[i].function ? p[i].function : "??", p[i].file ? p[i].file : "?", p[i].line);
	if (!n)
		add_place(out, "??", "?", 0);
}

/* Compares at each return address (less one) of `code` the debugging information of `debug`. Returns how many. */
static size_t compare(const char *code, const char *debug)
{
	char function[4096], place[4096], *colon;
	struct buf want = {0}, got = {0};
	struct elf_file *ef;
	struct dwarf *d;
	uint64_t addr = 0;
	size_t n = 0;
	int fd;
	FILE *f;

	sh("objdump -d --no-show-raw-insn %s |"
	   " awk '/^ /{ if (c) { sub(\":\", \"\", $1); print $1; c = 0 } } /\\tcall/{ c = 1 }' |"
	   " while read -r a; do printf '%%x\\n' $((0x$a - 1)); done >addrs", code);
	/* Not that of binutils, which is wrong about files in parts of functions that were moved. A symbol table would
	 * give it other names than the debugging information does. */
	sh("llvm-objcopy --remove-section=.symtab --remove-section=.strtab %s oracle 2>log || cp %s oracle",
	   debug, debug);
	sh("sed 's/^/0x/' addrs | llvm-addr2line -a -i -f -e oracle | sed 's/ (discriminator [0-9]*)//' >wanted");
	ef = open_elf(debug, &fd);
	assert_int_equal(dwarf_open(ef, &d), 0);
	close_elf(ef, fd);
	f = fopen("wanted", "r");
	assert_non_null(f);
	for (;;) {
		bool more = fgets(function, sizeof(function), f);

		if (addr && (!more || !strncmp(function, "0x", 2))) {
			ours(d, addr, &got);
			if (strcmp(buf_cstr(&got), buf_cstr(&want)))
				fail_msg("%s at %#lx: addr2line says\n%swe say\n%s", debug, (unsigned long)addr,
					 buf_cstr(&want), buf_cstr(&got));
			buf_reset(&want);
			buf_reset(&got);
			n++;
		}
		if (!more)
			break;
		if (!strncmp(function, "0x", 2)) {
			addr = strtoull(function, NULL, 16);
			continue;
		}
		assert_non_null(fgets(place, sizeof(place), f));
		function[strcspn(function, "\n")] = '\0';
		colon = strrchr(place, ':');
		assert_non_null(colon);
		*colon = '\0';
		add_place(&want, function, place, (unsigned int)strtoul(colon + 1, NULL, 10));
	}
	fclose(f);
	buf_free(&want);
	buf_free(&got);
	dwarf_close(d);
	return n;
}

static void need_oracle(void)
{
	if (system("command -v llvm-addr2line llvm-objcopy >/dev/null 2>&1"))
		skip();
}

static void agrees_with_addr2line(void **state)
{
	static const char *const flags[] = {
		"-gdwarf-5", "-gdwarf-4", "-gdwarf-3 -gstrict-dwarf", "-gdwarf-5 -gz=zlib",
		"-gdwarf-4 -gz=zlib -no-pie", "-gdwarf-5 -gdwarf64", "-g -ffunction-sections -Wl,--gc-sections",
		"-g -flto", "-g -O3 -freorder-functions", "-g -fdebug-types-section",
	};

	need_oracle();
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		sh("gcc -O2 %s -o prog one.c two.c 2>log", flags[i]);
		assert_true(compare("prog", "prog") >= 10);
		sh("objcopy --only-keep-debug prog prog.debug && strip -g -o stripped prog");
		assert_true(compare("stripped", "prog.debug") >= 10);
	}
}

static void agrees_on_cxx(void **state)
{
	need_oracle();
	sh("g++ -O2 -g -o cxx cxx.cc");
	assert_true(compare("cxx", "cxx") >= 20);
	if (system("command -v clang++ >/dev/null 2>&1"))
		return;
	sh("clang -O2 -g -o prog one.c two.c");
	assert_true(compare("prog", "prog") >= 10);
}

/* What the compiler was told is known exactly. */
static void chain_of_inlined(void **state)
{
	struct dwarf_place p[DWARF_PLACES_MAX];
	static const char source[] =
		"void leaf(void);\n"
		"static inline __attribute__((always_inline)) void a(void) { leaf(); __asm__ volatile(\"\"); }\n"
		"static inline __attribute__((always_inline)) void b(void)\n"
		"{\n"
		"\ta();\n"
		"}\n"
		"__attribute__((noinline)) void outer(void)\n"
		"{\n"
		"\tb();\n"
		"}\n"
		"__attribute__((noinline)) void leaf(void) { __asm__ volatile(\"\"); }\n"
		"int main(void) { outer(); return 0; }\n";
	char want_path[128], *text;
	struct elf_file *ef;
	struct dwarf *d;
	uint64_t start, addr;
	size_t size;
	int fd;

	write_text("chain.c", source);
	sh("gcc -O2 -g -o chain chain.c");
	sh("objdump -d --no-show-raw-insn --disassemble=outer chain | "
	   "awk '/call/{ sub(\":\", \"\", $1); print $1 }' >call");
	text = (char *)read_whole("call", &size);
	addr = strtoull(text, NULL, 16);
	ef = open_elf("chain", &fd);
	assert_true(dwarf_is_in(ef));
	assert_int_equal(dwarf_open(ef, &d), 0);
	close_elf(ef, fd);
	assert_int_equal(dwarf_at(d, addr, p, &start), 3);
	assert_true(start && start <= addr);
	assert_string_equal(p[0].function, "a");
	assert_int_equal(p[0].line, 2);
	assert_string_equal(p[1].function, "b");
	assert_int_equal(p[1].line, 5);
	assert_string_equal(p[2].function, "outer");
	assert_int_equal(p[2].line, 9);
	snprintf(want_path, sizeof(want_path), "%s/chain.c", elftest_dir);
	for (int i = 0; i < 3; i++)
		assert_string_equal(p[i].file, want_path);
	assert_int_equal(dwarf_at(d, 1, p, &start), 0);
	assert_int_equal(dwarf_at(d, UINT64_MAX, p, &start), 0);
	dwarf_close(d);
	free(text);
}

static int open_path(const char *path, struct dwarf **d)
{
	struct elf_file *ef;
	int fd, err;

	ef = open_elf(path, &fd);
	err = dwarf_open(ef, d);
	close_elf(ef, fd);
	return err;
}

static void without(void **state)
{
	struct dwarf *d;

	sh("gcc -O2 -o bare one.c two.c");
	assert_int_equal(open_path("bare", &d), -ENOENT);
	/* What is left of the sections in a file whose debugging information was split off. */
	sh("gcc -O2 -g -o prog one.c two.c && "
	   "objcopy --set-section-flags .debug_info=alloc,noload prog odd 2>log || true");
	sh("objcopy --remove-section=.debug_abbrev prog odd");
	assert_int_equal(open_path("odd", &d), -ENOENT);
}

/* Split DWARF: only lines are there, and no file that the debugging information names is opened. */
static void split(void **state)
{
	struct dwarf_place p[DWARF_PLACES_MAX];
	struct elf_file *ef;
	struct dwarf *d;
	uint64_t start;
	int fd;

	sh("gcc -O2 -gdwarf-5 -gsplit-dwarf -o splitted one.c two.c 2>log && rm -f *.dwo && mkfifo splitted-one.dwo");
	ef = open_elf("splitted", &fd);
	assert_int_equal(dwarf_open(ef, &d), 0);
	assert_true(dwarf_at(d, elf_file_entry(ef), p, &start) == 0);
	for (uint64_t a = 0x1000; a < 0x1400; a++)
		dwarf_at(d, a, p, &start);
	assert_true(dwarf_is_split(d));
	dwarf_close(d);
	close_elf(ef, fd);
}

/*
 * Units that share one large table of abbreviations, as link-time optimisation makes them: 100 times 1.8 MB would be
 * too much, but libdw reads it to the end in those units only that are asked for.
 */
static void shared_abbrevs(void **state)
{
	struct dwarf_place p[DWARF_PLACES_MAX];
	struct dwarf *d;
	uint64_t start;
	int n = 0;
	FILE *f = fopen("lto.s", "w");

	(void)state;
	assert_non_null(f);
	fputs(".text\nbegin: .zero 1600\n"
	      ".section .debug_abbrev,\"\",@progbits\n"
	      ".byte 1, 0x11, 1, 0x11, 1, 0x12, 7, 0, 0\n"		/* unit: low_pc, high_pc */
	      ".byte 2, 0x2e, 0, 3, 8, 0x11, 1, 0x12, 7, 0, 0\n"	/* function: name, low_pc, high_pc */
	      ".set i, 3\n.rept 200000\n.uleb128 i\n.byte 0x34, 0, 3, 8, 0, 0\n"
	      ".set i, i + 1\n.endr\n.byte 0\n"
	      ".section .debug_info,\"\",@progbits\n"
	      ".set i, 0\n.rept 100\n"
	      ".long 2f - 1f\n1: .short 4\n.long 0\n.byte 8\n"
	      ".byte 1\n.quad begin + 16 * i, 16\n"
	      ".byte 2\n.asciz \"function\"\n.quad begin + 16 * i, 16\n.byte 0\n2:\n"
	      ".set i, i + 1\n.endr\n", f);
	fclose(f);
	sh("gcc -nostdlib -static -Wl,-e,0,-Ttext=0x401000 -o lto lto.s");
	assert_int_equal(open_path("lto", &d), 0);
	for (uint64_t unit = 50; unit < 60; unit++) {
		assert_int_equal(dwarf_at(d, 0x401000 + unit * 16, p, &start), 1);
		assert_string_equal(p[0].function, "function");
		assert_int_equal(start, 0x401000 + unit * 16);
	}
	assert_false(dwarf_gave_up(d));
	while (n < 100 && dwarf_at(d, 0x401000 + 16 * n, p, &start) == 1)
		n++;
	assert_in_range(n, 50, 80);
	assert_true(dwarf_gave_up(d));
	dwarf_close(d);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* What is known of every address of ./cxx's code, into out, with the debugging information that it shares with other
 * files or without. */
static void all_places(bool with_alt, struct buf *out)
{
	char *path = xasprintf("%s/cxx", elftest_dir);
	int fd = open(path, O_RDONLY), alt_fd;
	const struct elf_section *text;
	struct elf_file *ef, *alt;
	struct dwarf *d;

	assert_int_equal(elf_file_open(fd, path, &ef), 0);
	assert_int_equal(dwarf_open(ef, &d), 0);
	if (with_alt) {
		assert_int_equal(elf_altfile_open(ef, "", &alt_fd, &alt), 0);
		dwarf_set_alt(d, alt);
		close_elf(alt, alt_fd);
	} else {
		assert_int_equal(elf_altfile_open(ef, "/nowhere", &alt_fd, &alt), -ENOENT);
	}
	text = elf_section_by_name(ef, ".text");
	for (uint64_t i = 0; i < text->size; i++)
		ours(d, text->vaddr + i, out);
	assert_false(dwarf_is_split(d));
	dwarf_close(d);
	close_elf(ef, fd);
	free(path);
}

/* dwz -m: names and declarations are in a file that two programs share. */
static void shared_with_others(void **state)
{
	struct buf before = {0}, after = {0}, alone = {0};
	uint8_t *data;
	size_t size;

	if (system("command -v dwz >/dev/null 2>&1"))
		skip();
	sh("g++ -O2 -g -o cxx cxx.cc && cp cxx cxx2");
	all_places(false, &before);
	assert_non_null(strstr(buf_cstr(&before), "push_back"));
	sh("dwz -m sub/shared -M sub/shared cxx cxx2");
	all_places(true, &after);
	assert_string_equal(buf_cstr(&after), buf_cstr(&before));
	all_places(false, &alone);
	assert_string_not_equal(buf_cstr(&alone), buf_cstr(&before));
	/* It may lie as the other may. */
	data = read_whole("sub/shared", &size);
	for (int round = 0; round < 40; round++) {
		uint8_t *bad = xmalloc(size);

		memcpy(bad, data, size);
		for (int i = 0; i < 30; i++)
			bad[0x400 + random_next() % (size / 2)] = (uint8_t)random_next();
		write_file("sub/shared", bad, size);
		buf_reset(&after);
		all_places(true, &after);
		free(bad);
	}
	/* Of another build: refused. */
	write_file("sub/shared", data, size);
	sh("objcopy --remove-section=.note.gnu.build-id sub/shared");
	{
		char *path = xasprintf("%s/cxx", elftest_dir);
		int fd = open(path, O_RDONLY), alt_fd;
		struct elf_file *ef, *alt;

		assert_int_equal(elf_file_open(fd, path, &ef), 0);
		assert_int_equal(elf_altfile_open(ef, "", &alt_fd, &alt), -ENOEXEC);
		close_elf(ef, fd);
		free(path);
	}
	free(data);
	buf_free(&before);
	buf_free(&after);
	buf_free(&alone);
}

/* A section that claims to expand to what no file can. */
static void bombs(void **state)
{
	struct dwarf *d;
	struct elf_file *ef;
	const struct elf_section *sec;
	uint8_t *data;
	size_t size;
	int fd, err;

	sh("gcc -O2 -g -gz=zlib -o prog one.c two.c");
	data = read_whole("prog", &size);
	ef = open_elf("prog", &fd);
	sec = elf_section_by_name(ef, ".debug_info");
	assert_true(sec && sec->offset + 24 < size);
	memset(data + sec->offset + 8, 0x7f, 8);	/* ch_size */
	close_elf(ef, fd);
	write_file("bomb", data, size);
	err = open_path("bomb", &d);
	assert_true(err == -ENOEXEC || err == -EFBIG);
	free(data);
}

/* Looks up every 16th address of the code, which reads all that there is. */
static void use(const char *path)
{
	struct dwarf_place p[DWARF_PLACES_MAX];
	uint64_t start, sum = 0;
	struct dwarf *d;

	if (open_path(path, &d) != 0)
		return;
	for (uint64_t a = 0x1000; a < 0x1600; a += 16) {
		size_t n = dwarf_at(d, a, p, &start);

		assert_true(n <= DWARF_PLACES_MAX);
		for (size_t i = 0; i < n; i++)
			sum += (p[i].function ? strlen(p[i].function) : 0) + (p[i].file ? strlen(p[i].file) : 0);
	}
	assert_true(sum < UINT64_MAX);
	dwarf_close(d);
}

static void damage(const char *section, const char *cflags, int rounds)
{
	const struct elf_section *sec;
	struct elf_file *ef;
	uint8_t *data, *copy;
	size_t size;
	int fd;

	sh("gcc -O2 %s -nostartfiles -Wl,-e,main -o prog one.c two.c", cflags);
	data = read_whole("prog", &size);
	copy = xmalloc(size);
	ef = open_elf("prog", &fd);
	sec = elf_section_by_name(ef, section);
	assert_true(sec && sec->size && sec->offset + sec->size <= size);
	for (int i = 0; i < rounds; i++) {
		memcpy(copy, data, size);
		for (uint64_t k = random_next() % 4; k < 4; k++) {
			uint8_t *at = copy + sec->offset + random_next() % sec->size;

			*at = random_next() % 4 ? (uint8_t)random_next() : (random_next() & 1 ? 0xff : 0);
		}
		write_file("damaged", copy, size);
		use("damaged");
	}
	close_elf(ef, fd);
	free(data);
	free(copy);
}

static void damaged_info(void **state)
{
	damage(".debug_info", "-gdwarf-5", 700);
	damage(".debug_info", "-gdwarf-4", 500);
}

static void damaged_abbrev(void **state)
{
	damage(".debug_abbrev", "-gdwarf-5", 700);
	damage(".debug_abbrev", "-gdwarf-4", 500);
}

static void damaged_line(void **state)
{
	damage(".debug_line", "-gdwarf-5", 700);
	damage(".debug_line", "-gdwarf-4", 500);
	damage(".debug_rnglists", "-gdwarf-5 -O3", 300);
	damage(".debug_ranges", "-gdwarf-4 -O3", 300);
	damage(".debug_str", "-gdwarf-5", 100);
}

static int setup(void **state)
{
	if (elftest_setup(state))
		return -1;
	write_sources();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_of_inlined),
		cmocka_unit_test(agrees_with_addr2line),
		cmocka_unit_test(agrees_on_cxx),
		cmocka_unit_test(without),
		cmocka_unit_test(split),
		cmocka_unit_test(shared_abbrevs),
		cmocka_unit_test(shared_with_others),
		cmocka_unit_test(bombs),
		cmocka_unit_test(damaged_info),
		cmocka_unit_test(damaged_abbrev),
		cmocka_unit_test(damaged_line),
	};

	return cmocka_run_group_tests_name("dwarf", tests, setup, elftest_teardown);
}
