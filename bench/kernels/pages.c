/* What a TLB miss costs: one load from each of more pages than a software TLB has entries for. */
#include "bench.h"

#define PAGE 4096u
#define PAGES 16384u

static u8 many[PAGES * PAGE];

u32 pages(u32 repeats)
{
	u32 h = 0;
	for (u32 r = 0; r < repeats; r++) {
		many[(r % PAGES) * PAGE] += r;
		for (u32 i = 0; i < PAGES; i++)
			h = hash(h, many[i * PAGE]);
	}
	return h;
}
