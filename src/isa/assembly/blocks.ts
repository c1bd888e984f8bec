/** What stands between an opening and a closing statement: kept for later, repeated, or run under a condition. */
import { expand, parseMacroHeader, splitArguments } from './macros.ts';
import type { Pass } from './pass.ts';
import { isMismatch, OperandReader } from './reader.ts';
import { parseStatement, type Parsed, type Statement } from './source.ts';
import { tokenize } from './tokens.ts';

interface Block {
  readonly close: string;
  readonly run: (pass: Pass, opening: Opening, body: readonly Statement[], depth: number) => void;
}

interface Opening {
  readonly statement: Statement;
  readonly parsed: Parsed;
}

const readerOf = (pass: Pass, { operands, operandColumn }: Parsed) =>
  new OperandReader(tokenize(operands, operandColumn), pass);

const defineMacro: Block['run'] = (pass, { statement, parsed }, body) => {
  const macro = parseMacroHeader(parsed.operands, body);
  if (typeof macro === 'string') pass.failStatement(statement, macro);
  else if (pass.macros.has(macro.name.toLowerCase())) {
    pass.failStatement(statement, `macro "${macro.name}" is already defined`);
  } else pass.macros.set(macro.name.toLowerCase(), macro);
};

const repeat: Block['run'] = (pass, { statement, parsed }, body, depth) => {
  const reader = readerOf(pass, parsed);
  const count = reader.expression();
  if (isMismatch(count)) pass.failMismatch(statement, count);
  else if (count < 0n) pass.failMismatch(statement, reader.mismatch('a negative count', 0));
  else if (body.length > 0) for (let i = 0n; i < count; i++) if (!pass.runBody(body, depth)) return;
};

/** `.irp name, values` and, of the characters of one value, `.irpc`. */
const repeatFor =
  (valuesOf: (operands: string) => readonly string[]): Block['run'] =>
  (pass, { statement, parsed }, body, depth) => {
    const [, name, rest] = /^([A-Za-z_$][\w$]*)\s*,?\s*([\s\S]*)$/.exec(parsed.operands) ?? [];
    if (name === undefined || rest === undefined) {
      pass.failStatement(statement, `${parsed.name} needs a name and values`);
      return;
    }
    for (const value of valuesOf(rest)) {
      if (!pass.runExpanded(statement, expand(body, new Map([[name, value]]), pass.expansions, null), depth)) return;
    }
  };
const argumentsIn = (operands: string) => splitArguments(operands).map(({ text }) => text);
const charactersIn = (operands: string) => [...operands.replace(/^"(.*)"$/, '$1').replace(/\s/g, '')];

export const BLOCKS: ReadonlyMap<string, Block> = new Map<string, Block>([
  ['.macro', { close: '.endm', run: defineMacro }],
  ...['.rept', '.rep'].map((name) => [name, { close: '.endr', run: repeat }] as const),
  ['.irp', { close: '.endr', run: repeatFor(argumentsIn) }],
  ['.irpc', { close: '.endr', run: repeatFor(charactersIn) }],
]);

/** Gives the index of the statement that closes the block. */
export function runBlock(
  pass: Pass,
  block: Block,
  all: readonly Statement[],
  index: number,
  parsed: Parsed,
  depth: number,
): number {
  const { close } = block;
  const statement = all[index]!;
  const end = closing(all, index, (name) => BLOCKS.get(name)?.close === close, close);
  if (end < 0) {
    pass.failStatement(statement, `${parsed.name} without ${close}`);
    pass.stop();
    return all.length;
  }
  block.run(pass, { statement, parsed }, all.slice(index + 1, end), depth);
  return end;
}

type Condition = (pass: Pass, opening: Opening) => boolean;

const compare =
  (holds: (value: bigint) => boolean): Condition =>
  (pass, { statement, parsed }) => {
    const value = readerOf(pass, parsed).expression();
    if (!isMismatch(value)) return holds(value);
    pass.failMismatch(statement, value);
    return false;
  };
const isTrue = compare((value) => value !== 0n);

const defined =
  (wanted: boolean): Condition =>
  (pass, { parsed }) =>
    pass.isDefined(parsed.operands) === wanted;
const blank =
  (wanted: boolean): Condition =>
  (_pass, { parsed }) =>
    (parsed.operands === '') === wanted;

type Texts = readonly [string, string];

const unquoted = (text: string) => /^'((?:[^']|'')*)'$/.exec(text)?.[1] ?? text;
/** Two texts: in single quotes, or the first up to a comma and the second up to the end. */
function plainTexts(operands: string): Texts | null {
  const quoted = /^'(?:[^']|'')*'/.exec(operands)?.[0].length ?? 0;
  const comma = operands.indexOf(',', quoted);
  return comma < 0 ? null : [unquoted(operands.slice(0, comma).trimEnd()), unquoted(operands.slice(comma + 1).trim())];
}

/** Two texts in double quotes. */
function quotedTexts(operands: string): Texts | null {
  const [, first, second] = /^"((?:\\.|[^"\\])*)"\s*,\s*"((?:\\.|[^"\\])*)"$/s.exec(operands) ?? [];
  return first === undefined || second === undefined ? null : [first, second];
}

const same =
  (textsOf: (operands: string) => Texts | null, wanted: boolean): Condition =>
  (pass, { statement, parsed }) => {
    const texts = textsOf(parsed.operands);
    if (texts) return (texts[0] === texts[1]) === wanted;
    pass.failStatement(statement, `${parsed.name} needs two texts with a comma between them`);
    return false;
  };

const CONDITIONS: ReadonlyMap<string, Condition> = new Map([
  ['.if', isTrue],
  ['.ifne', isTrue],
  ['.ifeq', compare((value) => value === 0n)],
  ['.iflt', compare((value) => value < 0n)],
  ['.ifle', compare((value) => value <= 0n)],
  ['.ifgt', compare((value) => value > 0n)],
  ['.ifge', compare((value) => value >= 0n)],
  ['.ifdef', defined(true)],
  ['.ifndef', defined(false)],
  ['.ifnotdef', defined(false)],
  ['.ifb', blank(true)],
  ['.ifnb', blank(false)],
  ['.ifc', same(plainTexts, true)],
  ['.ifnc', same(plainTexts, false)],
  ['.ifeqs', same(quotedTexts, true)],
  ['.ifnes', same(quotedTexts, false)],
]);

export const isCondition = (name: string) => CONDITIONS.has(name);
/** Names that open a block of any kind. */
export const OPENINGS: readonly string[] = [...BLOCKS.keys(), ...CONDITIONS.keys()];

/** `.if` … `.endif`: gives the index of its `.endif`. */
export function runConditional(pass: Pass, all: readonly Statement[], index: number, depth: number): number {
  const end = closing(all, index, isCondition, '.endif');
  if (end < 0) {
    pass.failStatement(all[index]!, `${parseStatement(all[index]!).name} without .endif`);
    pass.stop();
    return all.length;
  }
  let start = index;
  while (start < end) {
    const statement = all[start]!;
    const parsed = parseStatement(statement);
    const next = closing(all, start, isCondition, '.endif', ['.else', '.elseif']);
    const holds = parsed.name === '.else' || (CONDITIONS.get(parsed.name) ?? isTrue)(pass, { statement, parsed });
    if (holds) {
      pass.run(all.slice(start + 1, next), depth + 1);
      break;
    }
    start = next;
  }
  return end;
}

/** The statement that closes the block opened at `index`, or one of `stops` on its own level; -1 where there is none. */
function closing(
  all: readonly Statement[],
  index: number,
  opens: (name: string) => boolean,
  close: string,
  stops: readonly string[] = [],
): number {
  let level = 0;
  for (let at = index + 1; at < all.length; at++) {
    const { name } = parseStatement(all[at]!);
    if (opens(name)) level++;
    else if (level === 0 && (name === close || stops.includes(name))) return at;
    else if (name === close) level--;
  }
  return -1;
}
