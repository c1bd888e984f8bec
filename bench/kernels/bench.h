/* What the kernels share. Compiled for bare metal, A64 and 32-bit x86. */
#ifndef BENCH_H
#define BENCH_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef short s16;
typedef int s32;
#define NOINLINE __attribute__((noinline))
#define ALIGNED __attribute__((aligned(16)))

/* xorshift32, begun anew for each kernel */
extern u32 seed;
static inline u32 next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static inline u32 hash(u32 h, u32 value)
{
	return h * 31 + value;
}

/* The processor forgets its translations, as it does now and then below an operating system. */
static inline void flush_tlb(void)
{
#ifdef __aarch64__
	__asm__ volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
#else
	u32 cr3;
	__asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(cr3)::"memory");
#endif
}

/* Each answers a checksum, the same on every processor. */
u32 mix(u32 repeats);
u32 memory(u32 repeats);
u32 calls(u32 repeats);
u32 strings(u32 repeats);
u32 doubles(u32 repeats);
u32 vectors(u32 repeats);
u32 pages(u32 repeats);
u32 loaded(u32 repeats);

#endif
