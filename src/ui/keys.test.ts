import { expect, it } from 'vitest';
import { combination } from './keys.ts';

function press(key: string, code: string, modifiers: Partial<Record<'ctrl' | 'alt' | 'shift' | 'meta', boolean>> = {}) {
  const { ctrl = false, alt = false, shift = false, meta = false } = modifiers;
  // The four fields of a KeyboardEvent that are looked at.
  const event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'> = {
    key,
    code,
    ctrlKey: ctrl,
    altKey: alt,
    shiftKey: shift,
    metaKey: meta,
  };
  return combination(event);
}

it('names combinations as the command table writes them', () => {
  expect(press('F5', 'F5', { ctrl: true, shift: true })).toBe('Ctrl+Shift+F5');
  expect(press('P', 'KeyP', { ctrl: true, shift: true })).toBe('Ctrl+Shift+P');
  expect(press('p', 'KeyP', { meta: true })).toBe('Ctrl+P');
  expect(press('?', 'Slash', { shift: true })).toBe('?');
  expect(press('PageDown', 'PageDown', { alt: true, shift: true })).toBe('Alt+Shift+PageDown');
});

it('takes digits and the backquote by their place, whatever the layout types there', () => {
  expect(press('¡', 'Digit1', { alt: true })).toBe('Alt+1');
  expect(press('ö', 'Backquote', { ctrl: true })).toBe('Ctrl+`');
  expect(press('1', 'Digit1')).toBe('1');
});
