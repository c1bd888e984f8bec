/**
 * How rows are written: a template is the mnemonic, then operands as the manual writes them. `<name>` is a leaf, which prints
 * fields and parses them; `{…}` may be left out; all else stands for itself. Disassembler and assembler read the same templates.
 */
import { OperandReader, type Environment, type Mismatch } from './assembly/reader.ts';
import type { Token } from './assembly/tokens.ts';
import type { Decoded, InstructionTable, TableRow } from './decoder.ts';
import { insertFields, type Fields } from './row.ts';

export interface PrintContext {
  readonly address: bigint;
  /** Set by a leaf: printed behind the operands as `// comment`. */
  comment: string | null;
}

/** Fields as far as the operands to the left have set them. */
export type PartialFields<Name extends string> = { [field in Name]?: number };

export interface Leaf<Name extends string> {
  print(fields: Fields<Name>, context: PrintContext): string;
  /** Reads the operand and sets its fields, or says why not. */
  parse(reader: OperandReader, fields: PartialFields<Name>): Mismatch | null;
  /** In `{…}`: with these values nothing is printed. */
  omit?(fields: Fields<Name>): boolean;
  /** In `{…}`: fields of what isn't written, where they aren't 0. */
  readonly absent?: PartialFields<Name>;
}

/** One spelling of a mnemonic that depends on fields; words behind a blank are its first operands. */
export interface Spelling<Name extends string> {
  readonly text: string;
  readonly fields: PartialFields<Name>;
}

export interface Syntax<Name extends string> {
  /** Throws for a name that no leaf has: a template is source code. */
  leaf(name: string): Leaf<Name>;
  spellings(name: string): readonly Spelling<Name>[];
}

type Element<Name extends string> =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'leaf'; readonly leaf: Leaf<Name> }
  | { readonly kind: 'optional'; readonly elements: readonly Element<Name>[] };

interface Form<Name extends string> {
  readonly entry: TableRow<Name>;
  readonly spellings: readonly Spelling<Name>[];
  readonly elements: readonly Element<Name>[];
  readonly fixed: PartialFields<Name>;
  readonly when: (fields: Fields<Name>) => boolean;
  readonly printed: boolean;
}

function parseElements<Name extends string>(template: string, syntax: Syntax<Name>): Element<Name>[] {
  return [...template.matchAll(/<([^>]+)>|\{([^}]*)\}|[[\],!]|\w+/g)].map(([text, leaf, optional]) => {
    if (leaf !== undefined) return { kind: 'leaf', leaf: syntax.leaf(leaf) };
    if (optional !== undefined) return { kind: 'optional', elements: parseElements(optional, syntax) };
    return { kind: 'text', text };
  });
}

function parseTemplate<Name extends string>(template: string, syntax: Syntax<Name>) {
  const [all, before, spelled, after] = /^([\w.]*)(?:<([^>]+)>)?(\w*)/.exec(template)!;
  const spellings = (spelled === undefined ? [{ text: '', fields: {} }] : syntax.spellings(spelled)).map((s) => ({
    ...s,
    text: before! + s.text + after!,
  }));
  return { spellings, elements: parseElements(template.slice(all.length), syntax) };
}

function formsOf<Name extends string>(entry: TableRow<Name>, syntax: Syntax<Name>): Form<Name>[] {
  const { row } = entry;
  const aliases = row.aliases ?? [];
  const base = { template: row.syntax, fixed: {}, when: () => true, printed: true };
  return [...aliases, base].map(({ template, fixed, when, printed }) => ({
    entry,
    ...parseTemplate(template, syntax),
    fixed,
    when,
    printed,
  }));
}

function agrees<Name extends string>(fields: Fields<Name>, wanted: PartialFields<Name>): boolean {
  for (const name in wanted) if (fields[name] !== wanted[name]) return false;
  return true;
}

function print<Name extends string>(elements: readonly Element<Name>[], f: Fields<Name>, c: PrintContext): string {
  let text = '';
  for (const element of elements) {
    if (element.kind === 'text') text += element.text === ',' ? ', ' : element.text;
    else if (element.kind === 'leaf') text += element.leaf.print(f, c);
    else if (!element.elements.every((e) => e.kind !== 'leaf' || e.leaf.omit?.(f)))
      text += print(element.elements, f, c);
  }
  return text;
}

export interface Disassembler<Name extends string> {
  /** Mnemonic, tab, operands, and a tab and `// …` where binutils has a comment. */
  print(decoded: Decoded<Name>, address: bigint): string;
}

export function disassembler<Name extends string>(
  table: InstructionTable<Name>,
  syntax: Syntax<Name>,
): Disassembler<Name> {
  const forms = table.rows.map((entry) => formsOf(entry, syntax).filter((form) => form.printed));
  return {
    print({ index, fields }, address) {
      for (const { fixed, when, spellings, elements } of forms[index]!) {
        if (!agrees(fields, fixed) || !when(fields)) continue;
        const spelling = spellings.find((s) => agrees(fields, s.fields));
        if (!spelling) continue;
        const context: PrintContext = { address, comment: null };
        const operands = print(elements, fields, context);
        const [mnemonic, ...words] = spelling.text.split(' ');
        const rest = words.join(' ') + operands;
        return `${mnemonic}${rest && '\t'}${rest}${context.comment === null ? '' : `\t// ${context.comment}`}`;
      }
      throw new Error(`${forms[index]![0]!.entry.row.name} has no form without a condition`);
    },
  };
}

interface Candidate<Name extends string> {
  readonly form: Form<Name>;
  readonly words: readonly string[];
  readonly fields: PartialFields<Name>;
}

export interface Encoder {
  readonly mnemonics: ReadonlySet<string>;
  /** The word of an instruction; `tokens` are its operands. Of several mismatches the best is told. */
  encode(mnemonic: string, tokens: readonly Token[], environment: Environment): number | Mismatch;
}

export function encoder<Name extends string>(table: InstructionTable<Name>, syntax: Syntax<Name>): Encoder {
  const candidates = new Map<string, Candidate<Name>[]>();
  for (const entry of table.rows) {
    for (const form of formsOf(entry, syntax)) {
      for (const { text, fields } of form.spellings) {
        const [mnemonic, ...words] = text.split(' ');
        const list = candidates.get(mnemonic!);
        const candidate = { form, words, fields: { ...form.fixed, ...fields } };
        if (list) list.push(candidate);
        else candidates.set(mnemonic!, [candidate]);
      }
    }
  }

  return {
    mnemonics: new Set(candidates.keys()),
    encode(mnemonic, tokens, environment) {
      let best: Mismatch | null = null;
      for (const candidate of candidates.get(mnemonic) ?? []) {
        const reader = new OperandReader(tokens, environment);
        const result = encodeAs(candidate, reader);
        if (typeof result === 'number') return result;
        best = reader.better(best, result);
      }
      return best ?? new OperandReader(tokens, environment).mismatch(`unknown mnemonic "${mnemonic}"`, 0);
    },
  };
}

function encodeAs<Name extends string>({ form, words, fields }: Candidate<Name>, reader: OperandReader) {
  for (const word of words) if (!reader.take(word)) return reader.expected(`"${word}"`);
  const set: PartialFields<Name> = { ...fields };
  const trouble = { furthest: null as Mismatch | null };
  const mismatch = match(form.elements, reader, set, trouble);
  if (mismatch) return reader.better(trouble.furthest, mismatch);
  if (!reader.atEnd) {
    return reader.better(trouble.furthest, reader.expected('the end of the line'));
  }
  const { row, diagram } = form.entry;
  const complete = complement(diagram.fields, set);
  if ((row.valid && !row.valid(complete)) || !form.when(complete)) {
    return reader.mismatch(`these operands have no encoding as ${row.name}`, 0);
  }
  return insertFields(diagram, complete);
}

function complement<Name extends string>(specs: readonly { readonly name: string }[], set: PartialFields<Name>) {
  const complete: Record<string, number> = {};
  for (const { name } of specs) complete[name] = 0;
  const fields: Fields<Name> = Object.assign(complete, set);
  return fields;
}

function match<Name extends string>(
  elements: readonly Element<Name>[],
  reader: OperandReader,
  fields: PartialFields<Name>,
  trouble: { furthest: Mismatch | null },
): Mismatch | null {
  for (const element of elements) {
    if (element.kind === 'text') {
      if (!reader.take(element.text)) return reader.expected(`"${element.text}"`);
    } else if (element.kind === 'leaf') {
      const mismatch = element.leaf.parse(reader, fields);
      if (mismatch) return mismatch;
    } else {
      const start = reader.position;
      const mismatch = match(element.elements, reader, fields, trouble);
      if (!mismatch) continue;
      trouble.furthest = reader.better(trouble.furthest, mismatch);
      reader.position = start;
      for (const inner of element.elements) if (inner.kind === 'leaf') Object.assign(fields, inner.leaf.absent);
    }
  }
  return null;
}
