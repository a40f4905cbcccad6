#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 600
# Other kernels than this one: Debian's 6.1 and 6.12, downloaded once and booted in QEMU.
exec "$(dirname "$0")/../vm/load"
