/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A 32-bit process (built with -m32 -nostdlib: no 32-bit libc is needed): says "ready", then sleeps until it is killed. */

static int system_call(int number, int a, const void *b, int c)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

void _start(void);
void _start(void)
{
	system_call(4, 1, "ready\n", 6);	/* write */
	for (;;)
		system_call(29, 0, 0, 0);	/* pause */
}
