import { expect, it } from 'vitest';
import { LABS } from '../labs/index.ts';
import { parseLabText, spansOf } from './lab-text.ts';

it('tells code and names from plain text', () => {
  expect(spansOf('Press **Run**, then see `x0`.')).toEqual([
    { kind: 'text', text: 'Press ' },
    { kind: 'name', text: 'Run' },
    { kind: 'text', text: ', then see ' },
    { kind: 'code', text: 'x0' },
    { kind: 'text', text: '.' },
  ]);
});

it('joins the lines of paragraphs and steps', () => {
  expect(parseLabText('One\ntwo.\n\n1. First\n   line.\n2. Second.\n\nEnd: 1. no step\n')).toEqual([
    { kind: 'paragraph', spans: [{ kind: 'text', text: 'One two.' }] },
    { kind: 'steps', steps: [[{ kind: 'text', text: 'First line.' }], [{ kind: 'text', text: 'Second.' }]] },
    { kind: 'paragraph', spans: [{ kind: 'text', text: 'End: 1. no step' }] },
  ]);
});

it.each(LABS.map((lab) => [lab.name, lab] as const))('reads the text of %s as an introduction and steps', (_, lab) => {
  const blocks = parseLabText(lab.text);
  expect(blocks[0]?.kind).toBe('paragraph');
  expect(blocks.some((block) => block.kind === 'steps' && block.steps.length >= 3)).toBe(true);
});
