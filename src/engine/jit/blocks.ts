/** The basic blocks of a region: what can be reached from its entry by direct branches, in pages whose place is known. */
import type { Decoded } from '../../isa/decoder.ts';

/** Instructions of a region: as many as a large function has. */
export const MOST_INSTRUCTIONS = 600;

/** Addresses are in bytes from the region's first page. */
export type Offset = number;

/** How control goes on from a block's last instruction. */
export type End =
  | { readonly kind: 'goto'; readonly target: Offset }
  | { readonly kind: 'conditional'; readonly taken: Offset; readonly next: Offset }
  | { readonly kind: 'call'; readonly target: Offset; readonly next: Offset }
  | { readonly kind: 'indirectCall'; readonly next: Offset }
  /** `targets`: where it has been seen to go, of what the region may hold. */
  | { readonly kind: 'jump'; readonly targets: readonly Offset[] }
  /** The interpreter's to do: the instruction there. */
  | { readonly kind: 'leave'; readonly at: Offset };

export interface Instruction {
  readonly at: Offset;
  readonly decoded: Decoded;
}

export interface Block {
  readonly start: Offset;
  readonly instructions: readonly Instruction[];
  readonly end: End;
}

export interface Source {
  /** null: no instruction that may be compiled. */
  instruction(at: Offset): Decoded | null;
  /** Its semantics leave the engine always. */
  leaves(decoded: Decoded): boolean;
  /** Where the indirect branch there has been seen to go. */
  targets(at: Offset): readonly Offset[];
}

const BYTES = 4;

/** null: the entry itself is nothing to compile. */
export function findBlocks(source: Source, entry: Offset): Map<Offset, Block> | null {
  const found = new Map<Offset, Instruction>();
  const starts = new Set<Offset>([entry]);
  const work: Offset[] = [entry];
  for (let start = work.shift(); start !== undefined; start = work.shift()) {
    for (let at = start; !found.has(at) && found.size < MOST_INSTRUCTIONS; at += BYTES) {
      const decoded = source.instruction(at);
      if (!decoded || source.leaves(decoded)) break;
      const instruction = { at, decoded };
      found.set(at, instruction);
      const end = endOf(instruction, source);
      if (!end) continue;
      for (const next of followers(end)) {
        starts.add(next);
        work.push(next);
      }
      break;
    }
  }
  if (!found.has(entry)) return null;
  const blocks = new Map<Offset, Block>();
  for (const start of starts) if (found.has(start)) blocks.set(start, blockAt(start, found, starts, source));
  return blocks;
}

function blockAt(
  start: Offset,
  found: ReadonlyMap<Offset, Instruction>,
  starts: ReadonlySet<Offset>,
  source: Source,
): Block {
  const instructions: Instruction[] = [];
  for (let at = start; ; at += BYTES) {
    if (at !== start && starts.has(at)) return { start, instructions, end: { kind: 'goto', target: at } };
    const instruction = found.get(at);
    if (!instruction) return { start, instructions, end: { kind: 'leave', at } };
    instructions.push(instruction);
    const end = endOf(instruction, source);
    if (end) return { start, instructions, end };
  }
}

/** null: the next instruction follows. */
function endOf({ at, decoded }: Instruction, source: Source): End | null {
  const next = at + BYTES;
  const target = () => at + Number(decoded.row.operands.imm!(decoded.fields));
  switch (decoded.row.flow ?? 'next') {
    case 'branch':
      return { kind: 'goto', target: target() };
    case 'conditional':
      return target() === next ? { kind: 'goto', target: next } : { kind: 'conditional', taken: target(), next };
    case 'call':
      return { kind: 'call', target: target(), next };
    case 'indirectCall':
      return { kind: 'indirectCall', next };
    case 'indirect':
      return { kind: 'jump', targets: source.targets(at) };
    case 'return':
      return { kind: 'jump', targets: [] };
    default:
      return null;
  }
}

/** Where control may go inside the region, in order of preference. */
export function followers(end: End): Offset[] {
  switch (end.kind) {
    case 'goto':
      return [end.target];
    case 'conditional':
      return [end.next, end.taken];
    case 'call':
    case 'indirectCall':
      return [end.next];
    case 'jump':
      return [...end.targets];
    default:
      return [];
  }
}
