// Builds stage 1 tables for 40 bits of VA (4K granule), turns the MMU on and stores through them.
// Stage 1 can't concatenate: bit 39 alone makes a level 0 of two entries.
        .equ    RAM,     0x40000000
        .equ    LEVEL0,  0x40010000     // one entry is 512 GiB
        .equ    LEVEL1A, 0x40011000     // for VA 0; one entry is 1 GiB
        .equ    LEVEL1B, 0x40012000     // for VA 0x8000000000
        .equ    LEVEL2,  0x40013000     // one entry is 2 MiB
        .equ    LEVEL3,  0x40014000     // one entry is 4 KiB
        .equ    HIGH,    0x8000000000   // the second slot, at 512 GiB
        .equ    TABLE,   0b11
        .equ    BLOCK,   0x701          // AF, Inner Shareable, AttrIndx 0, valid block
        .equ    PAGE,    0x703
        .equ    NEVER,   3 << 53        // PXN and UXN: data is not executable

_start:
        ldr     x0, =LEVEL0
        ldr     x1, =LEVEL1A + TABLE
        str     x1, [x0]
        ldr     x1, =LEVEL1B + TABLE
        str     x1, [x0, #1 * 8]

        ldr     x0, =LEVEL1A
        ldr     x1, =RAM + BLOCK
        str     x1, [x0, #1 * 8]        // this code stays where it is

        ldr     x0, =LEVEL1B
        ldr     x1, =LEVEL2 + TABLE
        str     x1, [x0]
        ldr     x0, =LEVEL2
        ldr     x1, =LEVEL3 + TABLE
        str     x1, [x0]
        ldr     x0, =LEVEL3
        ldr     x1, =NEVER + HIGH + PAGE
        str     x1, [x0, #5 * 8]        // VA 0x8000005000
        dsb     ish

        mov     x0, #0xff               // attribute 0: Normal Write-Back
        msr     mair_el1, x0
        ldr     x0, =0x200803518        // IPS 40 bits, EPD1, Inner Shareable Write-Back walks, 4K, T0SZ 24
        msr     tcr_el1, x0
        ldr     x0, =LEVEL0
        msr     ttbr0_el1, x0
        isb
        mrs     x0, sctlr_el1
        orr     x0, x0, #1              // M
        msr     sctlr_el1, x0
        isb

on:     ldr     x1, =0x8000005000
        ldr     x2, =0x21326567617453   // "Stage2!"
        str     x2, [x1]

        ldr     w0, =0x84000008         // PSCI SYSTEM_OFF
        hvc     #0
