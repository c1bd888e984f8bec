import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './page.ts';

/** Violations within a part of the page; of rules that go by the page as a whole, only where that is the part. */
async function violationsOf(page: Page, part: string, contrastAlone: boolean): Promise<string[]> {
  const axe = new AxeBuilder({ page }).include(part).exclude('.monaco-editor').exclude('.xterm');
  if (contrastAlone) axe.withRules('color-contrast');
  else if (part !== 'body') axe.disableRules('heading-order');
  const { violations } = await axe.analyze();
  return violations.map(({ id, nodes }) => `${part}: ${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test(`no accessibility violation in any panel or dialog, ${colorScheme}`, async ({ sandbox, page }) => {
      test.slow();
      await sandbox.open('two-stages');
      await page.keyboard.press('F5');
      await sandbox.finished();
      // Of what the other theme was looked through for, only the colours can differ.
      const violations = async (part: string) =>
        expect(await violationsOf(page, part, colorScheme === 'dark')).toEqual([]);
      const tabs = await page.getByRole('tab').allInnerTexts();
      expect(tabs.length).toBeGreaterThan(10);
      for (const tab of tabs) {
        const panel = (await sandbox.panel(tab.trim())).locator('[data-panel]');
        await expect(panel).toBeVisible();
        await violations(`[data-panel="${await panel.getAttribute('data-panel')}"]`);
      }
      await violations('body');
      for (const keys of ['F1', '?']) {
        await page.getByRole('tab', { name: 'Lab', exact: true }).focus();
        await page.keyboard.press(keys);
        await expect(page.getByRole('dialog')).toBeVisible();
        await violations('[role="dialog"]');
        await page.keyboard.press('Escape');
        await expect(page.getByRole('dialog')).toHaveCount(0);
      }
    });
  });
}

test('the debugger’s keys do the whole job', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await expect(sandbox.state).toContainText('before the first ioctl');
  await page.keyboard.press('F10');
  await expect(sandbox.state).toContainText('before the next ioctl');
  await page.keyboard.press('Shift+F11');
  await expect(sandbox.state).toContainText('after a KVM exit');
  await page.keyboard.press('F11');
  await expect(sandbox.state).toContainText('after a step');
  await page.keyboard.press('F5');
  await sandbox.finished();
  await page.keyboard.press('Control+Shift+F5');
  await expect(sandbox.state).toContainText('before the first ioctl');
  await page.keyboard.press('Shift+F5');
  await expect(sandbox.state).toContainText('Stopped');
  await page.keyboard.press('F1');
  await page.keyboard.type('Page tables');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('tab', { name: 'Page tables', exact: true })).toHaveAttribute('aria-selected', 'true');
});
