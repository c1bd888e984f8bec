import { expect, test } from 'vitest';
import { Random } from './difftest/random.ts';
import { CpuContext, resetContext } from './context.ts';
import { HCR, MDCR } from './el2.ts';
import { Machine } from './machine.ts';
import { tableFormat } from './translation/format.ts';
import { mapLeaf, newTables } from './translation/testing.ts';

const RAM = { base: 0x4000_0000, size: 4 << 20 };
const CODE_WORDS = 1024;
const RW = { low: (1 << 10) | (3 << 8) | (3 << 6) | (0xf << 2), high: 0 };

/** MRS, MSR, SYS, ERET, exceptions and loads far more often than chance would have them. */
function word(random: Random): number {
  const any = random.u32();
  return random.pick([
    any,
    0xd500_0000 | (any & 0x003f_ffff),
    0xd510_0000 | (any & 0x002f_ffff),
    0xd518_0000 | (any & 0x0020_ffff),
    0xd508_0000 | (any & 0x0007_ffff),
    0xd400_0000 | (any & 0x00ff_ffff),
    0xd69f_03e0,
    0xf940_0000 | (any & 0x003f_ffff),
    0xb800_0000 | (any & 0x00df_ffff),
    0x1400_0000 | (any & 0x3ff),
    0x9100_0000 | (any & 0x007f_ffff),
  ]);
}

/** Comparators around the code, keys that are enabled, and all of it in force or not. */
function debugged(context: CpuContext, random: Random): void {
  context.write('MDSCR_EL1', random.pick([0n, 0xa000n, 0xa001n, 0x2001n, 0x8000n]));
  context.write('SCTLR_EL1', context.read('SCTLR_EL1') | random.pick([0n, 0xc800_2000n]));
  context.write('TCR_EL1', random.interesting());
  const near = () => BigInt(RAM.base + 4 * random.below(CODE_WORDS));
  for (const n of [0, 3, 5] as const) {
    context.write(`DBGBVR${n}_EL1`, near());
    context.write(`DBGBCR${n}_EL1`, BigInt(random.below(2 ** 24)) | random.pick([0n, 0x1e7n]));
  }
  for (const n of [0, 2] as const) {
    context.write(`DBGWVR${n}_EL1`, near());
    context.write(`DBGWCR${n}_EL1`, BigInt(random.below(2 ** 29)) | random.pick([0n, 0x1fffn]));
  }
}

test('whatever a guest runs, every run ends in its budget, counts no less than it did, and nothing is thrown', () => {
  const machine = new Machine({ cpu: 'max', pageSize: 4096, ram: [RAM] });
  const { memory, cpu } = machine;
  memory.pages.reserve(memory.banks[0]!.base, 256);
  const stage2 = newTables(memory, { format: tableFormat(2, '4K'), startLevel: 1, inputBits: 40 });
  mapLeaf(memory, stage2, 2, RAM.base, RAM.base, RW);
  cpu.el2.VTTBR_EL2 = BigInt(stage2.root);
  cpu.el2.VTCR_EL2 = 24n | (1n << 6n) | (2n << 16n) | (1n << 31n);
  const traps = [
    HCR.TID3,
    HCR.TVM,
    HCR.TRVM,
    HCR.TWI,
    HCR.TWE,
    HCR.TSC,
    HCR.TTLB,
    HCR.TIDCP,
    HCR.VI | HCR.IMO,
    HCR.VSE | HCR.AMO,
    HCR.DC,
    HCR.E2H,
  ];
  const context = new CpuContext();
  const why = new Set<string>();
  for (let seed = 1; seed <= 150; seed++) {
    const random = new Random(seed * 7919);
    for (let n = 0; n < CODE_WORDS; n++) memory.write32(RAM.base + 4 * n, word(random));
    const start = resetContext();
    for (let n = 0; n < 31; n++)
      start.x[n] = random.pick([BigInt(RAM.base + random.below(RAM.size)), random.interesting()]);
    start.pc = BigInt(RAM.base);
    start.pstate = random.pick([0x3c5n, 0x3c0n, 0n, 5n, 0x0060_03c4n]);
    start.write('VBAR_EL1', random.pick([BigInt(RAM.base), random.interesting()]));
    start.write('SPSR_EL1', random.interesting());
    start.write('ELR_EL1', BigInt(RAM.base + 4 * random.below(CODE_WORDS)));
    if (random.below(2)) debugged(start, random);
    cpu.load(start);
    cpu.el2.HCR_EL2 = HCR.RW | HCR.VM | random.pick(traps) | random.pick(traps);
    cpu.el2.MDCR_EL2 = random.pick([0n, MDCR.TDA | MDCR.TPM, MDCR.TDE]);
    for (let slice = 0; slice < 20; slice++) {
      const before = cpu.instructions;
      const budget = 1 + random.below(300);
      const stop = cpu.run(budget);
      why.add(stop.why);
      expect(cpu.instructions - before).toBeLessThanOrEqual(budget);
      if (stop.why === 'budget') expect(cpu.instructions - before).toBe(budget);
      if (stop.why === 'trap') {
        expect(stop.esr).toBe(stop.esr >>> 0);
        cpu.save(context);
        context.pc = BigInt(RAM.base + 4 * random.below(CODE_WORDS));
        cpu.load(context);
      }
      expect(cpu.state.level).toBeLessThanOrEqual(1);
    }
  }
  expect([...why].sort()).toEqual(['budget', 'trap']);
});
