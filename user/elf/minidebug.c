/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/minidebug.h"

#include <errno.h>
#include <stdlib.h>

#include "elf/decompress.h"

int elf_minidebug_open(const struct elf_file *ef, uint8_t **image, struct elf_file **out)
{
	uint8_t *raw;
	size_t raw_size, size;
	int err = elf_section_read(ef, ".gnu_debugdata", ELF_MINIDEBUG_RAW_MAX, &raw, &raw_size);

	if (err)
		return err;
	err = decompress_xz(raw, raw_size, ELF_MINIDEBUG_MAX, image, &size);
	free(raw);
	if (err)
		return err;
	err = elf_file_open_memory(*image, size, elf_file_name(ef), out);
	if (!err && (elf_file_class(*out) != elf_file_class(ef) || elf_file_machine(*out) != elf_file_machine(ef))) {
		elf_file_close(*out);
		err = -ENOEXEC;
	}
	if (err)
		free(*image);
	return err;
}
