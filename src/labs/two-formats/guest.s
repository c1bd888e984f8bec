// One set of stage 1 tables (4K granule, 48 bits of VA, levels 0 to 3), read in the format that x0 chooses: it goes into TCR_EL1.
        .equ    RAM,     0x40000000
        .equ    LEVEL0,  0x40010000
        .equ    LEVEL1,  0x40011000
        .equ    LEVEL2,  0x40012000     // for VA 0x80000000; one entry is 2 MiB
        .equ    LEVEL3,  0x40013000
        .equ    DATA,    0x40020000
        .equ    DOOR,    0x50000000     // no slot is there
        .equ    TABLE,   0b11
        .equ    BLOCK,   0x401          // AF, AttrIndx 0, valid block; bits 9:8 are 0 in either format
        .equ    PAGE,    0x703          // bits 9:8 are 11: Inner Shareable, or address bits 51:50
        .equ    NEVER,   3 << 53        // PXN and UXN: data is not executable

_start:
        ldr     x1, =LEVEL0
        ldr     x2, =LEVEL1 + TABLE
        str     x2, [x1]
        ldr     x1, =LEVEL1
        ldr     x2, =RAM + BLOCK
        str     x2, [x1, #1 * 8]        // this code stays where it is, and so does DOOR
        ldr     x2, =LEVEL2 + TABLE
        str     x2, [x1, #2 * 8]
        ldr     x1, =LEVEL2
        ldr     x2, =LEVEL3 + TABLE
        str     x2, [x1]
        ldr     x1, =LEVEL3
        ldr     x2, =NEVER + DATA + PAGE
        str     x2, [x1, #5 * 8]        // VA 0x80005000
        dsb     ish

        mov     x1, #0xff               // attribute 0: Normal Write-Back
        msr     mair_el1, x1
        ldr     x1, =0x600803510        // IPS 52 bits, EPD1, SH0 Inner Shareable, 4K, T0SZ 16
        orr     x1, x1, x0              // DS, or not
        msr     tcr_el1, x1
        ldr     x1, =LEVEL0
        msr     ttbr0_el1, x1
        isb
        mrs     x1, sctlr_el1
        orr     x1, x1, #1              // M
        msr     sctlr_el1, x1
        isb

on:     ldr     x1, =0x80005000
        str     x0, [x1]
        ldr     x1, =DOOR
        str     x0, [x1]                // KVM_EXIT_MMIO: back to the VMM, for good
        b       .
