/*
 * What every guest begins with. It runs at EL1 with the MMU off and logs 64-bit values from LOG on. An exception logs its
 * vector (0 to 15), ESR_EL1, FAR_EL1 where the exception sets it, ELR_EL1 and SPSR_EL1, and goes on at x28 with PSTATE x27.
 * x19 to x26 are the handler's, x29 is the end of the log.
 */
        .equ LOG, 0x40400000
        .equ TABLES, 0x40300000

        .macro log value
        str \value, [x29], #8
        .endm

        .macro set register, value
        ldr x0, =\value
        msr \register, x0
        isb
        .endm

/* To the address in a register, with PSTATE `pstate`. */
        .macro enter address, pstate
        msr elr_el1, \address
        ldr x0, =\pstate
        msr spsr_el1, x0
        eret
        .endm

/* Runs code from `label` on at a level with PSTATE `pstate`, until an exception brings it back to what follows. */
        .macro go label, pstate
        ldr x28, =9f
        mov x27, #0x3c5
        ldr x0, =\label
        enter x0, \pstate
9:
        .endm

        .macro vector number
        .balign 0x80
        mov x19, #\number
        b handle
        .endm

_start: ldr x29, =LOG
        ldr x0, =vectors
        msr vbar_el1, x0
        mov x27, #0x3c5
        isb
        b main

        .balign 0x800
vectors:
        .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vector \number
        .endr

handle: mrs x20, esr_el1
        mrs x21, far_el1
        mrs x22, elr_el1
        mrs x23, spsr_el1
        lsr x24, x20, #26
        sub x25, x24, #0x20
        cmp x25, #6
        b.lo 1f
        sub x25, x24, #0x34
        cmp x25, #2
        b.lo 1f
        mov x21, #0
1:      log x19
        log x20
        log x21
        log x22
        log x23
        msr elr_el1, x28
        msr spsr_el1, x27
        eret

/* Writes the log to out.bin by semihosting. */
finish: ldr x0, =0x30d00980
        msr sctlr_el1, x0
        isb
        ldr x1, =opened
        mov x0, #1
        hlt #0xf000
        ldr x1, =written
        str x0, [x1]
        ldr x2, =LOG
        str x2, [x1, #8]
        sub x2, x29, x2
        str x2, [x1, #16]
        mov x0, #5
        hlt #0xf000
        ldr x1, =exited
        mov x0, #0x18
        hlt #0xf000
        .balign 8
opened: .quad name, 5, 7
written: .quad 0, 0, 0
exited: .quad 0x20026, 0
name:   .asciz "out.bin"
        .balign 8
        .ltorg
