#!/bin/sh
# Builds a64.bin and x86.bin; needs Debian's gcc-aarch64-linux-gnu and gcc on x86 (freestanding: no 32-bit library).
set -e
cd "$(dirname "$0")"
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
INTEGER='main mix memory calls strings pages loaded'

# No calls that the compiler makes up, no section but what runs.
FLAGS='-std=gnu11 -Wall -Wextra -Wno-sign-compare -ffreestanding -nostdlib -static -fno-pic -fno-pie -fno-stack-protector
  -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -fno-math-errno'

# image NAME COMPILER FLAGS INTEGER-FLAGS FLOAT-FLAGS
image() {
  name=$1 compiler=$2 flags="$FLAGS $3" folder=$objects/$1
  mkdir "$folder"
  for unit in $INTEGER; do $compiler -O2 -fno-tree-vectorize $flags $4 -c -o "$folder/$unit.o" $unit.c; done
  $compiler -O2 -fno-tree-vectorize $flags $5 -c -o "$folder/doubles.o" doubles.c
  $compiler -O3 $flags $5 -c -o "$folder/vectors.o" vectors.c
  $compiler $flags -c -o "$folder/boot.o" "$name/boot.S"
  $compiler $flags -Wl,--build-id=none,-z,noexecstack,--no-warn-rwx-segments -T "$name/image.ld" -o "$folder/image.elf" "$folder"/*.o
}

image a64 aarch64-linux-gnu-gcc '-march=armv8-a -mno-outline-atomics' -mgeneral-regs-only ''
aarch64-linux-gnu-objcopy -O binary "$objects/a64/image.elf" a64.bin

# i686 with SSE2 for floating point: v86 emulates the x87 in software.
INTEGER=${INTEGER% loaded}
image x86 gcc '-m32 -march=i686' -mgeneral-regs-only '-msse2 -mfpmath=sse'
objcopy -O binary "$objects/x86/image.elf" x86.bin
chmod -x a64.bin x86.bin
