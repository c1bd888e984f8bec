#include "bench.h"

u32 seed;

static u32 (*const kernels[])(u32) = {
	mix, memory, calls, strings, doubles, vectors, pages,
#ifdef __aarch64__
	loaded,
#endif
};

u32 run_kernel(u32 kernel, u32 repeats)
{
	seed = 0x12345678;
	return kernels[kernel](repeats);
}
