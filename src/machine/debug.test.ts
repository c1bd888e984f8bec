import { describe, expect, test } from 'vitest';
import { assemble } from '../isa/a64/assembler.ts';
import type { DebugRegisters } from './debug.ts';
import { HCR, MDCR } from './el2.ts';
import { Machine } from './machine.ts';

const ENTRY = 0x4000_0000;
const DATA = 0x4010_0000;
const MDE = 0xa000n;

/** EL1 with one block of Normal memory, so that accesses may be unaligned; X9 is DATA. Debug exceptions of EL1 are on. */
const PROLOGUE = `
  adr x0, table
  ldr x1, =0x40000401
  str x1, [x0, #8]
  mov x1, #25
  msr tcr_el1, x1
  mov x1, #255
  msr mair_el1, x1
  msr ttbr0_el1, x0
  isb
  mrs x1, sctlr_el1
  orr x1, x1, #1
  msr sctlr_el1, x1
  isb
  adr x0, vectors
  msr vbar_el1, x0
  ldr x9, =${DATA}
  mov x0, #${MDE}
  msr mdscr_el1, x0
  msr daifclr, #8
`;
/** The handler of an exception of EL1: X20 and X21 are syndrome and address, X22 where it was taken. */
const HANDLER = `
  hvc #99
  .balign 0x1000
table: .skip 0x1000
vectors: .skip 0x200
  mrs x20, esr_el1
  mrs x21, far_el1
  mrs x22, elr_el1
  hvc #1
  .ltorg
`;

function boot(source: string) {
  const machine = new Machine({ cpu: 'max', pageSize: 4096, ram: [{ base: ENTRY, size: 4 << 20 }] });
  const { bytes, symbols, errors } = assemble(PROLOGUE + source + HANDLER, { origin: BigInt(ENTRY) });
  expect(errors).toEqual([]);
  machine.memory.writeBytes(ENTRY, bytes);
  machine.cpu.state.pc = BigInt(ENTRY);
  machine.cpu.el2.HCR_EL2 = HCR.RW;
  const { cpu, memory } = machine;
  return { cpu, memory, symbol: (name: string) => symbols.get(name)! };
}

/** The number of the HVC that the guest came to. */
function hvcOf(cpu: Machine['cpu']): number {
  const stop = cpu.run(10_000);
  if (stop.why !== 'trap' || stop.esr >>> 26 !== 0x16) return expect.fail(JSON.stringify(stop, String));
  return stop.esr & 0xffff;
}
const handled = ({ state }: Machine['cpu']) => [state.x(20), state.x(21), state.x(22)];

const watch = (control: number, at = DATA) => `
  ldr x0, =${at}
  msr dbgwvr0_el1, x0
  mov x0, #${control}
  msr dbgwcr0_el1, x0
`;
const ALL_BYTES = 0x1ffb;
const LAST_BYTE = 0x101b;

describe('a watchpoint', () => {
  test('of one byte is not hit by an unaligned access to its neighbours, but by one that has it', () => {
    const { cpu, symbol } = boot(`${watch(LAST_BYTE)}
      ldur x1, [x9, #-1]
      ldr w1, [x9, #8]
      stur x1, [x9, #-1]
    hit: ldur x1, [x9, #3]
    `);
    expect(hvcOf(cpu)).toBe(1);
    expect(handled(cpu)).toEqual([0xd600_0022n, BigInt(DATA + 7), symbol('hit')]);
  });

  test('is hit by an access that begins in the page before, and not by one that ends before it', () => {
    const { cpu, symbol } = boot(`${watch(LAST_BYTE)}
      stur x9, [x9, #-2]
      sub x10, x9, #4
      stp x9, x9, [x10, #-8]
    hit: stp x9, x9, [x9, #-8]
    `);
    expect(hvcOf(cpu)).toBe(1);
    expect(handled(cpu)).toEqual([0xd600_0062n, BigInt(DATA + 7), symbol('hit')]);
  });

  test('leaves memory as it was where it is hit, and lets every other access to its page be done once', () => {
    const { cpu, memory } = boot(`${watch(ALL_BYTES)}
      mov x1, #0
    loop: add x1, x1, #1
      str x1, [x9, #64]
      ldr x2, [x9, #64]
      add x3, x3, x2
      cmp x1, #50
      b.ne loop
      str x1, [x9]
    `);
    memory.write64(DATA, 7n);
    expect(hvcOf(cpu)).toBe(1);
    expect([cpu.state.x(3), memory.read64(DATA + 64), memory.read64(DATA)]).toEqual([1275n, 50n, 7n]);
  });

  test('set while the page is in use is hit, and taken away is not', () => {
    const set = boot(`str x1, [x9]\n ldr x1, [x9]\n ${watch(ALL_BYTES)}\n ldr x1, [x9]`);
    expect(hvcOf(set.cpu)).toBe(1);
    const removed = boot(`${watch(ALL_BYTES)}\n msr dbgwcr0_el1, xzr\n ldr x1, [x9]`);
    expect(hvcOf(removed.cpu)).toBe(99);
  });

  test('is not compared under the OS lock, nor while PSTATE.D is set', () => {
    const lock = (register: string) => `mov x0, #1\n msr ${register}, x0`;
    for (const how of [lock('oslar_el1'), lock('osdlr_el1'), 'msr daifset, #8']) {
      expect(hvcOf(boot(`${watch(ALL_BYTES)}\n ${how}\n ldr x1, [x9]`).cpu)).toBe(99);
    }
  });
});

const breakpointAt = (label: string) => `
  adr x0, ${label}
  msr dbgbvr0_el1, x0
  mov x0, #0x1e3
  msr dbgbcr0_el1, x0
`;

describe('a breakpoint', () => {
  test('comes before its instruction, and not under the OS lock', () => {
    const { cpu, symbol } = boot(`${breakpointAt('here')}\n mov x1, #1\n here: mov x1, #2`);
    expect(hvcOf(cpu)).toBe(1);
    expect([cpu.state.x(1), cpu.state.x(20), cpu.state.x(22)]).toEqual([1n, 0xc600_0022n, symbol('here')]);
    expect(hvcOf(boot(`${breakpointAt('here')}\n mov x0, #1\n msr oslar_el1, x0\n here: mov x1, #2`).cpu)).toBe(99);
  });

  test('on a context alone holds at every instruction of it, but for those of another context', () => {
    const other = (context: number) => `
      mov x0, #0x77
      msr dbgbvr5_el1, x0
      ldr x0, =0x2001e3
      msr dbgbcr5_el1, x0
      mov x0, #${context}
      msr contextidr_el1, x0
    here: mov x1, #2`;
    const { cpu, symbol } = boot(other(0x77));
    expect(hvcOf(cpu)).toBe(1);
    expect([cpu.state.x(20), cpu.state.x(22)]).toEqual([0xc600_0022n, symbol('here')]);
    expect(hvcOf(boot(other(0x76)).cpu)).toBe(99);
  });

  test('of whoever watches the machine stops first; the guest has its own then', () => {
    const { cpu, symbol } = boot(`${breakpointAt('here')}\n here: mov x1, #2`);
    cpu.setBreakpoints([symbol('here')]);
    expect(cpu.run(1000)).toEqual({ why: 'breakpoint', address: symbol('here') });
    expect(hvcOf(cpu)).toBe(1);
    expect(cpu.state.x(22)).toBe(symbol('here'));
  });

  test('that does not hold where it is met costs nothing but time', () => {
    const { cpu } = boot(
      `${breakpointAt('here')}\n mov x0, #0x1e5\n msr dbgbcr0_el1, x0\n mov x1, #5\n here: subs x1, x1, #1\n b.ne here`,
    );
    expect(hvcOf(cpu)).toBe(99);
  });
});

describe('code that has been hot for long', () => {
  const loop = (atEnd: string) => `
    mov x1, #0
    ldr x5, =300000
  again: add x1, x1, #1
    str x1, [x9, #16]
  stored: cmp x1, x5
    b.lo again
    ${atEnd}
    mov x1, #0
    mov x5, #2
    cbz x6, last
    b done
  last: mov x6, #1
    b again
  done:`;

  test('meets a breakpoint that is set in it', () => {
    const { cpu, symbol } = boot(loop(breakpointAt('stored')));
    expect(cpu.run(5_000_000)).toMatchObject({ why: 'trap', esr: 0x5a00_0001 });
    expect([cpu.state.x(1), cpu.state.x(22)]).toEqual([1n, symbol('stored')]);
  });

  test('meets a watchpoint on what it stores', () => {
    const { cpu, memory, symbol } = boot(loop(watch(ALL_BYTES, DATA + 16)));
    expect(cpu.run(5_000_000)).toMatchObject({ why: 'trap', esr: 0x5a00_0001 });
    expect([memory.read64(DATA + 16), cpu.state.x(22)]).toEqual([300_000n, symbol('stored') - 4n]);
  });

  test('is stepped', () => {
    const { cpu, symbol } = boot(loop('mov x0, #0x2001\n msr mdscr_el1, x0'));
    expect(cpu.run(5_000_000)).toMatchObject({ why: 'trap', esr: 0x5a00_0001 });
    expect(cpu.state.x(20)).toBe(0xce00_0022n);
    expect(cpu.state.x(22)).toBeGreaterThan(symbol('stored'));
  });
});

describe('EL2 that debugs the guest', () => {
  const none: DebugRegisters = { MDSCR_EL1: 0x8000n, breakpoints: [], watchpoints: [] };

  test('has its own comparators, whose exceptions it takes whatever the guest masks', () => {
    const { cpu, symbol } = boot(
      `msr daifset, #8\n ${watch(ALL_BYTES, DATA + 64)}\n here: ldr x1, [x9]\n ldr x1, [x9, #64]\n str x1, [x9, #8]`,
    );
    cpu.el2.MDCR_EL2 = MDCR.TDE;
    cpu.debugWith({
      ...none,
      breakpoints: [{ control: 0x1e7n, value: symbol('here') }],
      watchpoints: [{ control: 0x1fffn, value: BigInt(DATA + 8) }],
    });
    const atBreakpoint = cpu.run(1000);
    expect(atBreakpoint).toMatchObject({ why: 'trap', esr: 0xc200_0022 });
    expect(cpu.state.pc).toBe(symbol('here'));
    cpu.debugWith({ ...none, watchpoints: [{ control: 0x1fffn, value: BigInt(DATA + 8) }] });
    expect(cpu.run(1000)).toMatchObject({ why: 'trap', esr: 0xd200_0062, far: BigInt(DATA + 8) });
    expect(cpu.state.pc).toBe(symbol('here') + 8n);
    cpu.debugWith(null);
    expect(hvcOf(cpu)).toBe(99);
  });

  test('has them also where the guest has set its OS lock', () => {
    const { cpu, symbol } = boot('mov x0, #1\n msr oslar_el1, x0\n here: nop');
    cpu.el2.MDCR_EL2 = MDCR.TDE;
    cpu.debugWith({ ...none, breakpoints: [{ control: 0x1e7n, value: symbol('here') }] });
    expect(cpu.run(1000)).toMatchObject({ why: 'trap', esr: 0xc200_0022 });
    expect([cpu.state.pc, cpu.read('OSLSR_EL1') & 2n]).toEqual([symbol('here'), 2n]);
  });

  test('steps by PSTATE.SS of the context that it enters the guest with', () => {
    const { cpu, symbol } = boot('here: mov x1, #1\n mov x2, #2');
    cpu.setBreakpoints([symbol('here')]);
    expect(cpu.run(1000).why).toBe('breakpoint');
    cpu.setBreakpoints([]);
    cpu.el2.MDCR_EL2 = MDCR.TDE;
    cpu.debugWith({ ...none, MDSCR_EL1: 1n });
    cpu.state.pstate = (cpu.state.pstate | (1 << 21)) >>> 0;
    expect(cpu.run(1000)).toMatchObject({ why: 'trap', esr: 0xcb00_0022 });
    expect(cpu.state.pc).toBe(symbol('here') + 4n);
    expect(cpu.run(1000)).toMatchObject({ why: 'trap', esr: 0xca00_0022 });
    expect([cpu.state.pc, cpu.state.x(1), cpu.state.x(2)]).toEqual([symbol('here') + 4n, 1n, 0n]);
  });
});
