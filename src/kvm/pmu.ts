import { PMU_FILTER_ACTIONS } from '../abi/constants.ts';
import { kvm_pmu_event_filter } from '../abi/structs.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller } from './descriptor.ts';
import { DONE, isRefusal, refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { hex, readUser, readUserInteger } from './usercopy.ts';
import type { Vcpu } from './vcpu.ts';
import type { Vm } from './vm.ts';

/** The virtual PMU (pmu-emul.c). Every instruction that a guest does is a cycle, here as in the generic timer. */

export const CYCLE_COUNTER = 31;
const CYCLE_BIT = 1n << 31n;
const LOW32 = 0xffff_ffffn;
const U64 = 0xffff_ffff_ffff_ffffn;

export const PMCR = { E: 1n, P: 2n, C: 4n, LC: 0x40n, LP: 0x80n } as const;
/** The bits of PMCR_EL0 that may be written (ARMV8_PMU_PMCR_MASK). */
const PMCR_WRITABLE = 0xffn;
const PMCR_N_SHIFT = 11n;
const PMCR_N = 0x1fn << PMCR_N_SHIFT;

const EVENTS = { SW_INCR: 0n, INST_RETIRED: 8n, CPU_CYCLES: 0x11n, CHAIN: 0x1en } as const;
/** Events that have a place in PMCEID0_EL0: those that are counted. */
export const PMCEID0 = Object.values(EVENTS).reduce<bigint>((mask, event) => mask | (1n << event), 0n);

/* ID_AA64DFR0_EL1.PMUVer. */
const ID_AA64DFR0_EL1 = 0xc028;
const ID_AA64PFR0_EL1 = 0xc020;
const PMUVER_SHIFT = 8n;
const PMUV3 = 1n;
const PMUV3P5 = 6n;
const IMPLEMENTATION_DEFINED = 0xfn;

const TYPE = {
  EXCLUDE_EL1: 1n << 31n,
  EXCLUDE_EL0: 1n << 30n,
  EXCLUDE_NS_EL1: 1n << 29n,
  EXCLUDE_NS_EL0: 1n << 28n,
  INCLUDE_EL2: 1n << 27n,
  EXCLUDE_EL3: 1n << 26n,
} as const;

/** The perf type of the host's PMU, its only one for CPUs: types are given out in the order of registration; the recorded kernel's. */
const HOST_PMU_TYPE = 10n;
const NO_IRQCHIP = "a PMU's interrupt needs an interrupt controller in the kernel";

/** What a VM may have of the host's PMU; 0: none (kvm_arm_pmu_get_pmuver_limit). */
export function pmuVersionLimit(dfr0: bigint): bigint {
  const version = (dfr0 >> PMUVER_SHIFT) & 0xfn;
  if (version === IMPLEMENTATION_DEFINED) return 0n;
  return version < PMUV3P5 ? version : PMUV3P5;
}

function idField(vm: Vm, register: number, shift: bigint): bigint {
  return ((vm.idRegisters.get(register) ?? 0n) >> shift) & 0xfn;
}

const pmuVersion = (vm: Vm): bigint => idField(vm, ID_AA64DFR0_EL1, PMUVER_SHIFT);

/** Numbers of events by version, as a mask (kvm_pmu_event_mask). */
function eventMask(version: bigint): bigint {
  if (version === 0n) return 0n;
  return version === PMUV3 ? 0x3ffn : 0xffffn;
}

/** Bits of PMEVTYPER<n>_EL0 that are there (kvm_pmu_evtyper_mask). */
export function eventTypeMask(vm: Vm): bigint {
  let mask = TYPE.EXCLUDE_EL1 | TYPE.EXCLUDE_EL0 | eventMask(pmuVersion(vm));
  if (idField(vm, ID_AA64PFR0_EL1, 8n) !== 0n) mask |= TYPE.INCLUDE_EL2;
  if (idField(vm, ID_AA64PFR0_EL1, 12n) !== 0n) mask |= TYPE.EXCLUDE_NS_EL0 | TYPE.EXCLUDE_NS_EL1 | TYPE.EXCLUDE_EL3;
  return mask;
}

/** Bits of the registers that have one for each counter of a VM. */
export function counterMask(vm: Vm): bigint {
  return ((1n << BigInt(vm.pmuCounters)) - 1n) | CYCLE_BIT;
}

export const counterName = (index: number): string =>
  index === CYCLE_COUNTER ? 'PMCCNTR_EL0' : `PMEVCNTR${index}_EL0`;
export const typeName = (index: number): string =>
  index === CYCLE_COUNTER ? 'PMCCFILTR_EL0' : `PMEVTYPER${index}_EL0`;

/** Instructions by exception level. */
interface Instructions {
  readonly el0: number;
  readonly el1: number;
}

/** A counter of instructions, and the levels whose it counts. */
interface Counting {
  readonly index: number;
  readonly el0: boolean;
  readonly el1: boolean;
}

/** The PMU of a vCPU. Its registers are kept with the vCPU's others; those of a vCPU without a PMU are never seen. */
export class Pmu {
  /** KVM_ARM_VCPU_PMU_V3_INIT was done. */
  created = false;
  readonly #vcpu: Vcpu;

  constructor(vcpu: Vcpu) {
    this.#vcpu = vcpu;
  }

  /** kvm_vcpu_read_pmcr. */
  get control(): bigint {
    const { pmuCounters } = this.#vcpu.vm;
    return (this.#vcpu.readSysreg('PMCR_EL0') & ~PMCR_N) | (BigInt(pmuCounters) << PMCR_N_SHIFT);
  }

  /** The part of a value for PMCR_EL0 that is kept; LC is RES1 without AArch32. */
  writableControl(value: bigint): bigint {
    return (value & PMCR_WRITABLE) | (this.#vcpu.vm.kvm.features.aarch32El0 ? 0n : PMCR.LC);
  }

  /** kvm_pmu_handle_pmcr. */
  handleControl(value: bigint): void {
    const kept = this.#has64BitCounters ? value : value & ~PMCR.LP;
    this.#vcpu.writeSysreg('PMCR_EL0', kept & ~(PMCR.C | PMCR.P | PMCR_N));
    if ((kept & PMCR.C) !== 0n) this.#vcpu.writeSysreg('PMCCNTR_EL0', 0n);
    if ((kept & PMCR.P) === 0n) return;
    for (let n = 0; n < this.#vcpu.vm.pmuCounters; n++) this.#vcpu.writeSysreg(counterName(n), 0n);
  }

  /** Before the first entry: what userspace wrote is cut to what the PMU has (kvm_vcpu_reload_pmu). */
  reload(): void {
    this.handleControl(this.control);
    const mask = counterMask(this.#vcpu.vm);
    for (const name of ['PMOVSSET_EL0', 'PMINTENSET_EL1', 'PMCNTENSET_EL0']) {
      this.#vcpu.writeSysreg(name, this.#vcpu.readSysreg(name) & mask);
    }
  }

  /** kvm_pmu_get_counter_value. */
  value(index: number): bigint {
    const value = this.#vcpu.readSysreg(counterName(index));
    return this.#is64Bit(index) ? value : value & LOW32;
  }

  /** The counter is there (pmu_counter_idx_valid). */
  has(index: number): boolean {
    return index < this.#vcpu.vm.pmuCounters || index === CYCLE_COUNTER;
  }

  /** PMSWINC_EL0: counters of software increments (kvm_pmu_software_increment). */
  softwareIncrement(counters: bigint): void {
    if ((this.control & PMCR.E) === 0n) return;
    const mask = counters & this.#vcpu.readSysreg('PMCNTENSET_EL0');
    for (let n = 0; n < this.#vcpu.vm.pmuCounters; n++) {
      if (((mask >> BigInt(n)) & 1n) !== 0n && this.#event(n) === EVENTS.SW_INCR) this.#add(n, 1n);
    }
  }

  /** The guest has done so many instructions at each level; true: a counter overflowed, which interrupts the host. */
  count(done: Instructions): boolean {
    if (!this.#vcpu.hasPmu || (this.control & PMCR.E) === 0n) return false;
    let overflowed = false;
    for (const { index, el0, el1 } of this.#counting()) {
      const count = (el0 ? done.el0 : 0) + (el1 ? done.el1 : 0);
      if (count > 0 && this.#add(index, BigInt(count))) overflowed = true;
    }
    return overflowed;
  }

  /** How many instructions the guest may do before a counter overflows; a counter of one level alone has more time. */
  instructionsToOverflow(): number {
    if (!this.#vcpu.hasPmu || (this.control & PMCR.E) === 0n) return Infinity;
    let least = Infinity;
    for (const { index } of this.#counting()) {
      const period = this.#period(index);
      const left = Number(period - (this.value(index) % period));
      if (left < least) least = left;
    }
    return least;
  }

  /** The overflow interrupt's line (kvm_pmu_overflow_status). */
  get interrupts(): boolean {
    if (!this.#vcpu.hasPmu || (this.control & PMCR.E) === 0n) return false;
    return (this.#vcpu.readSysreg('PMOVSSET_EL0') & this.#vcpu.readSysreg('PMINTENSET_EL1')) !== 0n;
  }

  get #has64BitCounters(): boolean {
    return pmuVersion(this.#vcpu.vm) >= PMUV3P5;
  }

  #is64Bit(index: number): boolean {
    return index === CYCLE_COUNTER || this.#has64BitCounters;
  }

  /** At how many counts a counter overflows (kvm_pmc_has_64bit_overflow). */
  #period(index: number): bigint {
    const wide = (this.control & (index === CYCLE_COUNTER ? PMCR.LC : PMCR.LP)) !== 0n;
    return wide && this.#is64Bit(index) ? 1n << 64n : 1n << 32n;
  }

  #event(index: number): bigint {
    if (index === CYCLE_COUNTER) return EVENTS.CPU_CYCLES;
    return this.#vcpu.readSysreg(typeName(index)) & eventMask(pmuVersion(this.#vcpu.vm));
  }

  /** Counters that count instructions now (kvm_pmu_create_perf_event). */
  #counting(): Counting[] {
    const { vm } = this.#vcpu;
    const enabled = this.#vcpu.readSysreg('PMCNTENSET_EL0') & counterMask(vm);
    const counters: Counting[] = [];
    for (let n = 0; n <= CYCLE_COUNTER; n++) {
      if (((enabled >> BigInt(n)) & 1n) === 0n) continue;
      const event = this.#event(n);
      if (event !== EVENTS.CPU_CYCLES && event !== EVENTS.INST_RETIRED) continue;
      if (vm.pmuFilter && vm.pmuFilter[Number(event)] === 0) continue;
      const type = this.#vcpu.readSysreg(typeName(n));
      const included = (level: bigint, nonSecure: bigint): boolean =>
        ((type & level) !== 0n) === ((type & nonSecure) !== 0n);
      const el0 = included(TYPE.EXCLUDE_EL0, TYPE.EXCLUDE_NS_EL0);
      const el1 = included(TYPE.EXCLUDE_EL1, TYPE.EXCLUDE_NS_EL1);
      if (el0 || el1) counters.push({ index: n, el0, el1 });
    }
    return counters;
  }

  /** Counts, marks an overflow and takes it on to the next counter of a chain (kvm_pmu_counter_increment); true: there was one. */
  #add(index: number, count: bigint): boolean {
    const vcpu = this.#vcpu;
    const before = this.value(index);
    const period = this.#period(index);
    const after = before + count;
    vcpu.writeSysreg(counterName(index), after & (this.#is64Bit(index) ? U64 : LOW32));
    const overflows = (before % period) + count >= period;
    if (!overflows) return false;
    vcpu.writeSysreg('PMOVSSET_EL0', vcpu.readSysreg('PMOVSSET_EL0') | (1n << BigInt(index)));
    const next = index + 1;
    const chains = index % 2 === 0 && period === 1n << 32n && next < vcpu.vm.pmuCounters;
    const enabled = (vcpu.readSysreg('PMCNTENSET_EL0') >> BigInt(next)) & 1n;
    if (chains && enabled !== 0n && this.#event(next) === EVENTS.CHAIN) this.#add(next, 1n);
    return true;
  }
}

/* ---------------------------------------------------------------- attributes */

const ATTRIBUTES = { IRQ: 0n, INIT: 1n, FILTER: 2n, SET_PMU: 3n } as const;

/** KVM_ARM_VCPU_PMU_V3_CTRL; null where there is no such attribute. */
export function pmuAttribute(
  vcpu: Vcpu,
  call: 'set' | 'get' | 'has',
  attribute: bigint,
  address: bigint,
  caller: Caller,
): IoctlResult | null {
  const kernel = `kvm_arm_pmu_v3_${call}_attr`;
  const known = Object.values<bigint>(ATTRIBUTES).includes(attribute);
  switch (call) {
    case 'has':
      return known && vcpu.hasPmu ? DONE : null;
    case 'get':
      return attribute === ATTRIBUTES.IRQ ? refuse('EINVAL', 'pmu.no-irqchip', NO_IRQCHIP, kernel) : null;
    case 'set':
      if (!vcpu.hasPmu) return refuse('ENODEV', 'pmu.none', 'the vCPU has no PMU', kernel);
      if (vcpu.pmu.created) return refuse('EBUSY', 'pmu.created', 'KVM_ARM_VCPU_PMU_V3_INIT was done', kernel);
  }
  switch (attribute) {
    case ATTRIBUTES.IRQ:
      return refuse('EINVAL', 'pmu.no-irqchip', NO_IRQCHIP, kernel);
    case ATTRIBUTES.INIT:
      vcpu.pmu.created = true;
      return DONE;
    case ATTRIBUTES.FILTER:
      return setFilter(vcpu, address, caller, kernel);
    case ATTRIBUTES.SET_PMU:
      return choosePmu(vcpu, address, caller);
    default:
      return null;
  }
}

/** KVM_ARM_VCPU_PMU_V3_FILTER: the first filter says what events without one get. */
function setFilter({ vm }: Vcpu, address: bigint, caller: Caller, kernel: string): IoctlResult {
  const filter = readUser(caller.memory, address, kvm_pmu_event_filter);
  if (isRefusal(filter)) return filter;
  const dfr0 = vm.kvm.host.model.id.ID_AA64DFR0_EL1 ?? 0n;
  const events = Number(eventMask(pmuVersionLimit(dfr0))) + 1;
  const { base_event: first, nevents: count, action } = filter;
  const allow = action === PMU_FILTER_ACTIONS.KVM_PMU_EVENT_ALLOW;
  if (first + count > events || (!allow && action !== PMU_FILTER_ACTIONS.KVM_PMU_EVENT_DENY)) {
    const message = `action ${action} for ${count} events from ${hex(first)}: there are ${hex(events)} events, to allow or deny`;
    return refuse('EINVAL', 'pmu.filter', message, kernel);
  }
  if (vm.hasRunOnce)
    return refuse(
      'EBUSY',
      'pmu.filter-after-run',
      `${count} events from ${hex(first)}: a vCPU of the VM has run`,
      kernel,
    );
  vm.pmuFilter ??= new Uint8Array(events).fill(allow ? 0 : 1);
  vm.pmuFilter.fill(allow ? 1 : 0, first, first + count);
  return DONE;
}

/** KVM_ARM_VCPU_PMU_V3_SET_PMU: the host has one PMU. */
function choosePmu({ vm }: Vcpu, address: bigint, caller: Caller): IoctlResult {
  const kernel = 'kvm_arm_pmu_v3_set_pmu';
  const wanted = readUserInteger(caller.memory, address, 4, 'the PMU');
  if (typeof wanted !== 'bigint') return wanted;
  if (wanted !== HOST_PMU_TYPE) {
    return refuse('ENXIO', 'pmu.type', `the host has no PMU of type ${wanted}, it has ${HOST_PMU_TYPE}`, kernel);
  }
  if (vm.hasRunOnce) return refuse('EBUSY', 'pmu.type-after-run', `PMU ${wanted}: a vCPU of the VM has run`, kernel);
  vm.pmuChosen = true;
  vm.pmuCounters = vm.kvm.features.pmuCounters;
  return DONE;
}

/** What the first KVM_RUN wants of a PMU (kvm_arm_pmu_v3_enable). */
export function checkPmuForRun(vcpu: Vcpu): Refusal | null {
  if (!vcpu.hasPmu || vcpu.pmu.created) return null;
  return refuse(
    'EINVAL',
    'pmu.not-initialized',
    'the vCPU has a PMU, and KVM_ARM_VCPU_PMU_V3_INIT was not done',
    'kvm_arm_pmu_v3_enable',
  );
}

export const PMU_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_ARM_PMU_V3', check: (kvm) => (kvm.features.pmu ? 1 : 0) },
];
