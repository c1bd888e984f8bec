/* K2: recursion, and a byte code interpreter with calls through a table. */
#include "bench.h"

typedef u32 (*operation)(u32, u32);

static u8 program[256];

static NOINLINE u32 fibonacci(u32 n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static NOINLINE u32 tak(s32 x, s32 y, s32 z)
{
	if (y >= x)
		return z;
	return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

static NOINLINE u32 add(u32 a, u32 b) { return a + b; }
static NOINLINE u32 xor_shifted(u32 a, u32 b) { return a ^ (b << 3); }
static NOINLINE u32 multiply(u32 a, u32 b) { return a * (b | 1); }
static NOINLINE u32 funnel(u32 a, u32 b) { return (a >> 1) | (b << 31); }
static NOINLINE u32 minimum(u32 a, u32 b) { return a < b ? a : b + 1; }
static NOINLINE u32 complement(u32 a, u32 b) { return ~a + b; }
static NOINLINE u32 rotated(u32 a, u32 b) { return (a << 7 | a >> 25) ^ b; }
static NOINLINE u32 difference(u32 a, u32 b)
{
	if (a & 1)
		return a - b;
	return b - a;
}

static operation operations[8];

static NOINLINE u32 interpret(u32 steps)
{
	u32 a = 1, b = 7, pc = 0;
	for (u32 i = 0; i < steps; i++) {
		u8 op = program[pc++ & 255];
		switch (op >> 4) {
		case 0: a += b; break;
		case 1: b ^= a; break;
		case 2: a = operations[op & 7](a, b); break;
		case 3: b = a >> 3; break;
		case 4: if (a & 1) pc += 2; break;
		case 5: a *= 3; break;
		case 6: b = operations[op & 7](b, a); break;
		case 7: a -= b; break;
		case 8: a ^= a >> 7; break;
		case 9: b += op; break;
		case 10: if (b & 2) pc += 1; break;
		case 11: a |= 1; break;
		default: a = operations[op & 7](b, a);
		}
	}
	return a ^ b;
}

u32 calls(u32 repeats)
{
	static const operation all[8] = { add, xor_shifted, multiply, funnel, difference, minimum, complement, rotated };
	u32 h = 0;
	for (int i = 0; i < 8; i++)
		operations[i] = all[i];
	for (int i = 0; i < 256; i++)
		program[i] = next();
	for (u32 r = 0; r < repeats; r++) {
		h = hash(h, fibonacci(22));
		h = hash(h, tak(12, 8, 4));
		h = hash(h, interpret(50000));
		program[r & 255] = h;
	}
	return h;
}
