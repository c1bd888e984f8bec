// Stage 1 in FEAT_LPA2's format (TCR_EL1.DS): tables and data lie in a slot above 2^48, where 4K descriptors of old can't reach.
        .equ    HIGH,    0x6000040000000        // address bits 51:48 are 0110
        .equ    LEVEL1,  HIGH + 0x0000          // one entry is 1 GiB
        .equ    LEVEL2,  HIGH + 0x1000          // for VA 0x80000000; one entry is 2 MiB
        .equ    LEVEL3,  HIGH + 0x2000          // one entry is 4 KiB
        .equ    DATA,    HIGH + 0x3000          // where VA 0x80005000 will lead
        .equ    RAM,     0x40000000
        .equ    MOVED,   1 << 8                 // HIGH's bits 51:50, which are 01, in 9:8
        .equ    STAYS,   HIGH - 0x4000000000000 // its bits 49:0
        .equ    TABLE,   0b11
        .equ    BLOCK,   0x401                  // AF, AttrIndx 0, valid block; no shareability here
        .equ    PAGE,    0x403
        .equ    NEVER,   3 << 53                // PXN and UXN: data is not executable

_start:
        ldr     x0, =LEVEL1
        ldr     x1, =RAM + BLOCK
        str     x1, [x0, #1 * 8]                // this code stays where it is
        ldr     x1, =STAYS + 0x1000 + MOVED + TABLE
        str     x1, [x0, #2 * 8]                // LEVEL2
        ldr     x0, =LEVEL2
        ldr     x1, =STAYS + 0x2000 + MOVED + TABLE
        str     x1, [x0]                        // LEVEL3
        ldr     x0, =LEVEL3
        ldr     x1, =STAYS + 0x3000 + MOVED + PAGE + NEVER
        str     x1, [x0, #5 * 8]                // DATA
        dsb     ish

        mov     x0, #0xff                       // attribute 0: Normal Write-Back
        msr     mair_el1, x0
        ldr     x0, =0x0800000600803519         // DS, IPS 52 bits, EPD1, SH0 Inner Shareable, 4K, T0SZ 25
        msr     tcr_el1, x0
        ldr     x0, =0x40000018                 // LEVEL1's bits 47:6; its bits 51:48 in 5:2
        msr     ttbr0_el1, x0
        isb
        mrs     x0, sctlr_el1
        orr     x0, x0, #1                      // M
        msr     sctlr_el1, x0
        isb

on:     ldr     x1, =0x80005000
        ldr     x2, =0x21326567617453           // "Stage2!"
        str     x2, [x1]

        ldr     w0, =0x84000008                 // PSCI SYSTEM_OFF
        hvc     #0
