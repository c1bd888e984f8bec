        .global _start
_start: adr x1, text
        mov x2, #0x09000000
next:   ldrb w0, [x1], #1
        cbz w0, off
        strb w0, [x2]
        b next
off:    ldr w0, =0x84000008
        hvc #0
        b .
text:   .asciz "ELF\n"
        .bss
room:   .skip 16
