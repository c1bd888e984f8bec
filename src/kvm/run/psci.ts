import { EXIT_REASONS } from '../../abi/exits.ts';
import { MP_STATES, SYSTEM_EVENTS } from '../../abi/constants.ts';
import { PSCI_64BIT, PSCI_ALSO_64, PSCI_EVENT_FLAGS, PSCI_FN as FN, PSCI_HIBERNATE_OFF } from '../../abi/psci.ts';
import type { CapabilityRow } from '../capabilities.ts';
import { PSCI_0_1, PSCI_0_2, psciVersion } from '../firmware.ts';
import { DONE, refuse } from '../refusal.ts';
import { hex } from '../usercopy.ts';
import type { Vcpu } from '../vcpu.ts';
import { wakeUp } from './halt.ts';
import type { Handled } from './result.ts';

/** Power State Coordination Interface, DEN0022; psci.c. Return values are of x0. */
const SUCCESS = 0n;
const ALL = (1n << 64n) - 1n;
const NOT_SUPPORTED = ALL;
const INVALID_PARAMETERS = ALL - 1n;
const ALREADY_ON = ALL - 3n;
const INTERNAL_FAILURE = ALL - 5n;
const LEVEL_ON = 0n;
const LEVEL_OFF = 1n;
const TRUSTED_OS_MP = 2n;
const RESET_VENDOR = 0x8000_0000;
const RESET2_FLAG = BigInt(PSCI_EVENT_FLAGS.KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2);
const OFF2_FLAG = BigInt(PSCI_EVENT_FLAGS.KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2);
const HIBERNATE_OFF = BigInt(PSCI_HIBERNATE_OFF);
const MPIDR_AFFINITY = 0xff_00ff_ffffn;

/** KVM's own function ids of PSCI 0.1 (KVM_PSCI_FN). */
const FN_0_1 = { CPU_OFF: 0x95c1_ba5f, CPU_ON: 0x95c1_ba60 } as const;
const SMCCC_VERSION = 0x8000_0000;
const ALSO_64 = new Set<number>(PSCI_ALSO_64.map((name) => FN[name]));

/** Range of the 0.1 function ids, which SMCCC does not know. */
export function isPsci01(id: number): boolean {
  return id >= 0x95c1_ba5e && id <= 0x95c1_ba61;
}

export const PSCI_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_ARM_PSCI', check: () => 1 },
  { name: 'KVM_CAP_ARM_PSCI_0_2', check: () => 1 },
  { name: 'KVM_CAP_SYSTEM_EVENT_DATA', check: () => 1 },
  {
    name: 'KVM_CAP_ARM_SYSTEM_SUSPEND',
    check: () => 1,
    enable: (vm, { flags }) => {
      if (flags !== 0)
        return refuse('EINVAL', 'enable-cap.flags', `flags ${hex(flags)} must be 0`, 'kvm_vm_ioctl_enable_cap');
      vm.systemSuspend = true;
      return DONE;
    },
  },
];

/** What a call does: a value for x0 and on, `wait` for an interrupt before, or out to userspace. */
type Answer = { readonly x0: bigint; readonly wait?: boolean; readonly exit?: boolean } | 'exit-unchanged';

const answer = (x0: bigint): Answer => ({ x0 });

/** A call of the range that is PSCI's (kvm_psci_call); x0 holds the function. */
export function psciCall(vcpu: Vcpu, id: number): Handled | 'wait' {
  const result = call(vcpu, id);
  if (result === 'exit-unchanged') return 'user';
  const { x } = vcpu.context;
  x[0] = result.x0;
  // RESET2 leaves the other registers alone; all the rest clears them (smccc_set_retval).
  if (!(result.exit && isReset2(id))) x.fill(0n, 1, 4);
  if (result.exit) return 'user';
  return result.wait ? 'wait' : 'guest';
}

function isReset2(id: number): boolean {
  return (id & ~PSCI_64BIT) >>> 0 === FN.SYSTEM_RESET2;
}

function call(vcpu: Vcpu, id: number): Answer {
  const version = psciVersion(vcpu);
  if (version === PSCI_0_1) {
    if (id === FN_0_1.CPU_OFF) return cpuOff(vcpu);
    return answer(id === FN_0_1.CPU_ON ? cpuOn(vcpu) : NOT_SUPPORTED);
  }
  if (version === PSCI_0_2) return call02(vcpu, id);
  return call1x(vcpu, id, Number(version & 0xffffn));
}

/** The function without its 64-bit variant's bit; 0 for one that has no such variant. */
function baseFunction(id: number): number {
  const base = (id & ~PSCI_64BIT) >>> 0;
  return id === base || ALSO_64.has(base) ? base : 0;
}

/** A 32-bit call takes the low halves of its arguments (kvm_psci_narrow_to_32bit). */
function narrow(vcpu: Vcpu, id: number): void {
  if ((id & PSCI_64BIT) !== 0) return;
  for (let n = 1; n < 4; n++) vcpu.context.x[n] = BigInt.asUintN(32, vcpu.context.x[n]!);
}

function call02(vcpu: Vcpu, id: number): Answer {
  switch (baseFunction(id)) {
    case FN.VERSION:
      return answer(PSCI_0_2);
    case FN.CPU_SUSPEND:
      return { x0: SUCCESS, wait: true };
    case FN.CPU_OFF:
      return cpuOff(vcpu);
    case FN.CPU_ON:
      narrow(vcpu, id);
      return answer(cpuOn(vcpu));
    case FN.AFFINITY_INFO:
      narrow(vcpu, id);
      return answer(affinityInfo(vcpu));
    case FN.MIGRATE_INFO_TYPE:
      return answer(TRUSTED_OS_MP);
    case FN.SYSTEM_OFF:
      systemEvent(vcpu, SYSTEM_EVENTS.KVM_SYSTEM_EVENT_SHUTDOWN, 0n);
      return { x0: INTERNAL_FAILURE, exit: true };
    case FN.SYSTEM_RESET:
      systemEvent(vcpu, SYSTEM_EVENTS.KVM_SYSTEM_EVENT_RESET, 0n);
      return { x0: INTERNAL_FAILURE, exit: true };
    default:
      return answer(NOT_SUPPORTED);
  }
}

function call1x(vcpu: Vcpu, id: number, minor: number): Answer {
  switch (baseFunction(id)) {
    case FN.VERSION:
      return answer(0x10000n | BigInt(minor));
    case FN.FEATURES:
      return answer(feature(vcpu, Number(vcpu.context.x[1]! & 0xffff_ffffn), minor));
    case FN.SYSTEM_SUSPEND:
      narrow(vcpu, id);
      if (!vcpu.vm.systemSuspend) return answer(NOT_SUPPORTED);
      vcpu.run.clear('system_event');
      vcpu.run.set('system_event.type', SYSTEM_EVENTS.KVM_SYSTEM_EVENT_SUSPEND);
      vcpu.run.exitReason = EXIT_REASONS.KVM_EXIT_SYSTEM_EVENT;
      return 'exit-unchanged';
    case FN.SYSTEM_RESET2: {
      narrow(vcpu, id);
      if (minor < 1) return answer(NOT_SUPPORTED);
      const type = Number(vcpu.context.x[1]! & 0xffff_ffffn);
      if (type !== 0 && type < RESET_VENDOR) return answer(INVALID_PARAMETERS);
      systemEvent(vcpu, SYSTEM_EVENTS.KVM_SYSTEM_EVENT_RESET, RESET2_FLAG);
      return { x0: INTERNAL_FAILURE, exit: true };
    }
    case FN.SYSTEM_OFF2: {
      narrow(vcpu, id);
      if (minor < 3) return answer(NOT_SUPPORTED);
      // A type of 0 means HIBERNATE_OFF as well, as in drafts of the specification (DEN0022 F.b).
      const type = vcpu.context.x[1]! & 0xffff_ffffn;
      const valid = (type === 0n || type === HIBERNATE_OFF) && vcpu.context.x[2] === 0n;
      if (!valid) return answer(INVALID_PARAMETERS);
      systemEvent(vcpu, SYSTEM_EVENTS.KVM_SYSTEM_EVENT_SHUTDOWN, OFF2_FLAG);
      return { x0: INTERNAL_FAILURE, exit: true };
    }
    default:
      return call02(vcpu, id);
  }
}

const FEATURES_1_0: readonly number[] = [
  FN.VERSION,
  FN.CPU_SUSPEND,
  FN.CPU_OFF,
  FN.CPU_ON,
  FN.AFFINITY_INFO,
  FN.MIGRATE_INFO_TYPE,
  FN.SYSTEM_OFF,
  FN.SYSTEM_RESET,
  FN.FEATURES,
  SMCCC_VERSION,
];

function feature(vcpu: Vcpu, id: number, minor: number): bigint {
  const base = baseFunction(id);
  if (base === FN.SYSTEM_OFF2 && minor >= 3) return HIBERNATE_OFF;
  const there =
    FEATURES_1_0.includes(base) ||
    (base === FN.SYSTEM_SUSPEND && vcpu.vm.systemSuspend) ||
    (base === FN.SYSTEM_RESET2 && minor >= 1);
  return there ? SUCCESS : NOT_SUPPORTED;
}

function cpuOff(vcpu: Vcpu): Answer {
  vcpu.powerOff();
  return answer(SUCCESS);
}

const affinity = (vcpu: Vcpu): bigint => vcpu.readSysreg('MPIDR_EL1') & MPIDR_AFFINITY;

/** kvm_psci_vcpu_on: x1 names the CPU, x2 where it starts, x3 is its x0. */
function cpuOn(source: Vcpu): bigint {
  const [, target = 0n, entry = 0n, context = 0n] = source.context.x;
  if ((target & ~MPIDR_AFFINITY) !== 0n) return INVALID_PARAMETERS;
  const vcpu = source.vm.vcpus.find((other) => affinity(other) === target);
  if (!vcpu) return INVALID_PARAMETERS;
  if (!vcpu.stopped) return psciVersion(source) === PSCI_0_1 ? INVALID_PARAMETERS : ALREADY_ON;
  vcpu.pendingReset = { pc: entry, x0: context };
  vcpu.mpState = MP_STATES.KVM_MP_STATE_RUNNABLE;
  wakeUp(vcpu);
  return SUCCESS;
}

/** kvm_psci_vcpu_affinity_info: x1 an affinity, x2 the lowest level of it that counts. */
function affinityInfo(source: Vcpu): bigint {
  const [, target = 0n, level = 0n] = source.context.x;
  if ((target & ~MPIDR_AFFINITY) !== 0n || level > 3n) return INVALID_PARAMETERS;
  // Level 3 is in bits 39:32, but its mask is made as if it followed level 2.
  const mask = MPIDR_AFFINITY & ~((1n << (level * 8n)) - 1n);
  const matching = source.vm.vcpus.filter((vcpu) => (affinity(vcpu) & mask) === (target & mask));
  if (matching.length === 0) return INVALID_PARAMETERS;
  return matching.every((vcpu) => vcpu.stopped) ? LEVEL_OFF : LEVEL_ON;
}

/** Every vCPU stops, and this one leaves with the event (kvm_prepare_system_event). */
function systemEvent(vcpu: Vcpu, type: number, flags: bigint): void {
  for (const other of vcpu.vm.vcpus) other.powerOff();
  const { run } = vcpu;
  run.clear('system_event');
  run.set('system_event.type', type);
  run.set('system_event.ndata', 1);
  run.set('system_event.data[0]', flags);
  run.exitReason = EXIT_REASONS.KVM_EXIT_SYSTEM_EVENT;
}
