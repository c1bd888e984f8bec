import { Dialog } from 'radix-ui';
import { useEffect, useId, useRef, useState } from 'react';
import { COMMANDS, isEnabled, runCommand } from './commands.ts';
import type { UiCommand } from './commands.ts';
import { useDialog } from './dialogs.ts';
import { Keys } from './parts.tsx';
import { useSandbox } from './store.ts';
import './palette.css';

/** The commands whose name has every word that was typed, those that begin with it first. */
export function matching(commands: readonly UiCommand[], typed: string): readonly UiCommand[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const name = (command: UiCommand) => `${command.title} ${command.group} ${command.about}`.toLowerCase();
  const rank = (command: UiCommand) => {
    const at = command.title.toLowerCase().indexOf(words[0] ?? '');
    return at === 0 ? 0 : at > 0 ? 1 : 2;
  };
  return commands
    .filter((command) => words.every((word) => name(command).includes(word)))
    .sort((a, b) => rank(a) - rank(b));
}

function List({ close }: { close: () => void }) {
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const state = useSandbox((whole) => whole);
  const found = matching(COMMANDS, typed);
  const chosen = Math.min(at, found.length - 1);
  const optionId = (index: number) => `${id}-${index}`;

  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);

  const choose = (command: UiCommand | undefined) => {
    if (!command || !isEnabled(command, state)) return;
    close();
    // After the dialog has given the keyboard back, so that a command may take it elsewhere.
    setTimeout(() => runCommand(command), 0);
  };
  const move: Readonly<Record<string, (length: number) => number>> = {
    ArrowDown: (length) => (chosen + 1) % length,
    ArrowUp: (length) => (chosen + length - 1) % length,
    PageDown: (length) => Math.min(chosen + 8, length - 1),
    PageUp: () => Math.max(chosen - 8, 0),
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const moved = move[event.key];
    if (event.key === 'Enter') choose(found[chosen]);
    else if (moved && found.length > 0) setAt(moved(found.length));
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        className="palette-input"
        role="combobox"
        aria-label="Command"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? optionId(chosen) : undefined}
        placeholder="Type a command or a panel…"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul className="palette-list" role="listbox" id={`${id}-list`} aria-label="Commands" ref={list}>
        {found.map((command, index) => (
          <li
            key={command.id}
            id={optionId(index)}
            role="option"
            aria-selected={index === chosen}
            aria-disabled={!isEnabled(command, state)}
            onMouseMove={() => setAt(index)}
            onClick={() => choose(command)}
          >
            <span className="palette-group">{command.group}</span>
            <span className="palette-title">{command.title}</span>
            <span className="palette-about">{command.about}</span>
            {command.keys ? <Keys keys={command.keys} /> : null}
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p className="palette-none">No command has these words.</p> : null}
    </>
  );
}

export function Palette() {
  const dialog = useDialog('palette');
  return (
    <Dialog.Root {...dialog}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog palette" aria-describedby={undefined}>
          <Dialog.Title className="visually-hidden">Commands</Dialog.Title>
          <List close={() => dialog.onOpenChange(false)} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
