/** Source text to statements: comments off, statements apart, each with its place. */

export interface Statement {
  readonly text: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** It stands behind a `;`. */
  readonly continues: boolean;
  /** Set inside a macro: the call that errors and the line table point to. */
  readonly call: MacroCall | null;
}

export interface MacroCall {
  readonly macro: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
}

/**
 * Blanks out `//`, `/* *\/` and lines that start with `#`, columns unchanged; a quoted text is left alone. The characters of
 * quoted text and the `;` outside it are told apart by `splits`, the offsets of those `;`.
 */
function withoutComments(source: string): { readonly text: string; readonly splits: ReadonlySet<number> } {
  const pieces: string[] = [];
  const splits = new Set<number>();
  const token =
    /\/\*[\s\S]*?(?:\*\/|$(?![\s\S]))|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"?|'(?:\\[^\n]|[^\\\n])'?|\n[ \t]*#[^\n]*|[\s\S]/g;
  for (const [piece] of `\n${source}`.matchAll(token)) {
    const comment = piece.startsWith('/*') || piece.startsWith('//') || /^\n[ \t]*#/.test(piece);
    pieces.push(comment ? piece.replace(/[^\n]/g, ' ') : piece);
  }
  let offset = 0;
  for (const piece of pieces) {
    if (piece === ';') splits.add(offset - 1);
    offset += piece.length;
  }
  return { text: pieces.join('').slice(1), splits };
}

/** `;` separates statements as in GNU as for this architecture. Empty ones are left out. */
export function statements(source: string): Statement[] {
  const { text, splits } = withoutComments(source.replace(/\r\n?/g, '\n'));
  const result: Statement[] = [];
  let [line, lineStart, start] = [1, 0, 0];
  for (let at = 0; at <= text.length; at++) {
    const character = text[at];
    if (at < text.length && character !== '\n' && !(character === ';' && splits.has(at))) continue;
    const piece = text.slice(start, at);
    const indent = piece.length - piece.trimStart().length;
    const trimmed = piece.trim();
    if (trimmed)
      result.push({
        text: trimmed,
        line,
        column: start + indent - lineStart + 1,
        continues: start > lineStart,
        call: null,
      });
    start = at + 1;
    if (character === '\n') {
      line++;
      lineStart = at + 1;
    }
  }
  return result;
}

const LABEL = /^([A-Za-z_.$][\w.$]*|\d+)\s*:(?!:)\s*/;

export interface Label {
  readonly name: string;
  readonly column: number;
}

export interface Parsed {
  readonly labels: readonly Label[];
  /** Mnemonic or directive in lower case; '' where there are only labels. */
  readonly name: string;
  /** As it was written: macro names keep their case. */
  readonly written: string;
  readonly column: number;
  readonly operands: string;
  readonly operandColumn: number;
}

export function parseStatement({ text, column }: Statement): Parsed {
  const labels: Label[] = [];
  let [rest, at] = [text, column];
  const skip = (length: number) => {
    rest = rest.slice(length);
    at += length;
  };
  for (let label = LABEL.exec(rest); label; label = LABEL.exec(rest)) {
    labels.push({ name: label[1]!, column: at });
    skip(label[0].length);
  }
  const written = /^[A-Za-z_.$][\w.$]*/.exec(rest)?.[0] ?? '';
  const nameColumn = at;
  skip(written.length);
  skip(rest.length - rest.trimStart().length);
  return { labels, name: written.toLowerCase(), written, column: nameColumn, operands: rest, operandColumn: at };
}
