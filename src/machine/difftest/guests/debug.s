/* Breakpoints, watchpoints and software step of the guest's own, at EL1 and EL0. */
        .equ DATA, 0x40500000

/* PSTATE: EL1h and EL0t with D, A, I, F as they come; SS is bit 21. */
        .equ EL1, 0x1c5
        .equ EL1D, 0x3c5
        .equ EL0, 0x1c0
        .equ SS, 0x200000

main:   ldr x0, =TABLES
        add x1, x0, #0x1000
        orr x2, x1, #3
        str x2, [x0, #8]
        ldr x2, =0x402004c1
        str x2, [x1, #8]
        ldr x2, =0x40400441
        str x2, [x1, #16]
        ldr x2, =0x80803519
        msr tcr_el1, x2
        mov x2, #0xff
        msr mair_el1, x2
        msr ttbr0_el1, x0
        dsb sy
        isb
        mrs x0, sctlr_el1
        orr x0, x0, #1
        orr x0, x0, #4
        orr x0, x0, #1 << 14
        msr sctlr_el1, x0
        isb
        msr oslar_el1, xzr
        isb

/* Breakpoints on `target`: E, PMC, BAS, HMC and SSC as in x12, at EL1 without and with the D mask, and at EL0. */
        set mdscr_el1, 0xa000
        set dbgbvr0_el1, target
        ldr x13, =controls
1:      ldr w12, [x13], #4
        cbz w12, 2f
        msr dbgbcr0_el1, x12
        isb
        log x12
        go code, EL1
        go code, EL1D
        go code, EL0
        b 1b
2:      msr dbgbcr0_el1, xzr

/* Without KDE, without MDE. With the OS lock there are none either, but QEMU looks at another bit for it. */
        set dbgbcr1_el1, 0x1e7
        set dbgbvr1_el1, target
        set mdscr_el1, 0x8000
        go code, EL1
        go code, EL0
        set mdscr_el1, 0x2000
        go code, EL1
        go code, EL0
        set mdscr_el1, 0xa000

/* Linked to a context. QEMU has no breakpoints on a context alone. */
        set contextidr_el1, 0x1234567
        set dbgbvr4_el1, 0x1234567
        set dbgbcr4_el1, 0x3001e7
        set dbgbcr1_el1, 0x1401e7
        go code, EL0
        set contextidr_el1, 0x1234566
        go code, EL0
        set dbgbcr1_el1, 0x1301e7
        go code, EL0
        msr dbgbcr1_el1, xzr
        set dbgbcr4_el1, 0

/* Watchpoints: for each pair of control and value, the accesses. */
        ldr x13, =watchpoints
3:      ldr w12, [x13], #4
        cbz w12, 5f
        ldr w11, [x13], #4
        ldr x10, =DATA
        add x11, x10, x11
        msr dbgwvr1_el1, x11
        msr dbgwcr1_el1, x12
        isb
        log x12
        ldr x14, =accesses
        /* Set each time: QEMU does not forget that a watchpoint was hit by a store. Unaligned loads it widens. */
4:      msr dbgwcr1_el1, x12
        isb
        ldr x9, =DATA
        add x9, x9, #64
        mov x8, #8
        mov x7, #0
        ldr x28, =6f
        mov x27, #0x3c5
        msr elr_el1, x14
        ldr x0, =EL0
        msr spsr_el1, x0
        eret
6:      add x14, x14, #8
        ldr x0, =accesses_end
        cmp x14, x0
        b.lo 4b
        b 3b
5:      set dbgwcr1_el1, 0x1fff
        set dbgwvr1_el1, DATA+64
/* From EL1: its own accesses, and with EL0's permissions; DC ZVA. */
        .irp control, 0x1fdb, 0x1fdd, 0x1ffd, 0x1ff5, 0x1fef
        set dbgwcr1_el1, \control
        ldr x9, =DATA+64
        go from1, EL1
        go from2, EL1
        go from3, EL1
        go from4, EL1
        go from1, EL1D
        .endr
        set dbgwcr1_el1, 0

/* Software step: of the code at EL1 and EL0, with SS and without. */
        set mdscr_el1, 0x2001
        go code, EL1 + SS
        go code, EL1
        go code, EL1D + SS
        go code, EL0 + SS
        go code, EL0
        go syscall, EL0 + SS
        go undefined, EL0 + SS
        ldr x9, =DATA
        go exclusive, EL0 + SS
        go faulting, EL0 + SS
        go faulting, EL1 + SS
        go branching, EL0 + SS
        go unmasking, EL1D + SS
        go system, EL1 + SS
        go returning, EL1 + SS
        go breaking, EL1 + SS
/* With a breakpoint at the same place, the step that is pending comes first. */
        set mdscr_el1, 0xa001
        set dbgbvr0_el1, code
        set dbgbcr0_el1, 0x1e7
        go code, EL0 + SS
        go code, EL0
        set dbgbcr0_el1, 0
/* Without KDE there is none at EL1. */
        set mdscr_el1, 1
        go code, EL1 + SS
        go code, EL0 + SS
        set mdscr_el1, 0
        b finish

/* Step and ERET: as the return begins, debug exceptions are masked again. */
returning:
        eret
syscall: svc #1
        svc #2
undefined: .inst 0
        svc #3
exclusive: ldxr x0, [x9]
        svc #4
faulting: ldr x0, [x7]
        svc #5
branching: b target
breaking: brk #7
system: mrs x0, midr_el1
        svc #8
unmasking: msr daifclr, #8
        svc #6
        svc #7
code:   mov x0, #1
        mov x1, #2
target: mov x0, #3
        svc #9

        .align 3
from1:  ldr x0, [x9]
        svc #1
from2:  str x0, [x9]
        svc #2
from3:  ldtr x0, [x9]
        svc #3
from4:  sttr x0, [x9]
        svc #4

/* Each is two instructions; x9 is DATA + 64. */
accesses:
        ldrb w0, [x9]
        svc #0
        ldrb w0, [x9, #3]
        svc #0
        strb w0, [x9, #7]
        svc #0
        ldr w0, [x9, #-4]
        svc #0
        str w0, [x9, #4]
        svc #0
        ldr x0, [x9]
        svc #0
        ldp x0, x1, [x9, #-16]
        svc #0
        stp x0, x1, [x9, #-8]
        svc #0
        ldr x0, [x9], #8
        svc #0
        str x0, [x9, #8]!
        svc #0
        ldr x0, [x9, x8]
        svc #0
        ldadd x0, x1, [x9]
        svc #0
        swp x0, x1, [x9]
        svc #0
        ldar x0, [x9]
        svc #0
        dc zva, x9
        svc #0
        ldp x0, x1, [x9, #32]
        svc #0
        ldrb w0, [x9, #128]
        svc #0
        prfm pldl1keep, [x9]
        svc #0
accesses_end:

controls:
        .word 0x1e7, 0x1e5, 0x1e3, 0x1e1, 0x1e6, 0x007, 0x027, 0x187, 0x21e7
        .word 0
/* DBGWCR, and where from DATA on: all bytes; some; loads; stores; not EL0; a mask of 8, 64, 128 bytes; words; disabled. */
watchpoints:
        .word 0x1fff, 64
        .word 0x00df, 64
        .word 0x101f, 64
        .word 0x1ff7, 64
        .word 0x1fef, 64
        .word 0x1ffb, 64
        .word 0x1fe7, 64
        .word 0x3001fff, 64
        .word 0x6001fff, 64
        .word 0x7001fff, 128
        .word 0x1ff, 68
        .word 0x1ffe, 64
        .word 0
        .ltorg
