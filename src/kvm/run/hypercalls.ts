import { HYPERCALL_FLAGS, SMCCC_FILTER_ACTIONS } from '../../abi/constants.ts';
import { EXIT_REASONS } from '../../abi/exits.ts';
import { EC } from '../../machine/esr.ts';
import { COUNTER_HZ } from '../../machine/sysregs.ts';
import type { CapabilityRow } from '../capabilities.ts';
import { initStolenTime } from '../pvtime.ts';
import { filterAction } from '../smcccfilter.ts';
import { psciCall, isPsci01 } from './psci.ts';
import { exceptionClass, isInstruction32 } from './syndrome.ts';
import type { Vcpu } from '../vcpu.ts';
import type { Handled } from './result.ts';

/** SMC Calling Convention, DEN0028; hypercalls.c. */
const ALL = (1n << 64n) - 1n;
const NOT_SUPPORTED = ALL;
const NOT_REQUIRED = ALL - 1n;
const SUCCESS = 0n;
const WORKAROUND_UNAFFECTED = 1n;
const VERSION_1_1 = 0x10001n;

const FN = {
  VERSION: 0x8000_0000,
  ARCH_FEATURES: 0x8000_0001,
  WORKAROUND_1: 0x8000_8000,
  WORKAROUND_2: 0x8000_7fff,
  WORKAROUND_3: 0x8000_3fff,
  PV_TIME_FEATURES: 0xc500_0020,
  PV_TIME_ST: 0xc500_0021,
  VENDOR_UID: 0x8600_ff01,
  VENDOR_FEATURES: 0x8600_0000,
  PTP: 0x8600_0001,
  TRNG_VERSION: 0x8400_0050,
  TRNG_FEATURES: 0x8400_0051,
  TRNG_UUID: 0x8400_0052,
  TRNG_RND32: 0x8400_0053,
  TRNG_RND64: 0xc400_0053,
} as const;

/** ARM_SMCCC_VENDOR_HYP_UID_KVM. */
const KVM_UID = [0xb66f_b428n, 0xe911_c52en, 0x564b_caa9n, 0x743a_004dn] as const;
const TRNG_VERSION_1_0 = 0x10000n;
/** arm_smc_trng_uuid, as the four registers get it. */
const TRNG_UUID = [0x00e0_210dn, 0xeb11_8443n, 0x4452_7080n, 0x4c5a_4e55n] as const;
const TRNG_INVALID_PARAMETER = ALL - 1n;
const STANDARD_OWNER = 4;
const LAST_PSCI = 0x1f;
const VENDOR_FEATURES_BIT = 1n;
const VENDOR_PTP_BIT = 2n;

export const HYPERCALL_CAPABILITIES: readonly CapabilityRow[] = [{ name: 'KVM_CAP_PTP_KVM', check: () => 1 }];

type Values = readonly [bigint, bigint?, bigint?, bigint?];

/** Services that a firmware register's bit switches, by function (kvm_smccc_test_fw_bmap). */
function isSwitchedOn(vcpu: Vcpu, id: number): boolean {
  const { smccc } = vcpu.vm;
  switch (id) {
    case FN.TRNG_VERSION:
    case FN.TRNG_FEATURES:
    case FN.TRNG_UUID:
    case FN.TRNG_RND32:
    case FN.TRNG_RND64:
      return smccc.std !== 0n;
    case FN.PV_TIME_FEATURES:
    case FN.PV_TIME_ST:
      return smccc.stdHyp !== 0n;
    case FN.VENDOR_FEATURES:
    case FN.VENDOR_UID:
      return (smccc.vendorHyp & VENDOR_FEATURES_BIT) !== 0n;
    case FN.PTP:
      return (smccc.vendorHyp & VENDOR_PTP_BIT) !== 0n;
    default:
      return false;
  }
}

/** Services that are always there (kvm_smccc_default_allowed). */
function isAlwaysAllowed(id: number): boolean {
  const owner = (id >>> 24) & 0x3f;
  return (
    id === FN.VERSION ||
    id === FN.ARCH_FEATURES ||
    (owner === STANDARD_OWNER && (id & 0xffff) <= LAST_PSCI) ||
    isPsci01(id)
  );
}

const WORKAROUNDS: readonly number[] = [FN.WORKAROUND_1, FN.WORKAROUND_2, FN.WORKAROUND_3];

/** HVC of a workaround, which coming to EL2 has applied: the exception vector answers it, before KVM or a filter sees the call (el1_sync). */
export function isWorkaround({ context }: Vcpu): boolean {
  return WORKAROUNDS.includes(Number(context.x[0]! & 0xffff_ffffn));
}

export function answerWorkaround({ context }: Vcpu): Handled {
  context.x[0] = SUCCESS;
  context.x[1] = 0n;
  return 'guest';
}

/** HVC, or SMC with an immediate of 0 (kvm_smccc_call_handler). */
export function hypercall(vcpu: Vcpu): Handled | 'wait' {
  const id = Number(vcpu.context.x[0]! & 0xffff_ffffn);
  switch (filterAction(vcpu.vm, id)) {
    case SMCCC_FILTER_ACTIONS.KVM_SMCCC_FILTER_DENY:
      return finish(vcpu, [NOT_SUPPORTED]);
    case SMCCC_FILTER_ACTIONS.KVM_SMCCC_FILTER_FWD_TO_USER:
      return forward(vcpu, id);
    default:
  }
  const values = isSwitchedOn(vcpu, id) || isAlwaysAllowed(id) ? service(vcpu, id) : ([NOT_SUPPORTED] as const);
  if (!values) return psciCall(vcpu, id);
  return finish(vcpu, values);
}

function finish(vcpu: Vcpu, values: Values): Handled {
  for (let n = 0; n < 4; n++) vcpu.context.x[n] = values[n] ?? 0n;
  return 'guest';
}

/** The call is userspace's by the filter (kvm_prepare_hypercall_exit). */
function forward(vcpu: Vcpu, id: number): Handled {
  const { run, lastTrap } = vcpu;
  let flags = 0;
  if (lastTrap && exceptionClass(lastTrap) === EC.SMC64) flags |= HYPERCALL_FLAGS.KVM_HYPERCALL_EXIT_SMC;
  if (lastTrap && !isInstruction32(lastTrap)) flags |= HYPERCALL_FLAGS.KVM_HYPERCALL_EXIT_16BIT;
  run.clear('hypercall');
  run.set('hypercall.nr', id);
  run.set('hypercall.flags', flags);
  run.exitReason = EXIT_REASONS.KVM_EXIT_HYPERCALL;
  return 'user';
}

/** null: the call is PSCI's. */
function service(vcpu: Vcpu, id: number): Values | null {
  switch (id) {
    case FN.VERSION:
      return [VERSION_1_1];
    case FN.ARCH_FEATURES:
      return [architectureFeature(vcpu, Number(vcpu.context.x[1]! & 0xffff_ffffn))];
    case FN.PV_TIME_FEATURES: {
      const asked = Number(vcpu.context.x[1]! & 0xffff_ffffn);
      const there = vcpu.stolenTime !== null && (asked === FN.PV_TIME_FEATURES || asked === FN.PV_TIME_ST);
      return [there ? SUCCESS : NOT_SUPPORTED];
    }
    case FN.PV_TIME_ST:
      return [initStolenTime(vcpu) ?? NOT_SUPPORTED];
    case FN.VENDOR_UID:
      return KVM_UID;
    case FN.VENDOR_FEATURES:
      return [vcpu.vm.smccc.vendorHyp];
    case FN.PTP:
      return hostTime(vcpu);
    case FN.TRNG_VERSION:
      return [TRNG_VERSION_1_0];
    case FN.TRNG_FEATURES:
      return [trngFeature(Number(vcpu.context.x[1]! & 0xffff_ffffn))];
    case FN.TRNG_UUID:
      return TRNG_UUID;
    case FN.TRNG_RND32:
      return randomBits(vcpu, 32n);
    case FN.TRNG_RND64:
      return randomBits(vcpu, 64n);
    default:
      return null;
  }
}

/** The host's time in nanoseconds since its boot, and the counter that goes with it (kvm_ptp_get_time). */
function hostTime(vcpu: Vcpu): Values {
  const { vm } = vcpu;
  const KINDS = ['virtual', 'physical'] as const;
  const kind = KINDS[Number(vcpu.context.x[1]! & 0xffff_ffffn)];
  if (!kind) return [NOT_SUPPORTED];
  const now = vm.kvm.now();
  const nanoseconds = (now * 1_000_000_000n) / COUNTER_HZ;
  const cycles = BigInt.asUintN(64, now - vm.counterOffset[kind]);
  const low = (value: bigint): bigint => value & 0xffff_ffffn;
  return [nanoseconds >> 32n, low(nanoseconds), cycles >> 32n, low(cycles)];
}

/** x1 random bits in x3, x2 and x1, from the lowest (kvm_trng_do_rnd). */
function randomBits(vcpu: Vcpu, size: bigint): Values {
  const asked = BigInt.asUintN(32, vcpu.context.x[1]!);
  if (asked > 3n * size) return [TRNG_INVALID_PARAMETER];
  let bits = 0n;
  for (let have = 0n; have < asked; have += 64n) bits |= vcpu.vm.kvm.random64() << have;
  bits &= (1n << asked) - 1n;
  const part = (n: bigint): bigint => (bits >> (n * size)) & ((1n << size) - 1n);
  return [SUCCESS, part(2n), part(1n), part(0n)];
}

function trngFeature(id: number): bigint {
  const there: readonly number[] = [FN.TRNG_VERSION, FN.TRNG_FEATURES, FN.TRNG_UUID, FN.TRNG_RND32, FN.TRNG_RND64];
  return there.includes(id) ? SUCCESS : NOT_SUPPORTED;
}

function architectureFeature(vcpu: Vcpu, id: number): bigint {
  const { workarounds } = vcpu.vm.kvm.features.mitigation;
  const FIRST_AND_THIRD = [NOT_SUPPORTED, SUCCESS, WORKAROUND_UNAFFECTED];
  switch (id) {
    case FN.WORKAROUND_1:
      return FIRST_AND_THIRD[Number(workarounds[1])] ?? NOT_SUPPORTED;
    case FN.WORKAROUND_2:
      return workarounds[2] === 3n ? NOT_REQUIRED : NOT_SUPPORTED;
    case FN.WORKAROUND_3:
      return FIRST_AND_THIRD[Number(workarounds[3])] ?? NOT_SUPPORTED;
    case FN.PV_TIME_FEATURES:
      return vcpu.vm.smccc.stdHyp !== 0n ? SUCCESS : NOT_SUPPORTED;
    default:
      return NOT_SUPPORTED;
  }
}
