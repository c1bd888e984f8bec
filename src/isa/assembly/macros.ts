/** `.macro`: parameters, arguments, substitution. */
import type { MacroCall, Statement } from './source.ts';

interface Parameter {
  readonly name: string;
  readonly fallback: string;
  readonly required: boolean;
  readonly rest: boolean;
}

export interface Macro {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

/** What separates: a comma, brackets or not; or blanks outside brackets, between two words or beside a quoted text. */
const SEPARATORS = /"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])'?|[()[\]]|(?<blanks>\s+)|,/g;
const isOfWord = (character: string | undefined) => character !== undefined && /[\w.$"]/.test(character);

export interface Argument {
  readonly text: string;
  /** Where it begins in what was split. */
  readonly start: number;
}

/** A macro's arguments as GNU as tells them apart, which takes blanks beside operators away first: `x0 - 4` is one. */
export function splitArguments(operands: string): Argument[] {
  const text = operands.trimEnd();
  const pieces: Argument[] = [];
  let [depth, start] = [0, 0];
  const end = (at: number) => pieces.push({ text: text.slice(start, at).trim(), start });
  for (const { 0: sign, index, groups } of text.matchAll(SEPARATORS)) {
    const behind = index + sign.length;
    if (sign === '(' || sign === '[') depth++;
    else if (sign === ')' || sign === ']') depth--;
    else if (sign === ',') {
      end(index);
      start = behind;
    } else if (groups?.['blanks'] !== undefined && depth <= 0) {
      if (!isOfWord(text[index - 1]) || !isOfWord(text[behind])) continue;
      end(index);
      start = behind;
    }
  }
  if (start < text.length) end(text.length);
  return pieces;
}

/** With what separates it from the next. A default ends at a comma or a blank outside quotes. */
const PARAMETER =
  /(?<name>[A-Za-z_$][\w$]*)(?:\s*:\s*(?<kind>req|vararg))?(?:\s*=\s*(?<fallback>(?:"(?:\\.|[^"\\])*"|[^\s,"])*))?(?:\s*,\s*|\s+|$)/y;

/** `name a, b=1, c:req, d:vararg`; a string says what is wrong. */
export function parseMacroHeader(text: string, body: readonly Statement[]): Macro | string {
  const [, name, rest] = /^([A-Za-z_.$][\w.$]*)\s*,?\s*([\s\S]*)$/.exec(text) ?? [];
  if (name === undefined || rest === undefined) return 'expected the macro’s name';
  const parameters: Parameter[] = [];
  PARAMETER.lastIndex = 0;
  for (let at = 0; at < rest.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at;
    const { name: parameter, kind, fallback = '' } = PARAMETER.exec(rest)?.groups ?? {};
    if (parameter === undefined)
      return `"${rest.slice(at)}" is no parameter: name, name=default, name:req or name:vararg`;
    if (parameters.some((other) => other.name === parameter)) return `parameter "${parameter}" is there twice`;
    parameters.push({
      name: parameter,
      fallback: unquoted(fallback),
      required: kind === 'req',
      rest: kind === 'vararg',
    });
  }
  return { name, parameters, body };
}

/** Values by parameter; a string says what is wrong with the call. */
export function bindArguments(macro: Macro, text: string): Map<string, string> | string {
  const given = splitArguments(text);
  const values = new Map<string, string>();
  let position = 0;
  for (let index = 0; index < given.length; index++) {
    const [, key, value] = /^([A-Za-z_$][\w$]*)\s*=(?!=)\s*([\s\S]*)$/.exec(given[index]!.text) ?? [];
    if (key !== undefined && value !== undefined && macro.parameters.some(({ name }) => name === key)) {
      values.set(key, unquoted(value));
      continue;
    }
    const parameter = macro.parameters[position++];
    if (!parameter) return `macro ${macro.name} takes ${macro.parameters.length} arguments, not ${given.length}`;
    const { text: argument, start } = given[index]!;
    values.set(parameter.name, parameter.rest ? text.slice(start).trim() : unquoted(argument));
    if (parameter.rest) break;
  }
  for (const { name, fallback, required } of macro.parameters) {
    if (values.get(name)) continue;
    if (required) return `macro ${macro.name} needs its argument "${name}"`;
    values.set(name, fallback);
  }
  return values;
}

const unquoted = (argument: string) => (/^"[^"]*"$/.test(argument) ? argument.slice(1, -1) : argument);

/** Characters that one expansion may have, so that arguments which double themselves can't use up memory. */
const MAX_EXPANSION = 1 << 20;

/** Puts `\name`, `\@` (the number of the expansion) and `\()` (nothing) in; null: too long. */
export function expand(
  body: readonly Statement[],
  values: ReadonlyMap<string, string>,
  expansion: number,
  call: MacroCall | null,
): Statement[] | null {
  let left = MAX_EXPANSION;
  const replace = (all: string, nothing: string | undefined, number: string | undefined, name: string | undefined) => {
    if (nothing !== undefined) return '';
    const value = number === undefined ? (name !== undefined && values.get(name)) || '' : String(expansion);
    const text = name !== undefined && !values.has(name) ? all : value;
    left -= text.length;
    return left > 0 ? text : '';
  };
  const statements: Statement[] = [];
  for (const statement of body) {
    left -= statement.text.length;
    const text = statement.text.replace(/\\(?:(\(\))|(@)|([A-Za-z_$][\w$]*))/g, replace).trim();
    if (left <= 0) return null;
    if (text) statements.push({ ...statement, text, call: call ?? statement.call });
  }
  return statements;
}
