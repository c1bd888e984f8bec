import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NAMED_REGS, sysregId } from '../abi/onereg.ts';
import { HOST_PRESETS } from '../host/config.ts';
import { TestVmm } from '../host/testing.ts';
import { registerIds } from './onereg.ts';

/** KVM_GET_REG_LIST of a vCPU without features: oracle/arm64/a57-4k.jsonl.gz, section reglist, config default. */
const RECORDED = (JSON.parse(readFileSync(new URL('./vectors/reglist.json', import.meta.url), 'utf8')) as string[]).map(
  BigInt,
);

function vcpu(host = 'a57-4k') {
  const vmm = new TestVmm(host);
  vmm.createVm();
  return { vmm, ...vmm.vcpu(0, 0) };
}

describe('the register list', () => {
  it('is the recorded one, in its order', () => {
    expect(registerIds(vcpu().vcpu)).toEqual(RECORDED);
  });

  it.each(HOST_PRESETS.map(({ name }) => name))('on %s, every register in it can be read and written back', (name) => {
    const { vmm, fd } = vcpu(name);
    const at = vmm.scratch;
    vmm.process.memory.write(at, new Uint8Array(BigUint64Array.of(1000n).buffer));
    expect(vmm.answer(fd, 'KVM_GET_REG_LIST', at)).toBe(0);
    const count = Number(new DataView(vmm.process.memory.read(at, 8)!.buffer).getBigUint64(0, true));
    expect(count).toBe(RECORDED.length);
    for (const id of new BigUint64Array(vmm.process.memory.read(at + 8n, 8 * count)!.buffer)) {
      vmm.process.memory.write(at, new Uint8Array(BigUint64Array.of(id, at + 0x1000n).buffer));
      expect([id, vmm.answer(fd, 'KVM_GET_ONE_REG', at), vmm.answer(fd, 'KVM_SET_ONE_REG', at)]).toEqual([id, 0, 0]);
    }
  });

  it('says how long it is where there is too little room', () => {
    const { vmm, fd } = vcpu();
    expect(vmm.answer(fd, 'KVM_GET_REG_LIST', vmm.scratch)).toBe('E2BIG');
    expect([...vmm.process.memory.read(vmm.scratch, 2)!]).toEqual([RECORDED.length & 0xff, RECORDED.length >> 8]);
  });
});

describe('a register', () => {
  const MIDR = sysregId({ op0: 3, op1: 0, crn: 0, crm: 0, op2: 0 });
  const ISAR0 = sysregId({ op0: 3, op1: 0, crn: 0, crm: 6, op2: 0 });
  const TTBR0 = sysregId({ op0: 3, op1: 0, crn: 2, crm: 0, op2: 0 });

  it('has KVM’s values after reset', () => {
    const { vmm, fd } = vcpu();
    expect(vmm.getReg(fd, MIDR)).toBe(0x411f_d070n);
    expect(vmm.getReg(fd, TTBR0)).toBe(0x1de7_ec7e_dbad_c0den);
    expect(vmm.core(fd, 'pstate')).toBe(0x3c5n);
    expect(vmm.getReg(fd, NAMED_REGS.KVM_REG_ARM_PSCI_VERSION)).toBe(1n);
  });

  it.each([
    ['of another architecture', 0x2030_0000_0010_0000n, 'onereg.arch'],
    ['inside of another', 0x6030_0000_0010_0001n, 'onereg.core-offset'],
    ['of another size', 0x6020_0000_0010_0000n, 'onereg.core-size'],
    ['outside of kvm_regs', 0x6030_0000_0010_00d8n, 'onereg.core-offset'],
    ['that nobody has', 0x6030_0000_0013_ffffn, 'onereg.unknown'],
  ])('%s is refused by its rule', (_what, id, rule) => {
    const { vmm, fd } = vcpu();
    expect(vmm.setReg(fd, id, 0n)).toMatchObject({ rule });
  });

  it('of identification takes less than the host has, and nothing any more after the first run', () => {
    const { vmm, fd, run } = vcpu('n1-4k');
    const host = vmm.getReg(fd, ISAR0) as bigint;
    expect(vmm.setReg(fd, ISAR0, 0n)).toEqual({ ret: 0 });
    expect(vmm.getReg(fd, ISAR0)).toBe(0n);
    expect(vmm.setReg(fd, ISAR0, host)).toEqual({ ret: 0 });
    expect(vmm.setReg(fd, ISAR0, host + (1n << 20n))).toMatchObject({ errno: 'EINVAL', rule: 'id-register.limit' });
    vmm.process.memory.write(run + 1n, Uint8Array.of(1));
    vmm.ioctl(fd, 'KVM_RUN');
    expect(vmm.setReg(fd, ISAR0, 0n)).toMatchObject({ errno: 'EBUSY', rule: 'id-register.after-run' });
    expect(vmm.setReg(fd, ISAR0, host)).toEqual({ ret: 0 });
  });

  it('PSTATE takes only modes that the vCPU has', () => {
    const { vmm, fd } = vcpu();
    const set = (value: bigint) => {
      const result = vmm.setReg(fd, 0x6030_0000_0010_0042n, value);
      return 'errno' in result ? result.errno : 0;
    };
    expect([0x3c5n, 0x3c4n, 0n, 0x3c9n, 0x1d3n, 0x10n, 0x3n].map(set)).toEqual([
      0,
      0,
      0,
      'EINVAL',
      'EINVAL',
      'EINVAL',
      'EINVAL',
    ]);
  });
});
