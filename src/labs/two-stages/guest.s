// Builds stage 1 tables (4K granule, 39 bits of VA, so levels 1 to 3), turns the MMU on and stores through them.
        .equ    RAM,     0x40000000
        .equ    LEVEL1,  0x40010000     // one entry is 1 GiB
        .equ    LEVEL2A, 0x40011000     // for VA 0x40000000
        .equ    LEVEL2B, 0x40012000     // for VA 0x80000000; one entry is 2 MiB
        .equ    LEVEL3,  0x40013000     // one entry is 4 KiB
        .equ    DATA,    0x40020000     // where VA 0x80005000 will lead
        .equ    TABLE,   0b11
        .equ    BLOCK,   0x701          // AF, Inner Shareable, AttrIndx 0, valid block
        .equ    PAGE,    0x703
        .equ    NEVER,   3 << 53        // PXN and UXN: data is not executable

_start:
        ldr     x0, =LEVEL1
        ldr     x1, =LEVEL2A + TABLE
        str     x1, [x0, #1 * 8]        // 1 GiB from 0x40000000
        ldr     x1, =LEVEL2B + TABLE
        str     x1, [x0, #2 * 8]        // 1 GiB from 0x80000000

        ldr     x0, =LEVEL2A
        ldr     x1, =RAM + BLOCK
        str     x1, [x0]                // this code stays where it is

        ldr     x0, =LEVEL2B
        ldr     x1, =LEVEL3 + TABLE
        str     x1, [x0]
        ldr     x0, =LEVEL3
        ldr     x1, =NEVER + DATA + PAGE
        str     x1, [x0, #5 * 8]        // VA 0x80005000
        dsb     ish

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

on:     ldr     x1, =0x80005000
        ldr     x2, =0x21326567617453   // "Stage2!"
        str     x2, [x1]                // stage 1: level 3; stage 2: not mapped yet
        ldr     x3, =DATA
        ldr     x4, [x3]                // the same bytes by another way: a block of stage 1

        ldr     w0, =0x84000008         // PSCI SYSTEM_OFF
        hvc     #0
