import { describe, expect, test } from 'vitest';
import { A64 } from '../isa/a64/table.ts';
import { absentFeatures, INSTRUCTION_FIELDS, LIMITS } from './absent.ts';
import { cpuModel, type CpuPresetName } from './presets.ts';

/** MIDR_EL1, ID_AA64MMFR0_EL1 to MMFR2_EL1 as guests read them on a host of each CPU (oracle/arm64, sections sysreg and regmut). */
const RECORDED: [CpuPresetName, bigint, bigint, bigint, bigint][] = [
  ['max', 0x0f0510n, 0x323_1020_1126n, 0x110_1021_1122n, 0x1021_0110_1001_1011n],
  ['cortex-a53', 0x410f_d034n, 0x1122n, 0n, 0n],
  ['cortex-a57', 0x411f_d070n, 0x1124n, 0n, 0n],
  ['neoverse-n1', 0x414f_d0c1n, 0x10_1125n, 0x1021_2122n, 0x1011n],
];

describe('a preset', () => {
  test.each(RECORDED)(
    '%s answers what was recorded of its translation and identity',
    (name, midr, mmfr0, mmfr1, mmfr2) => {
      const { id } = cpuModel(name);
      const { MIDR_EL1, ID_AA64MMFR0_EL1, ID_AA64MMFR1_EL1, ID_AA64MMFR2_EL1 } = id;
      expect([MIDR_EL1, ID_AA64MMFR0_EL1, ID_AA64MMFR1_EL1 ?? 0n, ID_AA64MMFR2_EL1 ?? 0n]).toEqual([
        midr,
        mmfr0,
        mmfr1,
        mmfr2,
      ]);
    },
  );

  test.each([
    ['max', 52],
    ['cortex-a53', 40],
    ['cortex-a57', 44],
    ['cortex-a72', 44],
    ['neoverse-n1', 48],
  ] as const)('%s has %i bits of physical address', (name, bits) => {
    expect(cpuModel(name).features.paBits).toBe(bits);
  });

  test('max without LPA2 is the recorded max,lpa2=off', () => {
    const { id, features } = cpuModel('max', { lpa2: false });
    expect(id.ID_AA64MMFR0_EL1).toBe(0x222_0010_1126n);
    expect([features.lpa2Stage1, features.lpa2Stage2]).toEqual([[], []]);
    expect(cpuModel('max').features.lpa2Stage2).toEqual(['4K', '16K']);
  });

  test('an address size of the configuration is what PARange says', () => {
    expect(cpuModel('max', { paBits: 40 }).features.paBits).toBe(40);
  });

  test('nothing reads as present that is not: no AArch32, and no instruction without a row', () => {
    for (const [name] of RECORDED) {
      const { id } = cpuModel(name);
      for (const { register, lo, most } of LIMITS)
        expect(Number(((id[register] ?? 0n) >> BigInt(lo)) & 15n)).toBeLessThanOrEqual(most);
      for (const { register, lo, needs } of INSTRUCTION_FIELDS)
        expect(Number(((id[register] ?? 0n) >> BigInt(lo)) & 15n)).toBeLessThanOrEqual(needs.length);
    }
    expect(cpuModel('cortex-a57').id.ID_AA64PFR0_EL1! & 0xfffn).toBe(0x111n);
  });

  test('the instructions of a feature go with its ID field', () => {
    const lse = (name: CpuPresetName) => absentFeatures(cpuModel(name).id).has('FEAT_LSE');
    expect([lse('cortex-a57'), lse('neoverse-n1'), lse('max')]).toEqual([true, false, false]);
    expect(absentFeatures({}).has('FEAT_CRC32')).toBe(true);
    expect(absentFeatures({ ID_AA64ISAR0_EL1: 0x1_0000n }).has('FEAT_CRC32')).toBe(false);
  });

  test('half precision is there as ID_AA64PFR0_EL1 says of FP and AdvSIMD', () => {
    const fields = (name: CpuPresetName) => (cpuModel(name).id.ID_AA64PFR0_EL1! >> 16n) & 0xffn;
    const half = (name: CpuPresetName) => !absentFeatures(cpuModel(name).id).has('FEAT_FP16');
    expect([fields('cortex-a57'), fields('neoverse-n1'), fields('max')]).toEqual([0x00n, 0x11n, 0x11n]);
    expect([half('cortex-a57'), half('neoverse-n1'), half('max')]).toEqual([false, true, true]);
  });

  test('every feature of an instruction has its ID field', () => {
    const told = new Set(INSTRUCTION_FIELDS.flatMap(({ needs }) => needs));
    /* FP_FIELDS of absent.ts has FEAT_FP16. */
    const features = A64.rows.flatMap(({ row }) => row.feature ?? []).filter((feature) => feature !== 'FEAT_FP16');
    expect(features.filter((feature) => !told.has(feature))).toEqual([]);
  });

  test('granules are those the ID register has', () => {
    expect(cpuModel('cortex-a53').features.stage1Granules).toEqual(['4K', '64K']);
    expect(cpuModel('neoverse-n1').features.stage2Granules).toEqual(['4K', '64K', '16K']);
  });
});
