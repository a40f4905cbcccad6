/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks made up to order in a library of any size: chains of frame pointers on the stack of main, whose return
 * addresses are places in the library's code. The library's code itself never runs.
 *
 *     rbp -> [ next ][ return address in LIBRARY ]
 *              next -> [ next ][ return address ] … [ 0 ][ 0 ]
 *
 * usage: chains [-w] LIBRARY STACKS [DEPTH [ADDRESSES]]
 *   STACKS distinct stacks of DEPTH (20) frames, from ADDRESSES (20000) distinct return addresses
 */
#include "workload.h"

#include <dlfcn.h>
#include <link.h>

#define SIZE 97
#define MAX_DEPTH 120

struct frame {
	struct frame *next;
	uintptr_t ret;
};

struct code {
	const char *name;
	uintptr_t start, len;
};

/* Calls malloc(size) with rbp = frame. */
void *malloc_below(struct frame *frame, size_t size);
__asm__(".text\n.type malloc_below, @function\nmalloc_below:\n"
	"	push %rbp\n	mov %rdi, %rbp\n	mov %rsi, %rdi\n	call malloc@PLT\n	pop %rbp\n	ret\n"
	".size malloc_below, . - malloc_below\n");

static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct code *code = arg;

	(void)size;
	if (!strstr(info->dlpi_name, code->name))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) && ph->p_memsz > code->len) {
			code->start = info->dlpi_addr + ph->p_vaddr;
			code->len = ph->p_memsz;
		}
	}
	return 1;
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

int main(int argc, char **argv)
{
	unsigned long arg[3] = {1, 20, 20000};
	struct frame chain[MAX_DEPTH + 1];
	struct code code = {0};
	int wait = argc > 1 && !strcmp(argv[1], "-w");

	if (argc < 3 + wait || !dlopen(argv[1 + wait], RTLD_LAZY))
		return 2;
	for (int i = 0; i < 3 && 2 + wait + i < argc; i++)
		arg[i] = number(argv[2 + wait + i]);
	code.name = strrchr(argv[1 + wait], '/') ? strrchr(argv[1 + wait], '/') + 1 : argv[1 + wait];
	dl_iterate_phdr(find_code, &code);
	if (!code.len || arg[1] > MAX_DEPTH || arg[1] < 2 || !arg[2])
		return 2;
	if (wait)
		wait_for_go();
	for (unsigned long s = 0; s < arg[0]; s++) {
		for (unsigned long d = 0; d < arg[1]; d++) {
			/* The innermost two tell the stacks apart, the others are shared with the neighbours. */
			uint64_t which = mix((d < 2 ? s : s >> 6) * 131 + d) % arg[2];

			chain[d].next = &chain[d + 1];
			chain[d].ret = code.start + mix(which) % code.len;
		}
		chain[arg[1]] = (struct frame){0};
		free(opaque(malloc_below(chain, SIZE)));
	}
	say("bytes %lu calls %lu\n", arg[0] * SIZE, arg[0]);
	return 0;
}
