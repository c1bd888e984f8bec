import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SentEvent, View } from '../session/messages.ts';
import { drawWaiting, forgetIncoming, takeIn } from './incoming.ts';
import { INITIAL_STATE, sandboxStore } from './store.ts';

const view: View = { view: 'nothing', why: 'there is no VM' };
const answer: SentEvent = { type: 'view', id: 'a', view };
const output = (text: string): SentEvent => ({ type: 'output', stream: 'script', text });
const drawn = () => ({ views: Object.keys(sandboxStore.getState().views), text: sandboxStore.getState().script.text });

describe('what the worker says', () => {
  const frames: FrameRequestCallback[] = [];
  const nextFrame = () => frames.splice(0).forEach((draw) => draw(0));
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('requestAnimationFrame', (draw: FrameRequestCallback) => frames.push(draw));
    vi.stubGlobal('cancelAnimationFrame', () => frames.splice(0));
    sandboxStore.setState(INITIAL_STATE);
  });
  afterEach(() => {
    forgetIncoming();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('is drawn with the next frame, all that came as one', () => {
    takeIn(output('a'));
    takeIn(output('b'));
    expect(drawn().text).toBe('');
    nextFrame();
    expect(drawn().text).toBe('ab');
    expect(frames).toEqual([]);
  });

  it('is drawn in two frames where views are among it, views first', () => {
    takeIn(output('a'));
    takeIn(answer);
    nextFrame();
    expect(drawn()).toEqual({ views: ['a'], text: '' });
    nextFrame();
    expect(drawn()).toEqual({ views: ['a'], text: 'a' });
  });

  it('takes turns where both come with every frame', () => {
    const texts = ['a', 'b', 'c', 'd', 'e'].map((text) => {
      takeIn(output(text));
      takeIn(answer);
      nextFrame();
      return drawn().text;
    });
    expect(texts).toEqual(['', 'ab', 'ab', 'abcd', 'abcd']);
  });

  it('is drawn after a while where there are no frames', () => {
    takeIn(output('a'));
    takeIn(answer);
    vi.advanceTimersByTime(100);
    expect(drawn()).toEqual({ views: ['a'], text: 'a' });
  });

  it('is drawn at once where that is asked for, and not again', () => {
    takeIn(output('a'));
    takeIn(answer);
    drawWaiting();
    expect(drawn()).toEqual({ views: ['a'], text: 'a' });
    nextFrame();
    vi.advanceTimersByTime(100);
    expect(drawn().text).toBe('a');
  });
});
