import { SLOT } from '../../isa/a64/operands.ts';
import { REGISTER_OPERANDS } from '../../isa/row.ts';
import type { InstructionTable, TableRow } from '../../isa/decoder.ts';
import type { Frame } from '../emit/statements.ts';
import type { Code } from '../wasm/code.ts';
import { CarefulBuilder, FastBuilder } from './builder.ts';
import { InlineFrame } from './locals.ts';
import { explore, mapLeaves, type Ask, type Tree } from './questions.ts';
import { RecordLayout, type Patch } from './record.ts';

/** The piece of code that a record names, and how the record is filled for it. */
export interface Handling {
  readonly handler: number;
  readonly patches: readonly Patch[];
}

export interface Handler {
  readonly fast: Code;
  /** Where the instruction accesses memory. */
  readonly careful: Code | null;
}

export interface Handlers {
  /** The hot function's; the first handlers have no instruction: see SPECIAL. */
  readonly list: readonly Handler[];
  /** By the row's index; null: its handlers are called (called.ts), or it has no semantics. */
  readonly trees: readonly (Tree<Handling> | null)[];
  /** The first number of a called handler. */
  readonly count: number;
}

/** The functions that careful code calls, by their number in its module. */
export interface CarefulFunctions {
  readonly translate: number;
  readonly commit: number;
}

/**
 * Records that stand for no instruction of their own: not predecoded yet (all zeros), the end of the page, a breakpoint,
 * a word that is no instruction.
 */
export const SPECIAL = { undecoded: 0, pageEnd: 1, breakpoint: 2, undefined: 3 } as const;
const FIRST = 4;

/** All the code that a table's rows can need within the hot function; equal pieces are one. */
export function buildHandlers(table: InstructionTable, functions: CarefulFunctions): Handlers {
  const list: Handler[] = [];
  const known = new KnownHandlers();
  const trees = table.rows.map((row) => {
    if (!row.row.execute) return null;
    const pieces = inlinePieces(row, functions);
    return (
      pieces &&
      mapLeaves(pieces, ({ handler, patches }): Handling => {
        const index = known.numberOf(handler, () => list.push(handler) - 1);
        return { handler: FIRST + index, patches };
      })
    );
  });
  return { list, trees, count: FIRST + list.length };
}

interface Piece {
  readonly handler: Handler;
  readonly patches: readonly Patch[];
}

/** Numbers of handlers, equal code having one. */
export class KnownHandlers {
  readonly #byHash = new Map<number, { readonly handler: Handler; readonly number: number }[]>();

  /** `add` numbers a handler that is not known yet. */
  numberOf(handler: Handler, add: () => number): number {
    const hash = handler.fast.hash();
    const alike = this.#byHash.get(hash) ?? [];
    const found = alike.find((one) => sameHandler(one.handler, handler));
    if (found) return found.number;
    const number = add();
    this.#byHash.set(hash, [...alike, { handler, number }]);
    return number;
  }
}

function sameHandler(a: Handler, b: Handler): boolean {
  const sameCareful = a.careful && b.careful ? a.careful.equals(b.careful) : a.careful === b.careful;
  return sameCareful && a.fast.equals(b.fast);
}

/** Of integer instructions: their semantics call library functions, which the hot function does not import. */
const CALLING = 'FEAT_PAuth';

/**
 * null: they have no place in the hot function, which is for integer instructions: V8 compiles it as a whole before it is
 * fast, and each handler delays that.
 */
function inlinePieces(row: TableRow, functions: CarefulFunctions): Tree<Piece> | null {
  if (row.row.feature === CALLING || usesVectors(row)) return null;
  return explore((ask) => makePiece(row, ask, FastBuilder, () => new InlineFrame(), functions));
}

function usesVectors({ row, diagram }: TableRow): boolean {
  const fields = Object.fromEntries(diagram.fields.map(({ name }) => [name, 0]));
  return REGISTER_OPERANDS.some((operand) => (row.operands[operand]?.(fields) ?? 0) >= SLOT.V0);
}

/** A row's code for the answers given. */
export function makePiece<F extends Frame>(
  row: TableRow,
  ask: Ask,
  Fast: typeof FastBuilder,
  newFrame: () => F,
  functions: CarefulFunctions,
): Piece & { readonly frames: { readonly fast: F; readonly careful: F } } {
  const layout = new RecordLayout();
  const answers: number[] = [];
  const frames = { fast: newFrame(), careful: newFrame() };
  const fast = new Fast(
    row,
    layout,
    (question) => {
      const answer = ask(question);
      answers.push(answer);
      return answer;
    },
    frames.fast,
  );
  run(row, fast);
  let careful: CarefulBuilder | null = null;
  if (fast.accesses) {
    let next = 0;
    careful = new CarefulBuilder(row, layout, () => answers[next++]!, frames.careful, functions);
    run(row, careful);
  }
  return { handler: { fast: fast.code, careful: careful?.code ?? null }, patches: layout.patches, frames };
}

function run({ row }: TableRow, builder: FastBuilder | CarefulBuilder): void {
  row.execute?.(builder);
  builder.finish();
}
