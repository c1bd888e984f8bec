/** Keys whose name depends on the layout or on modifiers are taken by their place. */
const BY_CODE: Readonly<Record<string, string>> = { Backquote: '`' };

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'>;

/** `Ctrl+Shift+F5`: the combination that was pressed, as the command table writes it. Command counts as Ctrl. */
export function combination(event: Pressed): string {
  const digit = /^Digit([0-9])$/.exec(event.code)?.[1];
  const key = BY_CODE[event.code] ?? (event.altKey && digit ? digit : event.key);
  const name = key.length === 1 ? key.toUpperCase() : key;
  const modifiers = [
    event.ctrlKey || event.metaKey ? 'Ctrl' : '',
    event.altKey ? 'Alt' : '',
    // `?` needs Shift on most keyboards and is written without it.
    event.shiftKey && (key.length > 1 || /[a-z]/i.test(key)) ? 'Shift' : '',
  ];
  return [...modifiers.filter(Boolean), name].join('+');
}

/** Whether keys that type something belong to the element: an editor, a terminal, a field. */
export function takesText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('input, textarea, select') ||
      target.classList.contains('native-edit-context'))
  );
}
