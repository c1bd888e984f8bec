/* K0, like CoreMark: a list searched, reversed and sorted; a matrix product; a state machine over text; a bitwise CRC. */
#include "bench.h"

#define NODES 256
#define SIDE 32
#define PRODUCT_SIDE 20
#define TEXT 512

struct node {
	struct node *next;
	s16 data, index;
};

static struct node nodes[NODES];
static s16 left[SIDE * SIDE], right[SIDE * SIDE];
static s32 product[SIDE * SIDE];
static u8 text[TEXT];

static NOINLINE u16 crc8(u8 data, u16 crc)
{
	for (int i = 0; i < 8; i++) {
		u8 differs = (data ^ crc) & 1;
		data >>= 1;
		if (differs)
			crc ^= 0x4002;
		crc >>= 1;
		if (differs)
			crc |= 0x8000;
		else
			crc &= 0x7fff;
	}
	return crc;
}

static NOINLINE u16 crc32(u32 value, u16 crc)
{
	crc = crc8((u8)value, crc);
	crc = crc8((u8)(value >> 8), crc);
	crc = crc8((u8)(value >> 16), crc);
	return crc8((u8)(value >> 24), crc);
}

static NOINLINE struct node *find(struct node *list, int low)
{
	while (list && (list->data & 0xff) != low)
		list = list->next;
	return list;
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

/* Merge sort, bottom up. */
static NOINLINE struct node *sort(struct node *list, int by_index)
{
	for (int size = 1;; size *= 2) {
		struct node *p = list, *tail = 0;
		int merges = 0;
		list = 0;
		while (p) {
			struct node *q = p;
			int p_left = 0, q_left = size;
			merges++;
			for (int i = 0; i < size; i++) {
				p_left++;
				q = q->next;
				if (!q)
					break;
			}
			while (p_left > 0 || (q_left > 0 && q)) {
				struct node *e;
				int from_q;
				if (p_left == 0)
					from_q = 1;
				else if (q_left == 0 || !q)
					from_q = 0;
				else
					from_q = (by_index ? p->index - q->index : p->data - q->data) > 0;
				if (from_q) {
					e = q;
					q = q->next;
					q_left--;
				} else {
					e = p;
					p = p->next;
					p_left--;
				}
				if (tail)
					tail->next = e;
				else
					list = e;
				tail = e;
			}
			p = q;
		}
		tail->next = 0;
		if (merges <= 1)
			return list;
	}
}

static NOINLINE s32 multiply(int n, int add)
{
	s32 result = 0, before = 0;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			s32 sum = 0;
			for (int k = 0; k < n; k++)
				sum += left[i * n + k] * right[k * n + j];
			product[i * n + j] = sum + add;
		}
	for (int i = 0; i < n * n; i++) {
		result += product[i] > before ? 10 : product[i] & 7;
		before = product[i];
	}
	return result;
}

enum state { START, INTEGER, FRACTION, EXPONENT, SCIENTIFIC, WRONG, HEX, NAME, STATES };

static inline int digit(u8 c)
{
	return c >= '0' && c <= '9';
}

static NOINLINE u32 scan(const u8 *s, int length)
{
	enum state state = START;
	u32 counts[STATES], h = 0;
	for (int i = 0; i < STATES; i++)
		counts[i] = 0;
	for (int i = 0; i < length; i++) {
		u8 c = s[i];
		if (c == ',') {
			counts[state]++;
			state = START;
			continue;
		}
		switch (state) {
		case START:
			if (digit(c) || c == '+' || c == '-')
				state = INTEGER;
			else if (c == '.')
				state = FRACTION;
			else if (c == 'x')
				state = HEX;
			else if (c >= 'a' && c <= 'z')
				state = NAME;
			else
				state = WRONG;
			break;
		case INTEGER:
			if (c == '.')
				state = FRACTION;
			else if (c == 'e')
				state = EXPONENT;
			else if (!digit(c))
				state = WRONG;
			break;
		case FRACTION:
			if (c == 'e' || c == 'E')
				state = EXPONENT;
			else if (!digit(c))
				state = WRONG;
			break;
		case EXPONENT:
			state = c == '+' || c == '-' ? SCIENTIFIC : WRONG;
			break;
		case SCIENTIFIC:
			if (!digit(c))
				state = WRONG;
			break;
		case HEX:
			if (!digit(c) && !(c >= 'a' && c <= 'f'))
				state = WRONG;
			break;
		case NAME:
			if (!(c >= 'a' && c <= 'z'))
				state = WRONG;
			break;
		default:
			break;
		}
	}
	for (int i = 0; i < STATES; i++)
		h = hash(h, counts[i]);
	return h;
}

u32 mix(u32 repeats)
{
	static const char letters[32] = "0123456789+-.eExabcdefz,,,,,,12";
	struct node *list = nodes;
	u16 crc = 0;
	for (int i = 0; i < NODES; i++) {
		nodes[i].next = i < NODES - 1 ? &nodes[i + 1] : 0;
		nodes[i].data = next() & 0x7fff;
		nodes[i].index = i;
	}
	for (int i = 0; i < SIDE * SIDE; i++) {
		left[i] = next() & 0xff;
		right[i] = next() & 0xff;
	}
	for (int i = 0; i < TEXT; i++)
		text[i] = letters[next() & 31];
	for (u32 r = 0; r < repeats; r++) {
		for (u32 i = 0; i < 32; i++) {
			struct node *found = find(list, (r * 7 + i * 11) & 0xff);
			list = reverse(list);
			crc = found ? crc32((u16)found->data, crc) : crc8(i, crc);
		}
		list = sort(list, 0);
		crc = crc32((u16)list->data, crc);
		list = sort(list, 1);
		crc = crc32(multiply(PRODUCT_SIDE, r), crc);
		crc = crc32(scan(text, TEXT), crc);
		text[r % TEXT] = letters[crc & 31];
		for (int i = 0; i < 100; i++)
			crc = crc32(product[i], crc);
	}
	return crc;
}
