import { describe, expect, test } from 'vitest';
import { assemble } from '../isa/a64/assembler.ts';
import { HCR } from './el2.ts';
import { isLandingPad } from './landing.ts';
import { Machine } from './machine.ts';

const ENTRY = 0x4000_0000;
const HVC = 0x5a00_0000;
const BRANCH_TARGET = 0x3600_0000;

/** EL1 in one guarded block. */
const PROLOGUE = `
  adr x0, table
  ldr x1, =0x4000040000401
  str x1, [x0, #8]
  mov x1, #25
  msr tcr_el1, x1
  mov x1, #255
  msr mair_el1, x1
  msr ttbr0_el1, x0
  adr x1, vectors
  msr vbar_el1, x1
  isb
  mrs x1, sctlr_el1
  orr x1, x1, #1
  msr sctlr_el1, x1
  isb
`;
const EPILOGUE = `
  .ltorg
  .balign 0x1000
table: .skip 0x1000
vectors: .skip 0x200
  mrs x20, esr_el1
  mrs x22, elr_el1
  mrs x23, spsr_el1
  hvc #1
`;

function run(source: string, budget: number) {
  const machine = new Machine({ cpu: 'max', pageSize: 4096, ram: [{ base: ENTRY, size: 1 << 20 }] });
  const { bytes, symbols, errors } = assemble(PROLOGUE + source + EPILOGUE, { origin: BigInt(ENTRY) });
  expect(errors).toEqual([]);
  machine.memory.writeBytes(ENTRY, bytes);
  const { cpu } = machine;
  cpu.state.pc = BigInt(ENTRY);
  cpu.el2.HCR_EL2 = HCR.RW;
  const stop = cpu.run(budget);
  return {
    esr: stop.why === 'trap' ? stop.esr : expect.fail(stop.why),
    cpu,
    symbol: (name: string) => symbols.get(name)!,
  };
}

describe('in a guarded page', () => {
  const loop = (branch: string) => `
    ldr x9, =300000
    adr x10, pad
    adr x11, bare
  again:
    add x12, x12, #1
    cmp x12, x9
    csel x13, x11, x10, eq
    ${branch}
  pad:
    bti jc
    add x14, x14, #1
    b again
  bare:
    hvc #9
  `;

  test.each([
    ['br x13', 3],
    ['blr x13', 2],
  ])('%s that has been hot for long still needs a landing pad', (branch, type) => {
    const { esr, cpu, symbol } = run(loop(branch), 5_000_000);
    expect(esr).toBe(HVC + 1);
    expect(cpu.state.x(14)).toBe(299_999n);
    expect([cpu.state.x(20), cpu.state.x(22)]).toEqual([BigInt(BRANCH_TARGET + type), symbol('bare')]);
    expect((cpu.state.x(23) >> 10n) & 3n).toBe(BigInt(type));
  });

  test('ret needs none', () => {
    const { esr } = run(loop('ret x13'), 5_000_000);
    expect(esr).toBe(HVC + 9);
  });

  test('an instruction that the machine does clears BTYPE: the next exception does not save it', () => {
    const { esr, cpu } = run('adr x1, pad\n br x1\n pad: bti j\n mrs x2, midr_el1\n .inst 0', 1000);
    expect([esr, (cpu.state.x(23) >> 10n) & 3n]).toEqual([HVC + 1, 0n]);
  });
});

test('landing pads are those of the manual', () => {
  const NAMES = { bti: 0xd503241f, btiC: 0xd503245f, btiJ: 0xd503249f, btiJC: 0xd50324df, paciasp: 0xd503233f };
  const allowed = (word: number, strict = false) => [1, 2, 3].filter((type) => isLandingPad(word, type, strict));
  expect(Object.values(NAMES).map((word) => allowed(word))).toEqual([[], [1, 2], [1, 3], [1, 2, 3], [1, 2, 3]]);
  expect(allowed(NAMES.paciasp, true)).toEqual([1, 2]);
  expect([0xd4200000, 0xd4400000, 0xd4000001, 0xd503201f].map((word) => allowed(word).length)).toEqual([3, 3, 0, 0]);
});
