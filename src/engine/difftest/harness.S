/* run(state): loads the registers of the state, jumps to the case's code, and returns the block that its end has filled. */
        .equ    SP_AT, 31 * 8
        .equ    NZCV_AT, 32 * 8
        .equ    END_AT, 33 * 8
        .equ    FPCR_AT, 34 * 8
        .equ    FPSR_AT, 35 * 8
        .equ    V_AT, 36 * 8

        .macro  general op, base
        \op     x0, x1, [\base, #0]
        \op     x2, x3, [\base, #16]
        \op     x4, x5, [\base, #32]
        \op     x6, x7, [\base, #48]
        \op     x8, x9, [\base, #64]
        \op     x10, x11, [\base, #80]
        \op     x12, x13, [\base, #96]
        \op     x14, x15, [\base, #112]
        \op     x16, x17, [\base, #128]
        \op     x18, x19, [\base, #144]
        \op     x20, x21, [\base, #160]
        \op     x22, x23, [\base, #176]
        \op     x24, x25, [\base, #192]
        \op     x26, x27, [\base, #208]
        \op     x28, x29, [\base, #224]
        .endm

        .macro  vectors op
        .irp    n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
        vector_pair \op, \n
        .endr
        .endm
        .macro  vector_pair op, n
        .altmacro
        vector_pair2 \op, \n, %(\n + 1)
        .noaltmacro
        .endm
        .macro  vector_pair2 op, n, m
        \op     q\n, q\m, [x1], #32
        .endm

        .text
        .global run
run:
        stp     x29, x30, [sp, #-160]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        adrp    x1, host_sp
        mov     x2, sp
        str     x2, [x1, #:lo12:host_sp]
        add     x1, x0, #V_AT
        vectors ldp
        mov     x30, x0
        ldr     x0, [x30, #SP_AT]
        mov     sp, x0
        ldr     x0, [x30, #NZCV_AT]
        msr     nzcv, x0
        ldr     x0, [x30, #FPCR_AT]
        msr     fpcr, x0
        ldr     x0, [x30, #FPSR_AT]
        msr     fpsr, x0
        general ldp, x30
        ldr     x30, [x30, #240]
        b       case_entry

        /* x30 is the block to fill; its own value is in TPIDR_EL0. */
        .global finish
finish:
        general stp, x30
        mrs     x0, tpidr_el0
        str     x0, [x30, #240]
        mov     x0, sp
        str     x0, [x30, #SP_AT]
        mrs     x0, nzcv
        str     x0, [x30, #NZCV_AT]
        mrs     x0, fpcr
        str     x0, [x30, #FPCR_AT]
        mrs     x0, fpsr
        str     x0, [x30, #FPSR_AT]
        add     x1, x30, #V_AT
        vectors stp
        mov     x0, x30
        adrp    x1, host_sp
        ldr     x1, [x1, #:lo12:host_sp]
        mov     sp, x1
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #160
        ret

        .global _start
_start:
        bl      main
        mov     x8, #94
        svc     #0

        .bss
        .balign 8
host_sp:
        .skip   8
