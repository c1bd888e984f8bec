// Touches pages of the logged slot in four rounds; a store to DOOR ends each of them.
        .equ    LOGGED, 0x40200000      // 512 pages: a block of 2 MiB
        .equ    DOOR,   0x50000000      // no slot is there: KVM_EXIT_MMIO

_start: ldr     x0, =LOGGED
        ldr     x9, =DOOR
        mov     x1, #1

        str     x1, [x0]                // page 0, before the log is on
        str     x1, [x9]

round2: ldr     x2, [x0, #7 << 12]      // page 7: a load
        str     x1, [x0, #3 << 12]      // page 3
        str     x1, [x0, #5 << 12]      // page 5
        ldr     x2, [x0, #7 << 12]      // page 7 again
        str     x1, [x9]

round3: str     x1, [x0, #5 << 12]      // page 5
        str     x1, [x9]

round4: str     x1, [x0, #7 << 12]      // page 7, when the log is off
        str     x1, [x9]
        b       .
