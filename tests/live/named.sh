#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside: yes
# limit: 240
# Functions of the command line: a pool of the program's own, by names, by a glob, by addresses in a stripped file, in
# the view of allocations and that of the live heap; allocators of real libraries; and what cannot be found.
. "$(dirname "$0")/../lib.sh"
need_root
need python3
remember_probes

POOL=(--alloc-fn 'pool_get(size=2)' --alloc-fn 'pool_zero(n=1,size=3)' --alloc-fn 'pool_aligned(size=3,out=4)'
	--alloc-fn 'pool_again(old=2,size=3)' --free-fn 'pool_put(ptr=2)')
uses=(use_get use_zero use_again)

# use_aligned fails every other time, which only its return tells.
for metric in bytes calls; do
	column=$([[ $metric == bytes ]] && echo 2 || echo 3)
	run "${EXACT[@]}" "${POOL[@]}" -f folded -m $metric -o "$DIR/folded" -- "$W/pool"
	expect_status 0
	expect_functions "$DIR/folded" "$DIR/out" $metric "${uses[@]}"
	# Chunks are a part of what the pool does.
	expect_equal "other $metric" "$(folded_sum "$DIR/folded" ';malloc ')" 0
	run "${EXACT[@]}" "${POOL[@]}" --view temp -f folded -m $metric -o "$DIR/temp" -- "$W/pool"
	run "${EXACT[@]}" "${POOL[@]}" --leaks -f folded -m $metric -o "$DIR/leaks" -- "$W/pool"
	expect_status 0
	kept=$(awk -v c="$column" '$1 == "kept" { print $c }' "$DIR/out")
	expect_equal "kept $metric" "$(folded_sum "$DIR/leaks" ';use_get;pool_get ')" "$kept"
	expect_equal "never freed beside" "$(folded_sum "$DIR/leaks")" "$kept"
done

attached() {	# WHAT ARGS... : on a running program; the sums of `uses` are right
	local what=$1

	shift
	target_start "$PROGRAM" -w
	trace_start "${EXACT[@]}" "$@" -p "$TARGET" -f folded -m calls -o "$DIR/folded"
	go
	target_end
	trace_end
	[[ $STATUS -eq 0 ]] || fail "$what: exit status $STATUS"
}

PROGRAM=$W/pool
attached names "${POOL[@]}"
expect_functions "$DIR/folded" "$DIR/target.$N_TARGETS" calls "${uses[@]}"
attached glob --alloc-fn 'pool_[ga]*(size=3)' --object pool
expect_equal "calls by a glob" "$(folded_sum "$DIR/folded" ';use_again;')" 1994

# Stripped: by what nm says of the file that is not.
strip -s -o "$DIR/bare" "$W/pool"
PROGRAM=$DIR/bare
get=$(nm "$W/pool" | awk '$3 == "pool_get" { print $1 }')
put=$(nm "$W/pool" | awk '$3 == "pool_put" { print $1 }')
attached addresses --object "$DIR/bare" --alloc-fn "+0x$get(size=2)" --free-fn "+0x$put(ptr=2)"
expect_equal "calls by address" "$(folded_sum "$DIR/folded" 'bare.0x')" 4985
attached "module and address" --alloc-fn "bare+0x$get(size=2)"
expect_equal "calls by module and address" "$(folded_sum "$DIR/folded" 'bare.0x')" 4985

target_start "$PROGRAM" -w
run -p "$TARGET" --object "$DIR/bare" --alloc-fn "+0x$(printf %x $((0x$get + 1)))(size=2)"
expect_status 1
expect_one_error 'no function starts there'
run -p "$TARGET" --alloc-fn 'no_such(size=1)'
expect_status 1
expect_one_error 'alloc-fn no_such: no function of that name'
run -p "$TARGET" --object libnone.so --alloc-fn 'malloc(size=1)'
expect_status 1
expect_one_error 'object libnone.so: no traced process maps'
run check -p "$TARGET" --alloc-fn 'no_such(size=1)' --alloc-fn "bare+0x$get(size=2)"
expect_status 1
expect_out "^ *bare\+0x$get .*size rsi" 'alloc-fn no_such: not found'
go
target_end
run "${EXACT[@]}" --alloc-fn 'no_such(size=1)' -o "$DIR/table" -- "$W/pool"
expect_status 1
expect_err 'alloc-fn no_such: no function of that name'

# --- real ones: as many calls as the program makes

calls_of() {	# WHAT WANTED REGEX ARGS... -- CMD...
	local what=$1 wanted=$2 re=$3

	shift 3
	run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" "$@"
	[[ $STATUS -eq 0 ]] || fail "$what: exit status $STATUS"
	expect_equal "$what" "$(folded_sum "$DIR/folded" "$re")" "$wanted"
}

build() {	# NAME LIBS... (source on stdin, which defines run())
	local name=$1

	shift
	{ cat; echo 'int main(void) { return run() != 0; }'; } >"$DIR/$name.c"
	gcc -O1 -g -fno-omit-frame-pointer -fno-optimize-sibling-calls -o "$DIR/$name" "$DIR/$name.c" "$@" 2>"$DIR/gcc"
}

if build slices -l:libglib-2.0.so.0 <<'C'; then
void *g_slice_alloc(unsigned long n); void g_slice_free1(unsigned long n, void *p);
__attribute__((noinline)) int run(void)
{
	for (int i = 0; i < 1009; i++)
		g_slice_free1(100, g_slice_alloc(100));
	return 0;
}
C
	calls_of g_slice_alloc 1009 ';run;g_slice_alloc ' --alloc-fn 'g_slice_alloc(size=1)' \
		--free-fn 'g_slice_free1(ptr=2)' -- "$DIR/slices"
	calls_of 'live slices' 0 ';run;g_slice_alloc ' --view leaks --alloc-fn 'g_slice_alloc(size=1)' \
		--free-fn 'g_slice_free1(ptr=2)' -- "$DIR/slices"
fi
if build sqlite -l:libsqlite3.so.0 <<'C'; then
void *sqlite3_malloc64(unsigned long long n); void sqlite3_free(void *p); int sqlite3_initialize(void);
__attribute__((noinline)) int run(void)
{
	for (int i = 0; i < 1013; i++)
		sqlite3_free(sqlite3_malloc64(77));
	return 0;
}
C
	calls_of sqlite3_malloc64 1013 ';run;sqlite3_malloc64 ' --alloc-fn 'sqlite3_malloc64(size=1)' \
		--free-fn 'sqlite3_free(ptr=1)' -- "$DIR/sqlite"
fi
if build apr -l:libapr-1.so.0 <<'C'; then
int apr_initialize(void); int apr_pool_create_ex(void **p, void *parent, void *f, void *a);
void *apr_palloc(void *pool, unsigned long n);
__attribute__((noinline)) int run(void)
{
	void *pool;

	apr_initialize();
	apr_pool_create_ex(&pool, 0, 0, 0);
	for (int i = 0; i < 1019; i++)
		((volatile char *)apr_palloc(pool, 100))[0] = 1;
	return 0;
}
C
	calls_of apr_palloc 1019 ';run;apr_palloc ' --alloc-fn 'apr_palloc(size=2)' -- "$DIR/apr"
fi
# TBB's family is found by itself.
if build tbb -l:libtbbmalloc.so.2 <<'C'; then
void *scalable_malloc(unsigned long n); void *scalable_calloc(unsigned long n, unsigned long m);
void scalable_free(void *p);
__attribute__((noinline)) int run(void)
{
	for (int i = 0; i < 1021; i++) {
		scalable_free(scalable_malloc(100));
		scalable_free(scalable_calloc(3, 50));
	}
	return 0;
}
C
	calls_of scalable_malloc 2042 ';run;scalable_[mc]alloc ' -- "$DIR/tbb"
	calls_of 'named scalable_malloc' 2042 ';run;scalable_[mc]alloc ' --alloc-fn 'scalable_malloc(size=1)' \
		-- "$DIR/tbb"
fi
# Objects of python: 5000 more in the second run than in the first.
if nm -D /usr/bin/python3 2>/dev/null | grep -q ' T PyObject_Calloc$'; then
	for n in 1000 6000; do
		run "${EXACT[@]}" -m calls --alloc-fn 'PyObject_Malloc(size=1)' --alloc-fn 'PyMem_*alloc(size=1)' \
			--alloc-fn 'PyObject_Calloc(n=1,size=2)' --free-fn 'PyObject_Free(ptr=1)' \
			-f folded -o "$DIR/folded.$n" -- env PYTHONHASHSEED=0 /usr/bin/python3 -S -c \
			"x = [bytes(100 + i % 9) for i in range($n)]"
		expect_status 0
	done
	expect_equal "calls of PyObject_Calloc" $(($(folded_sum "$DIR/folded.6000" ';PyObject_Calloc ') - \
		$(folded_sum "$DIR/folded.1000" ';PyObject_Calloc '))) 5000
fi
no_probe_left
