 ld1 {v0.16b, v1.16b, v2.16b}, [x0]
 ld1 {v0.16b-v2.16b}, [x0], #48
 ld1 { v0.8h - v3.8h }, [sp], 64
 ld2 {v31.4s, v0.4s}, [x1], x2
 st1 {v3.b}[15], [x0], #1
 st4 {v30.d, v31.d, v0.d, v1.d}[1], [x0]
 ld1 {v0.1d}, [x0]
 ld1r {v9.2d}, [x3], #8
 ld4r {v1.4h-v4.4h}, [x3]
 mov v0.16b, v1.16b
 mov v0.8b, v1.8b
 orr v0.8b, v1.8b, v1.8b
 mov v0.s[1], w1
 mov v0.d[1], x1
 mov v0.b[3], v1.b[12]
 ins v0.s[1], v1.s[2]
 ins v0.h[7], w3
 mov w0, v1.s[3]
 mov x0, v1.d[1]
 umov w0, v1.b[3]
 umov w0, v1.s[3]
 smov x0, v1.s[3]
 mov s0, v1.s[2]
 dup d0, v1.d[1]
 dup v0.4s, v1.s[2]
 dup v0.2d, x1
 fmov s0, #1
 fmov d0, #-0.125
 fmov h0, 31.0
 fmov v0.4s, #1.0e0
 fmov v0.2d, .5
 fmov s0, wzr
 fmov x0, v1.d[1]
 fmov v1.d[1], x0
 fcmp s0, #0.0
 fcmpe d0, 0
 FADD V0.4S, V1.4S, V2.4S
 fcmeq v0.2d, v1.2d, #0.0
 cmeq v0.4s, v1.4s, 0
 cmlt d0, d1, #0
 movi v0.2d, #0
 movi d0, #-1
 movi v0.2d, #0xff00ff00ff00ff00
 movi v0.4s, #255, lsl 8
 movi v0.2s, #1, msl #16
 mvni v0.8h, #1, lsl #8
 orr v0.8h, #1, lsl #8
 bic v0.4s, #1
 mvn v0.8b, v1.8b
 not v0.8b, v1.8b
 sxtl v0.8h, v1.8b
 uxtl2 v0.2d, v1.4s
 sshll v0.8h, v1.8b, #0
 sshll2 v0.4s, v1.8h, #15
 shll v0.8h, v1.8b, #8
 shl d0, d1, #63
 ushr v0.2d, v1.2d, #64
 sqshrn b0, h1, #8
 sqxtn2 v0.4s, v1.2d
 fcvtl2 v0.2d, v1.4s
 fcvtxn s0, d1
 scvtf s0, w1, #32
 scvtf d0, x1
 fcvtzs v0.2d, v1.2d, #64
 fmla v0.4s, v1.4s, v2.s[3]
 mul v0.8h, v1.8h, v15.h[7]
 udot v0.4s, v1.16b, v2.4b[2]
 usdot v0.2s, v1.8b, v2.8b
 sudot v0.4s, v1.16b, v2.4b[3]
 usdot v0.4s, v1.16b, v31.4b[1]
 smmla v0.4s, v1.16b, v2.16b
 fcmla v0.4s, v1.4s, v2.s[1], #270
 fcadd v0.8h, v1.8h, v2.8h, #90
 ext v0.16b, v1.16b, v2.16b, 3
 tbl v0.8b, {v30.16b, v31.16b, v0.16b}, v3.8b
 tbx v0.16b, {v1.16b-v4.16b}, v3.16b
 pmull v0.1q, v1.1d, v2.1d
 pmull2 v0.1q, v1.2d, v2.2d
 aese v0.16b, v1.16b
 sha1c q0, s1, v2.4s
 sha512h q0, q1, v2.2d
 eor3 v0.16b, v1.16b, v2.16b, v31.16b
 bcax v0.16b, v1.16b, v2.16b, v3.16b
 rax1 v0.2d, v1.2d, v2.2d
 xar v0.2d, v1.2d, v2.2d, #63
 xar v0.2d, v1.2d, v2.2d, 0
 sm3ss1 v0.4s, v1.4s, v2.4s, v3.4s
 sm3tt1a v0.4s, v1.4s, v2.s[3]
 sm3tt2b v0.4s, v1.4s, v2.s[0]
 sm3partw2 v0.4s, v1.4s, v2.4s
 sm4e v0.4s, v1.4s
 sm4ekey v0.4s, v1.4s, v2.4s
 fccmp s0, s1, #0, ne
 fcsel d0, d1, d2, lt
 fjcvtzs w0, d1
 frint32z v0.4s, v1.4s
 retab
 pacia x0, sp
 autiza x3
 braa x0, sp
 ldraa x0, [x1]
 ldrab x0, [x1, #-4096]!
 paciasp
 bti jc
 rmif x0, #3, #15
 setf16 w3
 cfinv
 ldapur x0, [x1, #-3]
 stllrb w0, [sp]
