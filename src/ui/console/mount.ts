import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { isActive } from '../control.ts';
import { send } from '../sandbox-client.ts';
import { sandboxStore } from '../store.ts';
import type { Transcript } from '../store.ts';
import { colour, property, themeStore } from '../theme.ts';

/** The sixteen colours of a terminal, taken from the page's. */
function terminalTheme() {
  const text = colour('--text');
  const named = {
    red: colour('--danger'),
    green: colour('--ok'),
    yellow: colour('--warn'),
    blue: colour('--number'),
    magenta: colour('--keyword'),
    cyan: colour('--accent'),
  };
  const bright = Object.fromEntries(
    Object.entries(named).map(([name, value]) => [`bright${name[0]!.toUpperCase()}${name.slice(1)}`, value]),
  );
  return {
    ...named,
    ...bright,
    background: colour('--bg'),
    foreground: text,
    cursor: colour('--accent'),
    selectionBackground: colour('--bg-selected'),
    black: colour('--text-muted'),
    white: text,
    brightBlack: colour('--text-muted'),
    brightWhite: text,
  };
}

/** A terminal on the guest's console, in an element. Returns what takes it away. */
export function mountConsole(element: HTMLElement): () => void {
  const terminal = new Terminal({
    // A guest without a tty layer ends its lines with a newline alone.
    convertEol: true,
    fontFamily: property('--mono'),
    fontSize: 12.5,
    lineHeight: 1.15,
    scrollback: 5000,
    screenReaderMode: true,
    // What a guest prints is its own affair: a broken escape sequence is no fault of the page.
    logLevel: 'off',
    theme: terminalTheme(),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(element);
  let written = 0;
  const show = ({ text, dropped }: Transcript) => {
    const end = dropped + text.length;
    if (end < written) {
      terminal.reset();
      written = 0;
    }
    if (end > written) terminal.write(text.slice(Math.max(0, written - dropped)));
    written = end;
  };
  show(sandboxStore.getState().console);
  // Out of sight xterm puts off what a new size means, and would lose its end: it gets one once its own observer saw it.
  let inSight = false;
  const takeSize = () => {
    if (inSight && element.clientWidth > 0 && element.clientHeight > 0) fit.fit();
  };
  const resize = new ResizeObserver(takeSize);
  resize.observe(element);
  const sight = new IntersectionObserver((entries) => {
    inSight = entries.at(-1)?.isIntersecting ?? false;
    takeSize();
  });
  sight.observe(element);
  const input = terminal.onData((text) => {
    if (isActive(sandboxStore.getState())) send({ type: 'consoleInput', text });
  });
  const endings = [
    sandboxStore.subscribe((now, before) => {
      if (now.console !== before.console) show(now.console);
    }),
    themeStore.subscribe(() => {
      terminal.options.theme = terminalTheme();
    }),
  ];
  return () => {
    for (const end of endings) end();
    resize.disconnect();
    sight.disconnect();
    input.dispose();
    terminal.dispose();
  };
}
