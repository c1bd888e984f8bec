// Stores its VM's IPA size to the last doubleword of the IPA space. x0: that address; x1: the size.
_start:
        str     x1, [x0]
        ldr     w0, =0x84000008         // PSCI SYSTEM_OFF
        hvc     #0
