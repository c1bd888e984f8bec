import { describe, expect, test } from 'vitest';
import { Engine, ENGINE_BYTES, type Access } from '../../engine/engine.ts';
import * as at from '../../engine/layout.ts';
import type { Random } from '../difftest/random.ts';
import { makeCase, POOL } from '../difftest/cases.ts';
import { PhysicalMemory } from '../memory.ts';
import { cpuModel } from '../presets.ts';
import { configurationOf } from './configuration.ts';
import { Mmu } from './mmu.ts';
import { ACCESSORS, BLOCK_AT, writeConfiguration } from './parameters.ts';
import { instantiateRefill } from './refill.ts';

/** The tables' pool and more around it, one bank below it and one that needs 52 bits. */
const RAM = [
  { base: 0x10_0000, size: 1 << 20 },
  { base: 0x4000_0000, size: 160 << 20 },
  { base: 2 ** 51 + 2 ** 30, size: 2 << 20 },
];
const CASES = 300;
const SPACE = { refilled: 0, filled: 1 } as const;

function anywhere(random: Random): number {
  const bank = random.pick([RAM[1]!, RAM[1]!, RAM[0]!, RAM[2]!, { base: 0, size: 2 ** 44 }]);
  return bank.base + (Number(random.u64() & 0xffff_ffff_ffffn) % bank.size);
}

function setUp(cpu: 'max' | 'cortex-a57') {
  const { features } = cpuModel(cpu);
  const memory = new PhysicalMemory({ reserved: ENGINE_BYTES, ram: RAM, pageSize: 4096 });
  const refill = instantiateRefill(memory);
  const engine = new Engine(memory.memory, new Set(), refill);
  memory.onWrite = (offset, length) => engine.written(offset, length);
  engine.tlb.setRefilled(at.ACCESSES);
  return { features, memory, refill, engine, mmu: new Mmu(memory, features) };
}

const tableOf = (space: number, regime: number, access: Access) =>
  space * at.SPACE_BYTES + regime * at.REGIME_BYTES + at.ACCESSES.indexOf(access) * at.TLB_BYTES;

/** An entry, and what its space notes beside the list. */
function found(memory: PhysicalMemory, space: number, regime: number, access: Access, lo: number): string {
  const entry = at.TLB + tableOf(space, regime, access) + ((lo >>> 12) % at.TLB_ENTRIES) * at.TLB_ENTRY_BYTES;
  const notes = at.TLB + space * at.SPACE_BYTES + at.SPACE_NOTES;
  const words = (from: number, count: number) => [...new Int32Array(memory.memory.buffer, from, count)];
  const filter = words(notes, at.REFILL / 4).flatMap((word, index) => (word === 0 ? [] : [`${index}:${word}`]));
  return [...words(entry, 4), ...filter].join(' ');
}

describe.each(['max', 'cortex-a57'] as const)('the walk in WebAssembly, on %s', (cpu) => {
  test('fills what the walk in TypeScript finds, and leaves what that alone can do', () => {
    const { features, memory, refill, engine, mmu } = setUp(cpu);
    const seen = new Map<string, number>();
    const different: string[] = [];
    let written = false;
    memory.onWrite = (offset, length) => {
      written = true;
      engine.written(offset, length);
    };
    for (let number = 0; number < CASES; number++) {
      const made = makeCase(7, number, anywhere);
      const hardware = number % 3 === 0 ? 3n : 0n;
      const one = {
        ...made,
        TCR_EL1: made.TCR_EL1 | (hardware << 39n),
        VTCR_EL2: made.VTCR_EL2 | (hardware << 21n),
        SCTLR_EL1: (made.SCTLR_EL1 & (number % 8 === 7 ? ~1n : -1n)) | (number % 5 === 0 ? 2n : 0n),
      };
      memory.fill(POOL.base, POOL.size, 0);
      const write = () => {
        for (const [address, value] of one.writes) memory.write64(address, value);
      };
      write();
      const configuration = configurationOf(one, features);
      mmu.use(configuration);
      const view = new DataView(memory.memory.buffer);
      for (const space of Object.values(SPACE)) {
        writeConfiguration(view, at.TLB + space * at.SPACE_BYTES + BLOCK_AT, configuration, features);
        engine.tlb.space = space;
      }
      // Stage 2 maps the tables themselves; with stage 1 off they are found.
      const tables = [...one.writes.keys()].filter((_, index) => index % 5 === 0);
      const probes = [...one.probes, ...tables.map((address) => ({ va: BigInt(address), operation: address % 7 }))];
      for (const { va, operation } of probes) {
        const [lo, hi] = [Number(va & 0xffff_ffffn), Number(va >> 32n)];
        for (const access of at.ACCESSES) {
          const regime = (operation + at.ACCESSES.indexOf(access)) % at.REGIMES;
          const { el, pan } = ACCESSORS[regime]!;
          const answer = refill(BigInt.asIntN(64, va), tableOf(SPACE.refilled, regime, access));
          written = false;
          const result = mmu.translate(lo, hi, { access, el, pan });
          const changed = written;
          if (changed) write();
          const offset = result.ok ? memory.offset(result.pa) : -1;
          const uncoded = access === 'fetch' && offset >= 0 && !hasCode(memory, offset);
          const tagged = access === 'fetch' && hi >>> 24 !== (hi & 0x80_0000 && configuration.stage1 ? 0xff : 0);
          const guarded = access === 'fetch' && result.ok && result.guarded;
          const plain = result.ok && !changed && offset >= 0 && !uncoded && !tagged && !guarded;
          const what = `case ${number}, ${access} of ${va.toString(16)} by ${regime}`;
          if (answer !== (plain ? 1 : 0)) different.push(`${what}: answers ${answer}`);
          const outcome = !result.ok
            ? result.type
            : changed
              ? 'changed'
              : offset < 0
                ? 'no RAM'
                : uncoded
                  ? 'no code'
                  : 'plain';
          const kind = `${outcome} ${configuration.stage1 ? 1 : 0}${configuration.stage2 ? 2 : 0}`;
          seen.set(kind, (seen.get(kind) ?? 0) + 1);
          if (!result.ok || offset < 0 || changed || tagged || guarded) continue;
          engine.tlb.space = SPACE.filled;
          const aligned = result.attributes.type === 'device' || configuration.aligned;
          engine.tlb.fill(access, lo, hi, offset, regime, aligned, result.size);
          engine.tlb.space = SPACE.refilled;
          if (uncoded && refill(BigInt.asIntN(64, va), tableOf(SPACE.refilled, regime, access)) !== 1) {
            different.push(`${what}: refused, although its page has code`);
          }
          const [ours, theirs] = [SPACE.refilled, SPACE.filled].map((space) =>
            found(memory, space, regime, access, lo),
          );
          if (ours !== theirs) different.push(`${what}: ${ours} and not ${theirs}`);
        }
      }
      engine.tlb.flush();
    }
    expect(different).toEqual([]);
    for (const stages of ['10', '12', '00', '02']) expect(seen.get(`plain ${stages}`) ?? 0, stages).toBeGreaterThan(10);
    if (cpu === 'max') expect(seen.get('changed 12')).toBeGreaterThan(10);
  });
});

function hasCode(memory: PhysicalMemory, offset: number): boolean {
  return new DataView(memory.memory.buffer).getUint16(at.PAGE_SLOTS + Math.floor(offset / 4096) * 2, true) !== 0;
}
