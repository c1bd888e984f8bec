import { expect, test } from './page.ts';

test('the boot matrix: all 180 boot in the page, the others say why not, and any opens', async ({ sandbox, page }) => {
  test.setTimeout(240_000);
  await sandbox.open('hello');
  const matrix = await sandbox.panel('Boot matrix');
  const grid = matrix.getByRole('grid', { name: 'Boot matrix' });
  await expect(grid.getByRole('gridcell')).toHaveCount(864);
  await matrix.getByRole('button', { name: 'Boot all 180' }).click();
  await expect(matrix.getByRole('status')).toContainText(/180 of 180, .* s/, { timeout: 200_000 });
  await expect(grid.locator('[data-state=passed]')).toHaveCount(180);
  await grid.locator('[data-state=invalid]').first().hover();
  await expect(matrix).toContainText('(guest-high-hardware)');
  await grid.getByRole('gridcell', { name: /^lpa2\/52 vhe, host 64K\/52\/52 high, guest 64K\/52\/52 high:/ }).click();
  await expect(page).toHaveURL(/#matrix=lpa2-52-vhe-64K-52-52-high-64K-52-52-high$/);
  const lab = page.getByRole('article', { name: 'Lab' });
  await expect(lab.getByRole('heading', { level: 2 })).toHaveText(/^lpa2\/52 vhe, host 64K/);
  await lab.getByRole('button', { name: 'Run', exact: true }).click();
  await sandbox.finished();
  await page.reload();
  await expect(page.getByRole('button', { name: /^Lab: lpa2\/52 vhe/ })).toBeVisible();
});

test('a link to a combination opens it also in a page that is open', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await page.evaluate(() => (location.hash = '#matrix=lpa2-52-vhe-64K-52-52-high-64K-52-52-high'));
  const lab = page.getByRole('article', { name: 'Lab' });
  await expect(lab.getByRole('heading', { level: 2 })).toHaveText(/^lpa2\/52 vhe, host 64K/);
});

test('the extended boot matrix: all 1800 boot in the page, whichever guest is looked at', async ({ sandbox }) => {
  test.setTimeout(360_000);
  await sandbox.open('hello');
  const matrix = await sandbox.panel('Boot matrix');
  await matrix.getByText('Since 6.8').click();
  const guest = matrix.getByRole('combobox', { name: /^Guest kernel/ });
  await expect(guest.getByRole('option')).toHaveCount(8);
  await matrix.getByRole('button', { name: 'Boot all 1800' }).click();
  await guest.selectOption({ index: 1 });
  await expect(matrix.getByRole('status')).toContainText(/1800 of 1800, [\d.]+ s$/, { timeout: 300_000 });
  const tallies = await guest.getByRole('option').allTextContents();
  expect(tallies.map((text) => text.replace(/\d+$/, ''))).toEqual(
    ['4K/48/48', '4K/52/52', '16K/48/48', '16K/52/52', '64K/48/48', '64K/48/52', '64K/52/48', '64K/52/52'].map(
      (name) => `${name}: ✓ `,
    ),
  );
  expect(tallies.reduce((sum, text) => sum + Number(/\d+$/.exec(text)?.[0]), 0)).toBe(1800);
  await expect(matrix.locator('td[data-state=passed]')).toHaveCount(252);
});

test('the boot matrix by keyboard: a reason where the focus is, a filter by rule, Enter opens', async ({
  sandbox,
  page,
}) => {
  await sandbox.open('hello');
  const matrix = await sandbox.panel('Boot matrix');
  const grid = matrix.getByRole('grid', { name: 'Boot matrix' });
  await grid.focus();
  const active = () => grid.getAttribute('aria-activedescendant');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  expect(await active()).toContain('48-48-vhe-4K-48-48-low-64K-52-52-high');
  await expect(matrix.locator('.matrix-detail')).toContainText('on this hardware no VM has so many bits of IPA');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/#lab=hello$/);
  const filter = matrix.getByLabel('Cells to show');
  const rule = await filter.getByRole('option', { name: /^guest-high-hardware/ }).textContent();
  await filter.selectOption(rule);
  await expect(grid.locator('td:not([data-faint])')).toHaveCount(Number(/\((\d+)\)/.exec(rule ?? '')?.[1]));
  await grid.focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/#matrix=48-48-vhe-4K-48-48-low-64K-52-52-low$/);
});

test('the boot matrix: every column is in sight, its headers stay, and it stands still while it runs', async ({
  sandbox,
  page,
}) => {
  await sandbox.open('hello');
  const matrix = await sandbox.panel('Boot matrix');
  const scroll = matrix.locator('.matrix-scroll');
  expect(await scroll.evaluate((grid) => grid.scrollWidth - grid.clientWidth)).toBe(0);
  await matrix.getByText('Since 6.8').click();
  const before = await scroll.boundingBox();
  await matrix.getByRole('button', { name: 'Boot all 1800' }).focus();
  await page.keyboard.press('Enter');
  await expect(matrix.locator('td[data-state=passed]').first()).toBeVisible();
  expect(await scroll.boundingBox()).toEqual(before);
  await expect(matrix.getByRole('button', { name: 'Stop' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(matrix.getByRole('button', { name: 'Boot all 1800' })).toBeFocused();
  const column = matrix.getByRole('columnheader', { name: 'LPA2', exact: true });
  const row = matrix.getByRole('rowheader', { name: '4K', exact: true });
  const places = async () => [(await column.boundingBox())?.y, (await row.boundingBox())?.x];
  await page.setViewportSize({ width: 1010, height: 720 });
  const [top, left] = await places();
  const grid = matrix.getByRole('grid', { name: 'Boot matrix' });
  await grid.focus();
  for (const key of ['PageDown', 'End', 'PageUp', 'Home']) await page.keyboard.press(key);
  const cell = (await grid.locator('td[aria-selected=true]').boundingBox())!;
  const header = (await matrix.getByRole('columnheader', { name: 'page' }).boundingBox())!;
  expect(cell.y).toBeGreaterThanOrEqual(header.y + header.height - 1);
  expect(cell.x).toBeGreaterThanOrEqual(header.x + header.width - 1);
  await scroll.evaluate((grid) => grid.scrollTo(200, 60));
  expect(await scroll.evaluate((grid) => grid.scrollLeft)).toBeGreaterThan(0);
  expect(await places()).toEqual([top, left]);
});

test('an instruction has its page: from the disassembly and by search', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await page.keyboard.press('F11');
  const code = await sandbox.panel('Disassembly');
  await code.getByRole('row', { name: /ldrb/ }).dblclick();
  const instruction = page.getByRole('tabpanel', { name: 'Instruction', exact: true });
  await expect(instruction.getByRole('heading', { name: 'LDRB (post-index)' })).toBeVisible();
  await expect(instruction.getByLabel('Semantics')).toContainText('W2 = Mem[m1, 1]');
  await page.getByRole('searchbox', { name: 'Find instructions' }).fill('sqrdmlah');
  await instruction.getByRole('button', { name: 'SQRDMLAH (vector)' }).click();
  await expect(instruction).toContainText('FEAT_RDM, which this host’s CPU has');
});
