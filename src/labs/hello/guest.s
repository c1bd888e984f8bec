// Prints a line, byte by byte, on a UART that is only an address: no memory slot covers it.
        .equ    UART, 0x09000000
        .equ    PSCI_SYSTEM_OFF, 0x84000008

_start:
        ldr     x1, =UART
        adr     x0, text
next:   ldrb    w2, [x0], #1
        cbz     w2, off
        strb    w2, [x1]                // leaves the guest: KVM_EXIT_MMIO
        b       next

off:    ldr     w0, =PSCI_SYSTEM_OFF
        hvc     #0                      // leaves the guest: KVM_EXIT_SYSTEM_EVENT
        b       .                       // not reached

text:   .asciz  "Hello from EL1\n"
