import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import type { Command, Event, Status } from '../session/messages.ts';

const sent: Command[] = [];
vi.mock('./sandbox-client.ts', () => ({ send: (command: Command) => sent.push(command) }));
const { go, keepInStep, load } = await import('./control.ts');
const { drawWaiting, takeIn } = await import('./incoming.ts');
const { INITIAL_STATE, receive, sandboxStore } = await import('./store.ts');
const { edit, openWorkspace } = await import('./workspace.ts');
const { STARTER } = await import('./starter.ts');

const types = () => sent.map((command) => command.type);
let generation = 0;
function status(change: Partial<Status>): Event {
  return { type: 'status', status: { ...INITIAL_STATE.status, generation, ...change } };
}
function loaded(): void {
  generation++;
  receive([status({ state: 'paused', reason: 'loaded' })]);
}

// No frame comes of itself: what is taken in waits until it is drawn.
vi.stubGlobal('requestAnimationFrame', () => 0);
vi.stubGlobal('cancelAnimationFrame', () => undefined);
afterAll(() => vi.unstubAllGlobals());

const end = keepInStep();
afterAll(end);
beforeEach(() => {
  generation = 0;
  sandboxStore.setState({ ...INITIAL_STATE, worker: 'starting' });
  openWorkspace([{ id: 'own', title: 'My sandbox', original: STARTER }], null);
  sandboxStore.setState({ worker: 'ready' });
  sent.length = 0;
  loaded();
});

it('checks and loads as soon as there is a worker', () => {
  sandboxStore.setState({ worker: 'starting' });
  sandboxStore.setState({ worker: 'ready' });
  expect(types()).toEqual(['check', 'load']);
});

it('begins anew where the program has ended, and goes on once it is loaded', () => {
  receive([status({ state: 'finished' })]);
  go('stepIoctl');
  expect(types()).toEqual(['load']);
  loaded();
  expect(types()).toEqual(['load', 'stepIoctl']);
});

it('does not go on where the program could not be loaded', () => {
  receive([status({ state: 'finished' })]);
  go('run');
  generation++;
  receive([status({ state: 'failed', reason: 'failed', message: 'guest, line 1' })]);
  expect(types()).toEqual(['load']);
});

it('sends no second step before the first was answered, even if by a refusal', () => {
  go('stepInstruction');
  go('stepInstruction');
  expect(types()).toEqual(['stepInstruction']);
  receive([status({ state: 'paused', reason: 'step' })]);
  go('stepInstruction');
  receive([{ type: 'refused', command: 'stepInstruction', message: 'the sandbox runs already' }]);
  go('stepInstruction');
  expect(types()).toEqual(['stepInstruction', 'stepInstruction', 'stepInstruction']);
});

it('goes on from an answer that waits to be drawn, once, and leaves the drawing to its frame', () => {
  go('stepInstruction');
  takeIn(status({ state: 'paused', reason: 'step', pc: 4n }));
  go('stepInstruction');
  go('stepInstruction');
  expect(sandboxStore.getState().status.pc).toBeNull();
  drawWaiting();
  go('stepInstruction');
  expect(types()).toEqual(['stepInstruction', 'stepInstruction']);
});

it('sends nothing to a program that runs, even where the page does not say so yet', () => {
  go('run');
  takeIn(status({ state: 'running' }));
  go('stepIoctl');
  drawWaiting();
  go('stepIoctl');
  expect(types()).toEqual(['run']);
});

it('does the last of what was asked for while it loads, once', () => {
  receive([status({ state: 'finished' })]);
  go('run');
  generation++;
  takeIn(status({ state: 'paused', reason: 'loaded' }));
  go('stepIoctl');
  drawWaiting();
  expect(types()).toEqual(['load', 'stepIoctl']);
});

it('tells breakpoints by lines of the program that is loaded', () => {
  load();
  loaded();
  sent.length = 0;
  edit({ guest: `// a line more\n${STARTER.guest}`, breakpoints: [{ kind: 'line', line: 4 }] });
  expect(sent).toEqual([{ type: 'setBreakpoints', breakpoints: [{ kind: 'line', line: 3 }] }]);
});

it('tells a breakpoint that another load has not', () => {
  const point = { kind: 'line', line: 3 } as const;
  edit({ breakpoints: [point] });
  openWorkspace([{ id: 'other', title: 'Another', original: STARTER }], 'other');
  load();
  loaded();
  sent.length = 0;
  edit({ breakpoints: [point] });
  expect(sent).toEqual([{ type: 'setBreakpoints', breakpoints: [point] }]);
});
