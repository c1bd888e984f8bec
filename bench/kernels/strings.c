/* K3: memory copied by doublewords and by bytes, lengths of strings, strings compared. */
#include "bench.h"

#define SIZE (1u << 16)

static u8 from[SIZE] ALIGNED, to[SIZE] ALIGNED;

static NOINLINE void copy_doublewords(u64 *d, const u64 *s, u32 count)
{
	for (u32 i = 0; i < count; i++)
		d[i] = s[i];
}

static NOINLINE void copy_bytes(u8 *d, const u8 *s, u32 count)
{
	for (u32 i = 0; i < count; i++)
		d[i] = s[i];
}

static NOINLINE u32 length(const u8 *s)
{
	const u8 *end = s;
	while (*end)
		end++;
	return end - s;
}

static NOINLINE int compare(const u8 *a, const u8 *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a - *b;
}

u32 strings(u32 repeats)
{
	u32 h = 0;
	for (u32 i = 0; i < SIZE - 1; i++)
		from[i] = 1 + next() % 250;
	from[SIZE - 1] = 0;
	for (u32 r = 0; r < repeats; r++) {
		copy_doublewords((u64 *)to, (const u64 *)from, SIZE / 8);
		h = hash(h, length(to));
		to[40000 + (r & 1023)] = 0;
		h = hash(h, length(to));
		h = hash(h, compare(from, to));
		copy_bytes(to, from + 1, 30000);
		h = hash(h, to[r & 16383]);
		from[r & 32767] ^= (u8)(r | 1);
		if (!from[r & 32767])
			from[r & 32767] = 1;
	}
	return h;
}
