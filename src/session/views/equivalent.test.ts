import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDescriptor } from '../../machine/translation/descriptor.ts';
import { tableFormat, type GranuleName } from '../../machine/translation/format.ts';
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
});

describe('a mapping in another format', () => {
  it('says the same there: what is encoded decodes to it', () => {
    fc.assert(
      fc.property(mapping, fc.constantFrom(...formats), (wanted: Mapping, format) => {
        const encoded = encode(format, wanted, AROUND);
        if (!encoded.ok) throw new Error(encoded.why);
        const found = mappingOf(format, encoded.level, encoded.value, AROUND);
        const { size, contiguous, ...same } = wanted;
        expect(found).toMatchObject({ ...same, el0: format.stage === 1 ? wanted.el0 : null });
        if (found?.size === size) expect(found.contiguous).toBe(contiguous);
        expect(
          decodeDescriptor(format, encoded.level, encoded.value, AROUND).fields.map(({ name }) => name),
        ).not.toContain('RES0');
      }),
    );
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
