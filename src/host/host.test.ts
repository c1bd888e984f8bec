import { describe, expect, it, test } from 'vitest';
import { ConfigError, HOST_PRESETS, type HostConfig } from './config.ts';
import { boot } from './host.ts';
import { TestVmm } from './testing.ts';

const RAM = [{ base: 0x4000_0000n, size: 0x0040_0000n }];
const config = (change: Partial<HostConfig>): HostConfig => ({
  cpu: 'max',
  pageSize: 4096,
  mode: 'vhe',
  ram: RAM,
  ...change,
});
const preset = (name: string): HostConfig => ({ ...HOST_PRESETS.find((row) => row.name === name)!.config, ram: RAM });

describe('the boot log', () => {
  /** Lines of the recorded hosts' dmesg: oracle/arm64/*.jsonl.gz, section env. */
  it.each([
    ['max-4k', '52 bits', 'VHE'],
    ['max-4k-lpa2off', '48 bits', 'VHE'],
    ['max-4k-protected', '52 bits', 'Protected hVHE'],
    ['max-16k', '52 bits', 'VHE'],
    ['a57-4k', '44 bits', 'Hyp nVHE'],
    ['a53-4k', '40 bits', 'Hyp nVHE'],
    ['a72-4k', '44 bits', 'Hyp nVHE'],
    ['n1-4k', '48 bits', 'VHE'],
  ])('of %s says an IPA limit of %s and %s mode, and why', (name, limit, mode) => {
    const log = boot(preset(name)).bootLog;
    const said = (text: string) => log.find((line) => line.text === text)?.because;
    expect(said(`kvm [1]: IPA Size Limit: ${limit}`)).toMatch(/PARange says \d+ bits/);
    expect(said(`kvm [1]: ${mode} mode initialized successfully`)).toBeTruthy();
    expect(log.map(({ time }) => time)).toEqual(log.map(({ time }) => time).sort((a, b) => a - b));
  });

  it('says 52 bits of IPA with 64K pages on hardware that has them, whatever the kernel was built for', () => {
    const kernel = { paBits: 48, vaBits: 48 } as const;
    const host = boot(config({ pageSize: 65536, kernel }));
    const line = host.bootLog.find(({ text }) => text === 'kvm [1]: IPA Size Limit: 52 bits');
    expect(line?.because).toContain('CONFIG_ARM64_PA_BITS_48');
    expect(boot(config({ pageSize: 65536, kernel, paBits: 48 })).kvm.ipaLimit).toBe(48);
    // T0SZ and PS do not agree then: the host's own memory lies below 2^48 (kvm_get_parange).
    const vmm = new TestVmm(host);
    const { vtcr } = vmm.createVm(52).stage2;
    expect([vtcr & 0x3fn, (vtcr >> 16n) & 7n]).toEqual([12n, 5n]);
    vmm.process.exit();
  });

  it('says what a small limit means', () => {
    const { bootLog } = boot(config({ cpu: 'cortex-a53', mode: 'nvhe', paBits: 36, ram: RAM }));
    expect(bootLog.map(({ text }) => text)).toContain(
      'kvm [1]: IPA Size Limit: 36 bits (Reduced IPA size, limited VM/VMM compatibility)',
    );
  });
});

describe('a host that can not be', () => {
  it.each([
    ['VHE without FEAT_VHE', { cpu: 'cortex-a57' }, /FEAT_VHE/],
    ['LPA2 before Armv8.7', { cpu: 'neoverse-n1', lpa2: true }, /FEAT_LPA2/],
    ['16K pages without a 16K granule', { cpu: 'cortex-a53', mode: 'nvhe', pageSize: 16384 }, /16K/],
    [
      'RAM above the physical addresses',
      { cpu: 'cortex-a53', mode: 'nvhe', ram: [{ base: 1n << 40n, size: 1n << 20n }] },
      /40 bits/,
    ],
    [
      'RAM above 2^48 with 4K pages and no LPA2',
      { lpa2: false, ram: [...RAM, { base: 1n << 50n, size: 1n << 20n }] },
      /48 bits.*without LPA2/,
    ],
    [
      'RAM above what the kernel was built for',
      { kernel: { paBits: 48, vaBits: 48 }, ram: [...RAM, { base: 1n << 50n, size: 1n << 20n }] },
      /48 bits.*built for/,
    ],
    ['pages that stage 1 has no granule for', { stage1Granules: ['64K'] }, /no stage 1 with 4K/],
    ['an unknown granule', { stage2Granules: ['8K' as '4K'] }, /8K/],
    ['a 4K kernel of 52 bits of one kind alone', { kernel: { paBits: 52, vaBits: 48 } }, /neither/],
    ['RAM that overlaps', { ram: [...RAM, ...RAM] }, /overlaps/],
    ['RAM that is not aligned', { ram: [{ base: 0x4000_1000n, size: 0x10_0000n }] }, /64 KiB/],
    ['no RAM', { ram: [] }, /too little/],
    ['more RAM than a tab has', { ram: [{ base: 0n, size: 1n << 36n }] }, /at most/],
    ['an unknown CPU', { cpu: 'cortex-a999' as 'max' }, /cortex-a999/],
    ['an unknown page size', { pageSize: 8192 as 4096 }, /8192/],
    ['an unknown mode', { mode: 'hvhe' as 'vhe' }, /hvhe/],
    ['an odd number of address bits', { paBits: 41 as 40 }, /41/],
  ] as [string, Partial<HostConfig>, RegExp][])('%s is refused with the reason', (_what, change, reason) => {
    expect(() => boot(config(change))).toThrow(ConfigError);
    expect(() => boot(config(change))).toThrow(reason);
  });

  it('a stage 2 without the kernel’s pages boots without KVM, and says why', () => {
    const host = boot(config({ stage2Granules: ['16K', '64K'] }));
    const texts = host.bootLog.map(({ text }) => text);
    expect(texts).toContain('kvm [1]: PAGE_SIZE not supported at Stage-2, giving up');
    expect(texts.filter((text) => /IPA Size Limit|initialized/.test(text))).toEqual([]);
    const process = host.createProcess();
    expect(process.open('/dev/kvm')).toMatchObject({
      errno: 'ENOENT',
      rule: 'open.no-kvm',
      message: expect.stringMatching(/gave up.*TGran4_2.*4K/) as string,
    });
    process.exit();
  });

  it('RAM above 2^48 is one that can', () => {
    const host = boot(config({ ram: [...RAM, { base: 1n << 51n, size: 0x10_0000n }] }));
    expect(host.machine.memory.offset(2 ** 51 + 5)).toBeGreaterThan(0);
  });
});

test.each([
  [{ stage1Granules: ['4K'] as const, stage2Granules: ['4K', '16K'] as const }, 52],
  [
    {
      cpu: 'cortex-a57' as const,
      mode: 'nvhe' as const,
      pageSize: 16384 as const,
      stage1Granules: ['4K', '16K'] as const,
    },
    44,
  ],
])('granules of the two stages can be chosen apart: %j', (change, ipaBits) => {
  const { kvm } = boot({ cpu: 'max', pageSize: 4096, mode: 'vhe', ram: RAM, ...change });
  expect(kvm.ipaLimit).toBe(ipaBits);
  expect(kvm.host.model.features.stage1Granules).toEqual(change.stage1Granules);
});

describe('a process', () => {
  it('that ends takes its VMs with it, also one that is in KVM_RUN', () => {
    const vmm = new TestVmm();
    const child = vmm.host.createProcess();
    child.exit();
    const free = vmm.host.freePages;
    const fresh = vmm.host.createProcess();
    expect(vmm.host.freePages).toBeLessThan(free);
    fresh.exit();
    expect(vmm.host.freePages).toBe(free);

    vmm.createVm();
    const { fd } = vmm.vcpu();
    const call = vmm.process.ioctl(fd, 0xae80, 0n);
    vmm.host.control.budget = 10;
    call.next();
    vmm.process.exit();
    expect(call.next().done).toBe(true);
    expect(vmm.host.kvm.vms.size).toBe(0);
    expect(vmm.host.processes).toEqual([]);
  });

  it('keeps a vCPU whose kvm_run is mapped after its descriptor is closed', () => {
    const vmm = new TestVmm();
    vmm.createVm();
    const { fd, run } = vmm.vcpu();
    vmm.process.close(fd);
    vmm.process.close(vmm.vm);
    expect(vmm.host.kvm.vms.size).toBe(1);
    expect(vmm.process.memory.read(run, 8)).not.toBeNull();
    vmm.process.munmap(run, 4096);
    expect(vmm.host.kvm.vms.size).toBe(0);
  });

  it('is seen by the observer, with the structure before and after', () => {
    const vmm = new TestVmm();
    vmm.createVm();
    const seen: unknown[] = [];
    vmm.host.onIoctl = {
      before: ({ fd, kind, row }) => seen.push([fd, kind, row?.name]),
      after: ({ bytesBefore }, result, bytesAfter) => seen.push([bytesBefore?.[0], result, bytesAfter?.[0]]),
    };
    vmm.ioctl(vmm.vm, 'KVM_ARM_PREFERRED_TARGET', vmm.scratch);
    vmm.process.ioctl(77, 0x1234, 0n).next();
    expect(seen).toMatchObject([
      [vmm.vm, 'vm', 'KVM_ARM_PREFERRED_TARGET'],
      [0, { ret: 0 }, 5],
      [77, 'unknown', undefined],
      [undefined, { errno: 'EBADF' }, undefined],
    ]);
  });

  it('can not use the VM of another', () => {
    const vmm = new TestVmm();
    const vm = vmm.createVm();
    const other = vmm.host.createProcess();
    const result = vm.ioctl(0xae03, 9n, other).next();
    expect(result).toMatchObject({ done: true, value: { errno: 'EIO' } });
  });
});
