import { load } from './control.ts';
import { showTables } from './inspect.ts';

export interface LabAction {
  readonly title: string;
  readonly run: () => void;
}

/** Names that texts use and that no command's title is. */
const NAMES: readonly (readonly [name: string, title: string, run: () => void])[] = [
  ['load', 'Boot the host and stop before the first ioctl', load],
  ['stage 1', 'Open the stage 1 tables', () => showTables(1)],
  ['stage 2', 'Open the stage 2 tables', () => showTables(2)],
];

const actions = new Map<string, LabAction>(NAMES.map(([name, title, run]) => [name, { title, run }]));

/** Lets the text of a lab name a command; `commands.ts` does so, which this must not import: panels are part of its commands. */
export function nameInLabs(name: string, action: LabAction): void {
  actions.set(name.toLowerCase(), action);
}

/** What a name in a lab's text does, by the name in small letters. */
export function labActions(): ReadonlyMap<string, LabAction> {
  return actions;
}
