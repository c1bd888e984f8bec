// What a first guest does: tables, MMU on, vectors, a timer, a UART.
        .text
        .org    0x0
start:
        mrs     x0, CurrentEL
        msr     daifset, #0xf
        adr     x1, vectors
        msr     vbar_el1, x1
        ldr     x2, =0xff440c0400
        msr     mair_el1, x2
        ldr     x3, =(25 << 16) | 0x3519 | (2 << 32)
        msr     tcr_el1, x3
        adrp    x4, tables
        add     x4, x4, #:lo12:tables
        msr     ttbr0_el1, x4
        mov     x5, #0x40000000
        mov     x6, #0x701
        orr     x6, x6, x5
        bfi     x6, x5, #12, #0x10
        str     x6, [x4, #8]
        mov     x7, #0x405
        movk    x7, #0x60, lsl #48
        str     x7, [x4]
        dsb     ishst
        isb
        mrs     x8, sctlr_el1
        orr     x8, x8, #1
        orr     x8, x8, #(1 << 2)
        orr     x8, x8, #(1 << 12)
        msr     sctlr_el1, x8
        isb
        tlbi    vmalle1
        dsb     ish
        ic      iallu
        dc      civac, x4
        at      s1e1r, x4
        mrs     x9, par_el1
        tbnz    x9, #0, fail
        mrs     x10, cntvct_el0
        mov     x11, #1000
        msr     cntv_tval_el0, x11
        mov     w12, #1
        msr     cntv_ctl_el0, x12
        msr     daifclr, #2
1:      wfi
        ldaxr   w13, [x4]
        add     w13, w13, #1
        stlxr   w14, w13, [x4]
        cbnz    w14, 1b
        ldaddal x13, x14, [x4]
        casal   w13, w14, [x4]
        cmp     x14, #16
        ccmp    x13, #3, #0, ne
        csel    x15, x13, x14, hi
        cset    w16, eq
        b.ne    1b
fail:   mov     x0, #0x84000008 & 0xffff
        movk    x0, #0x8400, lsl #16
        hvc     #0
        b       .
        .ltorg
        .balign 2048
vectors:
        .rept   16
        mrs     x20, esr_el1
        mrs     x21, far_el1
        mrs     x22, elr_el1
        eret
        .balign 128
        .endr
        .balign 4096
tables: .skip   4096
