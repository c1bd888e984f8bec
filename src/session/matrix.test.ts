import { describe, expect, it } from 'vitest';
import { brokenRule, combinations, combinationText, SETS } from '../labs/matrix/axes.ts';
import { GUEST_LOAD, HOST_LOAD, sandboxOf } from '../labs/matrix/sandbox.ts';
import { Checker } from './checked.ts';

const checker = Checker.create();
const set = (name: string) => SETS.find((one) => one.name === name)!;
const split = (name: string) => {
  const all = combinations(set(name)).map((combination) => ({
    combination,
    rule: brokenRule(set(name), combination),
  }));
  return {
    valid: all.filter(({ rule }) => rule === null).map(({ combination }) => combination),
    invalid: all.filter(({ rule }) => rule !== null),
  };
};

it('the series’ matrix has 864 combinations, of which 180 are valid', () => {
  const { valid, invalid } = split('series');
  expect([valid.length, valid.length + invalid.length]).toEqual([180, 864]);
});

it('high memory would show a format that loses or exchanges an address bit above 47', () => {
  const top = [HOST_LOAD.high, GUEST_LOAD.high].map((address) => Number(address >> 48n));
  expect(top.reduce((all, bits) => all | bits)).toBe(0b1111);
  for (const bits of top) expect(bits >> 2).not.toBe(bits & 0b11);
});

describe.each(['series', 'extended'])('%s', (name) => {
  const { valid, invalid } = split(name);

  it('a rule that forbids nothing of its own is none', () => {
    for (const rule of set(name).rules) {
      const others = set(name).rules.filter((other) => other !== rule);
      const own = invalid.filter(({ combination }) => others.every((other) => !other.breaks(combination)));
      expect(own.length, rule.name).toBeGreaterThan(0);
    }
  });

  /* Steps that share no factor with the lengths of the axes, so that every value of each comes up. */
  const sample = valid.filter((_, index) => index % (name === 'series' ? 11 : 173) === 5);
  it.each(sample.map((one) => [combinationText(one), one] as const))(
    '%s boots, writes, reads and stops',
    async (_, one) => {
      const { end, checks } = (await checker).run(sandboxOf(one));
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(end).toMatch(/^finished/);
    },
  );
});

it('what the rules of today forbid, this host can’t do either', async () => {
  const { invalid } = split('extended');
  /* One that can't boot may fault at every instruction for ever. */
  const impatient = await Checker.create({ timeout: 300 });
  for (const rule of set('extended').rules) {
    /* A guest kernel that no configuration builds has no program either: the rule is about what can be built. */
    if (rule.name === 'guest-lpa2-both') continue;
    const { combination } = invalid.filter((one) => one.rule === rule).at(-1)!;
    expect(impatient.run(sandboxOf(combination)).passed, combinationText(combination)).toBe(false);
  }
});
