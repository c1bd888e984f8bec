import { expect, test as base, type Page } from '@playwright/test';

/** A page that fails its test where the console has an error or a warning. */
export const test = base.extend<{ sandbox: Sandbox }>({
  sandbox: async ({ page }, use) => {
    const said: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') said.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => said.push(error.message));
    await use(new Sandbox(page));
    expect(said).toEqual([]);
  },
});

/** What a person does in the workbench, by the names they see. */
export class Sandbox {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async open(lab?: string): Promise<void> {
    await this.page.goto(lab ? `./#lab=${lab}` : './');
    await expect(this.button('Run')).toBeEnabled();
    // For a moment the plain field that stands in for the editor is still there.
    await expect(this.page.getByRole('textbox', { name: 'VMM script' }).first()).toBeAttached();
  }

  button(name: string) {
    return this.page.getByRole('toolbar', { name: 'Debug' }).getByRole('button', { name, exact: true });
  }

  get state() {
    return this.page.getByRole('status', { name: 'State' });
  }

  async panel(name: string) {
    await this.page.getByRole('tab', { name, exact: true }).click();
    // The others of its group are in the document, out of sight.
    const group = this.page.getByRole('tabpanel', { name, exact: true });
    return group.locator('.panel-place:not(.hidden, .ahead)');
  }

  /** Replaces the text of an editor as a person would: by typing over a selection of all of it. */
  async type(editor: 'VMM script' | 'Guest', text: string): Promise<void> {
    const panel = await this.panel(editor);
    await panel.getByRole('textbox').focus();
    await this.page.keyboard.press('Control+A');
    await this.page.keyboard.insertText(text);
  }

  async finished(): Promise<void> {
    await expect(this.state).toContainText('Finished');
  }
}

export { expect };
