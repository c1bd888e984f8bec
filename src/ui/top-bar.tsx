import { DropdownMenu } from 'radix-ui';
import { useState } from 'react';
import { command, DEBUG_COMMANDS, isEnabled, runCommand } from './commands.ts';
import type { UiCommand } from './commands.ts';
import { hasBegun } from './control.ts';
import { count, hex } from './format.ts';
import { Icon } from './icons.tsx';
import type { IconName } from './icons.tsx';
import { Keys, Tip } from './parts.tsx';
import { PANEL_ORDER } from './panels.ts';
import { enterSlot } from './slots.ts';
import { useSandbox } from './store.ts';
import { statusText } from './status-text.ts';
import { chooseTheme, THEME_CHOICES, useTheme } from './theme.ts';
import { openPanel } from './workbench.ts';
import { differsFromLoaded, isEdited, useWorkspace } from './workspace.ts';
import './top-bar.css';

const ICONS: Readonly<Record<string, IconName>> = {
  run: 'run',
  pause: 'pause',
  'step-instruction': 'stepInstruction',
  'step-ioctl': 'stepIoctl',
  'step-exit': 'stepExit',
  restart: 'restart',
  stop: 'stop',
};

function DebugButton({ shown }: { shown: UiCommand }) {
  const enabled = useSandbox((state) => isEnabled(shown, state));
  const goesOn = useSandbox((state) => state.status.state === 'paused' && hasBegun(state));
  const label = shown.id === 'run' && goesOn ? 'Continue' : shown.title;
  return (
    <Tip
      text={
        <>
          <strong>{label}</strong> <span className="tip-about">{shown.about}</span>
        </>
      }
      keys={shown.keys}
    >
      <button
        type="button"
        className={`icon-button debug ${shown.id}`}
        aria-label={label}
        aria-keyshortcuts={shown.keys?.replace('Ctrl', 'Control')}
        // Not `disabled`: a button that loses the keyboard while it is stepped with would be a trap.
        aria-disabled={!enabled}
        onClick={() => runCommand(shown)}
      >
        <Icon name={ICONS[shown.id]!} />
      </button>
    </Tip>
  );
}

/** Where the menus of the bar are drawn: inside it, so that they belong to the page's banner. */
type Layer = { readonly layer: HTMLElement | null };

function LabPicker({ layer }: Layer) {
  const slots = useWorkspace((workspace) => workspace.slots);
  const slot = useWorkspace((workspace) => workspace.slot);
  const edited = useWorkspace(isEdited);
  const putAway = useWorkspace((workspace) => workspace.putAway !== null);
  const title = slots.find((other) => other.id === slot)?.title ?? 'Sandbox';
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="picker" aria-label={`Lab: ${title}${edited ? ', edited' : ''}`}>
        <span className="picker-title">{title}</span>
        <span className="picker-edited" title={edited ? 'You have edited this; your text is kept here' : undefined}>
          {edited ? 'edited' : ''}
        </span>
        <Icon name="chevron" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={layer}>
        <DropdownMenu.Content className="menu" align="start" sideOffset={4}>
          <DropdownMenu.RadioGroup value={slot} onValueChange={enterSlot}>
            {slots.map((other) => (
              <DropdownMenu.RadioItem key={other.id} value={other.id} className="menu-item">
                <span className="menu-mark">
                  <DropdownMenu.ItemIndicator>
                    <Icon name="check" />
                  </DropdownMenu.ItemIndicator>
                </span>
                {other.title}
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="menu-line" />
          <MenuItem shown={command('start-over')} disabled={!edited} />
          <MenuItem shown={command('take-back')} disabled={!putAway} />
          <DropdownMenu.Label className="menu-note">Every lab keeps what you type in it.</DropdownMenu.Label>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function MenuItem({ shown, disabled = false }: { shown: UiCommand; disabled?: boolean }) {
  return (
    <DropdownMenu.Item
      className="menu-item"
      disabled={disabled}
      // After the menu has given the keyboard back, so that a command may take it elsewhere.
      onSelect={() => setTimeout(() => runCommand(shown), 0)}
    >
      <span className="menu-mark" />
      {shown.title}
      {shown.keys ? <Keys keys={shown.keys} /> : null}
    </DropdownMenu.Item>
  );
}

const THEME_TITLES = { system: 'Follow the system', light: 'Light', dark: 'Dark' } as const;

function ViewMenu({ layer }: Layer) {
  const { choice } = useTheme();
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="text-button">
        View <Icon name="chevron" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={layer}>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          <DropdownMenu.Label className="menu-label">Panels</DropdownMenu.Label>
          {PANEL_ORDER.map((id) => (
            <MenuItem key={id} shown={command(`panel-${id}`)} />
          ))}
          <DropdownMenu.Separator className="menu-line" />
          <MenuItem shown={command('maximize')} />
          <MenuItem shown={command('reset-layout')} />
          <MenuItem shown={command('palette')} />
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.Label className="menu-label">Theme</DropdownMenu.Label>
          <DropdownMenu.RadioGroup
            value={choice}
            onValueChange={(value) => chooseTheme(THEME_CHOICES.find((known) => known === value) ?? 'system')}
          >
            {THEME_CHOICES.map((value) => (
              <DropdownMenu.RadioItem key={value} value={value} className="menu-item">
                <span className="menu-mark">
                  <DropdownMenu.ItemIndicator>
                    <Icon name="check" />
                  </DropdownMenu.ItemIndicator>
                </span>
                {THEME_TITLES[value]}
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function StatusLine() {
  const worker = useSandbox((state) => state.worker);
  const status = useSandbox((state) => state.status);
  const begun = useSandbox(hasBegun);
  const stale = useWorkspace(differsFromLoaded) && begun;
  const { tone, text, detail } = statusText(worker, status);
  return (
    <div className="status">
      <div className="status-state" role="status" aria-label="State">
        <span className={`dot ${tone}`} aria-hidden="true" />
        <strong>{text}</strong>
        {detail && tone === 'failed' ? (
          <button type="button" className="status-detail link" title={detail} onClick={() => openPanel('output')}>
            {detail}
          </button>
        ) : (
          <span className="status-detail" title={detail ?? undefined}>
            {detail}
          </span>
        )}
      </div>
      {stale ? (
        <Tip text="What runs is the text as it was loaded." keys="Ctrl+Shift+F5">
          <button type="button" className="chip" onClick={() => runCommand(command('restart'))}>
            Edited: restart to use it
          </button>
        </Tip>
      ) : null}
      <dl className="status-numbers">
        <div title="Instructions of the guest since the host was booted">
          <dt>Instructions</dt>
          <dd>{count(status.instructions)}</dd>
        </div>
        <div title="Ioctls that the script has made">
          <dt>Ioctls</dt>
          <dd>{count(status.ioctls)}</dd>
        </div>
        <div className="status-pc" title="PC of the vCPU that runs">
          <dt>PC</dt>
          <dd>{status.pc === null ? '–' : hex(status.pc)}</dd>
        </div>
      </dl>
    </div>
  );
}

export function TopBar() {
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  return (
    <header className="top-bar" ref={setLayer}>
      <h1 className="name">Stage2</h1>
      <LabPicker layer={layer} />
      <div className="debug-bar" role="toolbar" aria-label="Debug">
        {DEBUG_COMMANDS.map((shown) => (
          <DebugButton key={shown.id} shown={shown} />
        ))}
      </div>
      <StatusLine />
      <ViewMenu layer={layer} />
      <Tip text="Keyboard help" keys="?">
        <button
          type="button"
          className="icon-button"
          aria-label="Keyboard help"
          onClick={() => runCommand(command('keyboard-help'))}
        >
          <Icon name="help" />
        </button>
      </Tip>
    </header>
  );
}
