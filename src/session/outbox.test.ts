import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from './messages.ts';
import { Outbox } from './outbox.ts';

const print = fc.record({
  stream: fc.constantFrom('console' as const, 'script' as const),
  text: fc.string({ minLength: 1 }),
});

describe('the outbox', () => {
  it('keeps the text of both streams whole, and their order', () => {
    fc.assert(
      fc.property(fc.array(print, { maxLength: 80 }), (prints) => {
        const events: Event[] = [];
        const outbox = new Outbox((event) => events.push(event));
        for (const { stream, text } of prints) outbox.print(stream, text);
        outbox.flush(0);
        const sent = events.flatMap((event) => (event.type === 'output' ? [event] : []));
        const joined = (from: readonly { stream: string; text: string }[]): string[] =>
          from.reduce<string[]>((all, { stream, text }, index) => {
            if (index > 0 && from[index - 1]!.stream === stream) all[all.length - 1] += text;
            else all.push(stream + text);
            return all;
          }, []);
        expect(joined(sent)).toEqual(joined(prints));
      }),
    );
  });

  it('says what it left out, and sends no more than fits', () => {
    const events: Event[] = [];
    const outbox = new Outbox((event) => events.push(event));
    for (let n = 0; n < 200_000; n++) outbox.print(n % 2 ? 'console' : 'script', `${n}\n`);
    outbox.flush(0);
    const texts = events.flatMap((event) => (event.type === 'output' ? [event.text] : []));
    expect(texts.length).toBeLessThan(200);
    expect(texts.join('').length).toBeLessThan(70_000);
    expect(texts.join('')).toContain('characters left out');
    expect(texts.join('')).toContain('199999');
  });

  it('leaves on time', () => {
    const events: Event[] = [];
    const outbox = new Outbox((event) => events.push(event));
    outbox.tick(1000);
    outbox.print('console', 'a');
    outbox.tick(1010);
    expect(events).toEqual([]);
    outbox.tick(1060);
    expect(events).toEqual([{ type: 'output', stream: 'console', text: 'a' }]);
  });

  it('sends nothing of what waited once it was cleared', () => {
    const events: Event[] = [];
    const outbox = new Outbox((event) => events.push(event));
    outbox.print('script', 'of a run that is over');
    outbox.clear();
    outbox.flush(0);
    expect(events).toEqual([]);
  });
});
