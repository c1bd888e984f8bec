import { Tooltip } from 'radix-ui';
import { useEffect } from 'react';
import { commandFor, runCommand } from './commands.ts';
import { dialogStore } from './dialogs.ts';
import { Dock } from './dock.tsx';
import { HelpDialog } from './help.tsx';
import { combination, takesText } from './keys.ts';
import { Notices } from './notices.tsx';
import { Palette } from './palette.tsx';
import { enterSlot, refusedLink, showLink, slotFromHash } from './slots.ts';
import { notify } from './store.ts';
import { TopBar } from './top-bar.tsx';
import { workspaceStore } from './workspace.ts';

/** The page's keys come before those of the editors and the terminal, so that they work wherever the keyboard is; `data-own-keys` keeps some. */
function onKey(event: KeyboardEvent): void {
  const keys = combination(event);
  const found = commandFor(keys);
  if (!found || event.isComposing) return;
  if (keys.length === 1 && takesText(event.target)) return;
  if (dialogStore.getState().open !== null) return;
  if (event.target instanceof Element && event.target.closest(`[data-own-keys~="${CSS.escape(keys)}"]`)) return;
  event.preventDefault();
  event.stopPropagation();
  if (!event.repeat || found.id.startsWith('step-')) runCommand(found);
}

function onHash(): void {
  const refused = refusedLink(location.hash);
  if (refused !== null) {
    notify(refused, 'error');
    return showLink(workspaceStore.getState().slot);
  }
  const wanted = slotFromHash(location.hash);
  if (wanted !== null && wanted !== workspaceStore.getState().slot) enterSlot(wanted);
}

export function App() {
  useEffect(() => {
    addEventListener('keydown', onKey, { capture: true });
    addEventListener('hashchange', onHash);
    if (refusedLink(location.hash) !== null) onHash();
    return () => {
      removeEventListener('keydown', onKey, { capture: true });
      removeEventListener('hashchange', onHash);
    };
  }, []);
  return (
    <Tooltip.Provider delayDuration={400} skipDelayDuration={200}>
      <div className="app">
        <TopBar />
        <main className="dock">
          <Dock />
        </main>
      </div>
      <Palette />
      <HelpDialog />
      <Notices />
    </Tooltip.Provider>
  );
}
