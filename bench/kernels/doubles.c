/*
 * F0: scalar double precision. Bodies under gravity, a Fourier transform forth and back, a matrix solved by Gauss with
 * pivots. Compilers may contract to fused multiply-adds, so what goes into the checksum is rounded to what both keep.
 */
#include "bench.h"

#define BODIES 5
#define STEPS 40
#define POINTS 256
#define SIDE 16

static double square_root(double x)
{
	return __builtin_sqrt(x);
}

static double magnitude(double x)
{
	return __builtin_fabs(x);
}

static u32 rounded(double x)
{
	return (u32)(s32)(x * 65536.0 + (x < 0 ? -0.5 : 0.5));
}

static double random_double(void)
{
	return (s32)(next() >> 8) * (1.0 / 8388608.0) - 1.0;
}

struct body {
	double x, y, z, vx, vy, vz, mass;
};

static NOINLINE void attract(struct body *bodies, double step)
{
	for (int i = 0; i < BODIES; i++) {
		struct body *a = &bodies[i];
		for (int j = i + 1; j < BODIES; j++) {
			struct body *b = &bodies[j];
			double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
			double square = dx * dx + dy * dy + dz * dz + 0.01;
			double scale = step / (square * square_root(square));
			a->vx -= dx * b->mass * scale;
			a->vy -= dy * b->mass * scale;
			a->vz -= dz * b->mass * scale;
			b->vx += dx * a->mass * scale;
			b->vy += dy * a->mass * scale;
			b->vz += dz * a->mass * scale;
		}
	}
	for (int i = 0; i < BODIES; i++) {
		bodies[i].x += step * bodies[i].vx;
		bodies[i].y += step * bodies[i].vy;
		bodies[i].z += step * bodies[i].vz;
	}
}

static NOINLINE u32 gravity(void)
{
	struct body bodies[BODIES];
	u32 h = 0;
	for (int i = 0; i < BODIES; i++) {
		struct body *b = &bodies[i];
		b->x = random_double() + i;
		b->y = random_double() - i;
		b->z = random_double();
		b->vx = b->vy = b->vz = 0;
		b->mass = 1 + 0.5 * random_double();
	}
	for (int i = 0; i < STEPS; i++)
		attract(bodies, 1.0 / 256);
	for (int i = 0; i < BODIES; i++)
		h = hash(h, rounded(bodies[i].x + 2 * bodies[i].y + 3 * bodies[i].z));
	return h;
}

static double cosines[POINTS / 2], sines[POINTS / 2];

static void fill_circle(void)
{
	const double angle = 6.283185307179586 / POINTS, square = angle * angle;
	double c = 1 - square / 2 * (1 - square / 12 * (1 - square / 30)), s = angle * (1 - square / 6 * (1 - square / 20));
	cosines[0] = 1;
	sines[0] = 0;
	for (int i = 1; i < POINTS / 2; i++) {
		cosines[i] = cosines[i - 1] * c - sines[i - 1] * s;
		sines[i] = cosines[i - 1] * s + sines[i - 1] * c;
	}
}

static NOINLINE void transform(double *re, double *im, double sign)
{
	for (u32 i = 1, j = 0; i < POINTS; i++) {
		u32 bit = POINTS >> 1;
		for (; j & bit; bit >>= 1)
			j ^= bit;
		j ^= bit;
		if (i < j) {
			double t = re[i];
			re[i] = re[j];
			re[j] = t;
			t = im[i];
			im[i] = im[j];
			im[j] = t;
		}
	}
	for (u32 half = 1; half < POINTS; half *= 2)
		for (u32 i = 0; i < POINTS; i += 2 * half)
			for (u32 k = 0; k < half; k++) {
				double c = cosines[k * (POINTS / 2 / half)], s = sign * sines[k * (POINTS / 2 / half)];
				double *a = &re[i + k], *b = &im[i + k];
				double x = a[half] * c - b[half] * s, y = a[half] * s + b[half] * c;
				a[half] = *a - x;
				b[half] = *b - y;
				*a += x;
				*b += y;
			}
}

static double re[POINTS], im[POINTS];

static NOINLINE u32 fourier(void)
{
	u32 h = 0, loud = 0;
	for (int i = 0; i < POINTS; i++) {
		re[i] = random_double();
		im[i] = 0;
	}
	transform(re, im, -1);
	for (int i = 0; i < POINTS; i++) {
		double power = re[i] * re[i] + im[i] * im[i];
		if (power > POINTS / 4.0) {
			loud++;
			re[i] *= 0.5;
			im[i] *= 0.5;
		} else if (power < 8.0)
			re[i] = im[i] = 0;
	}
	transform(re, im, 1);
	for (int i = 0; i < POINTS; i += 16)
		h = hash(h, rounded(re[i] / POINTS));
	return hash(h, loud);
}

static double matrix[SIDE][SIDE + 1];

static NOINLINE u32 solve(void)
{
	u32 h = 0;
	for (int i = 0; i < SIDE; i++) {
		for (int j = 0; j <= SIDE; j++)
			matrix[i][j] = random_double();
		matrix[i][i] += 4;
	}
	for (int k = 0; k < SIDE; k++) {
		int pivot = k;
		for (int i = k + 1; i < SIDE; i++)
			if (magnitude(matrix[i][k]) > magnitude(matrix[pivot][k]))
				pivot = i;
		for (int j = k; j <= SIDE; j++) {
			double t = matrix[k][j];
			matrix[k][j] = matrix[pivot][j];
			matrix[pivot][j] = t;
		}
		for (int i = k + 1; i < SIDE; i++) {
			double factor = matrix[i][k] / matrix[k][k];
			for (int j = k; j <= SIDE; j++)
				matrix[i][j] -= factor * matrix[k][j];
		}
	}
	for (int i = SIDE - 1; i >= 0; i--) {
		double sum = matrix[i][SIDE];
		for (int j = i + 1; j < SIDE; j++)
			sum -= matrix[i][j] * matrix[j][SIDE];
		matrix[i][SIDE] = sum / matrix[i][i];
		h = hash(h, rounded(matrix[i][SIDE]));
	}
	return h;
}

u32 doubles(u32 repeats)
{
	u32 h = 0;
	fill_circle();
	for (u32 r = 0; r < repeats; r++) {
		h = hash(h, gravity());
		h = hash(h, fourier());
		h = hash(h, solve());
	}
	return h;
}
