/* K1: 16 MiB filled, a part of it sorted, all of it read and written at random; the TLB forgotten now and then. */
#include "bench.h"

#define WORDS (4u << 20)
#define SORTED (WORDS / 4)
#define RANDOM_ACCESSES 2000000u
#define FLUSHES 16u

static u32 words[WORDS];

static NOINLINE void sort(u32 *a, s32 low, s32 high)
{
	while (low < high) {
		u32 pivot = a[(low + high) >> 1];
		s32 i = low, j = high;
		while (i <= j) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i <= j) {
				u32 word = a[i];
				a[i++] = a[j];
				a[j--] = word;
			}
		}
		if (j - low < high - i) {
			sort(a, low, j);
			low = i;
		} else {
			sort(a, i, high);
			high = j;
		}
	}
}

u32 memory(u32 repeats)
{
	u32 h = 0;
	for (u32 r = 0; r < repeats; r++) {
		flush_tlb();
		for (u32 i = 0; i < WORDS; i++)
			words[i] = next();
		flush_tlb();
		sort(words, 0, SORTED - 1);
		for (u32 i = 0; i < SORTED; i += 997)
			h = h * 16777619u ^ words[i];
		u32 x = h | 1;
		for (u32 part = 0; part < FLUSHES - 2; part++) {
			flush_tlb();
			for (u32 i = 0; i < RANDOM_ACCESSES / (FLUSHES - 2); i++) {
				x = x * 1664525u + 1013904223u;
				u32 k = (x >> 9) & (WORDS - 1);
				words[k] += i;
				h ^= words[(k * 2654435761u) >> 10];
			}
		}
	}
	return h;
}
