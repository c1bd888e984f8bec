export type TokenKind = 'mnemonic' | 'register' | 'immediate' | 'symbol' | 'comment' | 'other';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const OPERANDS =
  /(?<comment>\/\/.*|;.*)|(?<symbol><[^>]*>)|(?<immediate>#?-?(?:0x[0-9a-f]+|\b[0-9]+(?:\.[0-9]+)?)\b)|(?<register>\b(?:[wx](?:[12]?[0-9]|30|zr)|w?sp|[bhsdqv](?:[12]?[0-9]|3[01])(?:\.\d*[bhsdq])?|lr|pc|fp)\b)|(?<name>[a-z_][a-z0-9_.]*)/gi;

/** A line without what binutils puts before a comment to align it: in a narrow view that would be all one sees. */
export const closeUp = (text: string): string => text.replace(/\s{2,}(?=\/\/)/, '  ');

/** Splits a line of binutils' syntax into the pieces that are coloured; joined they are the line again. */
export function tokens(text: string): Token[] {
  const mnemonic = /^\S*/.exec(text)![0];
  const result: Token[] = [{ kind: 'mnemonic', text: mnemonic }];
  const rest = text.slice(mnemonic.length);
  let at = 0;
  for (const match of rest.matchAll(OPERANDS)) {
    if (match.index > at) result.push({ kind: 'other', text: rest.slice(at, match.index) });
    const groups = match.groups ?? {};
    const kind = (['comment', 'symbol', 'immediate', 'register'] as const).find((name) => groups[name] !== undefined);
    result.push({ kind: kind ?? 'other', text: match[0] });
    at = match.index + match[0].length;
  }
  if (at < rest.length) result.push({ kind: 'other', text: rest.slice(at) });
  return result;
}
