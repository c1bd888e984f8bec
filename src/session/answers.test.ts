import { describe, expect, it } from 'vitest';
import { Answers } from './answers.ts';
import type { Event, View } from './messages.ts';

const nothing = (why: string): View => ({ view: 'nothing', why });
const answer = (why: string): Event => ({ type: 'view', id: 'a', view: nothing(why) });
const change = (now: string) => ({ type: 'viewChange', id: 'a', difference: { parts: [['why', { now }]] } });

describe('what is sent of an answer', () => {
  it('is all of the first one, then what is new, and nothing where nothing is', () => {
    const answers = new Answers();
    expect(answers.sent(answer('x'))).toEqual(answer('x'));
    expect(answers.sent(answer('y'))).toEqual(change('y'));
    expect(answers.sent(answer('y'))).toBeNull();
  });

  it('is what is new, too, where a watch asks something else', () => {
    const answers = new Answers();
    answers.sent(answer('x'));
    answers.received({ type: 'watch', id: 'a', query: { view: 'calculator' } });
    expect(answers.sent(answer('y'))).toEqual(change('y'));
  });

  it('is all of it again once the watch had ended, which others do not end', () => {
    const answers = new Answers();
    answers.sent(answer('x'));
    answers.received({ type: 'unwatch', id: 'b' });
    expect(answers.sent(answer('x'))).toBeNull();
    answers.received({ type: 'unwatch', id: 'a' });
    expect(answers.sent(answer('x'))).toEqual(answer('x'));
  });

  it('is no matter of what is no message', () => {
    const answers = new Answers();
    for (const message of [null, 5, 'unwatch', {}, { id: 'a' }, { type: 'unwatch' }]) answers.received(message);
    expect(answers.sent(answer('x'))).toEqual(answer('x'));
  });
});
