import { expect, it } from 'vitest';
import { brokenRule, combinations, combinationText, SETS } from '../../labs/matrix/axes.ts';
import { sandboxOf } from '../../labs/matrix/sandbox.ts';
import { Session } from '../session.ts';

const extended = SETS.find(({ name }) => name === 'extended')!;

/** Names of levels in the text of the guest's TTBR0, as arch/arm64/mm/ptdump.c has them. */
async function levelNames(guest: string): Promise<string[]> {
  const one = combinations(extended).find(
    (each) => each.hwPa === 'lpa2' && brokenRule(extended, each) === null && combinationText(each).endsWith(guest),
  );
  const session = await Session.create(() => undefined);
  session.handle({ type: 'load', sandbox: sandboxOf(one!).sandbox, breakpoints: [] });
  session.handle({ type: 'run' });
  while (session.slice());
  const view = session.query({ view: 'dump', stage: 1, vcpu: session.status.vcpu!.vcpu });
  if (view.view !== 'dump') throw new Error(JSON.stringify(view));
  const names = view.lines.map((line) => /\d[KMGTPE] (P\w\w)/.exec(line)?.[1] ?? '');
  return [...new Set(names)].filter(Boolean).sort();
}

it('names the level at which the walk starts PGD, and those below by their place', async () => {
  expect(await levelNames('guest 4K/52/52 low')).toEqual(['P4D', 'PGD', 'PMD', 'PTE', 'PUD']);
  expect(await levelNames('guest 4K/48/48 low')).toEqual(['PGD', 'PMD', 'PTE', 'PUD']);
});
