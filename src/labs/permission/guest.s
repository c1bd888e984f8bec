// Three pages, three owners of a "no": stage 2, stage 1, and nobody.
        .equ    RAM,     0x40000000
        .equ    LEVEL1,  0x40010000     // one entry is 1 GiB
        .equ    LEVEL2,  0x40011000     // for VA 0x80000000; one entry is 2 MiB
        .equ    LEVEL3,  0x40012000     // one entry is 4 KiB
        .equ    ROM,     0x48000000     // a read-only slot
        .equ    DATA,    0x40020000
        .equ    TABLE,   0b11
        .equ    BLOCK,   0x701          // AF, Inner Shareable, AttrIndx 0, AP 00: EL1 may write; valid block
        .equ    PAGE,    0x703
        .equ    NO_WRITE, 0x80          // AP 10: EL1 may read, not write
        .equ    NEVER,   3 << 53        // PXN and UXN: data is not executable

_start:
        ldr     x0, =LEVEL1
        ldr     x1, =RAM + BLOCK
        str     x1, [x0, #1 * 8]        // this code stays where it is
        ldr     x1, =LEVEL2 + TABLE
        str     x1, [x0, #2 * 8]
        ldr     x0, =LEVEL2
        ldr     x1, =LEVEL3 + TABLE
        str     x1, [x0]
        ldr     x0, =LEVEL3
        ldr     x1, =NEVER + ROM + PAGE
        str     x1, [x0, #5 * 8]        // VA 0x80005000: stage 1 says yes
        ldr     x1, =NEVER + DATA + PAGE + NO_WRITE
        str     x1, [x0, #6 * 8]        // VA 0x80006000: stage 1 says no
        dsb     ish

        adr     x0, vectors
        msr     vbar_el1, x0
        mov     x0, #0xff               // attribute 0: Normal Write-Back
        msr     mair_el1, x0
        ldr     x0, =0x200803519        // IPS 40 bits, EPD1, Inner Shareable Write-Back walks, 4K, T0SZ 25
        msr     tcr_el1, x0
        ldr     x0, =LEVEL1
        msr     ttbr0_el1, x0
        isb
        mrs     x0, sctlr_el1
        orr     x0, x0, #1              // M
        msr     sctlr_el1, x0
        isb

        mov     x1, #0x80000000
        movk    x1, #0x5018
        ldr     x4, [x1]                // stage 2 lets the guest read its ROM
first:  str     x4, [x1]                // stage 2 refuses: KVM_EXIT_MMIO

        mov     x1, #0x80000000
        movk    x1, #0x6028
second: str     x4, [x1]                // stage 1 refuses: the vector below

        ldr     w0, =0x84000008         // PSCI SYSTEM_OFF
        hvc     #0

        .org    0x800
vectors:
        .org    0xa00                   // Current EL with SP_ELx, synchronous
        mrs     x10, esr_el1
        mrs     x11, far_el1
        mrs     x12, elr_el1
        add     x12, x12, #4            // give up the store
        msr     elr_el1, x12
        eret
