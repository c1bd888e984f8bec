/** What system calls other than ioctl take on arm64 (asm-generic/mman-common.h, asm-generic/mman.h, linux/eventfd.h, asm-generic/signal.h). */

export const PROT_FLAGS = { PROT_NONE: 0, PROT_READ: 1, PROT_WRITE: 2, PROT_EXEC: 4 } as const;

export const MAP_FLAGS = {
  MAP_SHARED: 1,
  MAP_PRIVATE: 2,
  MAP_FIXED: 0x10,
  MAP_ANONYMOUS: 0x20,
  MAP_NORESERVE: 0x4000,
  MAP_FIXED_NOREPLACE: 0x10_0000,
} as const;

export const MADV_ADVICE = { MADV_NORMAL: 0, MADV_DONTNEED: 4, MADV_HUGEPAGE: 14, MADV_NOHUGEPAGE: 15 } as const;

/** SIGRTMIN as a C library has it, which keeps two of the kernel's for itself. */
export const SIGNALS = { SIGKILL: 9, SIGUSR1: 10, SIGUSR2: 12, SIGALRM: 14, SIGSTOP: 19, SIGRTMIN: 34 } as const;
/** _NSIG. */
export const LAST_SIGNAL = 64;

export const EFD_FLAGS = { EFD_SEMAPHORE: 1, EFD_NONBLOCK: 0x800, EFD_CLOEXEC: 0x8_0000 } as const;
