import { systemKey } from '../../machine/sysregs.ts';
import { counterMask, counterName, CYCLE_COUNTER, eventTypeMask, PMCEID0, PMCR, typeName } from '../pmu.ts';
import type { Refusal } from '../refusal.ts';
import type { Vcpu } from '../vcpu.ts';
import type { Access } from './access.ts';
import type { SysregRow, Visibility } from './rows.ts';

/** Rows of the performance monitors. A register that sets bits and one that clears them show the same one, kept as SET. */

const SEL_MASK = 0x1fn;
const LOW32 = 0xffff_ffffn;
const N_SHIFT = 11n;
const N_MASK = 0x1fn;

/* PMUSERENR_EL0. */
const EN = 1n;
const SW = 2n;
const CR = 4n;
const ER = 8n;
const USERENR_WRITABLE = 0xfn;

const MODE_MASK = 0xfn;
const privileged = ({ context }: Vcpu): boolean => (context.pstate & MODE_MASK) !== 0n;

const HIDDEN: Visibility = { hidden: true };
const VISIBLE: Visibility = {};

/** An access that EL0 has where one of these bits of PMUSERENR_EL0 is set (check_pmu_access_disabled). */
const allowed =
  (bits: bigint, then: Access): Access =>
  (vcpu, row, write, value) =>
    privileged(vcpu) || (vcpu.readSysreg('PMUSERENR_EL0') & bits) !== 0n ? then(vcpu, row, write, value) : null;

type Extra = Omit<SysregRow, 'name' | 'key' | 'visibility'>;

function pmu(name: string, at: string, extra: Extra): SysregRow {
  const visibility = (vcpu: Vcpu): Visibility => (vcpu.hasPmu ? VISIBLE : HIDDEN);
  return { name, key: systemKey(at), visibility, ...extra };
}

/** A counter (access_pmu_evcntr); without one of that number the guest gets an undefined instruction exception. */
const counter =
  (index: (vcpu: Vcpu) => number, el0: bigint): Access =>
  (vcpu, row, write, value) => {
    const n = index(vcpu);
    const read: Access = () => vcpu.pmu.value(n);
    const change: Access = () => {
      vcpu.writeSysreg(counterName(n), value);
      return 0n;
    };
    const work: Access = (...given) => (vcpu.pmu.has(n) ? (write ? allowed(EN, change) : read)(...given) : null);
    return allowed(el0 | EN, work)(vcpu, row, write, value);
  };

/** What a counter counts (access_pmu_evtyper). */
const eventType = (index: (vcpu: Vcpu) => number): Access =>
  allowed(EN, (vcpu, _row, write, value) => {
    const n = index(vcpu);
    if (!vcpu.pmu.has(n)) return null;
    if (!write) return vcpu.readSysreg(typeName(n));
    vcpu.writeSysreg(typeName(n), value & eventTypeMask(vcpu.vm));
    return 0n;
  });

const selected = (vcpu: Vcpu): number => Number(vcpu.readSysreg('PMSELR_EL0') & SEL_MASK);

/** KVM's UNKNOWN, cut to the bits that are there. */
const unknown =
  (reset: bigint, mask: (vcpu: Vcpu) => bigint) =>
  (vcpu: Vcpu): bigint =>
    reset & mask(vcpu);

/** A register of one bit a counter (access_pmcnten, access_pminten, access_pmovs; get_pmreg, set_pmreg). */
function bits(kept: string, set: boolean, el0: bigint): Pick<SysregRow, 'access' | 'get' | 'set'> {
  const change = (vcpu: Vcpu, value: bigint): null => {
    const now = vcpu.readSysreg(kept);
    const mask = value & counterMask(vcpu.vm);
    vcpu.writeSysreg(kept, set ? now | mask : now & ~mask);
    return null;
  };
  return {
    access: allowed(el0, (vcpu, _row, write, value) => {
      if (!write) return vcpu.readSysreg(kept);
      change(vcpu, value);
      return 0n;
    }),
    get: (vcpu) => vcpu.readSysreg(kept) & counterMask(vcpu.vm),
    set: (vcpu, _row, value) => change(vcpu, value),
  };
}

/** PMCR_EL0: N is how many counters the VM has, until one of its vCPUs has run (set_pmcr). */
function setControl(vcpu: Vcpu, row: SysregRow, value: bigint): Refusal | null {
  const { vm } = vcpu;
  const counters = Number((value >> N_SHIFT) & N_MASK);
  if (!vm.hasRunOnce && counters <= vm.kvm.features.pmuCounters) vm.pmuCounters = counters;
  vcpu.writeSysreg(row.name, vcpu.pmu.writableControl(value));
  return null;
}

const control: Access = (vcpu, _row, write, value) => {
  if (!write) return vcpu.pmu.control & ~(PMCR.P | PMCR.C);
  vcpu.pmu.handleControl(vcpu.pmu.writableControl(value));
  return 0n;
};

const readOnly =
  (value: bigint): Access =>
  (_vcpu, _row, write) =>
    write ? null : value;

const GENERAL_COUNTERS = 31;

/** All rows; `reset` is what UNKNOWN resets to. */
export function pmuRows(reset: bigint): SysregRow[] {
  const perCounter = unknown(reset, ({ vm }) => counterMask(vm));
  const rows = [
    pmu('PMINTENSET_EL1', '3 0 9 14 1', { reset: perCounter, ...bits('PMINTENSET_EL1', true, 0n) }),
    pmu('PMINTENCLR_EL1', '3 0 9 14 2', bits('PMINTENSET_EL1', false, 0n)),
    pmu('PMCR_EL0', '3 3 9 12 0', {
      reset: (vcpu) => vcpu.pmu.writableControl(0n),
      get: (vcpu) => vcpu.pmu.control,
      set: setControl,
      access: allowed(EN, control),
    }),
    pmu('PMCNTENSET_EL0', '3 3 9 12 1', { reset: perCounter, ...bits('PMCNTENSET_EL0', true, EN) }),
    pmu('PMCNTENCLR_EL0', '3 3 9 12 2', bits('PMCNTENSET_EL0', false, EN)),
    pmu('PMOVSCLR_EL0', '3 3 9 12 3', bits('PMOVSSET_EL0', false, EN)),
    // Userspace once could see it: it reads as zero and ignores writes.
    pmu('PMSWINC_EL0', '3 3 9 12 4', {
      get: () => 0n,
      set: () => null,
      access: (vcpu, row, write, value) => {
        const increment: Access = () => {
          vcpu.pmu.softwareIncrement(value & counterMask(vcpu.vm));
          return 0n;
        };
        return write ? allowed(SW | EN, increment)(vcpu, row, write, value) : null;
      },
    }),
    pmu('PMSELR_EL0', '3 3 9 12 5', {
      reset: reset & SEL_MASK,
      access: allowed(ER | EN, (vcpu, row, write, value) => {
        if (!write) return BigInt(selected(vcpu));
        vcpu.writeSysreg(row.name, value);
        return 0n;
      }),
    }),
    pmu('PMCEID0_EL0', '3 3 9 12 6', { access: allowed(EN, readOnly(PMCEID0)) }),
    pmu('PMCEID1_EL0', '3 3 9 12 7', { access: allowed(EN, readOnly(0n)) }),
    pmu('PMCCNTR_EL0', '3 3 9 13 0', { reset, access: counter(() => CYCLE_COUNTER, CR) }),
    pmu('PMXEVTYPER_EL0', '3 3 9 13 1', { access: eventType(selected) }),
    pmu('PMXEVCNTR_EL0', '3 3 9 13 2', { access: counter(selected, ER) }),
    pmu('PMUSERENR_EL0', '3 3 9 14 0', {
      reset: 0n,
      access: (vcpu, row, write, value) => {
        if (!write) return vcpu.readSysreg(row.name) & USERENR_WRITABLE;
        if (!privileged(vcpu)) return null;
        vcpu.writeSysreg(row.name, value & USERENR_WRITABLE);
        return 0n;
      },
    }),
    pmu('PMOVSSET_EL0', '3 3 9 14 3', { reset: perCounter, ...bits('PMOVSSET_EL0', true, EN) }),
    pmu('PMCCFILTR_EL0', '3 3 14 15 7', { reset: 0n, access: eventType(() => CYCLE_COUNTER) }),
  ];
  for (let n = 0; n < GENERAL_COUNTERS; n++) {
    const place = (first: number): string => `3 3 14 ${first + (n >> 3)} ${n & 7}`;
    const type = unknown(reset, (vcpu) => (vcpu.hasPmu ? eventTypeMask(vcpu.vm) : 0n));
    rows.push(
      pmu(counterName(n), place(8), {
        reset: reset & LOW32,
        get: (vcpu) => vcpu.pmu.value(n),
        access: counter(() => n, ER),
      }),
      pmu(typeName(n), place(12), { reset: type, access: eventType(() => n) }),
    );
  }
  return rows;
}
