 nop
 .byte 1
 nop
 .org 0x20
 nop
 .balign 16, 0x11
 nop
 .balign 32,,8
 .balign 16,,20
 nop
 .org .+4, 0xaa
 nop
 .hword 1
 .inst 0xd503201f
 .byte 1
 .balign 4
l: nop
 .byte 'a', '\n, '"'
 .balign 4
 add x0, x0, #-1
 add x0, x1, #0x1000
 cmp x0, #-4

 sub x0,x1,#0
 and w0,w1,#-2
 lsl x0, x1, #0
 lsl w1, w2, #31
 ror x0,x1,#3
 mov x0, #-1
 mov w0, #0xfffffffe
 mov x0, #0xffffffff
 mov w1, #0xffff0000
 mov x3, sp
 mov sp, x4
 tst x0, #1
 ldr x0, [x1, #-8]
 ldr x0, [x1, #3]
 ldr x0, [x1], #8
 ldr w0, [x1, w2, uxtw #2]
 ldrb w0, [x1, x2, lsl #0]
 ldrb w0, [x1, x2]
 ldrb w0, [x1, w2, sxtw]
 ldrb w0, [x1, w2, sxtw #0]
 uxtw x0, w1
 sxtw x0, w1
 sxtb x0, w1
 tlbi vae1, x0
 dsb sy
 msr daifset, #2
 msr DAIFSet, 2
 mrs x0, S3_0_C1_C0_0
 msr s0_0_c4_c15_5, xzr
 add x0, x1, w2, uxtw
 add x0, x1, x2, uxtx #2
 add x0, x1, x2, sxtx
 add x0, sp, x2
 add x0, sp, x2, lsl #3
 add x0, x1, x2, lsl 3
 add w0, w1, w2, uxtx
 casp x0, x1, x2, x3, [x4]
 b.hs l
 bne l
 beq l
 b.any l
 ret x3
 clrex #3
 isb sy
 dcps1
 dcps1 #0
 hint #7
 sys #0, c7, c5, #0
 sys 0, C7, C5, 0, x3
 svc 0
 ldp x0, x1, [sp], 16
 stp x29, x30, [sp, #-16]!
 prfm pldl1keep, [x0, #8]
 prfm #6, [x0]
 ldr q0, [x0, #16]
 tbz w3, #3, l
 tbnz x3, #33, l
 cset x0, eq
 cinc x1, x2, lo
 ccmp x0, #3, #4, ne
 movz x0, #5, lsl #32
 bfc x0, #3, #4
 bfi x0, x1, #3, #4
 ubfx x0, x1, #3, #4
 ngc x0, x1
 add x0, x1, :lo12:l
 movz x0, #:abs_g1:0x12345678
 rev64 x0, x1
 uxtb x0, w1
 .balign 4
 adr x0, 1f
1: .xword 5
 mov x0, 3*(2+1)
 csinc x0, x1, x2, nv
 dmb #8
 dsb 1
 ldr x0, l
 ldrsw x0, 1b
 mvn x0, x1
 stadd w1, [x2]
 ldr x0, [sp, x1]
 cmp sp, x1
 cmp x1, w2, sxtb
 add sp, sp, w1, uxtb
