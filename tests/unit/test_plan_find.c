/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocators by other names than malloc, in other symbol tables than .dynsym, and those that are none. */
#include "elftest.h"

#include "alloc/user.h"
#include "elf/irelative.h"
#include "elf/debugfile.h"
#include "probe/plan.h"

/* An allocator of its own: malloc and free with the names that P makes of them, and a caller. */
static const char arena[] =
	"#include <stddef.h>\n"
	"#ifndef P\n#define P(x) x\n#endif\n"
	"static char a[1 << 20]; static size_t u;\n"
	"void *P(malloc)(size_t n)\n"
	"{ void *p = a + u; u = (u + n + 15) & ~15ul; if (u > sizeof(a) - 65536) u = 0; return p; }\n"
	"void P(free)(void *p) { (void)p; }\n"
	"void *P(realloc)(void *p, size_t n) { return p ? p : P(malloc)(n); }\n"
	"__attribute__((visibility(\"default\"), noinline)) void work(void)\n"
	"{ for (int i = 0; i < 100; i++) P(free)(P(malloc)(i)); }\n";

static const char local_script[] = "{ global: work; local: *; };\n";

static struct plan *plan_of(const char *file, const struct plan_chosen *chosen, struct elf_file **ef, int *fd)
{
	char *path = xasprintf("%s/%s", elftest_dir, file);
	struct plan_input in = {
		.path = path, .separate = true, .flags = PLAN_NOPS | PLAN_BLOCKS,
		.chosen = chosen, .n_chosen = chosen != NULL,
	};
	struct elf_file *debug = NULL;
	int debug_fd = -1;
	struct plan *p;

	*ef = open_elf(file, fd);
	if (!elf_debugfile_open(*ef, path, "", &debug_fd, &debug))
		in.debug = debug;
	assert_int_equal(plan_make_for(*ef, &in, &p), 0);
	elf_file_close(debug);
	if (debug_fd >= 0)
		close(debug_fd);
	free(path);
	return p;
}

/* How many probes there are on functions of that name. */
static size_t probes_on(const struct plan *p, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_probes; i++)
		n += !strcmp(p->probes[i].name, name);
	return n;
}

static const struct plan_skip *skip_of(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_skips; i++)
		if (!strcmp(p->skips[i].name, name))
			return &p->skips[i];
	return NULL;
}

static void expect_why(const struct plan *p, const char *name, const char *why)
{
	const struct plan_skip *s = skip_of(p, name);

	if (!s)
		fail_msg("%s is not there", name);
	else if (!strstr(s->why, why))
		fail_msg("%s: %s", name, s->why);
}

#define WITH_PLAN(file, chosen) \
	for (struct plan *p = plan_of(file, chosen, &ef, &fd); p; plan_free(p), close_elf(ef, fd), p = NULL)

static void test_prefix(void **state)
{
	static const char *const prefixes[] = {"foo_", "je_", "_rjem_", "rp"};
	struct elf_file *ef;
	int fd;

	write_text("arena.c", arena);
	for (size_t i = 0; i < 4; i++) {
		char name[32];

		sh("cc -O1 -shared -fPIC -fno-builtin '-DP(x)=%s##x' -o prefix.so arena.c", prefixes[i]);
		WITH_PLAN("prefix.so", NULL) {
			assert_int_equal(p->n_probes, 3);
			snprintf(name, sizeof(name), "%smalloc", prefixes[i]);
			assert_int_equal(probes_on(p, name), 1);
			snprintf(name, sizeof(name), "%sfree", prefixes[i]);
			assert_int_equal(probes_on(p, name), 1);
		}
	}
	/* malloc without free is no family. */
	sh("sed 's/P(free)/P(release)/' arena.c > half.c");
	sh("cc -O1 -shared -fPIC -fno-builtin '-DP(x)=foo_##x' -o half.so half.c");
	WITH_PLAN("half.so", NULL)
		assert_int_equal(p->n_probes + p->n_skips, 0);
}

/* Whose calls are counted elsewhere, or whose size is not where malloc has it. */
static void test_no_prefix(void **state)
{
	static const char wrappers[] =
		"#include <stdlib.h>\n"
		"void *x_malloc(size_t n) { void *p = malloc(n); if (!p) abort(); return p; }\n"
		"void x_free(void *p) { free(p); }\n"
		"static __attribute__((noinline)) void *deep(size_t n) { return malloc(n + 16); }\n"
		"void *y_malloc(size_t n) { char *p = deep(n); return p ? p + 16 : NULL; }\n"
		"void y_free(void *p) { free((char *)p - 16); }\n"
		"void *(*hook)(size_t) = malloc;\n"
		"void *h_malloc(size_t n) { return hook(n); }\n"
		"void h_free(void *p) { free(p); }\n"
		"static char a[4096]; static size_t u;\n"
		"__attribute__((noinline)) void *in_pool(const char *type, size_t n, unsigned align)\n"
		"{ void *p = a + u; u += n + align + *type; return p; }\n"
		"void *t_malloc(const char *type, size_t n, unsigned align) { return in_pool(type, n, align); }\n"
		"void t_free(void *p) { (void)p; }\n";
	struct elf_file *ef;
	int fd;

	write_text("wrappers.c", wrappers);
	for (int level = 0; level <= 2; level++) {
		sh("cc -O%d -shared -fPIC -fno-builtin -o wrappers.so wrappers.c", level);
		WITH_PLAN("wrappers.so", NULL) {
			assert_int_equal(p->n_probes, 0);
			expect_why(p, "x_malloc", "forwards its calls");
			expect_why(p, "y_malloc", "forwards its calls");
			expect_why(p, "h_malloc", "forwards its calls");
			expect_why(p, "t_malloc", "takes more arguments");
			assert_false(skip_of(p, "x_malloc")->gap);
		}
	}
}

static void test_local(void **state)
{
	static const char other[] =
		"struct node { struct node *next; };\n"
		"static __attribute__((noinline)) int free(struct node *n, int depth, long *sum)\n"
		"{ while (n) { *sum += depth; n = n->next; } return depth; }\n"
		"int work(struct node *n, long *sum) { return free(n, 3, sum); }\n";
	struct elf_file *ef;
	int fd;

	write_text("arena.c", arena);
	write_text("local.map", local_script);
	sh("cc -O1 -shared -fPIC -fno-builtin -Wl,--version-script=local.map -o local.so arena.c");
	WITH_PLAN("local.so", NULL) {
		assert_int_equal(probes_on(p, "malloc"), 1);
		assert_int_equal(probes_on(p, "free"), 1);
		assert_int_equal(probes_on(p, "realloc"), 1);
	}
	write_text("other.c", other);
	sh("cc -O1 -shared -fPIC -fno-builtin -o other.so other.c");
	WITH_PLAN("other.so", NULL) {
		assert_int_equal(p->n_probes, 0);
		expect_why(p, "free", "local symbol: another function of that name");
	}
}

static void test_versions(void **state)
{
	static const char versions[] =
		"#include <stddef.h>\n"
		"static char a[1 << 20]; static size_t u;\n"
		"void *malloc_one(size_t n) { return a + (u += n); }\n"
		"void *malloc_two(size_t n) { return a + (u += n + 16); }\n"
		"__asm__(\".symver malloc_one, malloc@V1\\n.symver malloc_two, malloc@@V2\");\n"
		"void free(void *p) { (void)p; }\n";
	struct elf_file *ef;
	int fd;

	write_text("versions.c", versions);
	write_text("versions.map", "V1 { global: malloc; free; }; V2 { global: malloc; } V1;\n");
	sh("cc -O1 -shared -fPIC -fno-builtin -Wl,--version-script=versions.map -o versions.so versions.c");
	for (int stripped = 0; stripped < 2; stripped++) {
		WITH_PLAN("versions.so", NULL)
			assert_int_equal(probes_on(p, "malloc"), 2);
		sh("strip versions.so");
	}
}

static void test_untyped(void **state)
{
	static const char source[] =
		"\t.text\n\t.globl malloc\nmalloc:\n\t.cfi_startproc\n\tpush %rbx\n\tmov %rdi, %rax\n\tpop %rbx\n"
		"\tret\n"
		"\t.cfi_endproc\n\t.globl free\nfree:\n\tret\n\t.data\n\t.globl calloc\ncalloc:\n\t.quad 1\n";
	struct elf_file *ef;
	int fd;

	write_text("untyped.s", source);
	sh("cc -shared -o untyped.so untyped.s");
	WITH_PLAN("untyped.so", NULL) {
		assert_int_equal(probes_on(p, "malloc"), 1);
		assert_int_equal(probes_on(p, "free"), 1);
		assert_int_equal(p->n_probes, 2);
	}
}

static const char ifunc_head[] =
	"#include <stddef.h>\n"
	"static char a[1 << 20]; static size_t u;\n"
	"static void *fast(size_t n) { return a + (u += n); }\n"
	"static void *plain(size_t n) { return a + (u += n + 16); }\n"
	"void free(void *p) { (void)p; }\n"
	"void *malloc(size_t) __attribute__((ifunc(\"choose\")));\n";

static void test_ifunc(void **state)
{
	struct plan_chosen chosen;
	struct elf_file *ef;
	uint64_t slots[4];
	char *text;
	int fd;

	/* What its code loads. */
	text = xasprintf("%sint flag;\nstatic void *(*choose(void))(size_t) { return flag ? fast : plain; }\n",
			 ifunc_head);
	write_text("ifunc.c", text);
	free(text);
	sh("cc -O1 -shared -fPIC -fno-builtin -o ifunc.so ifunc.c");
	WITH_PLAN("ifunc.so", NULL) {
		assert_int_equal(p->n_ifuncs, 1);
		assert_int_equal(probes_on(p, "malloc"), 2);
		assert_false(skip_of(p, "malloc")->gap);
		chosen = (struct plan_chosen){p->ifuncs[0].resolver, nm_vaddr("ifunc.so", "fast")};
	}
	/* What it was seen to have chosen, and what is no function. */
	WITH_PLAN("ifunc.so", &chosen) {
		assert_int_equal(probes_on(p, "malloc"), 1);
		assert_int_equal(p->probes[0].vaddr == chosen.vaddr || p->probes[1].vaddr == chosen.vaddr, 1);
	}
	chosen.vaddr++;
	WITH_PLAN("ifunc.so", &chosen)
		assert_int_equal(probes_on(p, "malloc"), 2);

	/* A table of them. */
	text = xasprintf("%sstatic void *(*const table[])(size_t) = {fast, plain};\nint flag;\n"
			 "static void *(*choose(void))(size_t) { return table[flag & 1]; }\n", ifunc_head);
	write_text("table.c", text);
	free(text);
	sh("cc -O1 -shared -fPIC -fno-builtin -o table.so table.c");
	WITH_PLAN("table.so", NULL)
		assert_int_equal(probes_on(p, "malloc"), 2);

	/* Nothing is known until somebody looks into the process. */
	text = xasprintf("%sextern void *(*hook)(size_t);\n"
			 "static void *(*choose(void))(size_t) { return hook; }\n", ifunc_head);
	write_text("hook.c", text);
	free(text);
	sh("cc -O1 -shared -fPIC -fno-builtin -o hook.so hook.c");
	WITH_PLAN("hook.so", NULL) {
		assert_int_equal(probes_on(p, "malloc"), 0);
		assert_true(skip_of(p, "malloc")->gap);
		expect_why(p, "malloc", "its choice is unknown");
	}
	/* The slots that say it. */
	write_text("user.c", "#include <stdlib.h>\nint main(void) { return !malloc(3); }\n");
	sh("cc -O1 -fno-builtin -o user user.c -L. -l:ifunc.so");
	ef = open_elf("user", &fd);
	assert_int_equal(elf_slots_of(ef, 0, "malloc", slots, 4), 1);
	assert_int_equal(elf_slots_of(ef, 0, "mallo", slots, 4), 0);
	close_elf(ef, fd);
}

static void test_separate_symbols(void **state)
{
	struct elf_file *ef;
	int fd;

	write_text("arena.c", arena);
	write_text("local.map", local_script);
	sh("cc -O1 -shared -fPIC -fno-builtin -Wl,--version-script=local.map -o full.so arena.c");
	sh("strip -o bare.so full.so");
	WITH_PLAN("bare.so", NULL)
		assert_int_equal(p->n_probes, 0);
	/* By debuglink. */
	sh("objcopy --only-keep-debug full.so full.debug && cp bare.so linked.so");
	sh("objcopy --add-gnu-debuglink=full.debug linked.so");
	WITH_PLAN("linked.so", NULL) {
		assert_int_equal(probes_on(p, "malloc"), 1);
		assert_int_equal(probes_on(p, "free"), 1);
	}
	/* In .gnu_debugdata. */
	sh("objcopy -S --remove-section .comment --keep-symbol=malloc --keep-symbol=free full.debug mini.elf");
	sh("xz -k -f mini.elf && cp bare.so mini.so && objcopy --add-section .gnu_debugdata=mini.elf.xz mini.so");
	WITH_PLAN("mini.so", NULL) {
		assert_int_equal(probes_on(p, "malloc"), 1);
		assert_int_equal(probes_on(p, "free"), 1);
	}
}

static int named(const char *spec, bool frees)
{
	struct buf why = {0};
	int err = alloc_user_add(spec, frees, &why);

	if (!err)
		err = alloc_user_check(&why);
	buf_free(&why);
	return err;
}

static void test_named(void **state)
{
	static const char pool[] =
		"#include <stddef.h>\n"
		"static char a[1 << 20]; static size_t u;\n"
		"__attribute__((noinline)) void *pool_get(void *pool, size_t n) { (void)pool; return a + (u += n); }\n"
		"__attribute__((noinline)) void *pool_zero(void *pool, size_t n)\n"
		"{ (void)pool; return a + (u += n + 1); }\n"
		"__attribute__((noinline)) void pool_put(void *pool, void *p) { (void)pool; *(char *)p = 1; }\n";
	struct elf_file *ef;
	uint64_t at;
	char *spec;
	int fd;

	write_text("pool.c", pool);
	sh("cc -O1 -shared -fPIC -o pool.so pool.c && strip -o bare-pool.so pool.so");
	assert_int_equal(named("pool_get(size=2)", false), 0);
	assert_int_equal(named("pool_put(ptr=2)", true), 0);
	WITH_PLAN("pool.so", NULL) {
		assert_int_equal(p->n_probes, 2);
		for (size_t i = 0; i < 2; i++) {
			const struct plan_probe *q = &p->probes[i];

			assert_int_equal(q->frees, !strcmp(q->name, "pool_put"));
			if (q->frees)
				assert_int_equal(q->old_reg, 6);
			else
				assert_int_equal(q->site.arg_reg[1], 6);
		}
	}
	alloc_user_clear();

	assert_int_equal(named("pool_[gz]e*(size=2)", false), 0);
	WITH_PLAN("pool.so", NULL) {
		assert_int_equal(p->n_probes, 2);
		assert_int_equal(probes_on(p, "pool_get") + probes_on(p, "pool_zero"), 2);
	}
	alloc_user_clear();

	/* By address, and by one that no function has. */
	at = nm_vaddr("pool.so", "pool_zero");
	spec = xasprintf("bare-pool.so+0x%llx(size=2)", (unsigned long long)at);
	assert_int_equal(named(spec, false), 0);
	free(spec);
	spec = xasprintf("bare-pool.so+0x%llx(size=2)", (unsigned long long)at + 1);
	assert_int_equal(named(spec, false), 0);
	free(spec);
	WITH_PLAN("bare-pool.so", NULL) {
		assert_int_equal(p->n_probes, 1);
		assert_int_equal(p->probes[0].vaddr, at);
		assert_int_equal(p->n_skips, 1);
		assert_non_null(strstr(p->skips[0].why, "no function starts there"));
	}
	/* Other files have nothing to do with it. */
	WITH_PLAN("pool.so", NULL)
		assert_int_equal(p->n_probes + p->n_skips, 0);
	alloc_user_clear();
}

static void test_hidden_new(void **state)
{
	static const char *const source =
		"#include <new>\n#include <stdlib.h>\n"
		"static char a[1 << 20]; static size_t u;\n"
		"extern \"C\" void *malloc(size_t n) { return a + (u += n); }\n"
		"extern \"C\" void free(void *p) { (void)p; }\n"
		"void *operator new(size_t n) { if (u > 1000000) throw std::bad_alloc(); return a + (u += n); }\n"
		"void operator delete(void *p) noexcept { (void)p; }\n"
		"int main(int c, char **) { int *volatile p = new int(c); return *p - c; }\n";
	struct elf_file *ef;
	int fd;

	write_text("new.cc", source);
	sh("g++ -O1 -fno-builtin -static-libstdc++ -static-libgcc -o new new.cc && strip -o new-bare new");
	WITH_PLAN("new", NULL) {
		assert_int_equal(probes_on(p, "_Znwm"), 1);
		assert_string_equal(p->gap, "");
	}
	WITH_PLAN("new-bare", NULL) {
		assert_int_equal(probes_on(p, "malloc"), 1);
		assert_int_equal(probes_on(p, "_Znwm"), 0);
		assert_non_null(strstr(p->gap, "operator new"));
	}
	/* Without a malloc of its own, operator new passes on to the libc's. */
	write_text("plain.cc", "int main(int c, char **) { int *volatile p = new int(c); return *p - c; }\n");
	sh("g++ -O1 -static-libstdc++ -static-libgcc -o plain plain.cc && strip plain");
	WITH_PLAN("plain", NULL)
		assert_string_equal(p->gap, "");
}

/* A file with more functions than there is room for, as a hostile one may have. */
static void test_too_many(void **state)
{
	struct elf_file *ef;
	FILE *f = fopen("many.c", "w");
	int fd;

	assert_non_null(f);
	for (int i = 0; i < 400; i++)
		fprintf(f, "char *many_%d(unsigned long n) { static char a[64]; return a + (n & %d); }\n", i, i & 31);
	fclose(f);
	sh("cc -O1 -shared -fPIC -o many.so many.c");
	assert_int_equal(named("many_*(size=1)", false), 0);
	WITH_PLAN("many.so", NULL) {
		assert_int_equal(p->n_probes, PLAN_MAX_FUNCTIONS);
		assert_non_null(strstr(p->gap, "more than 256 functions"));
	}
	alloc_user_clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_no_prefix),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_untyped),
		cmocka_unit_test(test_ifunc),
		cmocka_unit_test(test_separate_symbols),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_hidden_new),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests_name("plan_find", tests, elftest_setup, elftest_teardown);
}
