/** What AT leaves in PAR_EL1, by this machine's walker. */
import { PhysicalMemory } from '../memory.ts';
import type { TranslationFeatures } from '../features.ts';
import { faultStatus } from '../translation/fault.ts';
import { LAST_LEVEL } from '../translation/format.ts';
import { Mmu, type AccessKind } from '../translation/mmu.ts';
import { OPERATIONS, POOL, type Case } from './cases.ts';

/**
 * null: the walk left the pool of tables, where the two machines have different memory; or it met a block at a level that has none,
 * which QEMU 7.2 follows all the same.
 */
export type Answer = bigint | null;

export interface Answers {
  /** PAR_EL1 by probe. */
  readonly pars: readonly Answer[];
  /** Of the descriptors afterwards, with what hardware has set in them; null where an answer is. */
  readonly digest: bigint | null;
}

export function answers(cases: readonly Case[], features: TranslationFeatures): Answers[] {
  const memory = new PhysicalMemory({ reserved: 0, ram: [POOL], pageSize: 4096 });
  return cases.map((one) => {
    memory.fill(POOL.base, POOL.size, 0);
    for (const [address, value] of one.writes) memory.write64(address, value);
    const mmu = new Mmu(memory, features);
    mmu.configure(one);
    const pars = one.probes.map(({ va, operation }) => answer(mmu, va, operation));
    let digest = 0n;
    for (const address of one.writes.keys()) {
      digest = BigInt.asUintN(64, digest * 0x100_0000_01b3n + memory.read64(address));
    }
    return { pars, digest: pars.includes(null) ? null : digest };
  });
}

function answer(mmu: Mmu, va: bigint, operation: number): Answer {
  const { access, el, stages, pan } = OPERATIONS[operation]!;
  // QEMU's AT sets the Access flag and dirty state where an access would.
  const kind: AccessKind = { access, el, pan };
  const { steps } = mmu.trace(va, kind);
  if (steps.some(({ descriptorPa }) => descriptorPa < POOL.base || descriptorPa >= POOL.base + POOL.size)) return null;
  if (steps.some(({ kind, level }) => kind === 'reserved' && level < LAST_LEVEL)) return null;
  const [low, high] = [Number(va & 0xffff_ffffn), Number((va >> 32n) & 0xffff_ffffn)];
  const both = stages === 2;
  const result = (both ? mmu.translate : mmu.translateStage1).call(mmu, low, high, kind);
  const RES1 = 1n << 11n;
  if (!result.ok) {
    if (result.type === 'externalAbortOnWalk') return null;
    const status = BigInt(faultStatus(result.type, result.level));
    return RES1 | (result.stage === 2 ? 1n << 9n : 0n) | (result.s1ptw ? 1n << 8n : 0n) | (status << 1n) | 1n;
  }
  const address = both && 'pa' in result ? Number(result.pa) : result.ipa;
  const { mair, shareability } = result.attributes;
  return (BigInt(mair) << 56n) | BigInt(address - (address % 4096)) | RES1 | (1n << 9n) | (BigInt(shareability) << 7n);
}
