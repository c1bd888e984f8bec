/*
 * Exceptions that EL1 takes, from EL1 and EL0. Not asked, as QEMU 7.2 has no answer of worth: faults of cache maintenance and of
 * unaligned Device accesses, SP alignment, WFE; the syndrome of a trapped MSR DAIFSet, where it exchanges op1 and op2.
 */
        .equ PAGES, 0x40600000

        .macro both label
        go \label, 0x3c5
        go \label, 0x3c0
        go \label, 0xa04003c5
        .endm

        .macro one instruction
        \instruction
        svc #1
        .endm

/* Each of the instructions at `permitted` at EL0. */
        .macro run_permitted
        ldr x13, =permitted
8:      ldr x28, =9f
        msr elr_el1, x13
        mov x0, #0x3c0
        msr spsr_el1, x0
        ldr x9, =PAGES + 0x2000
        eret
9:      add x13, x13, #8
        ldr x0, =permitted_end
        cmp x13, x0
        b.lo 8b
        .endm

main:   ldr x0, =TABLES
        add x1, x0, #0x1000
        orr x2, x1, #3
        str x2, [x0, #8]
        /* Code, then the log. */
        ldr x2, =0x402004c1
        str x2, [x1, #8]
        ldr x2, =0x40400401
        str x2, [x1, #16]
        add x2, x0, #0x2000
        orr x2, x2, #3
        str x2, [x1, #24]
        /* A table out of reach, a block out of reach, a block without the Access flag. */
        ldr x2, =0x300000003
        str x2, [x1, #40]
        ldr x2, =0x300000401
        str x2, [x1, #48]
        ldr x2, =0x40000001
        str x2, [x1, #56]
        add x1, x0, #0x2000
        ldr x3, =pages
        mov x4, #12
1:      ldr x2, [x3], #8
        str x2, [x1], #8
        subs x4, x4, #1
        b.ne 1b
        ldr x2, =0x60080803519
        msr tcr_el1, x2
        mov x2, #0xff
        msr mair_el1, x2
        msr ttbr0_el1, x0
        msr ttbr1_el1, x0
        set cpacr_el1, 0x300000
        dsb sy
        isb
        mrs x0, sctlr_el1
        orr x0, x0, #1
        /* C, at which QEMU's AT does not look. */
        orr x0, x0, #4
        msr sctlr_el1, x0
        isb

/* Each access to each place, at EL1, at EL0, and at EL1 with PAN and other flags. */
        ldr x13, =places
2:      ldr x9, [x13], #8
        cbz x9, 4f
        ldr x14, =accesses
3:      log x14
        mov x8, #0
        mov x7, #0
        ldr x28, =5f
        mov x27, #0x3c5
        enter x14, 0x3c5
5:      ldr x28, =6f
        enter x14, 0x3c0
6:      ldr x28, =7f
        enter x14, 0xa04003c5
7:      add x14, x14, #8
        ldr x0, =accesses_end
        cmp x14, x0
        b.lo 3b
        b 2b
4:
/* AT of the same places. */
        ldr x13, =places
8:      ldr x9, [x13], #8
        cbz x9, 4f
        .irp what, s1e1r, s1e1w, s1e0r, s1e0w
        at \what, x9
        isb
        mrs x0, par_el1
        log x0
        .endr
        b 8b
4:
/* Where there is nothing to execute. */
        ldr x13, =places
8:      ldr x9, [x13], #8
        cbz x9, 4f
        .irp pstate, 0x3c5, 0x3c0, 0x4003c5
        ldr x28, =9f
        enter x9, \pstate
9:
        .endr
        b 8b
4:
/* Instructions alone. */
        .irp pc, 1, 2, 3
        go alone + \pc, 0x3c5
        go alone + \pc, 0x3c0
        .endr
        ldr x13, =alone
8:      .irp pstate, 0x3c5, 0x3c0, 0x3c4
        ldr x28, =9f
        msr elr_el1, x13
        ldr x0, =\pstate
        msr spsr_el1, x0
        ldr x9, =PAGES
        eret
9:
        .endr
        add x13, x13, #8
        ldr x0, =alone_end
        cmp x13, x0
        b.lo 8b

        go return, 0x3c0

/* FP and SIMD, trapped by each value of FPEN. */
        .irp fpen, 0x000000, 0x100000, 0x200000, 0x300000
        set cpacr_el1, \fpen
        both floating
        both simd
        both control
        .endr

/* What SCTLR_EL1 traps EL0's: nothing, then all. */
        mrs x11, sctlr_el1
        ldr x12, =0x404d200
        orr x0, x11, x12
        msr sctlr_el1, x0
        isb
        run_permitted
        bic x0, x11, x12
        bic x0, x0, #1 << 16
        bic x0, x0, #1 << 18
        msr sctlr_el1, x0
        isb
        run_permitted

/* Alignment of data. */
        orr x0, x11, #2
        msr sctlr_el1, x0
        isb
        ldr x9, =PAGES + 0x2001
        .irp label, word, doubleword, pair, exclusive, byte, atomic, crossing
        go \label, 0x3c5
        go \label, 0x3c0
        .endr
        bic x0, x11, #2
        msr sctlr_el1, x0
        isb
        .irp label, word, doubleword, pair, exclusive, byte, atomic, crossing
        go \label, 0x3c5
        go \label, 0x3c0
        .endr

/* Illegal returns: to EL2, EL3, EL0 with SP_EL1, AArch32's EL1, reserved modes; with and without IL; with every flag. */
        .irp mode, 0x9, 0x8, 0xd, 0xc, 0x1, 0x2, 0x3, 0x6, 0x7, 0x13, 0x1f
        go code, 0x3c0 + \mode
        go code, 0x3c0 + \mode + 0xf0100000
        .endr
        go code, 0x1003c5
        go code, 0x1003c0
        go code, 0xf1c00fc5
        go code, 0xf1c00fc0
        go code, 0x0f0013c4
        b finish
        .ltorg

code:   svc #0xffff
return: eret
floating: one "fadd s0, s0, s0"
simd:   one "ldr q0, [x9]"
control: one "mrs x0, fpcr"
word:   one "ldr w0, [x9]"
doubleword: one "str x8, [x9, #8]"
pair:   one "ldp x0, x1, [x9, #8]!"
exclusive: one "ldxr x0, [x9]"
byte:   one "ldrb w0, [x9]"
atomic: one "ldadd w8, w0, [x9]"
crossing: one "ldr x0, [x9, #4088]"

        .balign 8
accesses:
        one "ldr x0, [x9]"
        one "str x8, [x9]"
        one "ldtr x0, [x9]"
        one "sttr x8, [x9]"
        one "ldxr x0, [x9]"
        one "stlr x8, [x9]"
        one "ldadd x8, x0, [x9]"
        one "cas x7, x8, [x9]"
        one "ldp x0, x1, [x9, #-8]"
        one "stp x8, x7, [x9, #-8]"
        one "dc zva, x9"
        one "prfm pldl1keep, [x9]"
        one "ldr q0, [x9]"
accesses_end:

alone:  one "udf #0"
        one "svc #0x1234"
        one "brk #0xabcd"
        one "smc #1"
        one "hlt #1"
        one "dcps1"
        one "dcps2 #1"
        one "mrs x0, vbar_el1"
        one "mrs x0, currentel"
        one "mrs x0, sctlr_el2"
        one "msr midr_el1, x0"
        one "mrs x0, id_aa64pfr0_el1"
        one "mrs x0, s3_0_c0_c7_7"
        one "mrs x0, s3_1_c0_c0_2"
        one "mrs x0, s3_0_c4_c7_7"
        one "mrs x0, sp_el0"
        one "msr spsel, #0"
        one "tlbi vmalle1"
        one "at s1e2r, x9"
        one "dc isw, x9"
        one "sys #0, c7, c15, #7"
        one "sysl x0, #3, c7, c15, #7"
        one "mrs x0, cntpct_el0"
        one "msr tpidrro_el0, x0"
        one ".inst 0xd4000004"
        one ".inst 0xdac13000"
        .balign 8
alone_end:

permitted:
        one "mrs x0, ctr_el0"
        one "mrs x0, daif"
        one "msr daif, x0"
        one "dc zva, x9"
        one "dc cvau, x9"
        one "dc civac, x9"
        one "ic ivau, x9"
        one "mrs x0, dczid_el0"
permitted_end:

        .balign 8
/* Read and write at EL1; read; both levels; both levels read; no Access flag; nothing; out of reach; not executable. */
pages:  .quad 0x40700403, 0x40701483, 0x40702443, 0x407034c3, 0x40704003, 0, 0x300000403
        .quad 0x600000407074c3, 0x400000407084c3, 0x200000407094c3, 0, 0x4070b443
places: .quad PAGES, PAGES + 0x1000, PAGES + 0x2000, PAGES + 0x3000, PAGES + 0x4000, PAGES + 0x5000, PAGES + 0x6000
        .quad PAGES + 0x7000, PAGES + 0x8000, PAGES + 0x9000, PAGES + 0xb000, 0x40800000, 0x40a00000, 0x40c00000
        .quad 0x40e00000, 0x80000000, 0x8000000000, 0xffffffff80000000, 0x0001000040600000, 0xaa00000040605000
        .quad 0xaaffffff80000000, 0
