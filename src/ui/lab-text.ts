import { prose } from './prose.ts';

/** A stretch of a lab's text: plain, `code`, or the **name** of a view or a command. */
export interface Span {
  readonly kind: 'text' | 'code' | 'name';
  readonly text: string;
}

export type Block =
  | { readonly kind: 'paragraph'; readonly spans: readonly Span[] }
  | { readonly kind: 'steps'; readonly steps: readonly (readonly Span[])[] };

const SPAN = /`([^`]+)`|\*\*([^*]+)\*\*/g;

export function spansOf(text: string): readonly Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (const match of text.matchAll(SPAN)) {
    if (match.index > from) spans.push({ kind: 'text', text: prose(text.slice(from, match.index)) });
    const [whole, code, name] = match;
    spans.push(code === undefined ? { kind: 'name', text: name ?? '' } : { kind: 'code', text: code });
    from = match.index + whole.length;
  }
  if (from < text.length) spans.push({ kind: 'text', text: prose(text.slice(from)) });
  return spans;
}

/** The part of Markdown that labs are written in: paragraphs and numbered steps, whose further lines are indented. */
export function parseLabText(text: string): readonly Block[] {
  const blocks: Block[] = [];
  for (const piece of text.trim().split(/\n\s*\n/)) {
    const steps = piece.split(/\n(?=\d+\. )/);
    const isSteps = steps.every((step) => /^\d+\. /.test(step));
    const line = (part: string) => spansOf(part.replace(/^\d+\. /, '').replace(/\s*\n\s*/g, ' '));
    if (isSteps) blocks.push({ kind: 'steps', steps: steps.map(line) });
    else blocks.push({ kind: 'paragraph', spans: spansOf(piece.replace(/\s*\n\s*/g, ' ')) });
  }
  return blocks;
}
