import { describe, expect, it } from 'vitest';
import type { Event, IoctlEntry } from '../session/messages.ts';
import { INITIAL_STATE, IOCTLS_KEPT, OUTPUT_KEPT, mergeIoctls, missingIoctls, reduce } from './store.ts';
import type { SandboxState } from './store.ts';

function after(events: readonly Event[], from: SandboxState = INITIAL_STATE): SandboxState {
  return events.reduce((state, event) => ({ ...state, ...reduce(state, event) }), from);
}

function entry(seq: number, ret: number | null = null): IoctlEntry {
  return {
    seq,
    fd: 3,
    fdKind: 'system',
    name: 'KVM_GET_API_VERSION',
    request: 0xae00,
    arg: 0n,
    argText: '0',
    argStruct: null,
    result: ret === null ? null : { ret, errno: null, explanation: null, outStruct: null, exitText: null },
    scriptLine: 1,
    instructions: 0n,
  };
}

describe('the ioctl log', () => {
  it('replaces a call in progress by its answer', () => {
    const state = after([
      { type: 'ioctls', entries: [entry(1, 12), entry(2)] },
      { type: 'ioctls', entries: [entry(2, 0), entry(3)] },
    ]);
    expect(state.ioctls.map((call) => [call.seq, call.result?.ret])).toEqual([
      [1, 12],
      [2, 0],
      [3, undefined],
    ]);
  });

  it('is sorted whatever the order of arrival', () => {
    expect(mergeIoctls([entry(5)], [entry(4), entry(6), entry(1)]).map((call) => call.seq)).toEqual([1, 4, 5, 6]);
  });

  it('is bounded and says how many calls it has not got, also of those that the worker left out', () => {
    const entries = Array.from({ length: IOCTLS_KEPT + 7 }, (_, index) => entry(index + 1));
    const state = after([{ type: 'ioctls', entries }]);
    expect(state.ioctls).toHaveLength(IOCTLS_KEPT);
    expect(state.ioctls[0]!.seq).toBe(8);
    expect(missingIoctls(state)).toBe(7);
    expect(missingIoctls(after([{ type: 'ioctls', entries: [entry(501), entry(502)] }]))).toBe(500);
    expect(missingIoctls(after([]))).toBe(0);
  });
});

describe('output', () => {
  it('keeps the streams apart', () => {
    const state = after([
      { type: 'output', stream: 'console', text: 'He' },
      { type: 'output', stream: 'script', text: 'log\n' },
      { type: 'output', stream: 'console', text: 'llo' },
    ]);
    expect(state.console.text).toBe('Hello');
    expect(state.script.text).toBe('log\n');
  });

  it('is bounded, and its position counts what was dropped', () => {
    const total = OUTPUT_KEPT + 10;
    const state = after([
      { type: 'output', stream: 'console', text: 'x'.repeat(OUTPUT_KEPT) },
      { type: 'output', stream: 'console', text: 'y'.repeat(10) },
    ]);
    expect(state.console.text.length).toBeLessThanOrEqual(OUTPUT_KEPT);
    expect(state.console.text.endsWith('y'.repeat(10))).toBe(true);
    expect(state.console.dropped + state.console.text.length).toBe(total);
    const flood = after([{ type: 'output', stream: 'console', text: 'z'.repeat(3 * OUTPUT_KEPT) }]);
    expect(flood.console.text.length).toBeLessThanOrEqual(OUTPUT_KEPT);
    expect(flood.console.dropped + flood.console.text.length).toBe(3 * OUTPUT_KEPT);
  });
});

it('a refused command becomes a notice that names it, once', () => {
  const refused: Event = { type: 'refused', command: 'stepExit', message: 'nothing is loaded' };
  const state = after([refused, refused]);
  expect(state.notices.map((notice) => notice.text)).toEqual(['Step to KVM exit: nothing is loaded']);
});

it('a refused load leaves a sandbox that failed, and says why', () => {
  const state = after([{ type: 'refused', command: 'load', message: 'the script is too long' }]);
  expect(state.status).toMatchObject({ state: 'failed', message: 'the script is too long' });
});
