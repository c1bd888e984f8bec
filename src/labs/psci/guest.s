// Three CPUs: the first turns the others on, waits until they are off, and hibernates the machine.
        .equ    DONE, 0x09000000        // no memory slot: a store tells the VMM
        .equ    SUMS, 0x40008000

_start: ldr     w0, =0x84000000         // PSCI_VERSION
        hvc     #0
        mov     x20, x0
        ldr     w0, =0x8400000a         // PSCI_FEATURES
        ldr     w1, =0xc4000015         // of SYSTEM_OFF2: its types
        hvc     #0
        mov     x21, x0

        mov     x19, #1
turnon: ldr     w0, =0xc4000003         // CPU_ON
        mov     x1, x19                 // which: its affinity, as in its MPIDR_EL1
        adr     x2, second              // where it starts
        mov     x3, x19                 // its x0
        hvc     #0
        cbnz    x0, failed
        add     x19, x19, #1
        cmp     x19, #3
        b.ne    turnon

wait:   mov     x19, #2
ask:    ldr     w0, =0xc4000004         // AFFINITY_INFO: 0 on, 1 off
        mov     x1, x19
        mov     x2, #0
        hvc     #0
        cmp     x0, #1
        b.ne    wait
        sub     x19, x19, #1
        cbnz    x19, ask

        ldr     w0, =0xc4000015         // SYSTEM_OFF2
        mov     x1, #1                  // HIBERNATE_OFF
        mov     x2, #0
        hvc     #0
        mov     x22, x0                 // here where there is none: NOT_SUPPORTED
        ldr     w0, =0x84000008         // SYSTEM_OFF
        hvc     #0
failed: b       .

second: mrs     x1, mpidr_el1
        and     x1, x1, #0xff
        ldr     x2, =SUMS
        str     x1, [x2, x0, lsl #3]
        ldr     x9, =DONE
        str     x0, [x9]
        ldr     w0, =0x84000002         // CPU_OFF
        hvc     #0
