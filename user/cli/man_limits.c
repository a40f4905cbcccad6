/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LIMITS of the man page. */
#include <stddef.h>

#include "cli/options_table.h"

const char *const man_limits[] = {
	"Linux on x86-64, 5.15 or later, with BTF (/sys/kernel/btf/vmlinux); before 5.17, stacks have at most 64 "
	"frames, and at most 500 executable mappings per process are known. Processes must be 64-bit. A static "
	"program without a symbol table shows no allocator. At most 65,536 files are probed.",
	"In the views alloc and sizes alone, calls are counted when they begin, and a call that then fails for "
	"lack of memory counts like any other. Live-heap views do not count such calls.",
	"realloc of a null pointer is shown as malloc where the C library turns it into one.",
	"Blocks allocated by a function that may throw (operator new, unless it passes on to malloc) are in the "
	"view alloc only, because returns of such functions are not probed. This applies to operator new of "
	"tcmalloc, jemalloc and mimalloc; that of libstdc++ passes on to malloc. The summary shows how many "
	"(unfollowed).",
	"Live-heap views need uretprobes. Linux 6.11 to 6.13 kill a process with a seccomp filter at such a probe, "
	"so there it is refused. alloctrace check shows this.",
	"A function whose code in memory differs from the file's (a live patch, a hook, a debugger's breakpoint) "
	"is not probed in that process; a message says what is there, and so does alloctrace check. The code is "
	"checked before probes are attached or reattached, and whenever the process has mapped code. A change in "
	"between is not prevented: code that copies or overwrites a probed function while a probe is in it (a hook "
	"being installed or removed, a breakpoint at that very place) may take the probe's breakpoint for the "
	"function's code, and SIGTRAP may kill the process. A program that checks its own text sees the probes.",
	"A program that copies its own text (to huge pages: ClickHouse, HHVM, iodlr, node --use-largepages) copies "
	"the breakpoints, and SIGTRAP kills it. If its allocator is in that text, and it contains the functions "
	"that copy text, or calls mremap or mmap as they do, it is refused without --force. Other ways to copy "
	"text cannot be detected in advance. Copied text has no file behind it, and is not probed; where only a part "
	"of a file's text was copied, a message names the functions in it. Stacks through "
	"a copy are unwound by the rules of its file once the copy is noticed; one that a launched command makes "
	"by mremap alone is not noticed, and is unwound by frame pointers.",
	"A frame whose CFA is kept only in a callee-saved register (rbx, r12 to r15) cannot be unwound, unless a "
	"signal has interrupted it: stacks end there (unsupported unwind rule). The resolver of lazily bound "
	"symbols, in ld.so, is such a frame.",
	"A tail call leaves no frame: the caller shown is the one that will be returned to.",
	"What a program hands out from a pool of its own is not seen, unless --alloc-fn names the pool's functions.",
	"Memory that a program takes directly from the kernel is seen by --mmap where it calls the C library (mmap, "
	"mremap, munmap, brk, sbrk), and by the view rss in any case. --mmap does not see system calls that a program "
	"makes itself, as Go's runtime does, and what was mapped before tracing began is not in it, nor is what a "
	"forked child has from its parent. It tells an allocator's mappings by the functions on the stack: those that "
	"an allocator linked into the program makes in threads of its own, or before its first call, are the "
	"program's, unless their functions have the names of jemalloc's or mimalloc's. It needs uretprobes and stacks "
	"by .eh_frame. munmap and brk of most C libraries are probed at an instruction that the kernel single-steps. "
	"At most about a million parts of mappings are followed at once.",
	"The view rss requires Linux 6.2 and its tracepoints rss_stat, page_fault_user and page_fault_kernel. Pages "
	"of hugetlbfs are not counted, as in the kernel's RSS. While several threads change one address space at the "
	"same moment, some pages may be counted a little later, in another stack; the sum is right. At most 16,384 "
	"address spaces are followed at once. Its tracepoints are the host's: a page fault of another process costs "
	"some 0.1 us more.",
	"What is live of Go is not traced but read from the sampled records of its runtime's own heap profiler (one "
	"allocation in 512 KiB, unless the program sets runtime.MemProfileRate), as of its latest garbage collection: "
	"estimates, in size classes, with whole stacks of up to 32 frames (128 from Go 1.23 on). Such records count "
	"since the process began, and so do ALLOC and FREED; they have no OLDEST, and --min-size does not apply. "
	"--duration 0 reads them at once. A program that cannot ask for its heap profile keeps none, and a line says "
	"so; when it has exited, they are gone. The views peak, temp and lifetimes have nothing of Go, which frees "
	"blocks without a call.",
	"Of Go, bytes are those requested, not those of a size class as in B/op. Plugins and programs linked with "
	"-linkshared are not traced.",
	"What a process tells of its own samples (USDT probes otel_memory) is believed, and what it allocates past the "
	"allocator that samples is not seen; --no-usdt records every call. Live-heap views of processes that are "
	"followed, or with --all, go by calls, and so does one of whose probes not all can be used: an argument at a "
	"symbol, or, from Linux 6.18 on, a nop of five bytes in a function that calls none, whose red zone the "
	"kernel would overwrite. After a fork under --attach perf, the child's semaphores stay raised.",
	"A heap belongs to an address space: what a child allocates that shares its parent's memory (vfork until "
	"exec, clone with CLONE_VM) belongs to the parent's heap. In live-heap views, a process given by --pid "
	"that calls clone() itself is therefore attached by perf. If a library calls it, the summary says so (not "
	"seen): use --attach perf.",
	"Where what a process starts is not traced (--pid without --follow, --no-follow), a message says so if "
	"children did more than the process. For the first 0.2 s a child pays for the probes that it inherited.",
	"Tracing processes that start later (--all, --follow, a command's, filters) requires Linux 5.17 and "
	"unwinding by .eh_frame; on other kernels, a command is traced alone, with a message under --verbose. In "
	"such a run, live-heap views are refused on kernels that kill a process with a seccomp filter at a "
	"uretprobe (6.11 to 6.13). Allocator functions that an ifunc resolver chooses by a table are not "
	"followed, and a file that seems to copy its own text is not probed without --force, whatever process "
	"maps it. The first process that maps a file never seen before misses its first calls there, and its "
	"stacks may be truncated (unknown mapping) until the file's unwind table is loaded; the line host counts "
	"such files. To be soon on a busy machine, alloctrace runs at nice -10 in such runs, unless it was started "
	"at a nice value other than 0. At most 65,536 processes are followed, and of 16,384 groups it is known what "
	"they did.",
	"A library that is loaded while tracing is probed some milliseconds after it was mapped. Until then, "
	"stacks through it are sent with their memory, at most 4096 of them; stacks beyond that end with "
	"[truncated: unknown mapping]. The exec of a process given by --pid is noticed up to 50 ms late, and what "
	"the new program allocates until then is not seen.",
	"After an exec by a thread other than the main thread, the probes have to be attached anew, which takes "
	"0.1 to 0.2 s.",
	"A mapped file on FUSE, NFS and the like is read by a separate process. If its file system does not answer "
	"for a second, alloctrace reports it, and code of that file has no probes and no names. If reading hangs "
	"in another way, the probes are removed when tracing ends, and alloctrace abandons its report after 10 "
	"seconds without progress.",
	NULL
};
