/* Arguments of macros: what separates them, and what stays together. */
        .macro  try insn:vararg
        \insn
        .endm

        .macro  two first, rest:vararg
        mov     x1, \first
        \rest
        .endm

        .macro  text bytes:vararg
        .ascii  \bytes
        .endm

        .macro  named a, b=#5, c:req
        add     \a, \a, \b
        sub     \a, \a, \c
        .endm

        .macro  three a b c
        add     \a, \b, \c
        .endm

        .macro  one a
        .quad   \a
        .endm

        .macro  words a, b
        .ascii  "<\a|\b>"
        .endm

        .macro  label p, q
\p\()_\q\@: b   \p\()_\q\@
        .endm

        try     paciza x0
        try     add x0, x1, x2
        try     ldr x0, [x1, #8]
        try     nop
        try     ld1 {v0.4s, v1.4s}, [x0], #32
        try     ccmp x0, x1, #0, eq     // a comment, with a comma
        two     #3 add x0, x1, x2
        two     #3, ldr x0, [x1, #8]!
        named   x0 , , #3
        named   x0, b=#1, c=#2
        named   c=#7, a=x3
        three   x0 x1 x2
        three   x0, x1 x2
        three   x0 x1,#4
        one     1 + 2
        one     8 -4
        one     1 << 4
        one     (1 + 2)
        one     5,
        label   first second
        label   first, second
        text    "a b", "c, d"
        text    "one"
        words   "a b" c
        words   a "b, c"
        words   x0-4, [x1]
        words   [x1, 2]
        words   "a" b
        .irp    r, x0 x1, x2
        str     \r, [sp, #-16]!
        .endr
