/* Directives for data, names of registers, sections, conditions and repetitions. */
        .float  1.5, -2, .5, 5., 1e5, 1e+5, 0.1, inf, -inf, nan, 1.4e-45, 3.4028235e38, 3.4028236e38
        .single 1.00000017
        .double 0.1, -1e308, 4.9e-324, 2.4703282292062328e-324, 1.7976931348623159e308, Infinity
        .float16 1.0, 65504, 65520, 6e-8, 0.1
        .bfloat16 1.0, 3.14159
        .octa   1, -1, 0x0123456789abcdef0123456789abcdef, -0x0123456789abcdef0123456789abcdef, 1 + 2
        .uleb128 0, 127, 128, 300, 0xffffffffffffffff, -1
        .sleb128 0, -1, 63, 64, -64, -65, -0x8000000000000000

lr      .req    x30
acc     .req    v3
Sum     .req    w5
other   .req    Sum
        .balign 4
        mov     lr, x1
        add     acc.4s, acc.4s, ACC.4s
        mov     sum, SUM
        mov     other, w3
        ld1     {acc.s}[1], [fp], #4
        ldr     sum, =0x12345678
        .unreq  acc
acc     .req    v4
        mov     acc.8b, v1.8b
        .ltorg
        movi    v0.16b, -64
        movi    v1.8b, 0xffffffffffffffff

        .irpc   digit, 0123
        .byte   \digit
        .endr
        .irpc   c,"ab"
        .ascii  "<\c>"
        .endr
        .rep    2
        .byte   0x77
        .endr

        .macro  kind a
        .ifc    \a, x
        .byte   0xc1
        .else
        .ifnc   \a,y z
        .byte   0xc2
        .endif
        .endif
        .ifeqs  "\a", "y z"
        .byte   0xc3
        .elseif 0
        .byte   0xc4
        .endif
        .ifnes  "\a", "x"
        .byte   0xc5
        .endif
        .ifnotdef lr
        .byte   0xc6
        .endif
        .endm
        kind    x
        KIND    y
        Kind    "y z"

        .macro  defaults a = 1 b = 2, c=3 , d="4, 5"
        .byte   \a, \b, \c, \d
        .endm
        defaults
        defaults 7, c=9

        .macro  once a
        .if     \a
        .byte   0xe1
        .exitm
        .endif
        .byte   0xe2
        .endm
        once    1
        once    0
        .purgem once
        .macro  once
        .byte   0xe3
        .endm
        once
        .rept   3
        .byte   0xe4
        .exitm
        .byte   0xe5
        .endr

        .equiv  four, 4
five    ==      5
        .byte   four, five

        .pushsection .data
        .byte   1
        .pushsection .text, 1
        .word   0xaaaa
        .popsection
        .byte   2
        .popsection
        .subsection 2
        .word   0xbbbb
        .previous
        .byte   3
        .subsection 1
        .byte   4
        .text
        .byte   5
        .section .data, "aw", @progbits
        .previous
        .byte   6
        .balign 4
1:      nop
2:      b       3f
        .subsection 3
        .balign 4
3:      b       2b
4:
        .org    . - (4b - 3b) + (2b - 1b)
        .previous
        .section .debug_info, "", @progbits
where:  .byte   0xdd
after:
        .text
        .word   after - where
        .end
        this is not read
