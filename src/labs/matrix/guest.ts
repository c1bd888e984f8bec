/** The guest that each combination of the matrix boots: it builds tables in its own format, turns its MMU on, writes and reads. */
import type { GuestKernel } from './axes.ts';

/** Where in the VM's memory, which begins at its load address, things lie. */
const DATA_OFFSET = 0x20_0000n;
const TABLES_OFFSET = 0x10_0000n;
export const PLACES = 4;
const PLACE_BYTES = 0x1_0000n;

interface Granule {
  readonly shift: number;
  readonly tg0: number;
  readonly tg1: number;
  /** How a guest finds out whether the CPU has 52-bit virtual addresses with this granule: flags EQ where it has. */
  readonly has52: string;
}

const GRANULES: Readonly<Record<GuestKernel['pageSize'], Granule>> = {
  4096: { shift: 12, tg0: 0, tg1: 2, has52: feature('id_aa64mmfr0_el1', 28, 1, 'TGran4: FEAT_LPA2') },
  16384: { shift: 14, tg0: 2, tg1: 1, has52: feature('id_aa64mmfr0_el1', 20, 2, 'TGran16: FEAT_LPA2') },
  65536: { shift: 16, tg0: 1, tg1: 3, has52: feature('id_aa64mmfr2_el1', 16, 1, 'VARange: FEAT_LVA') },
};

function feature(register: string, lo: number, value: number, what: string): string {
  return `        mrs     x1, ${register}
        ubfx    x1, x1, #${lo}, #4         // ${what}
        cmp     x1, #${value}`;
}

/** Virtual addresses that the guest writes to, by the bits it turned out to have: both ends of both halves. */
export function placesOf(vaBits: number): readonly bigint[] {
  return [
    0x2000_0000n,
    (1n << BigInt(vaBits - 1)) + 0x1234_0000n,
    BigInt.asUintN(64, -(1n << BigInt(vaBits))),
    0xffff_ffff_ffe0_0000n,
  ];
}

/** What the guest writes to the n-th place. */
export const patternOf = (n: number): bigint => 0x5354_4147_4532_0000n + BigInt(n);

/** Where the n-th place lies in the VM's memory, from the load address on. */
export const offsetOf = (n: number): bigint => DATA_OFFSET + BigInt(n) * PLACE_BYTES;

/** Assembly for a guest kernel's page size and address bits. It runs wherever it is loaded: x0 says where. */
export function guestSource({ pageSize, paBits, vaBits }: GuestKernel): string {
  const { shift, tg0, tg1, has52 } = GRANULES[pageSize];
  const is64k = pageSize === 65536;
  const name = `${pageSize / 1024}K`;
  const descriptor = is64k ? DESCRIPTOR_64K : paBits === 52 ? DESCRIPTOR_LPA2 : DESCRIPTOR_48;
  return `// A guest kernel for ${name} pages, ${paBits} bits of physical and ${vaBits} of virtual address.
// x0: where it was loaded. At the end x19 is how many of ${PLACES} places it wrote and read through two addresses.
        .equ    SHIFT,  ${shift}              // log2 of a page
        .equ    BITS,   SHIFT - 3       // of the address, that one level resolves
        .equ    CODE,   0x400000        // where this code is mapped, too
        .equ    ALIAS,  0x30000000      // and the data, a second time
        .equ    PATTERN, 0x${patternOf(0).toString(16)}

_start: mov     x28, x0
        mov     x19, #0
        mov     x20, #0
        mov     x27, #0x${TABLES_OFFSET.toString(16)}
        add     x27, x28, x27           // the next free table

        // What this kernel was built for, and what the CPU has of it.
        mov     x24, #48                // bits of VA
        mov     x23, #0                 // 1: TCR_EL1.DS
${
  vaBits === 52 || (paBits === 52 && !is64k)
    ? `${has52}
        b.ne    plain
        mov     x24, #${vaBits}
${is64k ? '' : '        mov     x23, #1\n'}plain:`
    : ''
}
        mrs     x22, id_aa64mmfr0_el1
        and     x22, x22, #0xf          // PARange
        mov     x1, #${is64k && paBits === 52 ? 6 : 5}                  // IPS: at most what the descriptors can hold
${is64k ? '' : '        add     x1, x1, x23\n'}        cmp     x22, x1
        csel    x22, x22, x1, lo

        // Two empty tables, one for each half of the address space.
        mov     x21, #1 << SHIFT        // a page
        mov     x26, x27
        add     x25, x26, x21
        add     x27, x25, x21

        // The code at CODE, and where it is now if that is an address that the tables can have.
        mov     x17, #0
code:   mov     x0, x26
        ldr     x1, =CODE
        add     x1, x1, x17
        add     x2, x28, x17
        ldr     x3, =0x403              // AF, page; AttrIndx 0
        bl      map
        lsr     x1, x28, x24
        cbnz    x1, high
        mov     x0, x26
        add     x1, x28, x17
        add     x2, x28, x17
        ldr     x3, =0x403
        bl      map
high:   add     x17, x17, x21
        cmp     x17, #0x10, lsl #12
        b.lo    code

        // The data: place n, and ALIAS + n * 64K.
        mov     x17, #0
data:   bl      place
        add     x2, x28, x17, lsl #16
        mov     x4, #0x${DATA_OFFSET.toString(16)}
        add     x2, x2, x4
        ldr     x3, =0x403 + (3 << 53)  // PXN, UXN
        mov     x18, x2
        bl      map
        mov     x0, x26
        ldr     x1, =ALIAS
        add     x1, x1, x17, lsl #16
        mov     x2, x18
        ldr     x3, =0x403 + (3 << 53)
        bl      map
        add     x17, x17, #1
        cmp     x17, #${PLACES}
        b.lo    data
        dsb     ish

        // The MMU. An address of this code that has too many bits faults as soon as it is on: the vector is at CODE.
        ldr     x0, =CODE + 0x800       // vectors
        msr     vbar_el1, x0
        mov     x0, #0xff               // attribute 0: Normal Write-Back
        msr     mair_el1, x0
        mov     x1, #64
        sub     x1, x1, x24             // T0SZ, T1SZ
        orr     x1, x1, x1, lsl #16
        ldr     x0, =0x35003500 + (${tg0} << 14) + (${tg1} << 30)
        orr     x0, x0, x1
        orr     x0, x0, x22, lsl #32    // IPS
        orr     x0, x0, x23, lsl #59    // DS
        msr     tcr_el1, x0
        lsr     x1, x26, #46            // a table's address bits 51:48 are TTBR's 5:2
        and     x1, x1, #0x3c
        and     x0, x26, #0xffffffffffff
        orr     x0, x0, x1
        msr     ttbr0_el1, x0
        and     x0, x25, #0xffffffffffff
        orr     x0, x0, x1
        msr     ttbr1_el1, x0
        isb
        mrs     x0, sctlr_el1
        orr     x0, x0, #1              // M
        msr     sctlr_el1, x0
        isb
        ldr     x0, =CODE + 0xb00       // on
        br      x0

        // place: x0 the table and x1 the address of place x17.
place:  mov     x0, x26
        ldr     x1, =0x20000000
        cbz     x17, placed
        mov     x1, #1
        sub     x2, x24, #1
        lsl     x1, x1, x2
        ldr     x2, =0x12340000
        add     x1, x1, x2
        cmp     x17, #1
        b.eq    placed
        mov     x0, x25
        mov     x1, #-1
        lsl     x1, x1, x24
        cmp     x17, #2
        b.eq    placed
        ldr     x1, =0xffffffffffe00000
placed: ret

        // map: in table x0 the address x1 to x2, with attributes x3.
map:    mov     x9, #64
        sub     x9, x9, x24
        lsl     x1, x1, x9              // the bits above choose the half, not an entry
        lsr     x1, x1, x9
        // Levels as it takes: the first one's shift is the last that leaves bits of the address.
        mov     x4, #SHIFT
deeper: add     x5, x4, #BITS
        cmp     x5, x24
        b.hs    level
        mov     x4, x5
        b       deeper
level:  lsr     x5, x1, x4
        and     x5, x5, #(1 << BITS) - 1
        add     x5, x0, x5, lsl #3
        cmp     x4, #SHIFT
        b.eq    leaf
        ldr     x6, [x5]
        cbnz    x6, next
        mov     x6, x27
        add     x27, x27, x21
        mov     x7, #3                  // table
        mov     x10, x30
        bl      encode
        mov     x30, x10
        str     x6, [x5]
next:   and     x6, x6, #0xffffffffffff
        lsr     x6, x6, #SHIFT
        lsl     x6, x6, #SHIFT
        lsr     x0, x28, #48            // all tables have the bits above 47 of where this was loaded
        orr     x0, x6, x0, lsl #48
        sub     x4, x4, #BITS
        b       level
leaf:   mov     x6, x2
        mov     x7, x3
        mov     x10, x30
        bl      encode
        mov     x30, x10
        str     x6, [x5]
        ret

        // encode: x6 the descriptor of address x6 with attributes x7.
${descriptor}
        .org    0x800
vectors:
        .org    0xa00                   // Current EL with SP_ELx, synchronous
        cbnz    x20, off                // the second one is not the one that turning on the MMU was to give
        b       on
        .org    0xb00
on:     mov     x20, #1
        mov     x17, #0
test:   bl      place
        ldr     x2, =PATTERN
        add     x2, x2, x17
        str     x2, [x1]
        ldr     x3, [x1]
        cmp     x3, x2
        b.ne    off
        ldr     x1, =ALIAS
        add     x1, x1, x17, lsl #16
        ldr     x3, [x1]
        cmp     x3, x2
        b.ne    off
        add     x19, x19, #1
        add     x17, x17, #1
        cmp     x17, #${PLACES}
        b.lo    test
off:    ldr     w0, =0x84000008         // PSCI SYSTEM_OFF
        hvc     #0
`;
}

const DESCRIPTOR_64K = `encode: ubfx    x8, x6, #48, #4         // 64K: bits 51:48 of the address in 15:12
        and     x6, x6, #0xffffffffffff
        orr     x6, x6, x8, lsl #12
        orr     x6, x6, x7
        orr     x6, x6, #0x300          // Inner Shareable
        ret
`;

const DESCRIPTOR_LPA2 = `encode: cbz     x23, short
        ubfx    x8, x6, #50, #2         // LPA2: bits 51:50 of the address in 9:8, where SH was
        and     x6, x6, #0x3ffffffffffff
        orr     x6, x6, x8, lsl #8
        orr     x6, x6, x7
        ret
short:  orr     x6, x6, x7
        orr     x6, x6, #0x300          // Inner Shareable
        ret
`;

const DESCRIPTOR_48 = `encode: orr     x6, x6, x7
        orr     x6, x6, #0x300          // Inner Shareable
        ret
`;
