import { describe, expect, it } from 'vitest';
import { SYSREG_KEYS, sysregByName, sysregEncoding, sysregKey, sysregName } from './sysreg-names.ts';

describe('system register names', () => {
  it('stand for the encodings of the manual', () => {
    expect(sysregEncoding(sysregByName('TTBR0_EL1')!)).toEqual({ op0: 3, op1: 0, CRn: 2, CRm: 0, op2: 0 });
    expect(sysregEncoding(sysregByName('cntvct_el0')!)).toEqual({ op0: 3, op1: 3, CRn: 14, CRm: 0, op2: 2 });
    expect(sysregEncoding(sysregByName('vttbr_el2')!)).toEqual({ op0: 3, op1: 4, CRn: 2, CRm: 1, op2: 0 });
    expect(sysregByName('mdscr_el1')).toBe(sysregKey(2, 0, 0, 2, 2));
    expect(sysregByName('ttbr7_el1')).toBeNull();
    expect(sysregByName('s3_0_c16_c0_0')).toBeNull();
  });

  it('lead from every encoding to a name and back', () => {
    const keys = Array.from({ length: 2 << 14 }, (_, index) => (2 << 14) + index);
    expect(keys.filter((key) => sysregByName(sysregName(key)) !== key)).toEqual([]);
    expect(keys.filter((key) => sysregByName(sysregName(key, 'write')) !== key)).toEqual([]);
  });

  it('are unique but for the two directions of the debug channel', () => {
    const keys = [...SYSREG_KEYS.values()];
    const doubled = keys.filter((key, index) => keys.indexOf(key) !== index);
    expect(doubled).toEqual([sysregByName('dbgdtrtx_el0')]);
  });
});
