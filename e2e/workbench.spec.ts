import { expect, test } from './page.ts';

/** A sandbox that prints more than a console shows. */
const PRINTS = {
  host: { cpu: 'max', pageSize: 4096, mode: 'vhe', ram: [{ base: '0x40000000', size: '0x8000000' }] },
  script: 'for (let line = 1; line <= 200; line++) uart.write(`line ${line}.\\n`);\n',
  guest: '_start: b .\n',
  breakpoints: [],
};

test('a group of panels takes the whole page, and gives it back, by mouse and by keyboard', async ({
  sandbox,
  page,
}) => {
  await sandbox.open('two-stages');
  const main = (await page.getByRole('main').boundingBox())!;
  const tables = await sandbox.panel('Page tables');
  const before = await tables.boundingBox();
  await page.getByRole('button', { name: 'Maximize Page tables' }).click();
  expect((await tables.boundingBox())!.width).toBeGreaterThan(main.width - 10);
  // Nothing of the other groups is left for the keyboard or for a screen reader.
  await expect(page.getByRole('tablist')).toHaveCount(1);
  await page.getByRole('button', { name: 'Restore Page tables' }).click();
  await expect(page.getByRole('tablist')).toHaveCount(5);
  expect(await tables.boundingBox()).toEqual(before);
  await page.keyboard.press('Alt+Shift+Enter');
  expect((await tables.boundingBox())!.width).toBeGreaterThan(main.width - 10);
  // What is asked for elsewhere is shown there.
  await page.keyboard.press('Alt+3');
  await expect(page.getByRole('tabpanel', { name: 'Guest', exact: true })).toBeVisible();
  expect(await tables.boundingBox()).toEqual(before);
});

test.describe('at 375 pixels', () => {
  test.use({ viewport: { width: 375, height: 667 } });

  test('the picture of a walk cuts off no index', async ({ sandbox, page }) => {
    await page.goto('./#lab=lpa2-bits');
    await expect(sandbox.button('Run')).toBeEnabled();
    await page.keyboard.press('F5');
    await sandbox.finished();
    await page.getByRole('article', { name: 'Lab' }).getByRole('button', { name: 'Walk', exact: true }).first().click();
    const read = page.getByRole('table', { name: 'Reads of the walk' }).getByRole('button', { name: /^Read 1:/ });
    await expect(read).toContainText('[3072]');
    expect(await read.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
  });
});

for (const size of [
  { width: 375, height: 667 },
  { width: 800, height: 450 },
]) {
  test.describe(`${size.width} pixels wide`, () => {
    test.use({ viewport: size });

    test('the lab stays in sight while its steps are done', async ({ sandbox, page }) => {
      // The editors are behind the lab's text here.
      await page.goto('./#lab=two-stages');
      await expect(sandbox.button('Run')).toBeEnabled();
      const lab = page.getByRole('tabpanel', { name: 'Lab', exact: true });
      await expect(lab).toBeVisible();
      for (const name of ['Run', 'Stop', 'Restart']) await expect(sandbox.button(name)).toBeInViewport({ ratio: 1 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
      await page.keyboard.press('F11');
      await expect(sandbox.state).toContainText('after a step');
      await expect(lab).toBeVisible();
      await lab.getByRole('button', { name: 'Walk', exact: true }).first().click();
      const walk = page.getByRole('tabpanel', { name: 'Walk', exact: true });
      await expect(walk.getByText(/\d+ reads?/)).toBeVisible();
      expect((await walk.boundingBox())!.width).toBeGreaterThan(370);
      await expect(lab).toBeVisible();
    });
  });
}

test('each width of the page keeps its own arrangement', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  const registers = await sandbox.panel('Registers');
  const width = async () => Math.round((await registers.boundingBox())!.width);
  const before = await width();
  await page.setViewportSize({ width: 500, height: 720 });
  await expect(page.getByRole('tablist')).toHaveCount(2);
  await expect(registers).toBeVisible();
  await page.setViewportSize({ width: 1280, height: 720 });
  await expect(page.getByRole('tablist')).toHaveCount(5);
  await expect(registers).toBeVisible();
  expect(await width()).toBe(before);
});

test('in an iframe that is shown later, the panels have the shares that they have in a page', async ({
  sandbox,
  page,
}) => {
  const widths = (from: Pick<typeof page, 'locator'>) =>
    from
      .locator('.dv-groupview')
      .evaluateAll((all) => all.map((group) => Math.round(group.getBoundingClientRect().width)));
  await sandbox.open('hello');
  const inPage = await widths(page);
  const address = page.url();
  await page.evaluate(() => localStorage.clear());
  await page.route('**/around.html', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<iframe src="${address}" style="display: none; width: 1280px; height: 720px; border: 0">`,
    }),
  );
  await page.goto('./around.html');
  const frame = page.frameLocator('iframe');
  await expect(frame.getByRole('status', { name: 'State', includeHidden: true })).toContainText('Paused');
  await page.locator('iframe').evaluate((element) => (element.style.display = 'block'));
  await expect.poll(() => widths(frame)).toEqual(inPage);
});

test('what is typed into the guest stands as it was typed', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  const lines = ['_start: mov x0, #1', '\tmov x1, #2', '\tmov x2, #3', 'loop:\tb loop', '        nop', '        nop'];
  const editor = (await sandbox.panel('Guest')).getByRole('textbox');
  await editor.focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.type(lines.join('\n'));
  await expect
    .poll(() => page.evaluate(() => JSON.stringify({ ...localStorage })))
    .toContain(JSON.stringify(JSON.stringify(lines.join('\n')).slice(1, -1)).slice(1, -1));
});

test('labs and refusals have the page’s apostrophes', async ({ sandbox, page }) => {
  await sandbox.open('ipa-size');
  const lab = page.getByRole('article', { name: 'Lab' });
  await expect(lab).toContainText('this host’s limit');
  expect(await lab.innerText()).not.toContain("'");
  await page.keyboard.press('F5');
  await sandbox.finished();
  const ioctls = await sandbox.panel('Ioctls');
  await ioctls
    .getByRole('row', { name: /EINVAL/ })
    .first()
    .click();
  await expect(ioctls.getByRole('group', { name: 'Why it was refused' })).toContainText('above this host’s limit, 52');
});

test('with several vCPUs the log follows the call that came back', async ({ sandbox, page }) => {
  await sandbox.open('psci');
  await page.keyboard.press('Shift+F11');
  await expect(sandbox.state).toContainText('after a KVM exit');
  const ioctls = await sandbox.panel('Ioctls');
  await expect(ioctls.getByRole('region', { name: 'Ioctl details' })).toContainText('returns 0');
  await expect(ioctls.getByRole('row', { selected: true })).toContainText('KVM_EXIT_MMIO');
});

test('by keyboard, a bit is changed twice without losing it', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await page.keyboard.press('F5');
  await sandbox.finished();
  const tables = await sandbox.panel('Page tables');
  await tables.getByRole('button', { name: 'Open all' }).click();
  await tables.getByRole('treeitem', { name: /L3\[1/ }).click();
  const bits = tables.getByRole('group', { name: /^Bits of/ });
  await bits.getByRole('button', { name: 'Bit 0 is 0' }).focus();
  await page.keyboard.press('Space');
  await expect(bits.getByRole('button', { name: /^Bit 0 is 1/ })).toBeFocused();
  await page.keyboard.press('Space');
  await expect(bits.getByRole('button', { name: /^Bit 0 is 0/ })).toBeFocused();
});

test('the read that is chosen stays in sight beside what is said of it', async ({ sandbox, page }) => {
  await sandbox.open('concatenation');
  await page.keyboard.press('F5');
  await sandbox.finished();
  const walk = await sandbox.panel('Walk');
  await walk.getByRole('textbox', { name: 'VA' }).fill('0x8000005000');
  await page.keyboard.press('Enter');
  await walk.getByText('Read', { exact: true }).click();
  const read = walk.getByRole('button', { name: /^Read 24:/ });
  await expect(read).toBeInViewport({ ratio: 1 });
  await read.click();
  await expect(walk.getByRole('region', { name: 'Selected read' })).toBeVisible();
  await expect(read).toBeInViewport({ ratio: 1 });
});

test('a host that can’t be is not called a failure of the script', async ({ sandbox, page }) => {
  await sandbox.open('slot-too-high');
  const host = await sandbox.panel('Host');
  await host.getByLabel('CPU', { exact: true }).selectOption('cortex-a53');
  await page.keyboard.press('Control+Shift+F5');
  const output = await sandbox.panel('Output');
  await expect(output.getByRole('group', { name: 'Failure' })).toContainText('The host can’t boot.');
  await (await sandbox.panel('Host')).getByLabel('KVM mode').selectOption({ label: 'nVHE' });
  await page.keyboard.press('Control+Shift+F5');
  await expect(sandbox.state).toContainText('before the first ioctl');
});

test('a console that gets its size after much was printed out of sight stays at its end', async ({ sandbox, page }) => {
  await page.addInitScript((draft) => {
    localStorage.setItem('stage2/1/slot', '"own"');
    localStorage.setItem('stage2/1/draft/own', draft);
  }, JSON.stringify(PRINTS));
  await page.goto('./');
  await expect(sandbox.button('Run')).toBeEnabled();
  await page.keyboard.press('F5');
  await sandbox.finished();
  const rows = (await sandbox.panel('Console')).locator('.xterm-rows');
  await expect(rows).toContainText('line 200.');
  await sandbox.panel('Output');
  await page.setViewportSize({ width: 1280, height: 560 });
  await sandbox.panel('Console');
  await expect(rows.locator('> div')).toHaveCount(9);
  await expect(rows).toContainText('line 200.');
});

test('Output follows its end, leaves who scrolled away where they are, and follows a new run', async ({
  sandbox,
  page,
}) => {
  const lines = (from: number, to: number) => `for (let at = ${from}; at <= ${to}; at++) print('line', at);`;
  const call = 'await ioctl(kvm, KVM_GET_API_VERSION);';
  const script = ["const kvm = open('/dev/kvm');", lines(1, 100), call, call, lines(101, 200)].join('\n');
  await page.addInitScript(
    (draft) => {
      localStorage.setItem('stage2/1/slot', '"own"');
      localStorage.setItem('stage2/1/draft/own', draft);
    },
    JSON.stringify({ ...PRINTS, script }),
  );
  await page.goto('./');
  await expect(sandbox.button('Run')).toBeEnabled();
  const log = (await sandbox.panel('Output')).getByRole('log');
  const fromEnd = () => log.evaluate((element) => element.scrollHeight - element.clientHeight - element.scrollTop);
  await page.keyboard.press('F10');
  await expect(log).toContainText('line 100');
  await expect(sandbox.state).toContainText('Paused');
  await expect.poll(fromEnd).toBeLessThan(8);
  await log.hover();
  await page.mouse.wheel(0, -10_000);
  await expect.poll(() => log.evaluate((element) => element.scrollTop)).toBe(0);
  await page.keyboard.press('F5');
  await expect(log).toContainText('line 200');
  expect(await log.evaluate((element) => element.scrollTop)).toBe(0);
  await page.keyboard.press('F5');
  await expect.poll(fromEnd).toBeLessThan(8);
  await sandbox.finished();
});
