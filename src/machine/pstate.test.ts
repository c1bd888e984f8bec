/** Bits of PSTATE that change what an access may do. */
import { describe, expect, test } from 'vitest';
import { assemble } from '../isa/a64/assembler.ts';
import { resetContext } from './context.ts';
import { HCR } from './el2.ts';
import { Machine } from './machine.ts';
import { tableFormat } from './translation/format.ts';
import { mapLeaf, newTables } from './translation/testing.ts';

const RAM = { base: 0x4000_0000, size: 8 << 20 };
/** Pages that EL1 alone may use, and EL0 too. */
const KERNEL = 0x4020_0000;
const USER = 0x4020_1000;
const AF = 1 << 10;
const DEVICE = 1 << 2;
const SCTLR_ON = 0x30d0_1985n;
const SPAN = 1n << 23n;
const A = 2n;
const STAGE2 = { low: AF | (3 << 8) | (3 << 6) | (0xf << 2), high: 0 };
const STAGE2_DEVICE = { low: AF | (3 << 6), high: 0 };

/** Runs at EL1 until HVC, or the handler's HVC #0x100 after an abort; X20 has the handler's ESR_EL1. */
function run(source: string, { sctlr = SCTLR_ON, stage2Device = false } = {}) {
  const machine = new Machine({ cpu: 'max', pageSize: 4096, ram: [RAM] });
  const { memory, cpu } = machine;
  memory.pages.reserve(memory.banks[0]!.base, (4 << 20) / 4096);
  const { bytes, symbols, errors } = assemble(
    `adr x9, vectors
     msr vbar_el1, x9
     ${source}
     hvc #1
     .balign 0x800
   vectors:
     .skip 0x200
     mrs x20, esr_el1
     mrs x21, uao
     mrs x22, pan
     mrs x23, dit
     mrs x24, ssbs
     hvc #0x100`,
    { origin: BigInt(RAM.base) },
  );
  expect(errors).toEqual([]);
  memory.writeBytes(RAM.base, bytes);
  const tables = newTables(memory, { format: tableFormat(1, '4K'), startLevel: 1, inputBits: 39 });
  mapLeaf(memory, tables, 2, RAM.base, RAM.base, { low: AF, high: 0 });
  mapLeaf(memory, tables, 3, KERNEL, KERNEL, { low: AF, high: 0 });
  mapLeaf(memory, tables, 3, USER, USER, { low: AF | (1 << 6), high: 0 });
  mapLeaf(memory, tables, 3, USER + 0x1000, USER + 0x1000, { low: AF | DEVICE, high: 0 });
  const second = newTables(memory, { format: tableFormat(2, '4K'), startLevel: 1, inputBits: 39 });
  for (let at = RAM.base; at < RAM.base + RAM.size; at += 0x1000)
    mapLeaf(memory, second, 3, at, at, stage2Device && at === KERNEL ? STAGE2_DEVICE : STAGE2);
  const context = resetContext();
  context.pc = BigInt(RAM.base);
  context.write('TTBR0_EL1', BigInt(tables.root));
  context.write('TCR_EL1', 25n | (1n << 23n) | (5n << 32n));
  context.write('MAIR_EL1', 0x00ffn);
  context.write('SCTLR_EL1', sctlr);
  cpu.load(context);
  cpu.el2.HCR_EL2 = HCR.RW | HCR.VM;
  cpu.el2.VTCR_EL2 = 25n | (1n << 6n) | (2n << 16n) | (1n << 31n);
  cpu.el2.VTTBR_EL2 = BigInt(second.root);
  const stop = cpu.run(1000);
  if (stop.why !== 'trap') return expect.fail(`stopped by ${stop.why}`);
  const taken = stop.esr >>> 26 === 0x16 ? (stop.esr & 0xffff) === 0x100 : null;
  return { cpu, symbols, stop, esr: taken ? Number(cpu.state.x(20)) : null, x: (n: number) => cpu.state.x(n) };
}

const PERMISSION_READ = 0x9600_000f;
const PERMISSION_WRITE = 0x9600_004f;
const ALIGNMENT_READ = 0x9600_0021;

describe('LDTR and STTR at EL1', () => {
  test.each([
    ['ldtr', 'have the permissions of EL0', '', `ldr x0, =${KERNEL}\n ldtr x1, [x0]`, PERMISSION_READ],
    ['sttr', 'have the permissions of EL0', '', `ldr x0, =${KERNEL}\n sttr x1, [x0]`, PERMISSION_WRITE],
    ['ldtr', 'reach what EL0 does', '', `ldr x0, =${USER}\n ldtr x1, [x0]`, null],
    ['ldtr', 'reach it with PAN too', 'msr pan, #1', `ldr x0, =${USER}\n ldtr x1, [x0]`, null],
    ['ldtr', 'are as LDR with UAO', 'msr uao, #1', `ldr x0, =${KERNEL}\n ldtr x1, [x0]\n sttr x1, [x0]`, null],
    [
      'ldtr',
      'are held by PAN with UAO',
      'msr uao, #1\n msr pan, #1',
      `ldr x0, =${USER}\n ldtr x1, [x0]`,
      PERMISSION_READ,
    ],
    [
      'sttr',
      'are as before when UAO is cleared',
      'msr uao, #1\n msr uao, #0',
      `ldr x0, =${KERNEL}\n sttr x1, [x0]`,
      PERMISSION_WRITE,
    ],
    ['ldr', 'is held by PAN', 'msr pan, #1', `ldr x0, =${USER}\n ldr x1, [x0]`, PERMISSION_READ],
    ['dc cvac', 'is not held by PAN', 'msr pan, #1', `ldr x0, =${USER}\n dc cvac, x0`, null],
    ['dc zva', 'is held by PAN', 'msr pan, #1', `ldr x0, =${USER}\n dc zva, x0`, PERMISSION_WRITE],
  ])('%s %s', (_name, _what, before, access, esr) => {
    expect(run(`${before}\n ${access}`).esr).toBe(esr);
  });

  test('an exception clears UAO and sets PAN unless SCTLR_EL1.SPAN', () => {
    const fault = `msr uao, #1\n ldr x0, =0x10000000\n ldr x1, [x0]`;
    const before = run(fault);
    expect([before.x(21), before.x(22)]).toEqual([0n, 0n]);
    const after = run(fault, { sctlr: SCTLR_ON & ~SPAN });
    expect([after.x(21), after.x(22)]).toEqual([0n, 1n << 22n]);
  });
});

describe('an exception', () => {
  const fault = 'ldr x0, =0x10000000\n ldr x1, [x0]';

  test('keeps DIT, and ERET gives it back', () => {
    const { x } = run(`
      mov x3, #0x305
      adr x4, after
      msr elr_el1, x4
      movk x3, #0x0100, lsl #16
      msr spsr_el1, x3
      eret
    after:
      mrs x5, dit
      ${fault}`);
    expect([x(5), x(23)]).toEqual([1n << 24n, 1n << 24n]);
  });

  test.each([
    [0n, 0n],
    [1n << 44n, 1n << 12n],
  ])('takes SSBS from SCTLR_EL1.DSSBS (%i)', (dssbs, expected) => {
    const { x } = run(`msr ssbs, #${dssbs === 0n ? 1 : 0}\n mrs x5, ssbs\n ${fault}`, { sctlr: SCTLR_ON | dssbs });
    expect([x(5), x(24)]).toEqual([(1n << 12n) - expected, expected]);
  });
});

describe('limited ordering regions', () => {
  test('are none: LORID_EL1 is 0, the others hold nothing, and the instructions are as without regions', () => {
    const { x, esr } = run(`
      mov x1, #-1
      msr lorc_el1, x1
      msr lorsa_el1, x1
      mrs x2, lorid_el1
      mrs x3, lorc_el1
      ldr x0, =${KERNEL}
      stllr x1, [x0]
      ldlar x4, [x0]`);
    expect(esr).toBeNull();
    expect([x(2), x(3), x(4)]).toEqual([0n, 0n, 2n ** 64n - 1n]);
  });
});

describe('an unaligned access', () => {
  /** The first access makes no entry or finds one. */
  const accesses = (page: number) => [
    ['at once', `ldr x0, =${page + 1}\n ldr x1, [x0]`],
    ['after an aligned one', `ldr x0, =${page}\n ldr x1, [x0]\n add x0, x0, #1\n ldr x1, [x0]`],
  ];
  const device = USER + 0x1000;

  test.each(accesses(KERNEL))('of Normal memory is done, %s', (_when, source) => {
    expect(run(source!).esr).toBeNull();
  });
  test.each(accesses(KERNEL))('with SCTLR_EL1.A faults, %s', (_when, source) => {
    expect(run(source!, { sctlr: SCTLR_ON | A }).esr).toBe(ALIGNMENT_READ);
  });
  test.each(accesses(device))('of Device memory by stage 1 faults, %s', (_when, source) => {
    expect(run(source!).esr).toBe(ALIGNMENT_READ);
  });
  test.each(accesses(KERNEL))('of Device memory by stage 2 is a fault of stage 2, %s', (_when, source) => {
    const { stop } = run(source!, { stage2Device: true });
    expect([stop.esr >>> 26, stop.esr & 0x3f, stop.hpfar]).toEqual([0x24, 0x21, BigInt(KERNEL >>> 12) << 4n]);
  });
  test('with SCTLR_EL1.A faults before its address is translated', () => {
    const { x } = run('ldr x0, =0x10000001\n ldr x1, [x0]', { sctlr: SCTLR_ON | A });
    expect(Number(x(20))).toBe(ALIGNMENT_READ);
  });
});
