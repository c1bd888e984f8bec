/*
 * At EL2 without an operating system: keeps the ID registers that tell of translation; then for each case sets up both stages,
 * does the ATs and keeps PAR_EL1, and a digest of the descriptors as they are now.
 * Cases are read from IN as cases.ts writes them; the answers go to the file out.bin by semihosting.
 */
typedef unsigned long u64;

#define IN ((const u64 *)0x60000000)
#define OUT ((u64 *)0x50000000)
#define POOL ((u64 *)0x48000000)

enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE = 5, SYS_EXIT = 0x18 };

static long semihosting(long operation, const void *arguments)
{
	register long x0 asm("x0") = operation;
	register const void *x1 asm("x1") = arguments;

	asm volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
	return x0;
}

#define WRITE(reg, value) asm volatile("msr " reg ", %0" ::"r"(value))
#define ID(reg) ({ u64 value; asm volatile("mrs %0, " reg : "=r"(value)); value; })
#define AT(op) asm volatile("at " op ", %0; isb" ::"r"(va) : "memory")

static u64 translate(u64 va, u64 operation)
{
	u64 par;

	switch (operation) {
	case 0: AT("s1e1r"); break;
	case 1: AT("s1e1w"); break;
	case 2: AT("s1e0r"); break;
	case 3: AT("s1e0w"); break;
	case 4: AT("s12e1r"); break;
	case 5: AT("s12e1w"); break;
	case 6: AT("s12e0r"); break;
	case 7: AT("s12e0w"); break;
	case 8: AT("s1e1rp"); break;
	case 9: AT("s1e1wp"); break;
	}
	asm volatile("mrs %0, par_el1" : "=r"(par));
	return par;
}

void cmain(void)
{
	const u64 *in = IN;
	u64 *out = OUT;
	u64 cases = *in++;

	*out++ = ID("id_aa64mmfr0_el1");
	*out++ = ID("id_aa64mmfr1_el1");
	*out++ = ID("id_aa64mmfr2_el1");
	*out++ = ID("id_aa64pfr1_el1");
	asm volatile("msr pan, #1");

	for (u64 c = 0; c < cases; c++) {
		WRITE("tcr_el1", in[0]);
		WRITE("ttbr0_el1", in[1]);
		WRITE("ttbr1_el1", in[2]);
		WRITE("mair_el1", in[3]);
		WRITE("sctlr_el1", in[4]);
		WRITE("hcr_el2", in[5]);
		WRITE("vtcr_el2", in[6]);
		WRITE("vttbr_el2", in[7]);
		u64 pool = in[8], writes = in[9];
		in += 10;
		const u64 *table = in, *end = in + 2 * writes;
		for (u64 i = 0; i < pool / 8; i++)
			POOL[i] = 0;
		for (; writes; writes--, in += 2)
			*(u64 *)in[0] = in[1];
		asm volatile("dsb sy; tlbi alle1; tlbi vmalls12e1; dsb sy; isb");
		for (u64 probes = *in++; probes; probes--, in += 2)
			*out++ = translate(in[0], in[1]);
		u64 digest = 0;
		for (; table < end; table += 2)
			digest = digest * 0x100000001b3 + *(u64 *)table[0];
		*out++ = digest;
	}

	static const char name[] = "out.bin";
	const u64 open[] = { (u64)name, 5, sizeof(name) - 1 };
	u64 file = semihosting(SYS_OPEN, open);
	const u64 write[] = { file, (u64)OUT, (u64)out - (u64)OUT };
	semihosting(SYS_WRITE, write);
	semihosting(SYS_CLOSE, &file);
	const u64 done[] = { 0x20026, 0 };
	semihosting(SYS_EXIT, done);
	for (;;)
		;
}
