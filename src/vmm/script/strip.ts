import { transform } from 'sucrase';
import { parse } from 'sucrase/dist/parser/index.js';
import { TokenType } from 'sucrase/dist/parser/tokenizer/types.js';
import { remembered } from '../remembered.ts';
import { SCRIPT_LIMITS } from './limits.ts';

/** What is wrong with a script, and where: line and column from 1, null where it has no place. */
export interface ScriptProblem {
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
}

export type Stripped =
  { readonly ok: true; readonly code: string } | { readonly ok: false; readonly problem: ScriptProblem };

/** Sources of which is kept what came of them. */
export const REMEMBERED = { most: 16, longest: 1 << 16 };

/** TypeScript without its types: every statement stays on its line. Types are not checked. */
export const stripTypes = remembered((source): Stripped => {
  if (source.length > SCRIPT_LIMITS.source) {
    const message = `the script has ${source.length} characters, the limit is ${SCRIPT_LIMITS.source}`;
    return { ok: false, problem: { message, line: null, column: null } };
  }
  try {
    const { code } = transform(source, { transforms: ['typescript'], disableESTransforms: true });
    return { ok: true, code };
  } catch (error) {
    return { ok: false, problem: problemOf(error) };
  }
}, REMEMBERED);

/** sucrase writes `Error transforming …: Unexpected token (3:5)` and has the place as `loc`. */
function problemOf(error: unknown): ScriptProblem {
  if (error instanceof RangeError) return { message: 'the script is nested too deeply', line: null, column: null };
  const text = error instanceof Error ? error.message : String(error);
  const place = /\((\d+):(\d+)\)\s*$/.exec(text);
  const message = text.replace(/^Error transforming[^:]*: /, '').replace(/\s*\(\d+:\d+\)\s*$/, '');
  return { message, line: place ? Number(place[1]) : null, column: place ? Number(place[2]) : null };
}

/** What the prelude calls the function that a loop calls once a turn. */
export const LOOP_MARK = '__turn';

const OPEN = new Set([TokenType.parenL, TokenType.braceL, TokenType.bracketL, TokenType.dollarBraceL]);
const CLOSE = new Set([TokenType.parenR, TokenType.braceR, TokenType.bracketR]);

/**
 * Puts a call into the head of every `while` and `for (;;)`. QuickJS notes its place at calls only: without one, an endless
 * loop would be reported at the first line of its function. Lines stay; code that does not parse stays as it is.
 */
export const markLoops = remembered((code): string => {
  let tokens;
  try {
    tokens = parse(code, false, false, false).tokens;
  } catch {
    return code;
  }
  const marks: { at: number; text: string }[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.type === TokenType._while) {
      const head = tokens[i + 1];
      if (head?.type === TokenType.parenL) marks.push({ at: head.end, text: `${LOOP_MARK}(), ` });
    } else if (token.type === TokenType._for && tokens[i + 1]?.type === TokenType.parenL) {
      let depth = 0;
      let semicolons = 0;
      for (let j = i + 1; j < tokens.length; j++) {
        const { type, end } = tokens[j]!;
        if (OPEN.has(type)) depth++;
        else if (CLOSE.has(type)) depth--;
        else if (type === TokenType.semi && depth === 1 && ++semicolons === 2) {
          const empty = tokens[j + 1]?.type === TokenType.parenR;
          marks.push({ at: end, text: empty ? ` ${LOOP_MARK}()` : ` ${LOOP_MARK}(), ` });
        }
        if (depth === 0) break;
      }
    }
  }
  marks.sort((a, b) => a.at - b.at);
  let from = 0;
  const parts = marks.flatMap(({ at, text }) => {
    const before = code.slice(from, at);
    from = at;
    return [before, text];
  });
  return parts.join('') + code.slice(from);
}, REMEMBERED);
