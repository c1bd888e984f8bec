import type { InstructionTable, TableRow } from '../../isa/decoder.ts';
import type { Code } from '../wasm/code.ts';
import { CarefulBuilder, FastBuilder } from './builder.ts';
import { explore, type Tree } from './questions.ts';
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
  /** The first handlers have no instruction: see SPECIAL. */
  readonly list: readonly Handler[];
  /** By the row's index. */
  readonly trees: readonly Tree<Handling>[];
}

/**
 * Records that stand for no instruction of their own: not predecoded yet (all zeros), the end of the page, a breakpoint,
 * a word that is no instruction.
 */
export const SPECIAL = { undecoded: 0, pageEnd: 1, breakpoint: 2, undefined: 3 } as const;
const FIRST = 4;

/** All the code that a table's rows can need; equal pieces are one. */
export function buildHandlers(
  table: InstructionTable,
  functions: { readonly translate: number; readonly commit: number },
): Handlers {
  const list: Handler[] = [];
  const known = new Map<string, number>();
  const trees = table.rows.map((row) =>
    explore((ask): Handling => {
      const layout = new RecordLayout();
      const answers: number[] = [];
      const fast = new FastBuilder(row, layout, (question) => {
        const answer = ask(question);
        answers.push(answer);
        return answer;
      });
      run(row, fast);
      let careful: CarefulBuilder | null = null;
      if (fast.accesses) {
        let next = 0;
        careful = new CarefulBuilder(row, layout, () => answers[next++]!, functions);
        run(row, careful);
      }
      const key = `${fast.code.key()}/${careful?.code.key() ?? ''}`;
      let index = known.get(key);
      if (index === undefined) {
        index = list.push({ fast: fast.code, careful: careful?.code ?? null }) - 1;
        known.set(key, index);
      }
      return { handler: FIRST + index, patches: layout.patches };
    }),
  );
  return { list, trees };
}

function run({ row }: TableRow, builder: FastBuilder | CarefulBuilder): void {
  if (row.execute) row.execute(builder);
  else builder.leave('undefined');
  builder.finish();
}
