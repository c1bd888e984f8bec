import { notify } from '../store.ts';

/** Copies text and says so, by `name` where it is long; a page without the permission says that instead. */
export async function copyText(text: string, name = text): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify(`Copied ${name}`);
  } catch {
    notify(`The browser did not allow copying${name === text ? `; the value is ${text}` : ''}`, 'error');
  }
}
