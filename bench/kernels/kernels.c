/*
 * Integer work of four kinds; kernels.ts has the same in TypeScript and must come to the same checksums.
 * Built by build.sh into kernels.bin, for 0x400000: x0 chooses the kernel, x1 how often, x0 is the checksum.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef int s32;
#define NOINLINE __attribute__((noinline))

static u32 seed;
static u32 next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* mix: a linked list, a matrix product, a state machine over text, a bitwise checksum */
#define NODES 256
#define SIDE 24
#define TEXT 512

struct node {
	struct node *next;
	u32 value;
};
static struct node nodes[NODES];
static s32 left[SIDE][SIDE], right[SIDE][SIDE], product[SIDE][SIDE];
static u8 text[TEXT];

static NOINLINE u32 checksum(u32 value, u32 crc)
{
	for (u32 i = 0; i < 16; i++) {
		u32 bit = (value ^ crc) & 1;
		value >>= 1;
		crc >>= 1;
		if (bit)
			crc ^= 0xa001;
	}
	return crc;
}

static NOINLINE struct node *reverse(struct node *list)
{
	struct node *result = 0;
	while (list) {
		struct node *rest = list->next;
		list->next = result;
		result = list;
		list = rest;
	}
	return result;
}

static NOINLINE u32 position(const struct node *list, u32 value)
{
	u32 at = 0;
	while (list && list->value != value) {
		list = list->next;
		at++;
	}
	return at;
}

static NOINLINE void multiply(void)
{
	for (u32 i = 0; i < SIDE; i++)
		for (u32 j = 0; j < SIDE; j++) {
			s32 sum = 0;
			for (u32 k = 0; k < SIDE; k++)
				sum += left[i][k] * right[k][j];
			product[i][j] = sum;
		}
}

static NOINLINE u32 words(void)
{
	u32 state = 0, count = 0;
	for (u32 i = 0; i < TEXT; i++) {
		u8 c = text[i];
		if (c >= '0' && c <= '9')
			state = state == 2 ? 2 : 1;
		else if (c >= 'a' && c <= 'z')
			state = 2;
		else {
			count += state;
			state = 0;
		}
	}
	return count;
}

static u32 mix(u32 times)
{
	u32 crc = 0;
	struct node *list = nodes;
	for (u32 i = 0; i < NODES; i++) {
		nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : 0;
		nodes[i].value = i;
	}
	for (u32 i = 0; i < SIDE; i++)
		for (u32 j = 0; j < SIDE; j++) {
			left[i][j] = next() & 255;
			right[i][j] = next() & 255;
		}
	for (u32 i = 0; i < TEXT; i++)
		text[i] = "0123456789 abcdefghijklmnop.,;:-"[next() & 31];
	for (u32 time = 0; time < times; time++) {
		for (u32 i = 0; i < 16; i++) {
			list = reverse(list);
			crc = checksum(position(list, (time + i * 11) & 255), crc);
		}
		multiply();
		for (u32 i = 0; i < SIDE; i++)
			crc = checksum(product[i][time % SIDE], crc);
		crc = checksum(words(), crc);
		left[time % SIDE][0] = crc & 255;
		text[time % TEXT] = "x1 "[crc % 3];
	}
	return crc;
}

/* memory: random places of 4 MiB, and a sort */
#define TABLE (1u << 20)
#define SORTED (1u << 14)
static u32 table[TABLE];

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
				u32 t = a[i];
				a[i++] = a[j];
				a[j--] = t;
			}
		}
		sort(a, low, j);
		low = i;
	}
}

static u32 memory(u32 times)
{
	u32 sum = 0;
	for (u32 time = 0; time < times; time++) {
		for (u32 i = 0; i < SORTED; i++)
			table[i] = next();
		sort(table, 0, SORTED - 1);
		for (u32 i = 0; i < 200000; i++) {
			u32 at = next() >> 12;
			table[at] += i;
			sum = sum * 31 + table[(at * 2654435761u) >> 12];
		}
	}
	return sum;
}

/* calls: recursion and a table of functions */
static NOINLINE u32 fibonacci(u32 n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
static NOINLINE s32 takeuchi(s32 x, s32 y, s32 z)
{
	return y < x ? takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y)) : z;
}
static NOINLINE u32 add(u32 a, u32 b)
{
	return a + b;
}
static NOINLINE u32 turn(u32 a, u32 b)
{
	return (a << 7 | a >> 25) ^ b;
}
static NOINLINE u32 grow(u32 a, u32 b)
{
	return a * (b | 1);
}
static NOINLINE u32 differ(u32 a, u32 b)
{
	return a < b ? b - a : a - b;
}

static u32 calls(u32 times)
{
	u32 (*operations[4])(u32, u32) = { add, turn, grow, differ };
	u32 sum = 0;
	for (u32 time = 0; time < times; time++) {
		u32 a = time, b = 7;
		sum = sum * 31 + fibonacci(18);
		sum = sum * 31 + takeuchi(9, 5, 2);
		for (u32 i = 0; i < 5000; i++) {
			u32 c = operations[(a >> 3 ^ i) & 3](a, b);
			b = a;
			a = c;
		}
		sum ^= a;
	}
	return sum;
}

/* copy: by doublewords and bytes, and the length of a string */
#define BYTES 32768
static u64 from[BYTES / 8], to[BYTES / 8];

static NOINLINE void copy_doublewords(u64 *d, const u64 *s, u32 n)
{
	for (u32 i = 0; i < n; i++)
		d[i] = s[i];
}
static NOINLINE void copy_bytes(u8 *d, const u8 *s, u32 n)
{
	for (u32 i = 0; i < n; i++)
		d[i] = s[i];
}
static NOINLINE u32 length(const u8 *s)
{
	u32 n = 0;
	while (s[n])
		n++;
	return n;
}

static u32 copy(u32 times)
{
	u8 *source = (u8 *)from, *target = (u8 *)to;
	u32 sum = 0;
	for (u32 i = 0; i < BYTES - 1; i++)
		source[i] = 1 + next() % 250;
	source[BYTES - 1] = 0;
	for (u32 time = 0; time < times; time++) {
		copy_doublewords(to, from, BYTES / 8);
		sum = sum * 31 + length(target);
		target[10000 + (time & 1023)] = 0;
		sum = sum * 31 + length(target);
		copy_bytes(target, source + 1, 12000);
		sum = sum * 31 + target[time % 12000];
		source[time % 20000] = 1 + (time & 127);
	}
	return sum;
}

u32 run(u32 kernel, u32 times)
{
	seed = 0x12345678;
	switch (kernel) {
	case 0:
		return mix(times);
	case 1:
		return memory(times);
	case 2:
		return calls(times);
	default:
		return copy(times);
	}
}

__asm__(".section .text.start,\"ax\"\n\t.global _start\n_start:\tbl run\n\thlt #0\n\t.text");
