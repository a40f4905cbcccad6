/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KERNEL MEMORY of the man page. */
#include <stddef.h>

#include "cli/options_table.h"

const char *const man_kernel[] = {
	"With --kernel, what the kernel itself allocates on behalf of the traced processes is counted, by kernel "
	"stack: kmalloc, kmem_cache_alloc, and pages. The kernel's tracepoints tell, since Linux 6.1; no program "
	"has a probe. Views, --sample, filters, recordings and formats are the same as for heaps. Options of "
	"probes, of user stacks and of Go are refused.",
	"Bytes are what a block takes: with kmalloc the size class, with a cache the object and all that belongs "
	"to it, with pages whole pages. Pages that a slab consists of, or a large kmalloc takes, are a part of "
	"that and not counted again. Movable pages, the memory of processes and files, are not counted: see the "
	"view rss.",
	"An allocation counts if the current task is traced; what an interrupt allocates counts for the task that "
	"was interrupted. With --all, kernel threads and idle CPUs are there, too. A free counts whoever frees, "
	"also after the process has exited. What the kernel frees in bulk without a tracepoint "
	"(kmem_cache_free_bulk, kvfree_rcu) seems to be in use until its address is allocated again.",
	"--by cache has a row for each slab cache, and for pages by order. Before Linux 6.13, kmalloc's caches "
	"are known by size alone. Caches that the kernel has merged go by the name of one of them.",
	"Functions are named by /proc/kallsyms, those of modules and BPF programs too. Where kernel.kptr_restrict "
	"hides them, a warning says so: frames have addresses then, and pages are not counted, since those of "
	"slabs cannot be told. A kernel locked down for confidentiality is refused.",
	"Not seen: pages allocated in bulk (vmalloc, page pools of network drivers), objects allocated in bulk, "
	"per-CPU memory, and entries of BPF maps that BPF programs allocate, alloctrace's own among them. An "
	"event in the midst of the program that counts its tracepoint is lost, and counted as lost, whoever's it "
	"is. The tracepoints are the host's: an allocation of another process costs some 35 ns more.",
	NULL
};
