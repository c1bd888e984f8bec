/*
 * F1: Advanced SIMD. Text is checked, counted and written as hexadecimal; two images of four colours are blended, with
 * saturation; a picture of floats is blurred. With NEON's intrinsics on A64; elsewhere the same in plain C, as the compiler
 * makes it. The last is plain C for both. Its floats are small multiples of 1/256, so that all of it is exact.
 */
#include "bench.h"
#ifdef __aarch64__
#include <arm_neon.h>
#endif

#define SIZE 16384u
#define WIDTH 128
#define HEIGHT 64

static u8 text[SIZE] ALIGNED, hex[2 * SIZE] ALIGNED;
static u8 front[4 * SIZE] ALIGNED, back[4 * SIZE] ALIGNED;
static float picture[HEIGHT][WIDTH] ALIGNED, blurred[HEIGHT][WIDTH] ALIGNED;

/* Characters of UTF-8, lines, and whether any byte can't be in it. */
static NOINLINE u32 scan(const u8 *s, u32 size)
{
	u32 characters = 0, lines = 0, wrong = 0;
#ifdef __aarch64__
	for (u32 i = 0; i < size;) {
		uint8x16_t starts = vdupq_n_u8(0), ends = starts, highest = starts;
		for (u32 block = 0; block < 128; block++, i += 16) {
			uint8x16_t bytes = vld1q_u8(s + i);
			starts = vsubq_u8(starts, vcgtq_s8(vreinterpretq_s8_u8(bytes), vdupq_n_s8(-65)));
			ends = vsubq_u8(ends, vceqq_u8(bytes, vdupq_n_u8('\n')));
			highest = vmaxq_u8(highest, bytes);
		}
		characters += vaddlvq_u8(starts);
		lines += vaddlvq_u8(ends);
		wrong |= vmaxvq_u8(highest) > 0xf4;
	}
#else
	for (u32 i = 0; i < size; i++) {
		characters += (signed char)s[i] > -65;
		lines += s[i] == '\n';
		wrong |= s[i] > 0xf4;
	}
#endif
	return hash(hash(characters, lines), wrong);
}

static NOINLINE void to_hex(u8 *d, const u8 *s, u32 size)
{
	static const u8 digits[16] ALIGNED = { '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f' };
#ifdef __aarch64__
	uint8x16_t table = vld1q_u8(digits);
	for (u32 i = 0; i < size; i += 16) {
		uint8x16_t bytes = vld1q_u8(s + i);
		uint8x16x2_t pair = { { vqtbl1q_u8(table, vshrq_n_u8(bytes, 4)),
					vqtbl1q_u8(table, vandq_u8(bytes, vdupq_n_u8(15))) } };
		vst2q_u8(d + 2 * i, pair);
	}
#else
	for (u32 i = 0; i < size; i++) {
		d[2 * i] = digits[s[i] >> 4];
		d[2 * i + 1] = digits[s[i] & 15];
	}
#endif
}

/* red, green, blue, alpha: back becomes front × alpha + back, saturated; alpha the mean of both, rounded up */
static NOINLINE void blend(u8 *d, const u8 *s, u32 pixels)
{
#ifdef __aarch64__
	for (u32 i = 0; i < 4 * pixels; i += 64) {
		uint8x16x4_t a = vld4q_u8(s + i), b = vld4q_u8(d + i);
		for (int c = 0; c < 3; c++) {
			uint16x8_t low = vmull_u8(vget_low_u8(a.val[c]), vget_low_u8(a.val[3]));
			uint16x8_t high = vmull_high_u8(a.val[c], a.val[3]);
			uint8x16_t scaled = vrshrn_high_n_u16(vrshrn_n_u16(low, 8), high, 8);
			b.val[c] = vqaddq_u8(b.val[c], scaled);
		}
		b.val[3] = vrhaddq_u8(a.val[3], b.val[3]);
		vst4q_u8(d + i, b);
	}
#else
	for (u32 i = 0; i < 4 * pixels; i += 4) {
		for (u32 c = 0; c < 3; c++) {
			u32 sum = d[i + c] + (u8)((s[i + c] * s[i + 3] + 128) >> 8);
			d[i + c] = sum > 255 ? 255 : sum;
		}
		d[i + 3] = (s[i + 3] + d[i + 3] + 1) >> 1;
	}
#endif
}

static NOINLINE void fade(u8 *d, u32 bytes, u8 by)
{
#ifdef __aarch64__
	for (u32 i = 0; i < bytes; i += 16)
		vst1q_u8(d + i, vqsubq_u8(vld1q_u8(d + i), vdupq_n_u8(by)));
#else
	for (u32 i = 0; i < bytes; i++)
		d[i] = d[i] > by ? d[i] - by : 0;
#endif
}

static NOINLINE void blur(void)
{
	for (u32 y = 1; y < HEIGHT - 1; y++)
		for (u32 x = 1; x < WIDTH - 1; x++) {
			const float *up = &picture[y - 1][x], *row = &picture[y][x], *down = &picture[y + 1][x];
			float corners = up[-1] + up[1] + down[-1] + down[1], sides = up[0] + row[-1] + row[1] + down[0];
			blurred[y][x] = corners * 0.0625f + sides * 0.125f + row[0] * 0.25f;
		}
}

/* Back to whole numbers, so that another blur is exact as well. */
static NOINLINE u32 settle(void)
{
	u32 sum = 0;
	for (u32 y = 1; y < HEIGHT - 1; y++)
		for (u32 x = 1; x < WIDTH - 1; x++) {
			s32 value = (s32)blurred[y][x];
			sum += value;
			picture[y][x] = (float)(value ^ 1);
		}
	return sum;
}

static u32 sum_words(const void *bytes, u32 size)
{
	const u32 *words = bytes;
	u32 sum = 0;
	for (u32 i = 0; i < size / 4; i++)
		sum += words[i] ^ i;
	return sum;
}

u32 vectors(u32 repeats)
{
	u32 h = 0;
	for (u32 i = 0; i < SIZE; i++)
		text[i] = next() >> 24;
	for (u32 i = 0; i < 4 * SIZE; i++) {
		front[i] = next() >> 24;
		back[i] = next() >> 24;
	}
	for (u32 y = 0; y < HEIGHT; y++)
		for (u32 x = 0; x < WIDTH; x++)
			picture[y][x] = (float)(next() & 255);
	for (u32 r = 0; r < repeats; r++) {
		h = hash(h, scan(text, SIZE));
		to_hex(hex, text, SIZE);
		h = hash(h, sum_words(hex, 2 * SIZE));
		blend(back, front, SIZE);
		fade(back, 4 * SIZE, 40 + (r & 31));
		h = hash(h, sum_words(back, 4 * SIZE));
		blur();
		h = hash(h, settle());
		text[r % SIZE] = h;
	}
	return h;
}
