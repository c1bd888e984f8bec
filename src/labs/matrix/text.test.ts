import { expect, it } from 'vitest';
import { combinationByKey } from './axes.ts';
import { textOf } from './text.ts';

const of = (key: string): string => textOf(combinationByKey(key)!);

it('says of hardware and kernels what the name of the combination abbreviates', () => {
  const text = of('lpa2-52-nvhe-4K-52-52-high-16K-48-48-low');
  expect(text).toContain('The hardware has FEAT_LPA2');
  expect(text).toContain('FEAT_LVA');
  expect(text).toContain(
    "The host's kernel has 4K pages, and was built for 52 bits of physical and 52 of virtual address",
  );
  expect(text).toContain('nVHE');
  expect(text).toContain('Its memory begins at `0xb000040000000`');
  expect(text).toContain("The guest's kernel has 16K pages, and was built for 48 bits");
  expect(text).toContain('Its memory begins at `0x40000000`');
});

it('names the places where this guest writes: the lowest address of the upper half is by its bits', () => {
  expect(of('lpa2-52-vhe-64K-52-52-high-64K-52-52-high')).toContain('`0xfff0000000000000`');
  expect(of('48-48-vhe-4K-48-48-low-64K-52-52-low')).toContain('`0xffff000000000000`');
});
