#!/bin/sh
# Builds kernels.bin; needs Debian's gcc-aarch64-linux-gnu and binutils-aarch64-linux-gnu.
set -e
cd "$(dirname "$0")"
elf=$(mktemp)
trap 'rm -f "$elf"' EXIT
# General registers only, and no calls that the compiler makes up.
aarch64-linux-gnu-gcc -O2 -march=armv8-a -mgeneral-regs-only -ffreestanding -fno-pic -fno-pie -nostdlib -static \
  -fno-tree-loop-distribute-patterns -Wl,--build-id=none -T kernels.ld -o "$elf" kernels.c
aarch64-linux-gnu-objcopy -O binary "$elf" kernels.bin
