import { currentEditorLine } from './editors/focus.ts';
import { canGo, go, isActive, isRunning, load } from './control.ts';
import { dialogStore } from './dialogs.ts';
import { nameInLabs } from './lab-actions.ts';
import { resetLayout, stepGroup, stepTab, toggleMaximized } from './layout.ts';
import { PANEL_ORDER, PANELS } from './panels.ts';
import { send, startWorker } from './sandbox-client.ts';
import { notify, sandboxStore } from './store.ts';
import type { SandboxState } from './store.ts';
import { chooseTheme, themeStore } from './theme.ts';
import { focusPanel } from './workbench.ts';
import { isEdited, startOver, takeBack, toggleBreakpoint, workspaceStore } from './workspace.ts';

export interface UiCommand {
  readonly id: string;
  readonly title: string;
  readonly group: 'Debug' | 'Go to' | 'Workspace' | 'View';
  readonly keys?: string;
  /** A sentence for tooltip, palette and help. */
  readonly about: string;
  /** Whether it makes sense now; absent: always. */
  readonly enabled?: (state: SandboxState) => boolean;
  readonly run: () => void;
}

const DEBUG = [
  {
    id: 'run',
    title: 'Run',
    group: 'Debug',
    keys: 'F5',
    about: 'Run until a breakpoint or the end of the script',
    enabled: canGo,
    run: () => go('run'),
  },
  {
    id: 'pause',
    title: 'Pause',
    group: 'Debug',
    keys: 'F6',
    about: 'Pause wherever script or guest are',
    enabled: isRunning,
    run: () => send({ type: 'pause' }),
  },
  {
    id: 'step-instruction',
    title: 'Step instruction',
    group: 'Debug',
    keys: 'F11',
    about: 'Execute one guest instruction; outside KVM_RUN, run the script up to the guest’s next one',
    enabled: canGo,
    run: () => go('stepInstruction'),
  },
  {
    id: 'step-ioctl',
    title: 'Step to ioctl',
    group: 'Debug',
    keys: 'F10',
    about: 'Run until the script is about to make its next ioctl',
    enabled: canGo,
    run: () => go('stepIoctl'),
  },
  {
    id: 'step-exit',
    title: 'Step to KVM exit',
    group: 'Debug',
    keys: 'Shift+F11',
    about: 'Run until KVM_RUN returns to the script',
    enabled: canGo,
    run: () => go('stepExit'),
  },
  {
    id: 'restart',
    title: 'Restart',
    group: 'Debug',
    keys: 'Ctrl+Shift+F5',
    about: 'Boot the host anew with the current text and stop before the first ioctl',
    enabled: (state) => state.worker === 'ready',
    run: load,
  },
  {
    id: 'stop',
    title: 'Stop',
    group: 'Debug',
    keys: 'Shift+F5',
    about: 'End the program; the host and its memory stay to be looked at',
    enabled: isActive,
    run: () => send({ type: 'stop' }),
  },
] as const satisfies readonly UiCommand[];

const OTHERS: readonly UiCommand[] = [
  {
    id: 'toggle-breakpoint',
    title: 'Toggle breakpoint',
    group: 'Debug',
    keys: 'F9',
    about: 'At the line of the cursor in the guest editor',
    run: () => {
      const line = currentEditorLine('guest');
      if (line === null) notify('Put the cursor on a line of the guest program first: breakpoints are set there.');
      else toggleBreakpoint({ kind: 'line', line });
    },
  },
  {
    id: 'restart-worker',
    title: 'Restart the sandbox’s worker',
    group: 'Debug',
    about: 'Ends the machine, whatever it does, and boots a new one; the editors keep their text',
    run: startWorker,
  },
  {
    id: 'start-over',
    title: 'Start over from the original',
    group: 'Workspace',
    about: 'Puts your text away and opens the original; it can be taken back',
    run: () => {
      if (!isEdited(workspaceStore.getState())) return;
      startOver();
      load();
      notify('The original is back. Your text was put away: “Take back my text” in the lab menu returns it.');
    },
  },
  {
    id: 'take-back',
    title: 'Take back my text',
    group: 'Workspace',
    about: 'Returns the text that “Start over” put away',
    run: () => {
      if (!workspaceStore.getState().putAway) return notify('No text was put away here.');
      takeBack();
      load();
    },
  },
  {
    id: 'palette',
    title: 'Show all commands',
    group: 'View',
    keys: 'F1',
    about: 'Every command and panel by name; also Ctrl+Shift+P',
    run: () => dialogStore.setState({ open: 'palette' }),
  },
  {
    id: 'keyboard-help',
    title: 'Keyboard help',
    group: 'View',
    keys: '?',
    about: 'All keys on one page',
    run: () => dialogStore.setState({ open: 'help' }),
  },
  {
    id: 'next-group',
    title: 'Next panel group',
    group: 'Go to',
    keys: 'Alt+PageDown',
    about: 'Puts the keyboard into the next group of panels',
    run: () => stepGroup(1),
  },
  {
    id: 'previous-group',
    title: 'Previous panel group',
    group: 'Go to',
    keys: 'Alt+PageUp',
    about: 'Puts the keyboard into the previous group of panels',
    run: () => stepGroup(-1),
  },
  {
    id: 'next-tab',
    title: 'Next tab',
    group: 'Go to',
    keys: 'Alt+Shift+PageDown',
    about: 'Shows the next panel of the group',
    run: () => stepTab(1),
  },
  {
    id: 'previous-tab',
    title: 'Previous tab',
    group: 'Go to',
    keys: 'Alt+Shift+PageUp',
    about: 'Shows the previous panel of the group',
    run: () => stepTab(-1),
  },
  {
    id: 'toggle-theme',
    title: 'Switch between light and dark',
    group: 'View',
    about: 'The View menu can also follow the system',
    run: () => chooseTheme(themeStore.getState().theme === 'dark' ? 'light' : 'dark'),
  },
  {
    id: 'maximize',
    title: 'Maximize or restore panels',
    group: 'View',
    keys: 'Alt+Shift+Enter',
    about: 'The whole page for the panels with the keyboard, and back',
    run: () => toggleMaximized(),
  },
  {
    id: 'reset-layout',
    title: 'Reset layout',
    group: 'View',
    about: 'Every panel back to its place',
    run: resetLayout,
  },
];

const PANEL_COMMANDS: readonly UiCommand[] = PANEL_ORDER.map((id, index) => {
  const alt = index < 9 ? `Alt+${index + 1}` : undefined;
  const keys = id === 'console' ? 'Ctrl+`' : alt;
  return {
    id: `panel-${id}`,
    title: PANELS[id].title,
    group: 'Go to',
    about: PANELS[id].about,
    ...(keys ? { keys } : {}),
    run: () => focusPanel(id),
  };
});

/** Every command of the page: buttons, menus, keys, palette and help are made from this list. */
export const COMMANDS: readonly UiCommand[] = [...DEBUG, ...OTHERS, ...PANEL_COMMANDS];
export const DEBUG_COMMANDS: readonly UiCommand[] = DEBUG;

for (const shown of COMMANDS) nameInLabs(shown.title, { title: shown.about, run: () => runCommand(shown) });

export function command(id: string): UiCommand {
  return COMMANDS.find((other) => other.id === id)!;
}

export function isEnabled({ enabled }: UiCommand, state: SandboxState): boolean {
  return enabled ? enabled(state) : true;
}

export function runCommand(chosen: UiCommand): void {
  if (isEnabled(chosen, sandboxStore.getState())) chosen.run();
}

/** Combinations that mean the same as another one. */
const ALIASES: Readonly<Record<string, string>> = { 'Ctrl+Shift+P': 'F1' };

export function commandFor(combination: string): UiCommand | undefined {
  const keys = ALIASES[combination] ?? combination;
  return COMMANDS.find((other) => other.keys === keys);
}
