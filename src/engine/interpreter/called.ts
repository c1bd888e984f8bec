/**
 * Handlers that are functions of their own, for rows whose semantics have no place in the hot function. A row's are made and
 * compiled together, once in the process, when an instruction first needs one; so there are at most as many modules as rows.
 */
import type { TableRow } from '../../isa/decoder.ts';
import type { LibraryFunction } from '../../isa/library.ts';
import * as at from '../layout.ts';
import { FunctionFrame, LibraryImports, type Library } from '../library.ts';
import { Code } from '../wasm/code.ts';
import { encodeModule, type FunctionImport, type FunctionSpec, type Signature } from '../wasm/module.ts';
import { I32, I64, OP } from '../wasm/opcodes.ts';
import { CalledBuilder } from './builder.ts';
import { codeNumber } from './codes.ts';
import { KnownHandlers, makePiece, type Handling } from './handlers.ts';
import * as local from './locals.ts';
import { explore, mapLeaves, type Tree } from './questions.ts';

/** What a called handler answers besides an exit's code: on to the next instruction, or to the address now in PC. */
export const NEXT = -1;
export const GOTO = -2;
export const CALLED: Signature = { parameters: local.CALLED_PARAMETERS, results: [I32] };

/** In the table a handler's fast function is followed by its careful one. */
export const TABLE_ENTRIES = 2;
/** The table begins with the way into compiled code (`enter` of jit/runtime.ts), which is sometimes replaced. */
export const ENTER_ENTRY = 0;
export const FIRST_ENTRY = 1;
const TRANSLATE: Signature = { parameters: [I64, I32, I32, I32, I32], results: [I32] };
const COMMIT: Signature = { parameters: [], results: [] };
const IMPORTS: readonly FunctionImport[] = [
  { module: 'interpreter', name: 'translate', ...TRANSLATE },
  { module: 'interpreter', name: 'commit', ...COMMIT },
];
const FUNCTIONS = { translate: 0, commit: 1 };

interface CalledRow {
  readonly tree: Tree<Handling>;
  readonly module: WebAssembly.Module;
  readonly calls: readonly LibraryFunction[];
  /** Exports in the order of the table, whose first is `first`; null: the handler does not access memory. */
  readonly exports: readonly (string | null)[];
  readonly first: number;
}

/** A program's called handlers, numbered from `count` on in the order of their first use. */
export class CalledCode {
  readonly #rows = new Map<number, CalledRow>();
  readonly #base: number;
  #next = 0;

  constructor(base: number) {
    this.#base = base;
  }

  row(row: TableRow): CalledRow {
    const known = this.#rows.get(row.index);
    if (known) return known;
    const made = this.#make(row);
    this.#rows.set(row.index, made);
    return made;
  }

  #make(row: TableRow): CalledRow {
    const library = new LibraryImports(IMPORTS.length);
    const first = this.#next;
    const functions: FunctionSpec[] = [];
    const exports: (string | null)[] = [];
    const numbers = new KnownHandlers();
    const add = (code: Code, { locals }: FunctionFrame) => {
      const name = String(functions.length);
      const types = [...local.CALLED_LOCALS, ...locals];
      functions.push({ ...CALLED, locals: types, code, export: name });
      exports.push(name);
    };
    const newFrame = () => new FunctionFrame(local.FREE, library);
    const pieces = explore((ask) => makePiece(row, ask, CalledBuilder, newFrame, FUNCTIONS));
    const tree = mapLeaves(pieces, ({ handler, patches, frames }): Handling => {
      const number = numbers.numberOf(handler, () => {
        const added = this.#base + this.#next++;
        if (added > 0xffff) throw new Error('a record has no room for so many handlers');
        add(fastFunction(handler.fast), frames.fast);
        if (handler.careful) add(carefulFunction(handler.careful), frames.careful);
        else exports.push(null);
        return added;
      });
      return { handler: number, patches };
    });
    const bytes = encodeModule(functions, { imports: [...IMPORTS, ...library.imports()] });
    return { tree, module: new WebAssembly.Module(bytes), calls: library.functions, exports, first };
  }
}

function fastFunction(fragment: Code): Code {
  const code = new Code();
  const stop = code.open(OP.block);
  const exits = (['fp', 'spAlignment', 'slow'] as const).map((exit) => [exit, code.open(OP.block)] as const);
  const goto = code.open(OP.block);
  const next = code.open(OP.block);
  code.append(fragment, { ...Object.fromEntries(exits), stop, goto, indirect: goto, next });
  code.end();
  code.i32(NEXT);
  code.op(OP.return);
  code.end();
  code.i32(0);
  code.get(local.TARGET);
  code.memory(OP.i64Store, at.PC);
  code.i32(GOTO);
  code.op(OP.return);
  for (const [exit] of [...exits].reverse()) {
    code.end();
    code.i32(codeNumber(exit));
    code.op(OP.return);
  }
  code.end();
  code.get(local.CODE);
  return code;
}

/** Answers 1, or 0 with the exit's report written. */
function carefulFunction(fragment: Code): Code {
  const code = new Code();
  const refused = code.open(OP.block);
  const done = code.open(OP.block);
  code.append(fragment, { refused, done });
  code.end();
  code.i32(1);
  code.op(OP.return);
  code.end();
  code.i32(0);
  return code;
}

/** An engine's called handlers: instances with its memory, in the table that its interpreter calls them through. */
export class CalledHandlers {
  readonly #code: CalledCode;
  readonly #library: Library;
  readonly #table: WebAssembly.Table;
  readonly #interpreter: Readonly<Record<string, WebAssembly.Import>>;
  readonly #there = new Set<number>();

  /** `interpreter`: its `translate` and `commit`. */
  constructor(
    code: CalledCode,
    library: Library,
    table: WebAssembly.Table,
    interpreter: Readonly<Record<string, WebAssembly.Import>>,
  ) {
    this.#code = code;
    this.#library = library;
    this.#table = table;
    this.#interpreter = interpreter;
  }

  /** The row's handlers, ready to be called. */
  tree(row: TableRow): Tree<Handling> {
    const called = this.#code.row(row);
    if (!this.#there.has(row.index)) {
      this.#instantiate(called);
      this.#there.add(row.index);
    }
    return called.tree;
  }

  #instantiate({ module, calls, exports, first }: CalledRow): void {
    const imports = { ...this.#library.importsOf(calls), interpreter: { ...this.#interpreter } };
    const instance = new WebAssembly.Instance(module, imports);
    const from = FIRST_ENTRY + first * TABLE_ENTRIES;
    const missing = from + exports.length - this.#table.length;
    if (missing > 0) this.#table.grow(missing);
    exports.forEach((name, index) => {
      if (name !== null) this.#table.set(from + index, instance.exports[name]);
    });
  }
}
