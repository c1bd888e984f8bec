import { expect, test } from './page.ts';

test('a guest that loops forever is paused at once and stepped on from there', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await sandbox.type('Guest', '_start: b .\n');
  await sandbox.button('Run').click();
  await expect(sandbox.state).toContainText('Running');
  await page.waitForTimeout(500);
  await sandbox.button('Pause').click();
  await expect(sandbox.state).toContainText('Paused');
  await sandbox.button('Step instruction').click();
  await expect(sandbox.state).toContainText('after a step');
});

test('a guest that jumps nowhere: the view says what is not there', async ({ sandbox }) => {
  await sandbox.open('hello');
  await sandbox.type('Guest', '_start: movz x0, #0x7000, lsl #16\n br x0\n');
  for (const _ of [1, 2, 3]) {
    await sandbox.button('Step instruction').click();
    await expect(sandbox.state).toContainText('after a step');
  }
  const disassembly = await sandbox.panel('Disassembly');
  await expect(disassembly).toContainText('0x70000000');
  await expect(disassembly).toContainText('no memory slot');
  // KVM injects an abort; without vectors the guest aborts again for ever, and the page must stay alive.
  await sandbox.button('Continue').click();
  await expect(sandbox.state).toContainText('Running');
  await sandbox.button('Pause').click();
  await expect(sandbox.state).toContainText('Paused');
});

test('a script that never ends is ended, with its line', async ({ sandbox }) => {
  await sandbox.open('hello');
  await sandbox.type('VMM script', "print('here');\nfor (;;) {}\n");
  await sandbox.button('Run').click();
  await expect(sandbox.state).toContainText('Failed', { timeout: 30_000 });
  await expect(await sandbox.panel('Problems')).toContainText(/the script does not end.*, line 2/s);
  await sandbox.type('VMM script', "print('again');\n");
  await sandbox.button('Run').click();
  await sandbox.finished();
});

test('errors of the guest stand at their line and what was typed survives a reload', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await sandbox.type('Guest', '_start: nop\n        mvo x0, #1\n');
  const problems = await sandbox.panel('Problems');
  await expect(problems).toContainText('mvo');
  await page.reload();
  await expect(sandbox.button('Run')).toBeEnabled();
  const guest = await sandbox.panel('Guest');
  await expect(guest).toContainText('mvo');
});

test('an unknown ioctl is refused as the kernel refuses it', async ({ sandbox }) => {
  await sandbox.open('hello');
  await sandbox.type(
    'VMM script',
    "const kvm = open('/dev/kvm');\ntry { await ioctl(kvm, 0xdead, 0); } catch (e) { print(String(e)); }\n",
  );
  await sandbox.button('Run').click();
  await sandbox.finished();
  await expect(await sandbox.panel('Output')).toContainText('EINVAL');
});

test('a guest from an ELF file runs; a file that is none is refused where it was chosen', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  const guest = await sandbox.panel('Guest');
  const input = guest.getByLabel('ELF file of the guest');
  await input.setInputFiles('src/vmm/images/vectors/hello.s');
  await expect(guest.getByRole('note')).toContainText('hello.s');
  await sandbox.button('Run').click();
  await expect(sandbox.state).toContainText('hello.s can');
  await expect(await sandbox.panel('Problems')).toContainText('it is no ELF: it begins with');
  await (
    await sandbox.panel('Guest')
  )
    .getByLabel('ELF file of the guest')
    .setInputFiles('src/vmm/images/vectors/hello.elf');
  await sandbox.button('Run').click();
  await sandbox.finished();
  await expect(await sandbox.panel('Console')).toContainText('ELF');
  await page.getByRole('tab', { name: 'Guest', exact: true }).click();
  await guest.getByRole('button', { name: 'Use the assembly' }).click();
  await sandbox.button('Run').click();
  await sandbox.finished();
  await expect(await sandbox.panel('Console')).toContainText('Hello from EL1');
});

test('a link that names nothing is refused, and the page stays where it is', async ({ sandbox, page }) => {
  await page.goto('./#lab=nope');
  const notices = page.getByText(/^The link #lab=nope names no lab/);
  await expect(notices).toBeVisible();
  await expect(page).not.toHaveURL(/nope/);
  await sandbox.open('hello');
  await page.evaluate(() => (location.hash = '#matrix=48-48-vhe-4K-48-48-high-4K-48-48-low'));
  await expect(page.getByText(/names no combination of the boot matrix that can be/)).toBeVisible();
  await expect(page).toHaveURL(/#lab=hello$/);
});
