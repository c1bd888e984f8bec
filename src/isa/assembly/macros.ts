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

/** Pieces between commas that stand outside quotes and brackets. Without a comma, blanks separate plain words. */
export function splitArguments(text: string): string[] {
  const pieces: string[] = [];
  let [depth, start] = [0, 0];
  for (const match of text.matchAll(/"(?:\\.|[^"\\])*"?|[()[\]{},]/g)) {
    const [sign] = match;
    if ('([{'.includes(sign)) depth++;
    else if (')]}'.includes(sign)) depth--;
    else if (sign === ',' && depth <= 0) {
      pieces.push(text.slice(start, match.index).trim());
      start = match.index + 1;
    }
  }
  const last = text.slice(start).trim();
  if (pieces.length === 0 && /^[\w.$#\\@=]+(\s+[\w.$#\\@=]+)+$/.test(last)) return last.split(/\s+/);
  return last || pieces.length ? [...pieces, last] : [];
}

/** `name a, b=1, c:req, d:vararg`; a string says what is wrong. */
export function parseMacroHeader(text: string, body: readonly Statement[]): Macro | string {
  const [, name, rest] = /^([A-Za-z_.$][\w.$]*)\s*,?\s*([\s\S]*)$/.exec(text) ?? [];
  if (name === undefined || rest === undefined) return 'expected the macro’s name';
  const parameters: Parameter[] = [];
  for (const piece of rest.split(/[\s,]+(?=[A-Za-z_$])/).filter(Boolean)) {
    const [, parameter, kind, fallback] =
      /^([A-Za-z_$][\w$]*)(?::(req|vararg))?(?:=([\s\S]*))?$/.exec(piece.trim()) ?? [];
    if (parameter === undefined) return `"${piece}" is no parameter: name, name=default, name:req or name:vararg`;
    if (parameters.some((other) => other.name === parameter)) return `parameter "${parameter}" is there twice`;
    parameters.push({
      name: parameter,
      fallback: fallback?.replace(/,$/, '') ?? '',
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
    const [, key, value] = /^([A-Za-z_$][\w$]*)\s*=(?!=)\s*([\s\S]*)$/.exec(given[index]!) ?? [];
    if (key !== undefined && value !== undefined && macro.parameters.some(({ name }) => name === key)) {
      values.set(key, value);
      continue;
    }
    const parameter = macro.parameters[position++];
    if (!parameter) return `macro ${macro.name} takes ${macro.parameters.length} arguments, not ${given.length}`;
    const rest = parameter.rest ? given.slice(index).join(', ') : given[index]!;
    values.set(parameter.name, /^"[^"]*"$/.test(rest) ? rest.slice(1, -1) : rest);
    if (parameter.rest) break;
  }
  for (const { name, fallback, required } of macro.parameters) {
    if (values.get(name)) continue;
    if (required) return `macro ${macro.name} needs its argument "${name}"`;
    values.set(name, fallback);
  }
  return values;
}

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
