import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../abi/capabilities.ts';
import { SYSTEM_EVENTS } from '../abi/constants.ts';
import { EXIT_REASONS } from '../abi/exits.ts';
import { kvm_run } from '../abi/structs.ts';
import { writeStruct } from '../abi/values.ts';
import { HOST_PRESETS } from '../host/config.ts';
import { TestVmm } from '../host/testing.ts';
import { entryOf, exitText, finishedEntry } from './ioctl-log.ts';
import type { IoctlEntry } from './messages.ts';

const RAM = [{ base: 0x4000_0000n, size: 0x0100_0000n }];

/** A VMM whose calls are logged. */
function logged(regScope?: 'arm64-bit' | 'neutral-nibble') {
  const vmm = new TestVmm({ ...HOST_PRESETS[0]!.config, ram: RAM, ...(regScope && { proposals: { regScope } }) });
  const entries: IoctlEntry[] = [];
  const read = (address: bigint, length: number) => vmm.process.memory.read(address, length);
  vmm.host.onIoctl = {
    after: (call, result, bytes) => {
      const entry = entryOf(call, entries.length, null, 0n, read);
      entries.push(finishedEntry(entry, call, result, bytes, null, read));
    },
  };
  vmm.createVm();
  return { vmm, last: () => entries.at(-1)! };
}

describe('the log', () => {
  it.each(['arm64-bit', 'neutral-nibble'] as const)('names the scopes in a list of registers, %s', (encoding) => {
    const { vmm, last } = logged(encoding);
    const { fd } = vmm.vcpu();
    const list = vmm.map(0x4000);
    const get = () => {
      vmm.process.memory.write(list, new Uint8Array(BigUint64Array.of(1000n).buffer));
      expect(vmm.answer(fd, 'KVM_GET_REG_LIST', list)).toBe(0);
      return last().result!.outStruct!.fields.slice(1);
    };
    expect(get()).toEqual([]);
    vmm.enable(210);
    expect(last().argStruct!.fields[0]!.text).toBe(
      'KVM_CAP_ARM_REG_SCOPE as proposed (KVM_CAP_PPC_AIL_MODE_3 in Linux)',
    );
    const fields = get();
    expect(fields).toHaveLength(6);
    expect(fields[3]).toMatchObject({ size: 8, text: 'KVM_REG_ARM_STD_BMAP, scope VM (0x6030000010160000)' });
    expect(fields.every(({ name, offset }) => name === `reg[${(offset - 8) / 8}]`)).toBe(true);
  });

  it.each([
    [0n, '0 (40 bits of IPA)'],
    [52n, '52 (bits of IPA)'],
    [0x100n, '0x100'],
  ])('says what size the VM type %s asks for, if it does', (type, text) => {
    const { vmm, last } = logged();
    vmm.answer(vmm.kvm, 'KVM_CREATE_VM', type);
    expect(last().argText).toBe(text);
  });

  it('shows nothing of a list that found no room', () => {
    const { vmm, last } = logged('arm64-bit');
    const { fd } = vmm.vcpu();
    vmm.enable(210);
    // The list's end has no memory behind it: EFAULT, and nothing more to show.
    const list = vmm.map(0x1000, { address: 0x7_0000_0000n });
    vmm.process.memory.write(list + 0xf00n, new Uint8Array(BigUint64Array.of(1000n).buffer));
    expect(vmm.answer(fd, 'KVM_GET_REG_LIST', list + 0xf00n)).toBe('EFAULT');
    expect(last().result!.outStruct).toBeNull();
  });

  it('says why a capability is 0, where there is more to it, and nothing of others', () => {
    const { vmm, last } = logged();
    vmm.answer(vmm.vm, 'KVM_CHECK_EXTENSION', BigInt(CAPABILITIES.KVM_CAP_MEMORY_FAULT_INFO));
    expect(last().result).toMatchObject({ ret: 0, errno: null, explanation: { rule: 'capability.absent' } });
    expect(last().result!.explanation!.message).toMatch(/KVM_EXIT_MEMORY_FAULT.*EFAULT/);
    vmm.answer(vmm.vm, 'KVM_CHECK_EXTENSION', BigInt(CAPABILITIES.KVM_CAP_S390_SKEYS));
    expect(last().result).toMatchObject({ ret: 0, explanation: null });
  });

  it.each([
    ['KVM_SYSTEM_EVENT_SHUTDOWN', 0n, 'KVM_SYSTEM_EVENT_SHUTDOWN'],
    ['KVM_SYSTEM_EVENT_SHUTDOWN', 1n, 'KVM_SYSTEM_EVENT_SHUTDOWN data[0]=KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2'],
    ['KVM_SYSTEM_EVENT_RESET', 1n, 'KVM_SYSTEM_EVENT_RESET data[0]=KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2'],
    ['KVM_SYSTEM_EVENT_CRASH', 3n, 'KVM_SYSTEM_EVENT_CRASH data[0]=0x3'],
  ] as const)('tells of %s with %s what it was', (name, flags, text) => {
    const event = { type: SYSTEM_EVENTS[name], ndata: 1, data: [flags] };
    const run = writeStruct(kvm_run, 'arm64', { exit_reason: EXIT_REASONS.KVM_EXIT_SYSTEM_EVENT, system_event: event });
    expect(exitText(run)).toBe(`KVM_EXIT_SYSTEM_EVENT ${text}`);
  });
});
