import { describe, expect, it } from 'vitest';
import { assemble } from '../isa/a64/assembler.ts';
import { isRefusal } from '../kvm/refusal.ts';
import { asRecorded, HOST_PRESETS, type HostConfig } from './config.ts';
import { TestVmm } from './testing.ts';

const RAM = 0x4000_0000n;
const MMIO = 0x900_0000n;
const VECTORS = RAM + 0x1000n;
const MAX = { ...HOST_PRESETS[0]!.config, ram: [{ base: RAM, size: 0x0100_0000n }] };
const TO_MMIO = 'movz x0, #0x900, lsl #16\n';

/** The first exit of a guest, with what it left in its registers. */
function exitOf(config: HostConfig, source: string) {
  const vmm = new TestVmm(config);
  vmm.createVm();
  const handler = `.org 0x1200\n movz x30, #0x900, lsl #16\n movk x30, #0xf00\n str x29, [x30]\n b .\n`;
  const { bytes, errors } = assemble(`${source} b .\n${handler}`, { origin: RAM });
  expect(errors).toEqual([]);
  const ram = vmm.map(0x10000);
  vmm.process.memory.write(ram, bytes);
  vmm.slot(0, RAM, 0x10000, ram);
  const { fd, vcpu, run } = vmm.vcpu();
  vmm.setCore(fd, 'pc', RAM);
  vcpu.writeSysreg('VBAR_EL1', VECTORS);
  const result = vmm.ioctl(fd, 'KVM_RUN');
  return { vmm, fd, run, vcpu, result, mmio: vmm.runStruct(run).mmio };
}

describe('the CPU that QEMU 7.2 emulates, unlike the architecture’s,', () => {
  it('does not fault unaligned accesses while the MMU is off', () => {
    const source = `${TO_MMIO} movk x0, #1\n str x0, [x0]\n`;
    expect(exitOf(asRecorded(MAX), source).mmio.phys_addr).toBe(MMIO + 1n);
    expect(exitOf(MAX, source).mmio.phys_addr).toBe(MMIO + 0xf00n);
  });

  it('does not tell that a load extends the sign', () => {
    for (const [config, loaded] of [
      [asRecorded(MAX), 0x80n],
      [MAX, 0xffff_ffff_ffff_ff80n],
    ] as const) {
      const { vmm, fd, run } = exitOf(config, `${TO_MMIO} ldrsb x1, [x0]\n str x1, [x0]\n`);
      vmm.process.memory.write(run + 40n, Uint8Array.of(0x80));
      vmm.ioctl(fd, 'KVM_RUN');
      expect(vmm.core(fd, 'x1')).toBe(loaded);
    }
  });

  it('clears the flags on an exception to EL1', () => {
    const source = 'subs x1, x1, x1\n udf #0\n';
    expect(exitOf(asRecorded(MAX), source).vcpu.context.pstate >> 28n).toBe(0n);
    expect(exitOf(MAX, source).vcpu.context.pstate >> 28n).toBe(6n);
  });

  it('does not trap WFE', () => {
    const wfes = (config: HostConfig) => {
      const { rows, values } = exitOf(config, `wfe\n${TO_MMIO} str x0, [x0]\n`).vcpu.statistics;
      return values[rows.get('wfe_exit_stat')!.offset / 8];
    };
    expect([wfes(asRecorded(MAX)), wfes(MAX)]).toEqual([0n, 1n]);
  });

  it('says of an atomic instruction’s fault that it is a write’s', () => {
    const source = `${TO_MMIO} ldadd x1, x2, [x0]\n`;
    for (const config of [asRecorded(MAX), MAX]) {
      const { result } = exitOf(config, source);
      expect(isRefusal(result) && result.message).toMatch(config === MAX ? /ESR 0x9200000/ : /ESR 0x9200004/);
    }
    const unaligned = `${TO_MMIO} movk x0, #4\n swp x1, x2, [x0]\n`;
    expect(exitOf(asRecorded(MAX), unaligned).vcpu.readSysreg('ESR_EL1')).toBe(0x9600_0061n);
    expect(exitOf(MAX, unaligned).vcpu.readSysreg('ESR_EL1')).toBe(0x9600_0021n);
  });
});

describe('AArch32 as the real CPU has it', () => {
  it('is found by KVM on a host with the real identity alone, and a vCPU in it can not run', () => {
    expect(() => new TestVmm(MAX).createVm() && new TestVmm(MAX).vcpu(0, 2)).toThrow();
    const vmm = new TestVmm(asRecorded(MAX));
    vmm.createVm();
    const { fd } = vmm.vcpu(0, 2);
    expect(vmm.core(fd, 'pstate')).toBe(0x1d3n);
    expect(vmm.ioctl(fd, 'KVM_RUN')).toMatchObject({ errno: 'EINVAL', rule: 'run.no-aarch32' });
  });
});
