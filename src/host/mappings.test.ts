import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mappings, type MappedFile, type Vma } from './mappings.ts';

const PAGE = 4096;
const PAGES = 40;

/** A file that counts who holds it. */
class Held implements MappedFile {
  references = 0;

  pageAt(): null {
    return null;
  }

  retain(): void {
    this.references++;
  }

  release(): void {
    this.references--;
  }
}

const file = new Held();
const vma = (page: number, pages: number, of: Partial<Vma> = {}): Vma => ({
  start: page * PAGE,
  end: (page + pages) * PAGE,
  readable: true,
  writable: false,
  executable: false,
  shared: false,
  pfn: false,
  huge: true,
  file: null,
  fileOffset: 0,
  ...of,
});

/** What is known of a page: null where nothing is mapped. */
type PageState = { readonly writable: boolean; readonly filePage: number | null } | null;

const stateAt = (mappings: Mappings, page: number): PageState => {
  const found = mappings.find(page * PAGE);
  if (!found) return null;
  const filePage = found.file ? found.fileOffset + (page * PAGE - found.start) / PAGE : null;
  return { writable: found.writable, filePage };
};

const step = fc.record({
  op: fc.constantFrom('map', 'file', 'unmap', 'write'),
  page: fc.nat({ max: PAGES - 1 }),
  count: fc.integer({ min: 1, max: 12 }),
});

describe('the mappings of a process', () => {
  it('say of every page what was said of it last, in the fewest ranges, and hold a file once for each', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const mappings = new Mappings(PAGE);
        const model = new Array<PageState>(PAGES + 12).fill(null);
        file.references = 0;
        for (const { op, page, count } of steps) {
          const [start, end] = [page * PAGE, (page + count) * PAGE];
          const carved = mappings.carve(start, end);
          if (op === 'write') for (const part of carved) mappings.insert({ ...part, writable: true });
          else for (const part of carved) part.file?.release();
          if (op === 'file') file.retain();
          if (op === 'map') mappings.insert(vma(page, count));
          if (op === 'file') mappings.insert(vma(page, count, { file, fileOffset: 100 + page }));
          mappings.merge(start, end);
          for (let n = page; n < page + count; n++) {
            const state = model[n];
            if (op === 'unmap') model[n] = null;
            else if (op !== 'write') model[n] = { writable: false, filePage: op === 'file' ? 100 + n : null };
            else if (state) model[n] = { ...state, writable: true };
          }
        }
        expect(Array.from(model, (_, page) => stateAt(mappings, page))).toEqual(model);
        const list = [...mappings];
        const differs = (n: number): boolean =>
          model[n]?.writable !== model[n - 1]?.writable ||
          ((model[n]?.filePage ?? null) === null) !== ((model[n - 1]?.filePage ?? null) === null) ||
          (model[n] === null) !== (model[n - 1] === null);
        const runs = model.filter((state, n) => state !== null && (n === 0 || differs(n)));
        expect(list).toHaveLength(runs.length);
        expect(file.references).toBe(list.filter((each) => each.file !== null).length);
        for (let n = 1; n < list.length; n++) expect(list[n]!.start).toBeGreaterThanOrEqual(list[n - 1]!.end);
      }),
      { numRuns: 200 },
    );
  });

  it('know where a row of them ends, and the highest gap', () => {
    const mappings = new Mappings(PAGE);
    for (const each of [vma(2, 2), vma(4, 1, { writable: true }), vma(8, 2)]) mappings.insert(each);
    expect([2, 3, 5, 8].map((page) => mappings.until(page * PAGE, 9 * PAGE) / PAGE)).toEqual([5, 5, 5, 9]);
    expect([1, 3, 5].map((pages) => mappings.gapBelow(10 * PAGE, pages * PAGE) / PAGE)).toEqual([8, 8, 2]);
    expect(mappings.gapBelow(12 * PAGE, 2 * PAGE)).toBe(12 * PAGE);
    expect(mappings.within(4 * PAGE, 9 * PAGE).map(({ start }) => start / PAGE)).toEqual([4, 8]);
    expect([mappings.find(4 * PAGE - 1)?.start, mappings.find(5 * PAGE)]).toEqual([2 * PAGE, null]);
  });
});
