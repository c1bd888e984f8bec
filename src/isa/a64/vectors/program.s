// Labels, macros, blocks, literals and data together.
        .set    UART, 0x09000000
        .equ    STACK_SIZE, 0x1000
COUNT = 3
        .global _start
        .text

        .macro  push a, b=xzr
        stp     \a, \b, [sp, #-16]!
        .endm

        .macro  load64 reg:req, value
        movz    \reg, #((\value) & 0xffff)
        .if     ((\value) >> 16) & 0xffff
        movk    \reg, #(((\value) >> 16) & 0xffff), lsl #16
        .endif
        .ifne   ((\value) >> 32) & 0xffff
        movk    \reg, #(((\value) >> 32) & 0xffff), lsl #32
        .else
        nop
        .endif
        .endm

        .macro  wait reg
wait_\@:
        ldr     w10, [\reg, #0x18]
        tbnz    w10, #5, wait_\@
        .endm

        .macro  each first, rest:vararg
        add     x0, x0, #\first
        .ifnb   \rest
        each    \rest
        .endif
        .endm

_start:
        ldr     x0, =stack_top          /* a block
                                           comment */
        mov     sp, x0
        adrp    x1, message
        add     x1, x1, :lo12:message
        ldr     x2, =UART
        ldr     w3, =0xdeadbeef
        ldr     x4, =0x123456789abcdef0
        ldr     x5, =message + 4
        ldr     x6, =UART
        push    x29, x30
        push    x0
        load64  x7, 0x123400005678
        load64  reg=x8, value=5
# a comment line
1:      ldrb    w9, [x1], #1
        cbz     w9, 2f
        wait    x2
        strb    w9, [x2]; wait x2
        b       1b
2:      each    1, 2, 3
        .set    n, 0
        .rept   COUNT
        .set    n, n + 1
        add     x11, x11, #n * 8
        .endr
        .irp    r, x19, x20, x21
        mov     \r, xzr
        .endr
        bl      function
        adr     x0, table
        ldr     x1, [x0, #8]
        hvc     #0
        b       .
        .ltorg

        .align  4
function:
        sub     sp, sp, #(2 * 8)
        ldr     x0, =message
        ldr     d0, =0x3ff0000000000000
        ldr     q1, =0x55
        ldrsw   x3, =-5
        .ifdef  UART
        ldr     x1, [sp], #16
        .endif
        .ifndef NOTHING
        ret
        .elseif 1
        udf     #1
        .endif
table:  .quad   1, 2, 3f - table, message
3:      .word   'A', 'B' + 1, '\n'
        .hword  0xffff, -1
        .byte   1, 2, 3
        .inst   0xd503201f
        .org    _start + 0x200
        brk     #1
        .balign 64

        .data
        .balign 16
message:
        .asciz  "Hello, \"world\"\n\101\x42"
        .ascii  "a" "b", "c"
        .align  3
pointer:
        .xword  function, _start
        .skip   5, 0xaa
        .fill   3, 4, 0x1234
        .space  STACK_SIZE - (. - message)
stack_top:
        .zero   8
