import { beforeEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../session/messages.ts';
import { mapLine } from './line-map.ts';
import {
  differsFromLoaded,
  draftLine,
  edit,
  flush,
  goTo,
  isEdited,
  loadedBreakpoints,
  markLoaded,
  openWorkspace,
  startOver,
  takeBack,
  toggleBreakpoint,
  workspaceStore,
} from './workspace.ts';

const store = new Map<string, string>();
let full = false;
const fakeStorage = {
  getItem: (key: string) => store.get(key) ?? null,
  setItem: (key: string, value: string) => {
    if (full) throw new Error('QuotaExceededError');
    store.set(key, value);
  },
  removeItem: (key: string) => store.delete(key),
};
Object.defineProperty(globalThis, 'localStorage', { value: fakeStorage, configurable: true });

function sandbox(script: string): Sandbox {
  return {
    host: { cpu: 'max', pageSize: 4096, mode: 'vhe', ram: [{ base: 0x4000_0000n, size: 1n << 28n }] },
    script,
    guest: 'nop\nnop\nret',
  };
}
const SLOTS = [
  { id: 'a', title: 'A', original: sandbox('script of a') },
  { id: 'b', title: 'B', original: sandbox('script of b') },
];
const now = () => workspaceStore.getState();

beforeEach(() => {
  store.clear();
  full = false;
  openWorkspace(SLOTS, 'a');
});

describe('nothing typed is lost', () => {
  it('keeps a draft for each place', () => {
    edit({ script: 'mine' });
    goTo('b');
    expect(now().draft.script).toBe('script of b');
    goTo('a');
    expect(now().draft.script).toBe('mine');
  });

  it('survives a reload with host, guest and breakpoints', () => {
    const host = { ...sandbox('').host, lpa2: false, paBits: 52 as const, ram: [{ base: 1n << 50n, size: 0x1000n }] };
    edit({ script: 'mine', guest: 'b .', host });
    toggleBreakpoint({ kind: 'line', line: 1 });
    toggleBreakpoint({ kind: 'address', address: 0xffff_0000_0000_0000n });
    const before = now().draft;
    flush();
    openWorkspace(SLOTS, null);
    expect(now().draft).toEqual(before);
  });

  it('puts edited text away when starting over, and takes it back', () => {
    edit({ script: 'mine' });
    startOver();
    expect(now().draft.script).toBe('script of a');
    openWorkspace(SLOTS, null);
    takeBack();
    expect(now().draft.script).toBe('mine');
    expect(now().putAway).toBeNull();
  });

  it('does not let a second start-over drop the text that was put away', () => {
    edit({ script: 'mine' });
    startOver();
    startOver();
    expect(now().putAway?.script).toBe('mine');
  });

  it('says so when storage is full, and still keeps it in the tab', () => {
    full = true;
    edit({ script: 'mine' });
    flush();
    expect(now().unsaved).toBe(true);
    goTo('b');
    goTo('a');
    expect(now()).toMatchObject({ unsaved: true, draft: { script: 'mine' } });
    full = false;
    flush();
    expect(now().unsaved).toBe(false);
  });
});

describe('junk in storage', () => {
  it.each(['{', '[]', '{"script":1}', '{"script":"x"}', 'null'])('is ignored: %s', (junk) => {
    store.set('stage2/1/draft/a', junk);
    store.set('stage2/1/put-away/a', junk);
    openWorkspace(SLOTS, 'a');
    expect(now().draft.script).toBe('script of a');
    expect(now().putAway).toBeNull();
  });

  it('does not cost the text beside it', () => {
    store.set('stage2/1/draft/a', '{"script":"mine","guest":"","host":{"cpu":"vax"},"breakpoints":[7]}');
    openWorkspace(SLOTS, 'a');
    expect(now().draft).toEqual({
      script: 'mine',
      guest: '',
      elf: null,
      host: SLOTS[0]!.original.host,
      breakpoints: [],
    });
  });
});

describe('edited', () => {
  it('is what differs from the original, whichever way it was reached', () => {
    expect(isEdited(now())).toBe(false);
    edit({ guest: 'x' });
    expect(isEdited(now())).toBe(true);
    edit({ guest: SLOTS[0]!.original.guest });
    expect(isEdited(now())).toBe(false);
  });

  it('is told apart from what is loaded', () => {
    markLoaded(sandbox('script of a'));
    expect(differsFromLoaded(now())).toBe(false);
    edit({ script: 'later' });
    expect(differsFromLoaded(now())).toBe(true);
  });
});

describe('lines', () => {
  it('keep their meaning before and after an edit', () => {
    expect(mapLine('a\nb\nc', 'a\nx\ny\nb\nc', 1)).toBe(1);
    expect(mapLine('a\nb\nc', 'a\nx\ny\nb\nc', 3)).toBe(5);
    expect(mapLine('a\nb\nc', 'a\nX\nc', 2)).toBeNull();
    expect(mapLine('a\nb\nc', 'a\nc', 3)).toBe(2);
    expect(mapLine('a', 'a\na', 1)).toBe(1);
    expect(mapLine('a\nb', 'b', 9)).toBeNull();
  });

  it('of breakpoints and messages are those of the loaded text', () => {
    markLoaded(sandbox('script of a'));
    edit({
      guest: '// new\nnop\nnop\nret',
      breakpoints: [
        { kind: 'line', line: 4 },
        { kind: 'line', line: 1 },
      ],
    });
    expect(loadedBreakpoints(now())).toEqual([{ kind: 'line', line: 3 }]);
    expect(draftLine(now(), 'guest', 3)).toBe(4);
    expect(draftLine(now(), 'guest', null)).toBeNull();
  });
});
