/* EL2, MMU off. An exception of an AT is skipped and leaves a mark in PAR_EL1. */
	.globl	_start
_start:	ldr	x0, =0x45000000
	mov	sp, x0
	adr	x0, vectors
	msr	vbar_el2, x0
	isb
	bl	cmain

	.balign	0x800
vectors:
	.skip	0x200
	stp	x0, x1, [sp, #-16]!
	mrs	x0, elr_el2
	add	x0, x0, #4
	msr	elr_el2, x0
	ldr	x0, =0xffffffffffffffff
	msr	par_el1, x0
	ldp	x0, x1, [sp], #16
	eret
