/* Indirect branches from and to guarded pages: at every kind of landing pad, with every kind of branch, at EL1 and EL0. */
        .equ GUARDED, 0x40204000
        .equ PLAIN, 0x40206000

/* x1 is branch x14 of those in GUARDED or PLAIN; it goes to pad x13, by x15, x16 or x17. An exception goes on at `after`. */
        .macro choose after
        ldr x15, =GUARDED
        add x15, x15, x13, lsl #3
        ldr x28, =\after
        mov x27, #0x3c5
        ldr x1, =GUARDED + 0x400
        ldr x2, =PLAIN
        tst x14, #8
        csel x1, x1, x2, ne
        and x2, x14, #7
        add x1, x1, x2, lsl #4
        mov x16, x15
        mov x17, x15
        .endm

/* Descriptors of 2 MiB blocks: level 1 at TABLES, level 2 after it, level 3 of the first 2 MiB of code. */
main:   ldr x0, =TABLES
        add x1, x0, #0x1000
        orr x2, x1, #3
        str x2, [x0, #8]
        add x2, x0, #0x2000
        orr x2, x2, #3
        str x2, [x1, #8]
        /* The block with tables and log. */
        ldr x2, =0x40400401
        str x2, [x1, #16]
        /* Level 3: pages from 0x40200000; those at GUARDED and the next have GP. EL0 may execute them and PLAIN. */
        add x1, x0, #0x2000
        ldr x2, =0x40200403
        mov x3, #512
1:      str x2, [x1], #8
        add x2, x2, #0x1000
        subs x3, x3, #1
        b.ne 1b
        add x1, x0, #0x2000
        add x1, x1, #0x20
        ldr x4, =0x00040000000000c0
        ldp x2, x3, [x1]
        orr x2, x2, x4
        orr x3, x3, x4
        stp x2, x3, [x1]
        and x4, x4, #0xff
        ldp x2, x3, [x1, #16]
        orr x2, x2, x4
        orr x3, x3, x4
        stp x2, x3, [x1, #16]
        ldr x2, =0x80803519
        msr tcr_el1, x2
        mov x2, #0xff
        msr mair_el1, x2
        msr ttbr0_el1, x0
        mov x1, #0
        msr ttbr1_el1, x1
        dsb sy
        isb
        mrs x0, sctlr_el1
        orr x0, x0, #1
        msr sctlr_el1, x0
        isb

/* Twice: SCTLR_EL1.BT1 and BT0 as 0 and 1. */
        mov x12, #0
rounds: mrs x0, sctlr_el1
        ldr x1, =0x1800000000
        bic x0, x0, x1
        cmp x12, #0
        csel x1, x1, xzr, ne
        orr x0, x0, x1
        msr sctlr_el1, x0
        isb

/* Every branch in the two tables to every pad. */
        mov x13, #0
pads:   mov x14, #0
branches:
        choose back
        log x13
        log x14
        br x1
back:   add x14, x14, #1
        cmp x14, #16
        b.ne branches
        add x13, x13, #1
        cmp x13, #16
        b.ne pads

/* The same at EL0, from PLAIN and GUARDED to the first eight. */
        mov x13, #0
pads0:  mov x14, #0
branches0:
        choose back0
        msr elr_el1, x1
        msr spsr_el1, xzr
        eret
back0:  add x14, x14, #1
        cmp x14, #16
        b.ne branches0
        add x13, x13, #1
        cmp x13, #16
        b.ne pads0

/* BTYPE by ERET: checked at the return's target. */
        mov x14, #0
returns:
        ldr x28, =3f
        ldr x1, =GUARDED
        add x1, x1, #0x80
        msr elr_el1, x1
        mov x2, #0x3c5
        orr x2, x2, x14, lsl #10
        msr spsr_el1, x2
        eret
3:      add x14, x14, #1
        cmp x14, #4
        b.ne returns

        add x12, x12, #1
        cmp x12, #2
        b.ne rounds
        b finish
        .ltorg

        .macro branchtable
        br x15
        brk #1
        nop
        nop
        br x16
        brk #1
        nop
        nop
        br x17
        brk #1
        nop
        nop
        blr x15
        brk #1
        nop
        nop
        blr x16
        brk #1
        nop
        nop
        ret x15
        brk #1
        nop
        nop
        blraaz x15
        brk #1
        nop
        nop
        braaz x16
        brk #1
        nop
        nop
        .endm

        .org GUARDED - 0x40200000
        bti
        svc #0
        bti c
        svc #1
        bti j
        svc #2
        bti jc
        svc #3
        paciasp
        svc #4
        pacibsp
        svc #5
        nop
        svc #6
        brk #7
        svc #7
        hlt #8
        svc #8
        svc #9
        svc #9
        .inst 0
        svc #10
        autiasp
        svc #11
        pacia1716
        svc #12
        mrs x0, midr_el1
        svc #13
        b . + 4
        svc #14
        isb
        svc #15
        bti c
        svc #16

        .org GUARDED - 0x40200000 + 0x400
        branchtable

        .org PLAIN - 0x40200000
        branchtable
