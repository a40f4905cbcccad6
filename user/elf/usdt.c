// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/usdt.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NOTES_MAX (16u << 20)	/* bytes; the largest programs have some 100 KiB of them */
#define OWNER "stapsdt"
#define NOTE_TYPE 3

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The text that begins at *at; NULL if it has no end. */
static const char *take_text(const uint8_t **at, const uint8_t *end)
{
	const char *text = (const char *)*at;
	const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;

	if (!nul)
		return NULL;
	*at = nul + 1;
	return text;
}

/* What prelink has moved the file by; 0 if it has not. */
static uint64_t moved(const struct elf_file *ef, uint64_t base)
{
	const struct elf_section *sec = elf_section_by_name(ef, ".stapsdt.base");

	return sec && sec->vaddr && base ? sec->vaddr - base : 0;
}

/* True: the note is a probe of the provider. */
static bool take_site(const struct elf_file *ef, const uint8_t *desc, size_t size, const char *provider,
		      struct usdt_site *out)
{
	const uint8_t *at = desc + 3 * sizeof(uint64_t), *end = desc + size;
	uint64_t addr[3], by;
	const char *of;

	if (size < sizeof(addr))
		return false;
	memcpy(addr, desc, sizeof(addr));
	of = take_text(&at, end);
	out->name = of ? take_text(&at, end) : NULL;
	out->args = out->name ? take_text(&at, end) : NULL;
	if (!out->args || strcmp(of, provider) != 0)
		return false;
	by = moved(ef, addr[1]);
	out->vaddr = addr[0] + by;
	out->semaphore = addr[2] ? addr[2] + by : 0;
	return true;
}

int usdt_read(const struct elf_file *ef, const char *provider, size_t most, struct usdt_sites *out)
{
	vec_of(struct usdt_site) sites = {0};
	size_t size, at = 0;
	Elf64_Nhdr h;
	int err;

	*out = (struct usdt_sites){0};
	err = elf_section_read(ef, ".note.stapsdt", NOTES_MAX, &out->data, &size);
	if (err)
		return err == -ENOENT ? 0 : -ENOEXEC;
	while (sites.n < most && size - at >= sizeof(h)) {
		const uint8_t *name = out->data + at + sizeof(h);
		const size_t left = size - at - sizeof(h);
		struct usdt_site site;

		memcpy(&h, out->data + at, sizeof(h));
		if (h.n_namesz > left || padded(h.n_namesz) > left || h.n_descsz > left - padded(h.n_namesz)) {
			err = -ENOEXEC;
			break;
		}
		if (h.n_type == NOTE_TYPE && h.n_namesz == sizeof(OWNER) && !memcmp(name, OWNER, sizeof(OWNER)) &&
		    take_site(ef, name + padded(h.n_namesz), h.n_descsz, provider, &site))
			vec_push(&sites, site);
		/* The last one may lack its padding. */
		at += sizeof(h) + padded(h.n_namesz);
		at = padded(h.n_descsz) < size - at ? at + padded(h.n_descsz) : size;
	}
	out->at = sites.at;
	out->n = sites.n;
	return err;
}

void usdt_free(struct usdt_sites *s)
{
	free(s->at);
	free(s->data);
	*s = (struct usdt_sites){0};
}

/* --- arguments */

/* A number as assemblers write it: decimal, hexadecimal or octal, with a sign. False: there is none, or it is too
 * large. */
static bool take_number(const char **at, int64_t *out)
{
	const bool negative = **at == '-';
	const char *digits = *at + (**at == '-' || **at == '+');
	char *end;
	unsigned long long n;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	n = strtoull(digits, &end, 0);
	if (errno || end == digits)
		return false;
	*at = end;
	*out = (int64_t)(negative ? 0 - n : n);
	return true;
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

static bool take_register(const char **at, struct arch_part *out)
{
	size_t len = 0;

	if (!take_char(at, '%'))
		return false;
	while (((*at)[len] >= 'a' && (*at)[len] <= 'z') || ((*at)[len] >= '0' && (*at)[len] <= '9'))
		len++;
	if (!arch_part_named(*at, len, out))
		return false;
	*at += len;
	return true;
}

/* A whole one: of an address. */
static bool take_pointer(const char **at, uint8_t *reg)
{
	struct arch_part part;

	if (!take_register(at, &part) || part.bytes != 8)
		return false;
	*reg = part.reg;
	return true;
}

static bool take_scale(const char **at, uint8_t *scale)
{
	int64_t n;

	if (!take_number(at, &n) || (n != 1 && n != 2 && n != 4 && n != 8))
		return false;
	*scale = (uint8_t)n;
	return true;
}

/* What is in the parentheses of offset(base,index,scale). */
static bool take_address(const char **at, struct usdt_arg *a)
{
	a->kind = USDT_MEMORY;
	if (**at != ',' && !take_pointer(at, &a->reg))
		return false;
	if (take_char(at, ',')) {
		a->scale = 1;
		if (!take_pointer(at, &a->index) || a->index == ARCH_REG_SP)
			return false;
		if (take_char(at, ',') && !take_scale(at, &a->scale))
			return false;
	}
	return take_char(at, ')');
}

/* N@ before the operand: bytes, negative if it is signed. Without it, the operand says how many. */
static bool take_size(const char **at, struct usdt_arg *a)
{
	const char *from = *at;
	int64_t n;

	a->bytes = 8;
	if (!take_number(at, &n) || !take_char(at, '@')) {
		*at = from;
		return true;
	}
	if (n < -8 || n > 8)
		return false;
	a->is_signed = n < 0;
	n = n < 0 ? -n : n;
	a->bytes = (uint8_t)n;
	return n == 1 || n == 2 || n == 4 || n == 8;
}

/* NULL, or what it has that is not known. */
static const char *take_arg(const char **at, struct usdt_arg *a)
{
	const char *from;
	struct arch_part part;
	bool sized;

	*a = (struct usdt_arg){.reg = USDT_NO_REG, .index = USDT_NO_REG};
	from = *at;
	if (!take_size(at, a))
		return "an argument of another size than 1, 2, 4 or 8 bytes";
	sized = *at != from;
	if (take_char(at, '$')) {
		a->kind = USDT_CONSTANT;
		return take_number(at, &a->value) ? NULL : "a constant that is no number";
	}
	if (**at == '%') {
		if (!take_register(at, &part))
			return "an argument in another register than the general ones";
		if (sized && part.bytes < a->bytes)
			return "an argument larger than its register";
		a->kind = USDT_REGISTER;
		a->reg = part.reg;
		a->shift = part.shift;
		a->bytes = sized ? a->bytes : part.bytes;
		return NULL;
	}
	take_number(at, &a->value);
	if (!take_char(at, '('))
		return "an argument at a symbol";
	return take_address(at, a) ? NULL : "an address that is not known";
}

bool usdt_parse(const char *text, struct usdt_arg *args, size_t n, const char **why)
{
	const char *at = text;

	for (size_t i = 0; i < n; i++) {
		at += strspn(at, " ");
		*why = *at ? take_arg(&at, &args[i]) : "too few arguments";
		if (!*why && *at && *at != ' ')
			*why = "an argument that is not known";
		if (*why)
			return false;
	}
	return true;
}

/* One byte, or the five that newer headers have: the kernel can make a call of those. */
size_t usdt_nop(const struct elf_file *ef, uint64_t vaddr)
{
	static const uint8_t nop5[] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	uint8_t code[sizeof(nop5)];
	const size_t n = elf_read_vaddr(ef, vaddr, code, sizeof(code));

	if (n && code[0] == 0x90)
		return 1;
	return n == sizeof(nop5) && !memcmp(code, nop5, sizeof(nop5)) ? sizeof(nop5) : 0;
}
