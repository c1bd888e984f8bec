/*
 * The image's first bytes: a branch and, at offset 8, which kernel and how often, both to be filled in. Runs at EL1: maps
 * 128 MiB of RAM at 1 GiB by 4 KiB pages, all else below as devices, switches the MMU on, calls run_kernel, writes its
 * answer to QEMU virt's UART as eight hexadecimal digits and switches the machine off with it in X2 and 0 in X3. An exception
 * prints an exclamation mark, and is in X2 as ELR_EL1 and in X3 as ESR_EL1.
 */
#define PAGES 32768
#define UART 0x09000000
#define SYSTEM_OFF 0x84000008

	.section .text.boot, "ax"
	.globl _start
_start:
	b	1f
	.word	0
parameters:
	.word	0, 0
1:
	ldr	x0, =stack_top
	mov	sp, x0
	/* level 1: devices, then a table; level 2: tables; level 3: pages */
	ldr	x0, =tables
	add	x1, x0, #0x1000
	add	x2, x0, #0x2000
	ldr	x3, =0x60000000000401
	str	x3, [x0]
	orr	x3, x1, #3
	str	x3, [x0, #8]
	mov	x4, #0
2:	add	x3, x2, x4, lsl #12
	orr	x3, x3, #3
	str	x3, [x1, x4, lsl #3]
	add	x4, x4, #1
	cmp	x4, #(PAGES / 512)
	b.ne	2b
	ldr	x3, =0x40000707
	mov	x4, #0
3:	str	x3, [x2, x4, lsl #3]
	add	x3, x3, #0x1000
	add	x4, x4, #1
	cmp	x4, #PAGES
	b.ne	3b
	dsb	sy
	mov	x3, #0xff00
	msr	mair_el1, x3
	ldr	x3, =0x280803519
	msr	tcr_el1, x3
	msr	ttbr0_el1, x0
	ldr	x3, =vectors
	msr	vbar_el1, x3
	mov	x3, #(3 << 20)
	msr	cpacr_el1, x3
	isb
	mrs	x3, sctlr_el1
	mov	x4, #0x1005
	orr	x3, x3, x4
	msr	sctlr_el1, x3
	isb
	adr	x3, parameters
	ldp	w0, w1, [x3]
	bl	run_kernel
	mov	w19, w0
	ldr	x1, =UART
	mov	w2, #8
4:	ror	w0, w0, #28
	and	w3, w0, #15
	add	w4, w3, #'0'
	add	w5, w3, #('a' - 10)
	cmp	w3, #9
	csel	w3, w5, w4, hi
	str	w3, [x1]
	subs	w2, w2, #1
	b.ne	4b
	mov	w3, #'\n'
	str	w3, [x1]
	mov	w2, w19
	mov	x3, #0
off:	ldr	w0, =SYSTEM_OFF
	hvc	#0
5:	b	5b

failed:	ldr	x1, =UART
	mov	w2, #'!'
	str	w2, [x1]
	mrs	x2, elr_el1
	mrs	x3, esr_el1
	b	off
	.ltorg

	.balign	2048
vectors:
	.rept	16
	.balign	128
	b	failed
	.endr

	.bss
	.balign	4096
tables:
	.skip	4096 * (2 + PAGES / 512)
	.skip	65536
	.balign	16
stack_top:
