import type { Ipa } from '../../abi/address.ts';
import { EXIT_REASONS } from '../../abi/exits.ts';
import type { CapabilityRow } from '../capabilities.ts';
import { coalesce } from '../coalesced.ts';
import { signalStore } from '../ioeventfd.ts';
import { DONE, refuse } from '../refusal.ts';
import { fromBytes, hex, toBytes } from '../usercopy.ts';
import type { TrapStop } from '../../machine/stop.ts';
import type { Vcpu } from '../vcpu.ts';
import type { Handled } from './result.ts';
import {
  accessBytes,
  accessRegister,
  hasRegister,
  is64Bit,
  isDataWrite,
  signExtends,
  syndromeWithoutRegister,
} from './syndrome.ts';

const ZERO_REGISTER = 31;

export const MMIO_CAPABILITIES: readonly CapabilityRow[] = [
  {
    name: 'KVM_CAP_ARM_NISV_TO_USER',
    check: () => 1,
    enable: (vm, { flags }) => {
      if (flags !== 0)
        return refuse('EINVAL', 'enable-cap.flags', `flags ${hex(flags)} must be 0`, 'kvm_vm_ioctl_enable_cap');
      vm.returnsNisv = true;
      return DONE;
    },
  },
];

/** An access where no memory is: leaves with KVM_EXIT_MMIO, and userspace does it (io_mem_abort). */
export function memoryMappedAccess(vcpu: Vcpu, trap: TrapStop, ipa: Ipa): Handled {
  const { run, vm } = vcpu;
  if (!hasRegister(trap)) {
    if (!vm.returnsNisv) {
      const message = `the access at IPA ${hex(ipa)}, ESR ${hex(trap.esr)}, has no syndrome that names its register, and KVM_CAP_ARM_NISV_TO_USER is not enabled`;
      return refuse('ENOSYS', 'run.no-syndrome', message, 'io_mem_abort');
    }
    run.exitReason = EXIT_REASONS.KVM_EXIT_ARM_NISV;
    run.set('arm_nisv.esr_iss', syndromeWithoutRegister(trap));
    run.set('arm_nisv.fault_ipa', ipa);
    return 'user';
  }
  const write = isDataWrite(trap);
  const length = accessBytes(trap);
  run.set('mmio.is_write', write ? 1 : 0);
  run.set('mmio.phys_addr', ipa);
  run.set('mmio.len', length);
  vcpu.mmioNeeded = true;
  if (write) {
    const register = accessRegister(trap);
    const value = register === ZERO_REGISTER ? 0n : vcpu.context.x[register]!;
    const data = toBytes(value, length);
    if (signalStore(vm, ipa, data) || coalesce(vm, ipa, data)) {
      vcpu.statistics.add('mmio_exit_kernel');
      completeMmio(vcpu);
      return 'guest';
    }
    run.setBytes('mmio.data', data);
  }
  vcpu.statistics.add('mmio_exit_user');
  run.exitReason = EXIT_REASONS.KVM_EXIT_MMIO;
  return 'user';
}

/** The next KVM_RUN after KVM_EXIT_MMIO: a load gets its value, the instruction is done (kvm_handle_mmio_return). */
export function completeMmio(vcpu: Vcpu): void {
  const trap = vcpu.lastTrap;
  if (!vcpu.mmioNeeded || vcpu.pendingException || !trap) return;
  vcpu.mmioNeeded = false;
  if (!isDataWrite(trap)) {
    const length = accessBytes(trap);
    let value = fromBytes(vcpu.run.bytes('mmio.data', length));
    if (signExtends(trap)) value = BigInt.asUintN(64, BigInt.asIntN(8 * length, value));
    if (!is64Bit(trap)) value = BigInt.asUintN(32, value);
    const register = accessRegister(trap);
    if (register !== ZERO_REGISTER) vcpu.context.x[register] = value;
  }
  vcpu.incrementPc = true;
}
