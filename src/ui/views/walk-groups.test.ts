import { describe, expect, it } from 'vitest';
import type { WalkStep } from '../../session/messages.ts';
import { groupWalk, stage2Levels } from './walk-groups.ts';

const step = (
  stage: 1 | 2,
  forAddress: bigint,
  kind: WalkStep['kind'] = 'table',
  descriptorIpa: bigint | null = null,
): WalkStep => ({
  stage,
  level: 1,
  forAddress,
  index: 0,
  descriptorIpa,
  descriptorPa: 0n,
  value: 0n,
  kind,
  fields: [],
});
const VA = 0x1234n;
const shape = (steps: readonly WalkStep[]) =>
  groupWalk(steps, VA).map(({ purpose, ipa, stage1, stage2 }) => ({
    purpose,
    ipa,
    reads: [...stage2, ...(stage1 ? [stage1] : [])].map(({ number }) => number),
  }));

describe('the reads of a walk', () => {
  it('are nested: stage 2 finds each descriptor of stage 1, and in the end what stage 1 found', () => {
    const steps = [
      step(2, 0x4000n),
      step(2, 0x4000n, 'page'),
      step(1, VA, 'table', 0x4000n),
      step(2, 0x5000n),
      step(1, VA, 'page', 0x5000n),
      step(2, 0x9234n, 'page'),
    ];
    expect(shape(steps)).toEqual([
      { purpose: 'descriptor', ipa: 0x4000n, reads: [1, 2, 3] },
      { purpose: 'descriptor', ipa: 0x5000n, reads: [4, 5] },
      { purpose: 'result', ipa: 0x9234n, reads: [6] },
    ]);
  });

  it('are stage 2 alone where the MMU is off', () => {
    expect(shape([step(2, VA), step(2, VA, 'page')])).toEqual([{ purpose: 'off', ipa: VA, reads: [1, 2] }]);
  });

  it('end at a descriptor of stage 1 that stage 2 does not map', () => {
    expect(shape([step(2, 0x4000n, 'invalid')])).toEqual([{ purpose: 'descriptor', ipa: 0x4000n, reads: [1] }]);
    const second = [step(2, 0x4000n, 'page'), step(1, VA, 'table', 0x4000n), step(2, 0x5000n, 'invalid')];
    expect(shape(second).at(-1)).toEqual({ purpose: 'descriptor', ipa: 0x5000n, reads: [3] });
  });

  it('are stage 1 alone where a guest has no stage 2', () => {
    expect(shape([step(1, VA, 'table', 0x4000n), step(1, VA, 'page', 0x5000n)]).map(({ ipa }) => ipa)).toEqual([
      0x4000n,
      0x5000n,
    ]);
  });

  it('have the levels of stage 2 as columns, wherever they occur', () => {
    const at = (level: number, forAddress: bigint) => ({ ...step(2, forAddress), level });
    expect(stage2Levels(groupWalk([at(2, 0x4000n), at(-1, 0x5000n), at(2, 0x5000n)], VA))).toEqual([-1, 2]);
  });
});
