import type { Decoded } from '../../isa/decoder.ts';
import { BlockBuilder } from './builder.ts';
import { MEMORY } from './flags.ts';
import { RegionLocals } from './locals.ts';

const known = new Map<string, boolean>();

/** The instruction leaves the engine whatever its operands are: found out from its semantics, once for each of their variants. */
export function leavesAlways(decoded: Decoded): boolean {
  const { row, index, fields } = decoded;
  const key = `${index}/${(row.variant ?? []).map((name) => fields[name]).join()}`;
  let leaves = known.get(key);
  if (leaves === undefined) {
    const locals = new RegionLocals();
    const parts = { locals, callee: () => 0, nzcvOf: 0, lastPage: () => ({ page: 0, addend: 0 }) };
    const builder = new BlockBuilder(parts, MEMORY, 0, false);
    builder.add({ at: 0, decoded });
    leaves = builder.left;
    known.set(key, leaves);
  }
  return leaves;
}
