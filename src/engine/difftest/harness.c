/*
 * Runs cases of the differential test on whatever executes it (qemu-aarch64): reads cases from standard input, writes the
 * state after each to standard output. Addresses and layout are those of place.ts.
 */
typedef unsigned int u32;
typedef unsigned long u64;
typedef unsigned char u8;

#define CODE_PAGES 0x1000000UL
#define SLOTS 0x1000fc0UL
#define SLOT_COUNT 32
#define ENTRY 14
#define MAX_WORDS 4
#define STUBS 0x1002000UL
#define DATA_PAGES 0x1010000UL
#define WINDOW 0x1010f80UL
#define WINDOW_WORDS 32
#define SAVE 0x1100000UL
#define SAVE_BYTES 2048
#define END 33
#define MEMORY 100

struct test {
	u32 words[MAX_WORDS];
	u32 count, zero;
	u64 state[MEMORY + WINDOW_WORDS];
};

u64 *run(u64 *state);
void finish(void);

static long syscall6(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 asm("x8") = n;
	register long x0 asm("x0") = a;
	register long x1 asm("x1") = b;
	register long x2 asm("x2") = c;
	register long x3 asm("x3") = d;
	register long x4 asm("x4") = e;
	register long x5 asm("x5") = f;
	asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}

static void map(u64 at, u64 bytes, int prot)
{
	/* MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS */
	if (syscall6(222, at, bytes, prot, 0x32, -1, 0) != (long)at)
		syscall6(94, 2, 0, 0, 0, 0, 0);
}

static int transfer(int call, int fd, u8 *bytes, u64 count)
{
	while (count) {
		long done = syscall6(call, fd, (long)bytes, count, 0, 0, 0);
		if (done <= 0)
			return 0;
		bytes += done;
		count -= done;
	}
	return 1;
}

static u32 branch(u64 from, u64 to)
{
	return 0x14000000 | (((to - from) >> 2) & 0x3ffffff);
}

static void synchronise(u64 from, u64 to)
{
	for (u64 at = from; at < to; at += 4)
		asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0" ::"r"(at));
	asm volatile("dsb ish\n\tisb");
}

static struct test test;

int main(void)
{
	u32 *slots = (u32 *)SLOTS;
	map(CODE_PAGES, 0x3000, 7);
	map(DATA_PAGES, 0x2000, 3);
	map(SAVE, SLOT_COUNT * SAVE_BYTES, 3);
	for (u32 i = 0; i < SLOT_COUNT; i++) {
		u64 stub = STUBS + 16 * i, save = SAVE + SAVE_BYTES * i;
		u32 *code = (u32 *)stub;
		code[0] = 0xd51bd05e; /* msr tpidr_el0, x30 */
		code[1] = 0xd280001e | (save & 0xffff) << 5; /* movz x30, #low */
		code[2] = 0xf2a0001e | (save >> 16 & 0xffff) << 5; /* movk x30, #high, lsl #16 */
		code[3] = branch(stub + 12, (u64)finish);
	}
	while (transfer(63, 0, (u8 *)&test, sizeof(test))) {
		u64 *window = (u64 *)WINDOW, *after;
		for (u32 i = 0; i < SLOT_COUNT; i++)
			slots[i] = branch(SLOTS + 4 * i, STUBS + 16 * i);
		for (u32 i = 0; i < test.count && i < MAX_WORDS; i++)
			slots[ENTRY + i] = test.words[i];
		synchronise(SLOTS, SLOTS + 4 * SLOT_COUNT);
		for (u32 i = 0; i < WINDOW_WORDS; i++)
			window[i] = test.state[MEMORY + i];
		after = run(test.state);
		after[END] = ((u64)after - SAVE) / SAVE_BYTES;
		for (u32 i = 0; i < WINDOW_WORDS; i++)
			after[MEMORY + i] = window[i];
		if (!transfer(64, 1, (u8 *)after, sizeof(test.state)))
			return 1;
	}
	return 0;
}
