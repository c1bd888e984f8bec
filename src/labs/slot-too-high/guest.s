// Stores to memory at 64 GiB, which takes 37 bits to address.
_start:
        mov     x1, #0x1000000000
        mov     x2, #1200
        str     x2, [x1]
        ldr     w0, =0x84000008         // PSCI SYSTEM_OFF
        hvc     #0
