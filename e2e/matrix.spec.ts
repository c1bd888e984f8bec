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
  await grid.locator('[data-state=invalid]').first().click();
  await expect(matrix).toContainText('guest-high-hardware');
  await grid.getByRole('gridcell', { name: /^lpa2\/52 vhe, host 64K\/52\/52 high, guest 64K\/52\/52 high:/ }).click();
  await matrix.getByRole('button', { name: 'Open this host and guest' }).click();
  await expect(page).toHaveURL(/#matrix=lpa2-52-vhe-64K-52-52-high-64K-52-52-high$/);
  await sandbox.button('Run').click();
  await sandbox.finished();
  await page.reload();
  await expect(page.getByRole('button', { name: /^Lab: lpa2\/52 vhe/ })).toBeVisible();
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
