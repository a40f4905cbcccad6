#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stacks through Java: whole with frame pointers, from the thread's start through interpreted and compiled methods; said
# to need them where there are none.
# beside: yes
. "$(dirname "$0")/../lib.sh"
need_root
need javac java
remember_probes

cd "$DIR" || exit 1
javac -d "$DIR" "$ROOT/tests/workloads/java/Deflaters.java" >out 2>err || fail "javac fails"

deflaters() {	# JVM-OPTION...: 30,000 calls
	target_start java -XX:+UseSerialGC -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit "$@" Deflaters
	trace_start "${EXACT[@]}" -f folded -m calls -o folded -p "$TARGET"
	go
	target_end
	expect_status 0
	trace_end
	expect_status 0
	rm -f "/tmp/perf-$TARGET.map"
	expect_equal "calls below Deflater.init" "$(folded_sum folded ';Java_java_util_zip_Deflater_init;')" 30000
}

start='^java;clone3;start_thread;.*;JavaMain;jni_CallStaticVoidMethod;.*;Interpreter;'
end='Java_java_util_zip_Deflater_init;(deflateInit2_;malloc|calloc) '
deflaters -XX:+PreserveFramePointer
expect_equal "calls below main" "$(folded_sum folded "$start.*;$end")" 30000
grep -Eq "$start.*;void Deflaters\.(inner|outer)\(int\);.*;$end" folded || fail "no compiled method of the program's"

# main, work, outer, inner, two constructors and the native method.
deflaters -Xint
expect_equal "calls by the interpreter" \
	"$(folded_sum folded "JavaCalls::call_helper;[^;]*;$(printf 'Interpreter;%.0s' {1..7})$end")" 30000

deflaters -XX:-PreserveFramePointer
expect_err 'truncated .*JIT boundary \(Java needs -XX:\+PreserveFramePointer\)'
grep -Eq "^java;\[truncated: JIT boundary\];.*;$end" folded || fail "nothing is truncated"
no_probe_left
