import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeDescriptor,
  fieldValue,
  STAGE1,
  STAGE2,
  type DescriptorField,
} from '../../machine/translation/descriptor.ts';
import { combine } from '../../machine/translation/attributes.ts';
import { tableFormat, type GranuleName, type TableFormat } from '../../machine/translation/format.ts';
import { stage1Permits, stage2Permits, type Accessor } from '../../machine/translation/permissions.ts';
import { encode, GRANULE_NAMES, mappingOf, type Mapping, type Surroundings } from './equivalent.ts';

/** Linux's MAIR_EL1: Device-nGnRnE, Device-nGnRE, Normal Non-cacheable, Normal Write-Back. */
const AROUND: Surroundings = { mair: 0xff_44_04_00n, shareability: 3, executeByEl: true, forcedWriteBack: false };

const formats = [1, 2].flatMap((stage) =>
  GRANULE_NAMES.flatMap((granule: GranuleName) =>
    ([48, 52] as const).map((bits) => tableFormat(stage === 1 ? 1 : 2, granule, bits)),
  ),
);

const mapping = fc.record({
  // On a 64K page, so that every granule can have it.
  output: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((page) => page * 2 ** 16),
  size: fc.constant(2 ** 16),
  readable: fc.constant(true),
  writable: fc.boolean(),
  el0: fc.constant(true),
  executeEl1: fc.boolean(),
  executeEl0: fc.boolean(),
  memory: fc.constantFrom(0, 4, 0x44, 0xff),
  shareability: fc.constant(3),
  accessed: fc.boolean(),
  dirtyModifier: fc.boolean(),
  contiguous: fc.boolean(),
  software: fc.nat(31),
  notGlobal: fc.boolean(),
  guarded: fc.boolean(),
});

/** What a descriptor lets an access do, by stage 1's or stage 2's rules alone. */
function permits(format: TableFormat, value: bigint, accessor: Accessor): boolean {
  const get = (field: DescriptorField) => fieldValue(field, Number(value & 0xffff_ffffn), Number(value >> 32n));
  if (format.stage === 2) {
    const s2ap = get(STAGE2.S2AP);
    return stage2Permits({ readable: (s2ap & 1) === 1, writable: s2ap >= 2, never: get(STAGE2.XN) }, accessor, true);
  }
  const ap = get(STAGE1.AP);
  const rights = {
    el0: (ap & 1) === 1,
    writable: ap < 2,
    privilegedNever: get(STAGE1.PXN) === 1,
    unprivilegedNever: get(STAGE1.UXN) === 1,
  };
  return stage1Permits(rights, accessor, false);
}
const ACCESSORS: readonly Accessor[] = (['read', 'write', 'fetch'] as const).flatMap((access) =>
  ([0, 1] as const).map((el) => ({ access, el, pan: false })),
);

describe('a mapping in another format', () => {
  it('says the same there: what is encoded decodes to it', () => {
    fc.assert(
      fc.property(mapping, fc.constantFrom(...formats), (wanted: Mapping, format) => {
        const encoded = encode(format, wanted, AROUND);
        if (!encoded.ok) throw new Error(encoded.why);
        const found = mappingOf(format, encoded.level, encoded.value, AROUND);
        const { size, contiguous, notGlobal, guarded, executeEl1, software, ...same } = wanted;
        const own =
          format.stage === 1
            ? { notGlobal, guarded, executeEl1, software }
            : { executeEl1: executeEl1 && !wanted.writable, software: software & 15 };
        expect(found).toMatchObject({ ...same, ...own, el0: format.stage === 1 ? wanted.el0 : null });
        if (found?.size === size) expect(found.contiguous).toBe(contiguous);
        expect(
          decodeDescriptor(format, encoded.level, encoded.value, AROUND).fields.map(({ name }) => name),
        ).not.toContain('RES0');
      }),
    );
  });

  it('lets the same accesses through, or says where it can’t', () => {
    let [same, told] = [0, 0];
    fc.assert(
      fc.property(
        fc.constantFrom(...formats),
        fc.constantFrom(...formats),
        fc.bigInt(0n, 3n),
        fc.bigInt(0n, 3n),
        (from, to, ap, never) => {
          const value = 0x40_0403n | (ap << 6n) | (never << 53n) | (from.stage === 2 ? 0xfn << 2n : 12n);
          const encoded = encode(to, mappingOf(from, 3, value, AROUND)!, AROUND);
          if (!encoded.ok) throw new Error(encoded.why);
          const differ = ACCESSORS.filter((one) => permits(from, value, one) !== permits(to, encoded.value, one));
          const notes = encoded.notes.filter((note) => /read|EL0|EL1/.test(note));
          if (differ.length > 0) expect(notes).not.toEqual([]);
          if (from.stage === to.stage) expect(notes).toEqual([]);
          if (differ.length === 0) same++;
          else told++;
        },
      ),
      { seed: 3, numRuns: 500 },
    );
    expect([same > 100, told > 20]).toEqual([true, true]);
  });

  it('has memory of two kinds, inner and outer, where stage 2 does without FWB', () => {
    const around = { ...AROUND, mair: 0xf4n };
    const at = (forcedWriteBack: boolean) => {
      const page = { ...fc.sample(mapping, 1)[0]!, memory: 0xf4 };
      const encoded = encode(tableFormat(2, '4K', 48), page, { ...around, forcedWriteBack });
      return encoded.ok ? { memAttr: (encoded.value >> 2n) & 0xfn, notes: encoded.notes } : null;
    };
    expect(at(false)).toMatchObject({ memAttr: 0b1101n });
    expect(at(true)!.notes).toContain('MemAttr has no 0xf4 with HCR_EL2.FWB');
  });

  it('has the memory type that the walk makes of MemAttr on Write-Back memory, reserved values too', () => {
    for (const forcedWriteBack of [false, true]) {
      for (let memAttr = 0; memAttr < 16; memAttr++) {
        const value = 0x40_04c3n | (BigInt(memAttr) << 2n);
        const found = mappingOf(tableFormat(2, '4K'), 3, value, { ...AROUND, forcedWriteBack })!.memory;
        const { mair } = combine({ type: 'normal', mair: 0xff, shareability: 3 }, memAttr, 3, forcedWriteBack);
        expect([forcedWriteBack, memAttr, found ?? 0xff]).toEqual([forcedWriteBack, memAttr, mair]);
      }
    }
  });

  it('is not one of a run where the bit for it is reserved', () => {
    const block = { ...fc.sample(mapping, 1)[0]!, output: 0, size: 2 ** 30, contiguous: true };
    const inLpa2 = (size: number) => encode(tableFormat(1, '4K', 52), { ...block, size }, AROUND);
    const bit = (encoded: ReturnType<typeof encode>) => encoded.ok && (encoded.value >> 52n) & 1n;
    expect(bit(inLpa2(2 ** 30))).toBe(1n);
    expect(bit(inLpa2(2 ** 39))).toBe(0n);
    expect(inLpa2(2 ** 39)).toMatchObject({
      level: 0,
      notes: expect.arrayContaining(['no entries are joined at level 0']),
    });
    expect(mappingOf(tableFormat(1, '4K', 52), 0, (1n << 52n) | 0x401n, AROUND)?.contiguous).toBe(false);
  });

  it('moves address bits 51:50 to 9:8 with LPA2, and 51:48 to 15:12 with 64K pages', () => {
    const high: Mapping = {
      ...fc.sample(mapping, 1)[0]!,
      output: 2 ** 51 + 2 ** 48,
      contiguous: false,
    };
    const value = (granule: GranuleName) => {
      const encoded = encode(tableFormat(2, granule, 52), high, AROUND);
      return encoded.ok ? encoded.value : 0n;
    };
    expect((value('4K') >> 8n) & 3n).toBe(2n);
    expect((value('4K') >> 48n) & 3n).toBe(1n);
    expect((value('64K') >> 12n) & 0xfn).toBe(9n);
    expect(encode(tableFormat(2, '4K', 48), high, AROUND)).toMatchObject({ ok: false });
  });

  it('can’t be where the address is on no page, and says so', () => {
    const odd = { ...fc.sample(mapping, 1)[0]!, output: 0x1000, size: 0x1000 };
    expect(encode(tableFormat(2, '64K', 48), odd, AROUND)).toMatchObject({
      ok: false,
      why: '0x1000 is not on a 64K page',
    });
    expect(encode(tableFormat(1, '4K', 48), odd, AROUND)).toMatchObject({ ok: true, level: 3 });
  });
});
