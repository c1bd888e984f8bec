import AxeBuilder from '@axe-core/playwright';
import { expect, test } from './page.ts';

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test(`no accessibility violation in any panel, ${colorScheme}`, async ({ sandbox, page }) => {
      await sandbox.open('two-stages');
      await page.keyboard.press('F5');
      await sandbox.finished();
      const tabs = await page.getByRole('tab').allInnerTexts();
      expect(tabs.length).toBeGreaterThan(10);
      for (const tab of tabs) {
        await sandbox.panel(tab.trim());
        await expect(page.getByRole('tabpanel', { name: tab.trim(), exact: true })).toBeVisible();
      }
      const { violations } = await new AxeBuilder({ page }).exclude('.monaco-editor').exclude('.xterm').analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([]);
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
