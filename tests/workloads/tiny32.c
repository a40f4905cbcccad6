/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A 32-bit process (-m32 -nostdlib: no 32-bit libc is needed): says "ready", then waits for the end of stdin. */

static int system_call(int number, int a, const void *b, int c)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

void _start(void);
void _start(void)
{
	static char buffer[1];

	system_call(4, 1, "ready\n", 6);	/* write */
	while (system_call(3, 0, buffer, 1) == 1)	/* read */
		;
	system_call(1, 0, 0, 0);		/* exit */
}
