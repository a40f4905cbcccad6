# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmlinux.h, the kernel's types for the BPF side, made from BTF at build time: the running kernel's, or
#
#     make BTF=/path/to/vmlinux      (a kernel image with BTF, or a file as /sys/kernel/btf/vmlinux)
#
# The programs are relocated to the kernel they are loaded on (CO-RE), so it need not be that one.

BTF ?= /sys/kernel/btf/vmlinux

$(O)/vmlinux.h: $(BTF)
	$(call say,BTF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) btf dump file $(BTF) format c > $@
