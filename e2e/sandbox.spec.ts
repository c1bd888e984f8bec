import { expect, test } from './page.ts';

test('hello: the guest prints through MMIO exits that the log decodes', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await sandbox.button('Run').click();
  await sandbox.finished();
  const ioctls = await sandbox.panel('Ioctls');
  await expect(ioctls.getByRole('row', { name: /KVM_EXIT_SYSTEM_EVENT/ })).toBeVisible();
  await page.getByRole('searchbox', { name: 'Filter ioctls' }).fill('MEMORY_REGION');
  await ioctls.getByRole('row', { name: /KVM_SET_USER_MEMORY_REGION/ }).click();
  const details = page.getByRole('region', { name: 'Ioctl details' });
  await expect(details).toContainText('guest_phys_addr');
  await expect(details).toContainText('0x40000000');
  const console = await sandbox.panel('Console');
  await expect(console).toContainText('Hello from EL1');
});

test('stepping the first instruction makes the stage-2 entry appear', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await page.keyboard.press('F11');
  await expect(sandbox.state).toContainText('Paused');
  const tables = await sandbox.panel('Page tables');
  await tables.getByRole('button', { name: 'Open all' }).click();
  await expect(tables.getByRole('treeitem', { name: /page/ })).toHaveCount(0);
  await page.keyboard.press('F11');
  const entry = tables.getByRole('treeitem', { name: /page/ }).first();
  await expect(entry).toContainText('0x40000000');
  await entry.click();
  await expect(tables).toContainText('MemAttr');
  const registers = await sandbox.panel('Registers');
  await expect(registers).toContainText('9000000');
});

test('a slot above the IPA size: the errno comes with its rule', async ({ sandbox, page }) => {
  await sandbox.open('slot-too-high');
  await page.keyboard.press('F5');
  await sandbox.finished();
  const ioctls = await sandbox.panel('Ioctls');
  await ioctls.getByRole('checkbox', { name: 'Refused only' }).check();
  await ioctls.getByRole('row', { name: /EFAULT/ }).click();
  const details = page.getByRole('region', { name: 'Ioctl details' });
  await expect(details).toContainText('36 bits');
  await expect(details).toContainText('kvm_arch_prepare_memory_region');
});

test('a VM written by hand runs: script and guest are what is in the editors', async ({ sandbox }) => {
  await sandbox.open();
  await sandbox.type('Guest', ['_start: mov x5, #42', '        ldr w0, =0x84000008', '        hvc #0', ''].join('\n'));
  await sandbox.type(
    'VMM script',
    [
      "const kvm = open('/dev/kvm');",
      'const vm = await ioctl(kvm, KVM_CREATE_VM, 44);',
      'const ram = alloc(0x1_0000, { shared: true });',
      'ram.write(0, guest.bytes);',
      'await ioctl(vm, KVM_SET_USER_MEMORY_REGION, {',
      '  slot: 0, guest_phys_addr: guest.origin, memory_size: ram.size, userspace_addr: ram.address,',
      '});',
      'const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);',
      "const init = struct('kvm_vcpu_init');",
      'await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);',
      'init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;',
      'await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);',
      "await setOneReg(vcpu, 'pc', guest.entry);",
      'await ioctl(vcpu, KVM_RUN);',
      "print('ended');",
    ].join('\n'),
  );
  await sandbox.button('Run').click();
  await sandbox.finished();
  await expect(await sandbox.panel('Output')).toContainText('ended');
  await expect((await sandbox.panel('Registers')).getByRole('option', { name: 'x5 0x000000000000002a' })).toBeVisible();
});

test('two stages: the walk shows every read of both', async ({ sandbox, page }) => {
  await sandbox.open('two-stages');
  await page.keyboard.press('F5');
  await sandbox.finished();
  const walk = await sandbox.panel('Walk');
  await walk.getByRole('radio', { name: 'Read' }).check({ force: true });
  await walk.getByRole('textbox').first().fill('0x80005000');
  await page.keyboard.press('Enter');
  await expect(walk).toContainText('0x40020000');
  await expect(walk).toContainText('15 reads');
  const map = await sandbox.panel('Memory map');
  await expect(map).toContainText('0x40000000');
});

test('a view that comes back into sight stands where it stood', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  for (const _ of [1, 2, 3]) {
    await page.keyboard.press('F11');
    await expect(sandbox.state).toContainText('after a step');
  }
  const disassembly = await sandbox.panel('Disassembly');
  const next = disassembly.getByRole('row', { name: /next/ });
  await expect(next.first()).toBeInViewport();
  await sandbox.panel('Page tables');
  await sandbox.panel('Disassembly');
  await expect(next.first()).toBeInViewport();
});

test('a breakpoint of an earlier visit stops the guest, until it is removed', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await sandbox.button('Step instruction').click();
  await expect(sandbox.state).toContainText('after a step');
  const code = (await sandbox.panel('Disassembly')).getByRole('grid', { name: 'Disassembly' });
  await code.focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'F9']) await page.keyboard.press(key);
  await expect(code.getByRole('row', { name: /^breakpoint/ })).toHaveCount(1);
  // A draft is stored a moment after the last change.
  await page.waitForTimeout(600);
  await page.reload();
  await expect(sandbox.button('Run')).toBeEnabled();
  await sandbox.button('Run').click();
  await expect(sandbox.state).toContainText('at a breakpoint');
  await code.focus();
  for (const key of ['Home', 'F9']) await page.keyboard.press(key);
  await sandbox.button('Continue').click();
  await sandbox.finished();
});

test('an address is typed by the names that the guest has', async ({ sandbox, page }) => {
  await sandbox.open('two-stages');
  await page.keyboard.press('F5');
  await sandbox.finished();
  const memory = await sandbox.panel('Memory');
  const address = memory.getByRole('textbox', { name: 'Address' });
  // It follows the view until something is typed.
  await expect(address).toHaveValue('0x40000000');
  for (const [typed, shown] of [
    ['LEVEL1 + 0x8', '0x40010008'],
    ['on', '0x40000068'],
    ['pc', '0x40000084'],
    ['ttbr0_el1', '0x40010000'],
  ] as const) {
    await address.fill(typed);
    await page.keyboard.press('Enter');
    await expect(address).toHaveValue(shown);
  }
  await address.fill('LEVEL9');
  await page.keyboard.press('Enter');
  await expect(memory.getByRole('alert')).toContainText('neither a number nor a name');
});

test('a byte that a person writes is marked until the guest runs on', async ({ sandbox, page }) => {
  await sandbox.open('hello');
  await sandbox.button('Step instruction').click();
  await expect(sandbox.state).toContainText('after a step');
  const memory = await sandbox.panel('Memory');
  await memory.getByRole('button', { name: 'Edit' }).click();
  await expect(memory.getByRole('grid', { name: 'Memory' })).toBeFocused();
  await page.keyboard.type('5a');
  await expect(memory.getByRole('gridcell', { name: '5a changed' })).toBeVisible();
  await sandbox.button('Step instruction').click();
  await expect(memory.getByRole('gridcell', { name: 'changed' })).toHaveCount(0);
});
