/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes the code of allocator functions in its own memory, as live patches, hooks and debuggers do; the library's
 * file stays as it is. Then it allocates, by those functions and by others, and checks that the hooks were called as
 * often as they should be.
 *
 * usage: hook [-l] FORM FUNCTION...
 *   -l  waits before it changes anything, too (says "ready" twice)
 *   FORM:
 *     jump      e9: a jump of 5 bytes
 *     absolute  ff 25: a jump of 14 bytes
 *     register  movabs, jmp *%rax
 *     push      push, movl, ret
 *     short     eb: 2 bytes, to a jump in the 5 bytes before the function
 *     call      e8, to code that drops the return address
 *     int3      a breakpoint, with a handler of the program's own
 *     middle    a nop far behind the entry becomes another nop: nothing changes
 *     moved     the page it begins in is moved to anonymous memory, as for huge pages: nothing changes
 *     memory    absolute, written through /proc/self/mem: no mapping's protection changes
 *   FUNCTION: malloc, calloc, free; all: all others
 *
 * On stdout: FUNCTION BYTES CALLS of what came to the library; "hooked CALLS"; "done".
 */
#include "workload.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define MALLOCS 1009
#define CALLOCS 503
#define PAGE 4096ul

static char arena[1 << 20];
static size_t used;
static volatile unsigned long hooked;
static uint8_t *near_code;	/* within 2 GiB of the library */
static size_t near_used;
static void *int3_at, *int3_to;

ALLOCATOR(use_malloc, malloc(size))
ALLOCATOR(use_calloc, calloc(3, size))

/* No <prefix>malloc: a family of names would be probed. */
static void *malloc_hook(size_t n)
{
	void *p = arena + used;

	hooked++;
	used += (n + 15) & ~15ul;
	return p;
}

static void *calloc_hook(size_t n, size_t size)
{
	return malloc_hook(n * size);
}

static void free_hook(void *p)
{
	(void)p;
	hooked++;
}

static const struct {
	const char *name;
	void *hook;
} hooks[] = {{"malloc", (void *)malloc_hook}, {"calloc", (void *)calloc_hook}, {"free", (void *)free_hook}};

/* Nobody calls these. */
static const char *const others[] = {"realloc", "reallocarray", "memalign", "aligned_alloc", "posix_memalign", "valloc",
				     "pvalloc"};

static void through_mem(void *at, const void *bytes, size_t n)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, bytes, n, (off_t)(uintptr_t)at) != (ssize_t)n)
		_exit(3);
	close(fd);
}

static void patch(void *at, const void *bytes, size_t n)
{
	uintptr_t page = (uintptr_t)at & ~(PAGE - 1);

	if (mprotect((void *)page, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC))
		_exit(3);
	memcpy(at, bytes, n);
	if (mprotect((void *)page, 2 * PAGE, PROT_READ | PROT_EXEC))
		_exit(3);
}

static size_t absolute(uint8_t *code, void *to)
{
	memcpy(code, "\xff\x25\0\0\0\0", 6);
	memcpy(code + 6, &to, 8);
	return 14;
}

static size_t by_register(uint8_t *code, void *to)
{
	memcpy(code, "\x48\xb8", 2);
	memcpy(code + 2, &to, 8);
	memcpy(code + 10, "\xff\xe0", 2);
	return 12;
}

static size_t by_push(uint8_t *code, void *to)
{
	uint32_t low = (uintptr_t)to, high = (uintptr_t)to >> 32;

	code[0] = 0x68;
	memcpy(code + 1, &low, 4);
	memcpy(code + 5, "\xc7\x44\x24\x04", 4);
	memcpy(code + 9, &high, 4);
	code[13] = 0xc3;
	return 14;
}

/* A page from where, and to where, 32 bits reach. */
static void make_near(uint8_t *library)
{
	for (uintptr_t at = (uintptr_t)library & ~(PAGE - 1); !near_code; at -= 16 * PAGE) {
		void *p = mmap((void *)at, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (p != MAP_FAILED)
			near_code = p;
	}
}

/* Code near the library that goes to the hook; drop: what a call has pushed goes first. */
static uint8_t *trampoline(void *to, bool drop)
{
	uint8_t *at = near_code + near_used;

	if (drop)
		memcpy(at, "\x48\x83\xc4\x08", 4);	/* add $8, %rsp */
	near_used += absolute(at + 4 * drop, to) + 4 * drop;
	return at;
}

static size_t relative(uint8_t *code, uint8_t opcode, const uint8_t *at, const uint8_t *to)
{
	int32_t distance = to - (at + 5);

	code[0] = opcode;
	memcpy(code + 1, &distance, 4);
	return 5;
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	if ((char *)uc->uc_mcontext.gregs[REG_RIP] - 1 == int3_at)
		uc->uc_mcontext.gregs[REG_RIP] = (uintptr_t)int3_to;
}

static void by_breakpoint(uint8_t *at, void *to)
{
	struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

	int3_at = at;
	int3_to = to;
	sigaction(SIGTRAP, &sa, NULL);
	patch(at, "\xcc", 1);
}

/* nopw 0(%rax,%rax): 66 0f 1f 44 00 00, or one byte shorter: its displacement is not used. */
static void change_nop(uint8_t *function)
{
	for (size_t i = 64; i < 1024; i++) {
		if (memcmp(function + i, "\x0f\x1f\x44\x00\x00", 5) != 0 &&
		    memcmp(function + i, "\x0f\x1f\x80\x00\x00\x00\x00", 7) != 0 &&
		    memcmp(function + i, "\x0f\x1f\x84\x00\x00\x00\x00\x00", 8) != 0)
			continue;
		patch(function + i + 4, "\x5a", 1);
		return;
	}
	say("no nop\n");
	_exit(3);
}

static void move_page(uint8_t *at)
{
	void *page = (void *)((uintptr_t)at & ~(PAGE - 1)), *copy;

	copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		_exit(3);
	memcpy(copy, page, PAGE);
	if (mprotect(copy, PAGE, PROT_READ | PROT_EXEC) ||
	    mremap(copy, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == MAP_FAILED)
		_exit(3);
}

static void change(const char *form, uint8_t *at, void *to)
{
	uint8_t code[16], *before = at - 5;
	size_t n = 0;

	make_near(at);
	if (!strcmp(form, "jump"))
		n = relative(code, 0xe9, at, trampoline(to, false));
	else if (!strcmp(form, "call"))
		n = relative(code, 0xe8, at, trampoline(to, true));
	else if (!strcmp(form, "absolute") || !strcmp(form, "memory"))
		n = absolute(code, to);
	else if (!strcmp(form, "register"))
		n = by_register(code, to);
	else if (!strcmp(form, "push"))
		n = by_push(code, to);
	else if (!strcmp(form, "short"))
		n = relative(code, 0xe9, before, trampoline(to, false));
	if (!strcmp(form, "short")) {
		patch(before, code, n);
		patch(at, "\xeb\xf9", 2);
	} else if (!strcmp(form, "memory")) {
		through_mem(at, code, n);
	} else if (!strcmp(form, "int3")) {
		by_breakpoint(at, to);
	} else if (!strcmp(form, "middle")) {
		change_nop(at);
	} else if (!strcmp(form, "moved")) {
		move_page(at);
	} else {
		patch(at, code, n);
	}
}

static bool is_hooked(int argc, char **argv, const char *name)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], name) && strcmp(argv[1], "middle") != 0 && strcmp(argv[1], "moved") != 0)
			return true;
	return false;
}

static void work(int argc, char **argv)
{
	static void *blocks[MALLOCS + CALLOCS];
	size_t n = 0;
	unsigned long want = 0;

	for (int i = 0; i < MALLOCS; i++)
		blocks[n++] = use_malloc(13);
	for (int i = 0; i < CALLOCS; i++)
		blocks[n++] = use_calloc(17);
	/* What the hook made is not the library's. */
	for (size_t i = 0; i < n; i++)
		if ((char *)blocks[i] < arena || (char *)blocks[i] >= arena + sizeof(arena))
			free(blocks[i]);
	if (is_hooked(argc, argv, "malloc"))
		want += MALLOCS;
	else
		say("use_malloc %d %d\n", MALLOCS * 13, MALLOCS);
	if (is_hooked(argc, argv, "calloc"))
		want += CALLOCS;
	else
		say("use_calloc %d %d\n", CALLOCS * 51, CALLOCS);
	if (is_hooked(argc, argv, "free"))
		want += MALLOCS * !is_hooked(argc, argv, "malloc") + CALLOCS * !is_hooked(argc, argv, "calloc");
	if (hooked != want) {
		say("hooked %lu instead of %lu\n", hooked, want);
		_exit(4);
	}
	say("hooked %lu\ndone\n", hooked);
}

int main(int argc, char **argv)
{
	bool late = argc > 1 && !strcmp(argv[1], "-l");

	if (late) {
		argc--;
		argv++;
		wait_for_go();
	}
	for (int i = 2; i < argc; i++)
		for (size_t k = 0; k < sizeof(hooks) / sizeof(hooks[0]); k++)
			if (!strcmp(argv[i], hooks[k].name))
				change(argv[1], dlsym(RTLD_DEFAULT, argv[i]), hooks[k].hook);
	for (size_t k = 0; argc > 2 && !strcmp(argv[argc - 1], "all") && k < sizeof(others) / sizeof(others[0]); k++)
		change(argv[1], dlsym(RTLD_DEFAULT, others[k]), (void *)malloc_hook);
	/* Something is mapped, as what hooks does: late hooks are looked for then. */
	if (mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return 3;
	wait_for_go();
	work(argc, argv);
	/* And once more when it may have been detached from. */
	wait_for_go();
	hooked = used = 0;
	work(argc, argv);
	return 0;
}
