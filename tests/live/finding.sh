#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside: yes
# limit: 480
# Allocators that are not simply called malloc in .dynsym: with a prefix, local, hidden, in two versions, chosen by a
# resolver, with their symbols in another file. Launched and attached to, every call. And what can't be found is said.
. "$(dirname "$0")/../lib.sh"
need_root
need gcc g++ objcopy
remember_probes
cd "$DIR" || exit 1

cat >main.c <<'C'
#include <unistd.h>
void work(void);
int main(int argc, char **argv)
{
	char c;

	(void)argv;
	if (argc > 1) {
		if (write(1, "ready\n", 6) != 6)
			return 1;
		while (read(0, &c, 1) == 1 && c != '\n')
			;
	}
	work();
	return 0;
}
C
cat >arena.c <<'C'
#include <stddef.h>
#ifndef P
#define P(x) x
#endif
static char a[1 << 20]; static size_t u;
#define BODY(extra) { void *p = a + u; u = (u + n + (extra) + 15) & ~15ul; if (u > sizeof(a) - 65536) u = 0; return p; }
#if defined(IFUNC) || defined(TABLE) || defined(COMPUTED)
static void *fast(size_t n) BODY(0)
static void *plain(size_t n) BODY(16)
#ifdef TABLE
static void *(*const table[])(size_t) = {plain, fast};
static void *(*choose(void))(size_t) { return table[((size_t)a >> 40) != 1]; }
#elif defined(COMPUTED)
static void *(*choose(void))(size_t)
{
	size_t p = (size_t)fast + 16;

	__asm__("" : "+r"(p));
	return (void *(*)(size_t))(p - 16);
}
#else
static void *(*choose(void))(size_t) { return ((size_t)a >> 40) != 1 ? fast : plain; }
#endif
void *malloc(size_t) __attribute__((ifunc("choose")));
#elif defined(VERSIONS)
void *malloc_old(size_t n) BODY(0)
void *malloc_new(size_t n) BODY(16)
__asm__(".symver malloc_old, malloc@V1\n.symver malloc_new, malloc@@V2");
#else
__attribute__((noinline)) void *P(malloc)(size_t n) BODY(0)
#endif
__attribute__((noinline)) void P(free)(void *p) { (void)p; }
C
cat >work.c <<'C'
#include <stddef.h>
#ifndef P
#define P(x) x
#endif
void *P(malloc)(size_t n); void P(free)(void *p);
#ifdef OLD
__asm__(".symver malloc, malloc@V1");
#endif
__attribute__((visibility("default"), noinline)) void work(void)
{
	for (int i = 0; i < 1009; i++) {
		void *volatile p = P(malloc)(100);
		P(free)(p);
	}
}
C
CC=(gcc -O1 -g -fno-builtin -fno-omit-frame-pointer)

check() {	# WHAT CMD
	local what=$1

	shift
	run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$@"
	[[ $STATUS -eq 0 ]] || fail "$what: exit status $STATUS"
	expect_equal "$what, launched" "$(folded_sum "$DIR/folded" ';work;')" 1009
	attached "$what" "$@"
}

attached() {	# WHAT CMD
	local what=$1

	shift
	target_start "$@" -w
	trace_start "${EXACT[@]}" -f folded -m calls -p "$TARGET" -o "$DIR/folded"
	go
	target_end
	trace_end
	[[ $STATUS -eq 0 ]] || fail "$what: exit status $STATUS"
	expect_equal "$what, attached" "$(folded_sum "$DIR/folded" ';work;')" 1009
}

for prefix in foo_ rp; do
	"${CC[@]}" "-DP(x)=$prefix##x" -o prefixed main.c work.c arena.c || fail gcc
	check "prefix $prefix" ./prefixed
	grep -q ";${prefix}malloc " "$DIR/folded" || fail "no ${prefix}malloc"
done

"${CC[@]}" -fvisibility=hidden -o hidden main.c work.c arena.c || fail gcc
check hidden ./hidden
echo '{ global: work; local: *; };' >local.map
"${CC[@]}" -shared -fPIC -Wl,--version-script=local.map -o libplug.so work.c arena.c || fail gcc
"${CC[@]}" -o local main.c -L. -lplug -Wl,-rpath,"$DIR" || fail gcc
check local ./local

# Its symbols are in a file beside it.
objcopy --only-keep-debug hidden hidden.debug
strip -o linked hidden && objcopy --add-gnu-debuglink=hidden.debug linked
check "separate symbols" ./linked

for kind in IFUNC TABLE; do
	"${CC[@]}" -D$kind -shared -fPIC -o libchoose.so arena.c || fail gcc
	"${CC[@]}" -o chosen main.c work.c -L. -lchoose -Wl,-rpath,"$DIR" || fail gcc
	attached $kind ./chosen
done
# One that only the process itself tells, once it has asked.
"${CC[@]}" -DCOMPUTED -shared -fPIC -o libchoose.so arena.c || fail gcc
"${CC[@]}" -o chosen main.c work.c -L. -lchoose -Wl,-rpath,"$DIR" || fail gcc
attached "computed choice" env LD_BIND_NOW=1 ./chosen
# What the resolver's code tells is known before it is asked.
"${CC[@]}" -DIFUNC -shared -fPIC -o libchoose.so arena.c || fail gcc
check "launched IFUNC" ./chosen

printf 'V1 { global: malloc; free; };\nV2 { global: malloc; } V1;\n' >versions.map
"${CC[@]}" -DVERSIONS -shared -fPIC -Wl,--version-script=versions.map -o libversions.so arena.c || fail gcc
for old in '' -DOLD; do
	# shellcheck disable=SC2086 # empty or one word
	"${CC[@]}" $old -o versions main.c work.c -L. -lversions -Wl,-rpath,"$DIR" || fail gcc
	check "version $old" ./versions
done

# --- jemalloc as it comes to programs, and its name

if [[ -e $LIBDIR/libjemalloc.a ]]; then
	for prefix in je_ _rjem_; do
		nm -g --defined-only "$LIBDIR/libjemalloc.a" 2>/dev/null | awk -v p=$prefix \
			'$2 ~ /[TWVDB]/ && $3 !~ /^(_Z|je_)/ && !seen[$3]++ { print $3, p $3 }' >prefix.map
		objcopy --redefine-syms=prefix.map "$LIBDIR/libjemalloc.a" libprefixed.a
		"${CC[@]}" "-DP(x)=$prefix##x" -o jemalloc main.c work.c libprefixed.a -lpthread -ldl -lm -lstdc++ ||
			fail gcc
		attached "jemalloc with $prefix" ./jemalloc
	done
	run "${EXACT[@]}" -o "$DIR/table" -- ./jemalloc
	grep -Eq '^target .*jemalloc' "$DIR/table" || fail "jemalloc is not named"
fi

# --- what is there and cannot be seen is said in the report

cat >new.cc <<'C'
#include <new>
#include <stdlib.h>
static char a[1 << 20]; static size_t u;
extern "C" void *malloc(size_t n) { return a + (u += n); }
extern "C" void free(void *p) { (void)p; }
void *operator new(size_t n) { if (u > 1000000) throw std::bad_alloc(); return a + (u += n); }
void operator delete(void *p) noexcept { (void)p; }
int main(int c, char **)
{
	for (int i = 0; i < 10; i++) {
		int *volatile p = new int(c);
		void *volatile q = malloc(7);

		(void)p;
		(void)q;
	}
}
C
g++ -O1 -fno-builtin -static-libstdc++ -static-libgcc -o new new.cc || fail g++
strip new || fail strip
run "${EXACT[@]}" -o "$DIR/table" -- ./new
expect_status 0
grep -Eq '^not seen .*operator new' "$DIR/table" || fail "operator new is not said to be missing"
no_probe_left
