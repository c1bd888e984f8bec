import { NAMED_REGS } from '../abi/onereg.ts';
import { PSCI_VERSIONS } from '../abi/psci.ts';
import { refuse, type Refusal } from './refusal.ts';
import { hex } from './usercopy.ts';
import type { Vcpu } from './vcpu.ts';

export const PSCI_0_1 = BigInt(PSCI_VERSIONS.KVM_ARM_PSCI_0_1);
export const PSCI_0_2 = BigInt(PSCI_VERSIONS.KVM_ARM_PSCI_0_2);

/** The latest PSCI of the host's KVM (KVM_ARM_PSCI_LATEST), with the kernel that has brought it. */
export const LATEST_PSCI = {
  '1.1': { version: BigInt(PSCI_VERSIONS.KVM_ARM_PSCI_1_1), linux: '5.18' },
  '1.3': { version: BigInt(PSCI_VERSIONS.KVM_ARM_PSCI_1_3), linux: '6.13' },
} as const;
export type LatestPsci = keyof typeof LATEST_PSCI;

/** Bits of the feature bitmaps (asm/kvm.h: KVM_REG_ARM_*_BMAP_BIT_*). */
const STD_ALL = 1n;
const STD_HYP_ALL = 1n;
const VENDOR_HYP_ALL = 3n;

/** Services of the SMCCC that the VM's guests find; each a bitmap of bits by service. */
export class SmcccFeatures {
  /** Bit 0: TRNG. */
  std = STD_ALL;
  /** Bit 0: paravirtual time. */
  stdHyp = STD_HYP_ALL;
  /** Bit 0: which vendor features there are, 1: PTP. */
  vendorHyp = VENDOR_HYP_ALL;
}

/** The PSCI version that the guest finds (kvm_psci_version). */
export function psciVersion(vcpu: Vcpu): bigint {
  if (!vcpu.hasPsci02) return PSCI_0_1;
  return vcpu.vm.psciVersion || LATEST_PSCI[vcpu.vm.kvm.host.psci].version;
}

/** Protection that the host tells of, from less to more (KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_n_*). */
const NOT_AVAILABLE = 0n;
const WA2_AVAILABLE = 2n;
const WA2_NOT_REQUIRED = 3n;
const WA2_ENABLED = 1n << 4n;
const LEVEL_MASK = 0xfn;

interface FirmwareRegister {
  readonly name: string;
  readonly id: bigint;
  /** Whose it is; what the vCPU's features decide over is the vCPU's. */
  readonly scope: 'vm' | 'vcpu';
  readonly get: (vcpu: Vcpu) => bigint;
  readonly set: (vcpu: Vcpu, value: bigint) => Refusal | null;
}

function no(rule: string, message: string, kernel = 'kvm_arm_set_fw_reg'): Refusal {
  return refuse('EINVAL', `firmware.${rule}`, message, kernel);
}

function setPsciVersion(vcpu: Vcpu, value: bigint): Refusal | null {
  if (!Object.values(PSCI_VERSIONS).some((version) => BigInt(version) === value)) {
    return no('psci-version', `${hex(value)} is no version of PSCI that KVM has`);
  }
  const latest = vcpu.vm.kvm.host.psci;
  if (value > LATEST_PSCI[latest].version) {
    const { linux } = LATEST_PSCI['1.3'];
    const message = `${hex(value)} is PSCI 1.${value & 0xffffn}, which KVM has since Linux ${linux}; this kernel's has ${latest} at most`;
    return no('psci-version', message);
  }
  if ((value === PSCI_0_1) === vcpu.hasPsci02) {
    const has = vcpu.hasPsci02 ? 'has' : 'lacks';
    return no(
      'psci-feature',
      `the vCPU ${has} the feature KVM_ARM_VCPU_PSCI_0_2, which does not go with version ${hex(value)}`,
    );
  }
  vcpu.vm.psciVersion = value;
  return null;
}

/** Workarounds 1 and 3: a level not above the host's. */
function setWorkaround(level: (vcpu: Vcpu) => bigint): (vcpu: Vcpu, value: bigint) => Refusal | null {
  return (vcpu, value) =>
    (value & ~LEVEL_MASK) !== 0n || value > level(vcpu)
      ? no('workaround', `the level ${hex(value)} is above the host's, ${hex(level(vcpu))}`)
      : null;
}

function setWorkaround2(level: (vcpu: Vcpu) => bigint): (vcpu: Vcpu, value: bigint) => Refusal | null {
  return (vcpu, value) => {
    const asked = value & LEVEL_MASK;
    if ((value & ~(LEVEL_MASK | WA2_ENABLED)) !== 0n || asked > WA2_NOT_REQUIRED) {
      return no('workaround', `${hex(value)} is no state of workaround 2`);
    }
    if ((value & WA2_ENABLED) !== 0n && asked !== WA2_AVAILABLE) {
      return no('workaround', `${hex(value)}: enabled without being available`);
    }
    const wanted = asked >= WA2_AVAILABLE ? WA2_NOT_REQUIRED : NOT_AVAILABLE;
    return wanted > level(vcpu)
      ? no('workaround', `the level ${hex(asked)} is above the host's, ${hex(level(vcpu))}`)
      : null;
  };
}

function workaround(number: 1 | 2 | 3): FirmwareRegister {
  const name = `KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_${number}` as const;
  const level = (vcpu: Vcpu): bigint => vcpu.vm.kvm.features.mitigation.workarounds[number];
  const set = (number === 2 ? setWorkaround2 : setWorkaround)(level);
  return { name, id: NAMED_REGS[name], scope: 'vm', get: level, set };
}

function bitmap(name: keyof typeof NAMED_REGS, member: keyof SmcccFeatures, all: bigint): FirmwareRegister {
  return {
    name,
    id: NAMED_REGS[name],
    scope: 'vm',
    get: (vcpu) => vcpu.vm.smccc[member],
    set: (vcpu, value) => {
      const { vm } = vcpu;
      const kernel = 'kvm_arm_set_fw_reg_bmap';
      if ((value & ~all) !== 0n) return no('bitmap', `${hex(value)} has bits outside ${hex(all)}`, kernel);
      if (vm.hasRunOnce && value !== vm.smccc[member]) {
        return refuse('EBUSY', 'firmware.bitmap-after-run', `${name} can't change once a vCPU has run`, kernel);
      }
      vm.smccc[member] = value;
      return null;
    },
  };
}

/** Firmware pseudo registers in the order of KVM_GET_REG_LIST (kvm_arm_fw_reg_ids). */
export const FIRMWARE_REGISTERS: readonly FirmwareRegister[] = [
  {
    name: 'KVM_REG_ARM_PSCI_VERSION',
    id: NAMED_REGS.KVM_REG_ARM_PSCI_VERSION,
    scope: 'vcpu',
    get: psciVersion,
    set: setPsciVersion,
  },
  workaround(1),
  workaround(2),
  workaround(3),
  bitmap('KVM_REG_ARM_STD_BMAP', 'std', STD_ALL),
  bitmap('KVM_REG_ARM_STD_HYP_BMAP', 'stdHyp', STD_HYP_ALL),
  bitmap('KVM_REG_ARM_VENDOR_HYP_BMAP', 'vendorHyp', VENDOR_HYP_ALL),
];
