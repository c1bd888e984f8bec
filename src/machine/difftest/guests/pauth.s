/* Every use of a key, on pointers, modifiers, keys, sizes of address spaces and ignored top bytes as they come. */
        .equ CASES, 24

/* x0 becomes the next of a row of numbers (xorshift64). */
        .macro random
        eor x10, x10, x10, lsl #13
        eor x10, x10, x10, lsr #7
        eor x10, x10, x10, lsl #17
        .endm

        .macro key name
        random
        msr \name\()keylo_el1, x10
        random
        msr \name\()keyhi_el1, x10
        .endm

/* What an instruction makes of x0 = x11, x1 = x12. */
        .macro try instruction
        mov x0, x11
        mov x1, x12
        \instruction
        log x0
        .endm

main:   ldr x10, =0x9e3779b97f4a7c15
        mov x13, #CASES
again:  key apia
        key apib
        key apda
        key apdb
        key apga

        /* T0SZ = T1SZ of 16 to 31, TBI and TBID as they come, but alike: QEMU looks at those of the pointer's half alone. */
        random
        and x2, x10, #15
        add x2, x2, #16
        orr x2, x2, x2, lsl #16
        and x3, x10, #1 << 37
        orr x3, x3, x3, lsl #1
        orr x2, x2, x3
        and x3, x10, #1 << 51
        orr x3, x3, x3, lsl #1
        orr x2, x2, x3
        msr tcr_el1, x2

        /* In three cases of four every key is enabled. One always is, else QEMU leaves XPACI and XPACD undone. */
        ldr x2, =0x30d00980
        ldr x3, =0xc8002000
        random
        tst x10, #3
        and x4, x3, x10, lsr #8
        orr x4, x4, #1 << 27
        csel x3, x4, x3, eq
        orr x2, x2, x3
        msr sctlr_el1, x2
        isb

        /* Mostly a pointer with good upper bits, of either half. */
        random
        mov x11, x10
        random
        mov x12, x10
        tst x10, #0x700
        b.eq 1f
        sbfx x11, x11, #0, #32
        tst x10, #0x800
        b.eq 1f
        bfi x11, x10, #56, #8
1:      log x11

        try "pacia x0, x1"
        try "pacib x0, x1"
        try "pacda x0, x1"
        try "pacdb x0, x1"
        try "paciza x0"
        try "pacizb x0"
        try "pacdza x0"
        try "pacdzb x0"
        try "autia x0, x1"
        try "autib x0, x1"
        try "autda x0, x1"
        try "autdb x0, x1"
        try "pacga x0, x0, x1"
        try "xpaci x0"
        try "xpacd x0"

        /* What has been signed is found good with its modifier, and not with another, nor with another key. */
        .irp key, ia, ib, da, db
        mov x0, x11
        pac\key x0, x12
        mov x1, x0
        aut\key x0, x12
        log x0
        mov x0, x1
        aut\key x0, x1
        log x0
        autiza x1
        log x1
        .endr

        /* The forms with registers of their own. */
        mov x16, x12
        mov x17, x11
        mov x30, x11
        mov x5, sp
        and x6, x12, #~15
        mov sp, x6
        pacia1716
        log x17
        autia1716
        log x17
        pacib1716
        log x17
        autib1716
        log x17
        paciasp
        log x30
        autiasp
        log x30
        pacibsp
        log x30
        autibsp
        log x30
        paciaz
        log x30
        autiaz
        log x30
        pacibz
        log x30
        autibz
        log x30
        paciasp
        xpaclri
        log x30
        mov sp, x5

        /* Branches, by pointers to what follows, and a load. */
        ldr x1, =blessed
        pacia x1, x12
        mov x2, x1
        braa x1, x12
        .inst 0
blessed:
        ldr x1, =called
        pacizb x1
        blrabz x1
        log x30
        ldr x1, =third
        mov x30, x1
        mov x5, sp
        mov sp, x6
        pacibsp
        retab
third:  mov sp, x5
        ldr x1, =value
        pacdza x1
        ldraa x3, [x1, #8]!
        log x3
        log x1
        ldr x1, =value
        pacdzb x1
        ldrab x3, [x1]
        log x3

        /* ERETAA, to fourth. */
        ldr x1, =fourth
        mov x2, sp
        pacia x1, x2
        msr elr_el1, x1
        msr spsr_el1, x27
        eretaa
        .inst 0
fourth:
        /* A branch with a bad code goes nowhere. */
        ldr x28, =fifth
        ldr x1, =sixth
        braaz x1
fifth:  log x12
sixth:  subs x13, x13, #1
        b.ne next
        b finish
next:   ldr x1, =again
        br x1

called: ret
        .balign 8
value:  .quad 0x1122334455667788, 0x99aabbccddeeff00
        .ltorg
