import { notify } from '../store.ts';

/** Copies text and says so; a page without the permission says that instead. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify(`Copied ${text}`);
  } catch {
    notify(`The browser did not allow copying; the value is ${text}`, 'error');
  }
}
