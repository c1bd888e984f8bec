import type { CapabilityRow } from '../capabilities.ts';
import { DONE, refuse } from '../refusal.ts';
import { hex } from '../usercopy.ts';
import type { Vm } from '../vm.ts';

/**
 * KVM_CAP_ARM_REG_SCOPE, as proposed in "KVM: arm64: Add support for hypercall services selection" (v4, patches 2 and 3,
 * February 2022): once a VM has it enabled, KVM_GET_REG_LIST says of each register in its id whether it is the VM's, so that
 * userspace saves and restores such a register once and not for every vCPU. The id without its scope goes on to work.
 */
export type RegScopeEncoding = 'arm64-bit' | 'neutral-nibble';

interface Encoding {
  readonly mask: bigint;
  readonly vm: bigint;
}

const SHIFT = 28n;
const SCOPE_VM = 1n;

/** The patch's one bit of arm64's own, and the nibble for all architectures that its review asked for. */
const ENCODINGS: Readonly<Record<RegScopeEncoding, Encoding>> = {
  'arm64-bit': { mask: 1n << SHIFT, vm: SCOPE_VM << SHIFT },
  'neutral-nibble': { mask: 0xfn << SHIFT, vm: SCOPE_VM << SHIFT },
};

/** The number that the patch took; powerpc's KVM_CAP_PPC_AIL_MODE_3 has got it since. */
export const KVM_CAP_ARM_REG_SCOPE = 210;

export const REG_SCOPE_CAPABILITIES: readonly CapabilityRow[] = [
  {
    name: 'KVM_CAP_ARM_REG_SCOPE',
    number: KVM_CAP_ARM_REG_SCOPE,
    check: (kvm) => (kvm.host.regScope ? 1 : 0),
    enable: (vm, { flags }) => {
      const kernel = 'kvm_vm_ioctl_enable_cap';
      if (!vm.kvm.host.regScope) {
        const message = "KVM_CAP_ARM_REG_SCOPE is a proposal that this host's kernel does not have";
        return refuse('EINVAL', 'enable-cap.unknown', message, kernel);
      }
      if (flags !== 0) return refuse('EINVAL', 'enable-cap.flags', `flags ${hex(flags)} must be 0`, kernel);
      vm.regScope = vm.kvm.host.regScope;
      return DONE;
    },
  },
];

/** The id of a register that is the VM's, as KVM_GET_REG_LIST gives it (kvm_arm_reg_id_encode_scope). */
export function withVmScope({ regScope }: Vm, id: bigint): bigint {
  return regScope ? id | ENCODINGS[regScope].vm : id;
}

/** The id without its scope (kvm_arm_reg_id_clear_scope); one whose scope is none stays as it is, and names no register. */
export function withoutScope({ regScope }: Vm, id: bigint): bigint {
  if (!regScope) return id;
  const { mask, vm } = ENCODINGS[regScope];
  return (id & mask) === vm ? id & ~mask : id;
}
