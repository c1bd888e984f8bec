/** For tests: tables written as bytes, entry by entry, through the walk. */
import type { PhysicalMemory } from '../memory.ts';
import { encodeAddress, LAST_LEVEL, levelShift } from './format.ts';
import { walk, type Tables } from './walk.ts';

/** Low and high half of the attribute bits of a leaf. */
export interface Attributes {
  readonly low: number;
  readonly high: number;
}

/** Maps one block or page at `level`; tables on the way are allocated, with `tableHigh` as their attributes. */
export function mapLeaf(
  memory: PhysicalMemory,
  tables: Tables,
  level: number,
  input: number,
  output: number,
  attributes: Attributes,
  tableHigh = 0,
): void {
  const { format } = tables;
  const bytes = 2 ** format.granule.shift;
  const result = walk(memory, tables, input, input + 1, {
    leaf: (step) => {
      if (step.level === level) {
        const address = encodeAddress(format, output);
        const type = level === LAST_LEVEL ? 3 : 1;
        memory.writeHalvesAt(
          step.offset,
          (address.low | attributes.low | type) >>> 0,
          (address.high | attributes.high) >>> 0,
        );
        return 1;
      }
      const next = memory.pages.allocate(bytes / memory.pages.pageSize, bytes);
      if (next === null) throw new Error('no page left for a table');
      const address = encodeAddress(format, next);
      memory.writeHalvesAt(step.offset, (address.low | 3) >>> 0, (address.high | tableHigh) >>> 0);
      return 0;
    },
  });
  if (result !== 1) throw new Error(`could not map 0x${input.toString(16)} at level ${level}: ${result}`);
}

/** The start level's table, or its concatenated tables, zeroed. */
export function newTables(memory: PhysicalMemory, shape: Omit<Tables, 'root'>): Tables {
  const { granule } = shape.format;
  const bytes = 8 * 2 ** (shape.inputBits - levelShift(granule, shape.startLevel));
  const pages = Math.max(1, Math.ceil(bytes / memory.pages.pageSize));
  const root = memory.pages.allocate(pages, Math.max(bytes, memory.pages.pageSize));
  if (root === null) throw new Error('no page left for the start level');
  return { ...shape, root };
}
