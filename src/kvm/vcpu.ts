import { ARM_TARGETS, ARM_VCPU_FEATURES, MP_STATES } from '../abi/constants.ts';
import { kvm_mp_state, kvm_regs_arm64, kvm_translation, kvm_vcpu_init } from '../abi/structs.ts';
import type { Field, StructDef } from '../abi/layout.ts';
import { CpuContext, isStored } from '../machine/context.ts';
import { HCR } from '../machine/el2.ts';
import type { TrapStop } from '../machine/stop.ts';
import type { Pa } from '../abi/address.ts';
import { vcpuAttribute } from './attributes.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller, Descriptor, IoctlRun } from './descriptor.ts';
import { COALESCED_PAGE_OFFSET } from './coalesced.ts';
import { DirtyRing, RING_PAGE_OFFSET } from './dirtyring.ts';
import { GuestDebug, setGuestDebug } from './guestdebug.ts';
import { dispatch, handlerTable, unknownIoctl } from './dispatch.ts';
import { getVcpuEvents, setVcpuEvents } from './events.ts';
import { getOneReg, getRegList, setOneReg } from './onereg.ts';
import { Pmu } from './pmu.ts';
import { DONE, isRefusal, refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { kvmRun } from './run/run.ts';
import { RunPage } from './runpage.ts';
import { SYSREGS } from './sysregs/rows.ts';
import { idLimit } from './sysregs/idregs.ts';
import { setSignalMask } from './signals.ts';
import { openStatistics, Statistics, StatisticsFile, VCPU_STATISTICS } from './stats.ts';
import { Timers } from './timers.ts';
import { copyFault, hex, readUser, writeUser } from './usercopy.ts';
import type { Vm } from './vm.ts';

/** PSTATE of EL1h with D, A, I and F masked (VCPU_RESET_PSTATE_EL1). */
const RESET_PSTATE = 0x3c5n;
/** Supervisor mode with A, I and F masked (VCPU_RESET_PSTATE_SVC). */
const RESET_PSTATE_32 = 0x1d3n;

const bit = (name: keyof typeof ARM_VCPU_FEATURES): number => 1 << ARM_VCPU_FEATURES[name];
const VALID_FEATURES = 0x7f;
const PTRAUTH = bit('KVM_ARM_VCPU_PTRAUTH_ADDRESS') | bit('KVM_ARM_VCPU_PTRAUTH_GENERIC');

export const VCPU_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_NR_VCPUS', check: (kvm) => Math.min(kvm.host.cpus, kvm.maxVcpus) },
  { name: 'KVM_CAP_MAX_VCPUS', check: (kvm) => kvm.maxVcpus },
  { name: 'KVM_CAP_MAX_VCPU_ID', check: (kvm) => kvm.maxVcpus },
  { name: 'KVM_CAP_ONE_REG', check: () => 1 },
  { name: 'KVM_CAP_MP_STATE', check: () => 1 },
  { name: 'KVM_CAP_VCPU_EVENTS', check: () => 1 },
  { name: 'KVM_CAP_ARM_EL1_32BIT', check: (kvm) => (kvm.features.aarch32El1 ? 1 : 0) },
  { name: 'KVM_CAP_ARM_PTRAUTH_ADDRESS', check: (kvm) => (kvm.features.pointerAuthentication ? 1 : 0) },
  { name: 'KVM_CAP_ARM_PTRAUTH_GENERIC', check: (kvm) => (kvm.features.pointerAuthentication ? 1 : 0) },
  { name: 'KVM_CAP_ARM_INJECT_EXT_DABT', check: () => 1 },
  { name: 'KVM_CAP_ARM_INJECT_SERROR_ESR', check: (kvm) => (kvm.features.ras ? 1 : 0) },
];

/* ---------------------------------------------------------------- creation */

/** KVM_CREATE_VCPU (kvm_vm_ioctl_create_vcpu). */
export function createVcpu(vm: Vm, id: bigint, caller: Caller): IoctlResult {
  const kernel = 'kvm_vm_ioctl_create_vcpu';
  const most = vm.kvm.maxVcpus;
  if (id >= BigInt(most)) {
    return refuse('EINVAL', 'vcpu.id', `the vCPU id ${id} is not below ${most}`, kernel);
  }
  if (vm.vcpus.length >= most) return refuse('EINVAL', 'vcpu.count', `the VM has ${most} vCPUs already`, kernel);
  const page = vm.kvm.host.memory.pages.allocate();
  if (page === null) return refuse('ENOMEM', 'vcpu.no-memory', 'the host has no memory for struct kvm_run', kernel);
  const ring = vm.dirtyRingSize > 0 ? DirtyRing.create(vm.kvm, vm.dirtyRingSize) : null;
  if (vm.dirtyRingSize > 0 && !ring) {
    vm.kvm.host.memory.pages.free(page);
    return refuse('ENOMEM', 'vcpu.no-memory', 'the host has no memory for the dirty ring', 'kvm_dirty_ring_alloc');
  }
  // The offsets are the VM's: a vCPU that is then refused has moved them all the same.
  const vcpu = new Vcpu(vm, Number(id), vm.vcpus.length, page, ring);
  const drop = (refusal: Refusal): Refusal => {
    vcpu.destroy();
    return refusal;
  };
  if (vm.vcpuById(Number(id))) return drop(refuse('EEXIST', 'vcpu.exists', `the VM has a vCPU ${id}`, kernel));
  vm.retain();
  const fd = caller.install(vcpu);
  if (typeof fd !== 'number') {
    vm.release();
    return drop(fd);
  }
  vm.vcpus.push(vcpu);
  return { ret: fd };
}

/* ---------------------------------------------------------------- KVM_ARM_VCPU_INIT */

function supportedFeatures(vm: Vm): number {
  let features = bit('KVM_ARM_VCPU_POWER_OFF') | bit('KVM_ARM_VCPU_PSCI_0_2');
  if (vm.kvm.features.pmu) features |= bit('KVM_ARM_VCPU_PMU_V3');
  if (vm.kvm.features.aarch32El1) features |= bit('KVM_ARM_VCPU_EL1_32BIT');
  if (vm.kvm.features.pointerAuthentication) features |= PTRAUTH;
  return features;
}

function featureNames(mask: number): string {
  const names = Object.entries(ARM_VCPU_FEATURES)
    .filter(([, number]) => (mask & (1 << number)) !== 0)
    .map(([name]) => name);
  const rest = (mask & ~VALID_FEATURES) >>> 0;
  if (rest !== 0) names.push(hex(rest));
  return names.join(', ');
}

/** kvm_vcpu_set_target and kvm_vcpu_init_check_features, in their order. */
function checkInit(vcpu: Vcpu, target: number, words: readonly number[]): Refusal | null {
  const { vm } = vcpu;
  const features = words[0] ?? 0;
  const check = 'kvm_vcpu_init_check_features';
  if (target !== ARM_TARGETS.KVM_ARM_TARGET_GENERIC_V8 && target !== hostTarget(vm)) {
    return refuse(
      'EINVAL',
      'vcpu-init.target',
      `the target ${target} is neither generic nor this host's, ${hostTarget(vm)}`,
      'kvm_vcpu_set_target',
    );
  }
  if ((features & ~VALID_FEATURES) !== 0) {
    const message = `features[0] ${hex(features)} has bits that no feature has: ${featureNames(features & ~VALID_FEATURES)}`;
    return refuse('ENOENT', 'vcpu-init.unknown-feature', message, check);
  }
  const word = words.findIndex((value, index) => index > 0 && value !== 0);
  if (word > 0) return refuse('ENOENT', 'vcpu-init.unknown-feature', `features[${word}] must be 0`, check);
  const missing = features & ~supportedFeatures(vm);
  if (missing !== 0) {
    return refuse('EINVAL', 'vcpu-init.unsupported-feature', `this host does not have ${featureNames(missing)}`, check);
  }
  if ((features & PTRAUTH) !== 0 && (features & PTRAUTH) !== PTRAUTH) {
    const message = `${featureNames(features & PTRAUTH)} alone: addresses and generic go together`;
    return refuse('EINVAL', 'vcpu-init.ptrauth-half', message, check);
  }
  if (vm.vcpuFeatures !== null && vm.vcpuFeatures !== features) {
    const message = `features ${hex(features)} differ from the VM's, ${hex(vm.vcpuFeatures)}, which its first vCPU chose`;
    return refuse(
      'EINVAL',
      'vcpu-init.changed',
      message,
      vcpu.initialized ? 'kvm_vcpu_set_target' : '__kvm_vcpu_set_target',
    );
  }
  return null;
}

/** kvm_target_cpu: cores that had a number of their own before there was a generic one. */
function hostTarget(vm: Vm): number {
  const midr = vm.kvm.host.model.id.MIDR_EL1 ?? 0n;
  const part = midr >> 24n === 0x41n ? Number((midr >> 4n) & 0xfffn) : -1;
  const NUMBERED: Readonly<Record<number, number>> = {
    0xd0f: ARM_TARGETS.KVM_ARM_TARGET_AEM_V8,
    0xd00: ARM_TARGETS.KVM_ARM_TARGET_FOUNDATION_V8,
    0xd03: ARM_TARGETS.KVM_ARM_TARGET_CORTEX_A53,
    0xd07: ARM_TARGETS.KVM_ARM_TARGET_CORTEX_A57,
  };
  return NUMBERED[part] ?? ARM_TARGETS.KVM_ARM_TARGET_GENERIC_V8;
}

function vcpuInit(vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  const init = readUser(caller.memory, arg, kvm_vcpu_init);
  if (isRefusal(init)) return init;
  const { vm } = vcpu;
  const powerOff = bit('KVM_ARM_VCPU_POWER_OFF');
  // Power off is for this call alone, no feature that the vCPU keeps.
  const words = init.features.map((word, index) => (index === 0 ? word & ~powerOff : word));
  const refused = checkInit(vcpu, init.target, words);
  if (refused) return refused;
  vm.vcpuFeatures = words[0] ?? 0;
  // kvm_setup_vcpu: the VM's PMU is the host's unless userspace chose one.
  if (vcpu.hasPmu && !vm.pmuChosen) {
    vm.pmuChosen = true;
    vm.pmuCounters = vm.kvm.features.pmuCounters;
  }
  vcpu.reset();
  vcpu.initialized = true;
  // A guest that boots again must fault its RAM in again where the host has to see caches being turned on.
  if (vcpu.hasRunOnce && !vm.kvm.features.stage2ForceWriteBack) {
    vm.stage2.because('vCPU initialized');
    for (const slot of vm.memslots.values()) vm.stage2.unmap(slot.base, slot.base + slot.size);
  }
  vcpu.resetHcr();
  const off = ((init.features[0] ?? 0) & powerOff) !== 0;
  if (off) vcpu.powerOff();
  else vcpu.mpState = MP_STATES.KVM_MP_STATE_RUNNABLE;
  return DONE;
}

/* ---------------------------------------------------------------- small ioctls */

function notInitialized(what: string): Refusal {
  return refuse('ENOEXEC', 'vcpu.not-initialized', `${what} before KVM_ARM_VCPU_INIT`, 'kvm_arch_vcpu_ioctl');
}

function initialized(what: string, handler: (vcpu: Vcpu, arg: bigint, caller: Caller) => IoctlResult) {
  return (vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult =>
    vcpu.initialized ? handler(vcpu, arg, caller) : notInitialized(what);
}

function getMpState(vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  return writeUser(caller.memory, arg, kvm_mp_state, { mp_state: vcpu.mpState }) ?? DONE;
}

/** KVM_SET_MP_STATE (kvm_arch_vcpu_ioctl_set_mpstate). */
function setMpState(vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  const given = readUser(caller.memory, arg, kvm_mp_state);
  if (isRefusal(given)) return given;
  switch (given.mp_state) {
    case MP_STATES.KVM_MP_STATE_RUNNABLE:
      vcpu.mpState = given.mp_state;
      return DONE;
    case MP_STATES.KVM_MP_STATE_STOPPED:
      vcpu.powerOff();
      return DONE;
    case MP_STATES.KVM_MP_STATE_SUSPENDED:
      vcpu.mpState = given.mp_state;
      vcpu.requests.suspend = true;
      return DONE;
    default: {
      const message = `mp_state ${given.mp_state} is none of RUNNABLE, STOPPED and SUSPENDED`;
      return refuse('EINVAL', 'vcpu.mp-state', message, 'kvm_arch_vcpu_ioctl_set_mpstate');
    }
  }
}

/** KVM_ARM_VCPU_FINALIZE: SVE is the only feature that has it, and this host has no SVE. */
function finalize(_vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  const bytes = caller.memory.read(arg, 4);
  if (!bytes) return copyFault(arg, 4, 'from', 'the feature');
  const feature = new DataView(bytes.buffer).getInt32(0, true);
  const message = `the vCPU has no feature ${feature} that is finalized`;
  return refuse('EINVAL', 'vcpu.finalize', message, 'kvm_arm_vcpu_finalize');
}

/** What arm64 has other ioctls for, and answers only once the structure was read (kvm_vcpu_ioctl). */
function notOnArm64<const F extends readonly Field[]>(struct: StructDef<F>, kernel: string) {
  return (_vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult => {
    const given = readUser(caller.memory, arg, struct);
    if (isRefusal(given)) return given;
    return refuse('EINVAL', 'vcpu.not-on-arm64', `arm64 takes no struct ${struct.name}: see KVM_SET_ONE_REG`, kernel);
  };
}

const HANDLERS = handlerTable<Vcpu>({
  KVM_RUN: kvmRun,
  KVM_ARM_VCPU_INIT: vcpuInit,
  KVM_GET_ONE_REG: initialized('KVM_GET_ONE_REG', getOneReg),
  KVM_SET_ONE_REG: initialized('KVM_SET_ONE_REG', setOneReg),
  KVM_GET_REG_LIST: initialized('KVM_GET_REG_LIST', getRegList),
  KVM_GET_MP_STATE: getMpState,
  KVM_SET_MP_STATE: setMpState,
  KVM_GET_VCPU_EVENTS: initialized('KVM_GET_VCPU_EVENTS', getVcpuEvents),
  KVM_SET_VCPU_EVENTS: initialized('KVM_SET_VCPU_EVENTS', setVcpuEvents),
  KVM_ARM_VCPU_FINALIZE: initialized('KVM_ARM_VCPU_FINALIZE', finalize),
  KVM_SET_GUEST_DEBUG: setGuestDebug,
  KVM_SET_SIGNAL_MASK: setSignalMask,
  KVM_GET_STATS_FD: (vcpu, _arg, caller) =>
    openStatistics(() => new StatisticsFile(`${vcpu.vm.name}/vcpu-${vcpu.id}`, vcpu.statistics, vcpu.vm), caller),
  KVM_SET_REGS: notOnArm64(kvm_regs_arm64, 'kvm_arch_vcpu_ioctl_set_regs'),
  KVM_TRANSLATE: notOnArm64(kvm_translation, 'kvm_arch_vcpu_ioctl_translate'),
  KVM_SET_DEVICE_ATTR: vcpuAttribute('set'),
  KVM_GET_DEVICE_ATTR: vcpuAttribute('get'),
  KVM_HAS_DEVICE_ATTR: vcpuAttribute('has'),
});

/* ---------------------------------------------------------------- the object */

/** What the next entry has to do first (KVM_REQ_*). */
interface Requests {
  sleep: boolean;
  suspend: boolean;
  reloadPmu: boolean;
  recordSteal: boolean;
}

/** What PSCI CPU_ON leaves for the vCPU that it turns on (vcpu_reset_state). */
interface PendingReset {
  readonly pc: bigint;
  readonly x0: bigint;
}

/** A virtual CPU. */
export class Vcpu implements Descriptor {
  readonly kind = 'vcpu';
  readonly vm: Vm;
  readonly id: number;
  /** vcpu_idx: place in order of creation. */
  readonly index: number;
  readonly context = new CpuContext();
  readonly run: RunPage;
  readonly timers: Timers;
  readonly pmu: Pmu;
  readonly dirtyRing: DirtyRing | null;
  readonly statistics = new Statistics(VCPU_STATISTICS);
  /** Signals that KVM_RUN blocks (kvm_sigset_activate); null: as the task does. */
  signalMask: bigint | null = null;
  /** Nanoseconds that its next halt polls before it sleeps. */
  haltPoll = 0;
  /** The count of the host's from which on its thread sleeps in KVM_RUN; null: it does not. */
  sleepsFrom: bigint | null = null;
  readonly requests: Requests = { sleep: false, suspend: false, reloadPmu: false, recordSteal: false };

  initialized = false;
  /** A task has passed the checks of the first KVM_RUN. */
  hasRunOnce = false;
  mpState: number = MP_STATES.KVM_MP_STATE_RUNNABLE;
  pendingReset: PendingReset | null = null;
  /** KVM_SET_GUEST_DEBUG. */
  readonly debug = new GuestDebug();
  hcr = 0n;
  vsesr = 0n;
  /** The exception that brought the vCPU out of the guest the last time, interrupts aside (kvm_vcpu_fault_info.esr_el2). */
  lastTrap: TrapStop | null = null;
  /** FAR_EL2 of the last exception that set it (kvm_vcpu_fault_info.far_el2). */
  faultAddress = 0n;
  /** An access that userspace has to complete is under way. */
  mmioNeeded = false;
  /** Done before the next entry, or before userspace can look: an exception to EL1, or a step over the instruction. */
  pendingException = false;
  incrementPc = false;
  /** The vCPU is on the CPU, its registers are the CPU's. */
  loaded = false;
  /** IPA of the structure of stolen time, as userspace set it. */
  stolenTime: bigint | null = null;
  /** CCSIDR_EL1 by CSSELR_EL1 as userspace set them. */
  cacheSizes: number[] | null = null;
  /** SPSR_abt, SPSR_und, SPSR_irq, SPSR_fiq: kept for userspace alone where there is no AArch32. */
  readonly bankedSpsr = new BigUint64Array(4);
  readonly #page: Pa;
  /** Registers that the CPU's context does not have. */
  readonly #registers = new Map<string, bigint>();

  constructor(vm: Vm, id: number, index: number, page: Pa, dirtyRing: DirtyRing | null) {
    this.vm = vm;
    this.id = id;
    this.index = index;
    this.#page = page;
    this.run = new RunPage(vm.kvm.host.memory, page);
    this.timers = new Timers(this);
    this.pmu = new Pmu(this);
    this.dirtyRing = dirtyRing;
  }

  get hasPsci02(): boolean {
    return ((this.vm.vcpuFeatures ?? 0) & bit('KVM_ARM_VCPU_PSCI_0_2')) !== 0;
  }

  /** vcpu_el1_is_32bit. */
  get el1Is32Bit(): boolean {
    return ((this.vm.vcpuFeatures ?? 0) & bit('KVM_ARM_VCPU_EL1_32BIT')) !== 0;
  }

  get hasPointerAuthentication(): boolean {
    return ((this.vm.vcpuFeatures ?? 0) & PTRAUTH) !== 0;
  }

  get hasPmu(): boolean {
    return ((this.vm.vcpuFeatures ?? 0) & bit('KVM_ARM_VCPU_PMU_V3')) !== 0;
  }

  get stopped(): boolean {
    return this.mpState === MP_STATES.KVM_MP_STATE_STOPPED;
  }

  ioctl(request: number, arg: bigint, caller: Caller): IoctlRun {
    const refused = this.vm.unusable(caller);
    return refused
      ? dispatch(new Map(), this, request, arg, caller, () => refused)
      : dispatch(HANDLERS, this, request, arg, caller, unknownIoctl('vcpu', 'kvm_arch_vcpu_ioctl'));
  }

  /** kvm_vcpu_mmap: a dirty ring is shared, and nothing to execute. */
  mayMap(pageOffset: number, pages: number, how: { shared: boolean; executable: boolean }): Refusal | null {
    const { pageSize } = this.vm.kvm.host;
    const inRing = (page: number): boolean =>
      page >= RING_PAGE_OFFSET && page < RING_PAGE_OFFSET + this.vm.dirtyRingSize / pageSize;
    if ((how.shared && !how.executable) || !(inRing(pageOffset) || inRing(pageOffset + pages - 1))) return null;
    return refuse(
      'EINVAL',
      'vcpu.map-ring',
      'a dirty ring has to be mapped shared and not executable',
      'kvm_vcpu_mmap',
    );
  }

  /** kvm_vcpu_fault: struct kvm_run, then the VM's coalesced MMIO ring. */
  pageAt(pageOffset: number): Pa | null {
    if (pageOffset === 0) return this.#page;
    if (pageOffset === COALESCED_PAGE_OFFSET) return this.vm.coalescedRing;
    return this.dirtyRing?.pageAt(pageOffset - RING_PAGE_OFFSET) ?? null;
  }

  release(): void {
    this.vm.release();
  }

  /** The VM is going away. */
  destroy(): void {
    this.vm.kvm.host.memory.pages.free(this.#page);
    this.dirtyRing?.destroy();
  }

  readSysreg(name: string): bigint {
    return isStored(name) ? this.context.read(name) : (this.#registers.get(name) ?? 0n);
  }

  writeSysreg(name: string, value: bigint): void {
    if (isStored(name)) this.context.write(name, value);
    else this.#registers.set(name, value);
  }

  powerOff(): void {
    this.mpState = MP_STATES.KVM_MP_STATE_STOPPED;
    this.requests.sleep = true;
  }

  /** kvm_reset_vcpu. */
  reset(): void {
    const { context } = this;
    context.x.fill(0n);
    context.v.fill(0n);
    context.fpcr = 0n;
    context.fpsr = 0n;
    context.spEl0 = 0n;
    context.pc = 0n;
    context.pstate = this.el1Is32Bit ? RESET_PSTATE_32 : RESET_PSTATE;
    this.bankedSpsr.fill(0n);
    for (const row of SYSREGS) {
      if (row.id) {
        if (!this.vm.idRegistersSet) this.vm.idRegisters.set(row.key, idLimit(this, row));
      } else if (row.reset !== undefined && !(row.name === 'CLIDR_EL1' && this.initialized)) {
        this.writeSysreg(row.name, typeof row.reset === 'function' ? row.reset(this) : row.reset);
      }
    }
    this.vm.idRegistersSet = true;
    const pending = this.pendingReset;
    this.pendingReset = null;
    if (pending) {
      context.pc = pending.pc;
      context.x[0] = pending.x0;
      this.pendingException = false;
      this.incrementPc = false;
    }
    this.timers.reset();
  }

  /** vcpu_reset_hcr. */
  resetHcr(): void {
    if (!this.hasRunOnce) this.hcr = HCR_GUEST_FLAGS;
    if (!this.vm.kvm.features.stage2ForceWriteBack) this.hcr |= HCR.TVM;
  }

  /** kvm_toggle_cache: with MMU and caches on, writes of the translation registers go untrapped. */
  stopTrappingVmRegisters(): void {
    const MMU_AND_CACHES = 5n;
    if ((this.readSysreg('SCTLR_EL1') & MMU_AND_CACHES) === MMU_AND_CACHES) this.hcr &= ~HCR.TVM;
  }
}

const HCR_BSU_INNER = 1n << 10n;

/** What every guest runs with (HCR_GUEST_FLAGS). */
const HCR_GUEST_FLAGS =
  HCR.TSC |
  HCR.TSW |
  HCR.TWE |
  HCR.TWI |
  HCR.VM |
  HCR_BSU_INNER |
  HCR.FB |
  HCR.TACR |
  HCR.AMO |
  HCR.SWIO |
  HCR.TIDCP |
  HCR.RW |
  HCR.TLOR |
  HCR.FMO |
  HCR.IMO |
  HCR.PTW |
  HCR.TID3;
