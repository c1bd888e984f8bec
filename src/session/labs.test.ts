import { describe, expect, it } from 'vitest';
import { LABS } from '../labs/index.ts';
import { runChecked } from './checked.ts';

describe.each(LABS)('lab $name', (lab) => {
  it('shows what it says', async () => {
    const result = await runChecked(lab, { timeout: 20_000 });
    expect(result.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(result).toMatchObject({ passed: true, end: 'finished' });
  });
});
