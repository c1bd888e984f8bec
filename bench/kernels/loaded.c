/* Runs a program that the benchmark has put behind the image (cold.ts). */
#include "bench.h"

#define LOADED 0x40300000ul

static u8 data[4096] ALIGNED;

u32 loaded(u32 repeats)
{
	u32 (*program)(u32, u8 *) = (u32 (*)(u32, u8 *))LOADED;
	u32 h = 1;
	for (u32 r = 0; r < repeats; r++)
		h = program(h, data);
	return h;
}
