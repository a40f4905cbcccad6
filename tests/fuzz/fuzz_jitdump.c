/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A jitdump of arbitrary bytes (-max_len=2048), appended in two parts: it must hold what it holds when it is read at
 * once, and name each address as the last of its records that has it.
 *
 *     | u8 256ths of the file that are the first part | file |
 */
#include <stdbool.h>

#include "sym/jitdump.h"

#include "fuzz.h"

#define RECORDS_MAX 64	/* a LOAD takes 56 bytes, a MOVE 64 */

/* Code with its name. */
struct record {
	uint64_t start, size, index;
	bool is_load;
	char *name;	/* owned */
};

static uint64_t number(const uint8_t *at, size_t bytes)
{
	uint64_t n = 0;

	memcpy(&n, at, bytes);
	return n;
}

static bool is_kept(const struct record *r)
{
	return *r->name && r->size && r->size <= UINT32_MAX && r->start <= UINT64_MAX - r->size;
}

static struct record read_load(const uint8_t *body, size_t size)
{
	return (struct record){
		.start = number(body + 16, 8), .size = number(body + 24, 8), .index = number(body + 32, 8),
		.is_load = true, .name = strndup((const char *)body + 40, size - 40),
	};
}

/* Named as the last LOAD of its index. */
static struct record read_move(const uint8_t *body, const struct record *records, size_t n)
{
	struct record r = {.start = number(body + 24, 8), .size = number(body + 32, 8), .index = number(body + 40, 8)};
	const char *name = "";

	for (size_t i = 0; i < n; i++)
		if (records[i].is_load && records[i].index == r.index)
			name = records[i].name;
	r.name = strdup(name);
	return r;
}

/* Returns how many records have code and a name. */
static size_t read_file(const uint8_t *file, size_t size, struct record records[RECORDS_MAX])
{
	size_t n = 0, at, len;

	if (size < 40 || number(file, 4) != 0x4a695444 || number(file + 4, 4) != 1 || number(file + 8, 4) < 40)
		return 0;
	for (at = number(file + 8, 4); at < size && size - at >= 16; at += len) {
		const uint8_t *body = file + at + 16;
		uint64_t kind = number(file + at, 4);

		len = number(file + at + 4, 4);
		if (len > size - at || len < 16 || (kind == 0 && len < 16 + 40) || (kind == 1 && len < 16 + 48))
			break;
		if (kind > 1)
			continue;
		records[n] = kind == 0 ? read_load(body, len - 16) : read_move(body, records, n);
		if (is_kept(&records[n]))
			n++;
		else
			free(records[n].name);
	}
	return n;
}

static void check_address(const struct jitdump *jd, const struct record *records, size_t n, uint64_t addr)
{
	const char *name;
	uint64_t start;
	size_t i = n;

	while (i > 0 && addr - records[i - 1].start >= records[i - 1].size)
		i--;
	name = jitdump_at(jd, addr, &start);
	require((name != NULL) == (i > 0));
	require(!name || (start == records[i - 1].start && !strcmp(name, records[i - 1].name)));
}

static void check_dump(const struct jitdump *jd, const struct record *records, size_t n)
{
	require(jitdump_count(jd) == n);
	for (size_t i = 0; i < n; i++) {
		check_address(jd, records, n, records[i].start);
		check_address(jd, records, n, records[i].start - 1);
		check_address(jd, records, n, records[i].start + records[i].size - 1);
		check_address(jd, records, n, records[i].start + records[i].size);
	}
}

static void check_file(const uint8_t *file, size_t size, size_t cut)
{
	struct jitdump *parts = jitdump_new(), *whole = jitdump_new();
	struct record records[RECORDS_MAX];
	size_t n = read_file(file, size, records);
	int fd = memory_file();

	append(fd, file, cut);
	require(!jitdump_read(parts, fd, getuid()));
	append(fd, file + cut, size - cut);
	require(!jitdump_read(parts, fd, getuid()));
	require(!jitdump_read(whole, fd, getuid()));
	check_dump(parts, records, n);
	check_dump(whole, records, n);
	for (size_t i = 0; i < n; i++)
		free(records[i].name);
	jitdump_free(parts);
	jitdump_free(whole);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		check_file(data + 1, size - 1, data[0] * (size - 1) / 256);
	return 0;
}
