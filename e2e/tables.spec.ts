import { draft, PAGES } from '../scripts/frames-sandbox.js';
import { expect, test } from './page.ts';

test.describe('a VM with very many pages', () => {
  test.beforeEach(async ({ page }) => {
    await page.addInitScript((stored) => {
      localStorage.setItem('stage2/1/slot', '"own"');
      localStorage.setItem('stage2/1/draft/own', stored);
    }, JSON.stringify(draft));
    await page.goto('./');
  });

  test('all its pages are rows, which the keyboard reaches and the tree keeps in sight', async ({ sandbox, page }) => {
    await expect(sandbox.button('Run')).toBeEnabled();
    await page.keyboard.press('F5');
    const output = await sandbox.panel('Output');
    await expect(output.getByText('mapped')).toBeVisible({ timeout: 40_000 });
    await page.keyboard.press('F6');
    await expect(sandbox.state).toContainText('Paused');
    const tables = await sandbox.panel('Page tables');
    await tables.getByRole('button', { name: 'Merge' }).click();
    await tables.getByRole('button', { name: 'Open all' }).click();
    const tree = tables.getByRole('tree');
    const selected = tree.getByRole('treeitem', { selected: true });
    const rows = () =>
      tree.evaluate((element) => {
        const height = Number.parseFloat(getComputedStyle(element.querySelector('[role=treeitem]')!).height);
        return element.scrollHeight / height;
      });
    await expect.poll(rows).toBeGreaterThan(PAGES);

    await tree.press('End');
    await expect(selected).toContainText('invalid');
    await expect(selected).toBeInViewport({ ratio: 0.9 });
    await tree.press('Home');
    await expect(selected).toContainText('L1 table');
    for (let press = 0; press < 30; press++) await tree.press('PageDown');
    await expect(selected).toContainText(/L3\[\d+\]/);
    await expect(selected).toBeInViewport({ ratio: 0.9 });

    // What is selected stays so while the tree is scrolled away from it, and where its rows become others.
    await tree.hover();
    for (let turn = 0; turn < 10; turn++) await page.mouse.wheel(0, 2000);
    await expect(selected).toHaveCount(0);
    await expect(tables.getByRole('region', { name: 'Selected entry' })).toContainText(/^L3\[/);
    await tree.press('ArrowLeft');
    await expect(selected).toContainText(/L2\[\d+\]/);
    await expect(selected).toBeInViewport({ ratio: 0.9 });
    await tree.press('ArrowLeft');
    await expect(selected).toHaveAttribute('aria-expanded', 'false');
    await tree.press('ArrowRight');
    await expect(selected).toHaveAttribute('aria-expanded', 'true');
  });
});

test('the line of a stop is marked where the editor has it, scrolled or not', async ({ sandbox, page }) => {
  await sandbox.open('two-stages');
  const guest = await sandbox.panel('Guest');
  const marked = guest.locator('.pointer-line');
  await expect(marked).toBeHidden();
  for (let step = 0; step < 3; step++) {
    await page.keyboard.press('F11');
    await expect(page.getByRole('banner').getByText(`0x4000000${4 * step}`)).toBeVisible();
  }
  await expect(marked).toBeVisible();
  const isOnItsLine = async () => {
    const line = guest.locator('.view-line', { hasText: 'str' }).first();
    return Math.abs((await marked.boundingBox())!.y - (await line.boundingBox())!.y);
  };
  await expect.poll(isOnItsLine).toBeLessThan(1);
  await guest.locator('.view-line').first().hover();
  const before = (await marked.boundingBox())!.y;
  await page.mouse.wheel(0, 57);
  await expect.poll(async () => (await marked.boundingBox())!.y).toBeLessThan(before - 10);
  await expect.poll(isOnItsLine).toBeLessThan(1);
});
