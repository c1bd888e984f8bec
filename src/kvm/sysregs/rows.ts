/**
 * System registers as KVM shows them: one row each, what KVM_GET_ONE_REG and a guest's trapped access give. Registers that
 * the CPU answers by itself and userspace can't see have no row. Follows sys_reg_descs of sys_regs.c.
 */
import { SYSTEM_REGISTERS, systemKey } from '../../machine/sysregs.ts';
import { pmuVersionLimit } from '../pmu.ts';
import type { Refusal } from '../refusal.ts';
import type { Vcpu } from '../vcpu.ts';
import { access, type Access } from './access.ts';
import { featureMask } from './fields.ts';
import { setDebugFeatures, setDebugFeaturesAarch32, setIdRegister } from './idregs.ts';
import { pmuRows } from './pmu.ts';
import { cacheLevels, setCacheLevels, setOsLock } from './user.ts';

/** KVM's value for what resets to an UNKNOWN value (reset_unknown). */
export const UNKNOWN = 0x1de7_ec7e_dbad_c0den;

export interface Visibility {
  /** Not there for anyone. */
  readonly hidden?: boolean;
  /** Reads as zero for guest and userspace. */
  readonly raz?: boolean;
  /** Userspace may write anything, to no effect. */
  readonly writeIgnored?: boolean;
}

export interface SysregRow {
  readonly name: string;
  /** op0:op1:CRn:CRm:op2 in 16 bits. */
  readonly key: number;
  /** Value after reset; a row that has one is kept for each vCPU. */
  readonly reset?: bigint | ((vcpu: Vcpu) => bigint);
  /** An ID register: kept for the VM, `sanitise` makes it from the host's value. */
  readonly id?: boolean;
  readonly sanitise?: (vcpu: Vcpu, host: bigint) => bigint;
  /** AArch32's. */
  readonly aarch32?: boolean;
  /** Bits of an ID register that userspace may change. */
  readonly writable?: bigint;
  readonly visibility?: (vcpu: Vcpu) => Visibility;
  /** KVM_GET_ONE_REG's own value; absent: what is kept. */
  readonly get?: (vcpu: Vcpu) => bigint;
  /** KVM_SET_ONE_REG's own rule; absent: any value is taken. */
  readonly set?: (vcpu: Vcpu, row: SysregRow, value: bigint) => Refusal | null;
  /** A trapped access of the guest. */
  readonly access: Access;
}

type Extra = Partial<Omit<SysregRow, 'name' | 'key'>> & { readonly at?: string };

function row(name: string, { at, ...extra }: Extra = {}): SysregRow {
  const place = at ?? SYSTEM_REGISTERS.get(name)?.at;
  if (place === undefined) throw new RangeError(`${name}: no encoding`);
  return { name, key: systemKey(place), access: access.readWrite, ...extra };
}

const ones = (hi: number, lo: number): bigint => ((1n << BigInt(hi - lo + 1)) - 1n) << BigInt(lo);
/** All bits but these 4-bit fields. */
const allBut = (...shifts: number[]): bigint =>
  shifts.reduce((mask, shift) => mask & ~ones(shift + 3, shift), ones(63, 0));
const fields = (...shifts: number[]): bigint => ~allBut(...shifts) & ones(63, 0);

const kept = (name: string, reset: bigint, extra: Extra = {}): SysregRow => row(name, { reset, ...extra });
const unknown = (name: string, extra: Extra = {}): SysregRow => row(name, { reset: UNKNOWN, ...extra });
const vm = { access: access.translation } as const;
const trapped = (name: string, how: Access, at?: string): SysregRow =>
  row(name, { access: how, ...(at ? { at } : {}) });

/** What the kernel hides of every CPU, then what this register hides of guests (__kvm_read_sanitised_id_reg). */
const sanitised = (name: string, hide: (vcpu: Vcpu, value: bigint) => bigint) => (vcpu: Vcpu, host: bigint) =>
  hide(vcpu, host & featureMask(name));

const RAZ: Visibility = { raz: true };
const AARCH32_ABSENT: Visibility = { raz: true, writeIgnored: true };
const VISIBLE: Visibility = {};
const HIDDEN: Visibility = { hidden: true };
const raz = { visibility: () => RAZ } as const;

function id(name: string, at: string, writable: bigint, extra: Extra = {}): SysregRow {
  const mask = featureMask(name);
  return row(name, {
    at,
    id: true,
    writable,
    sanitise: (_vcpu, host) => host & mask,
    set: setIdRegister,
    access: access.id,
    ...extra,
  });
}

/** AArch32's ID registers: fully writable where the host has AArch32, else zero (aa32_id_visibility). */
const id32 = (name: string, at: string, extra: Extra = {}): SysregRow =>
  id(name, at, ones(31, 0), {
    aarch32: true,
    visibility: (vcpu) => (vcpu.vm.kvm.features.aarch32El0 ? VISIBLE : AARCH32_ABSENT),
    ...extra,
  });
const hiddenId = (name: string, at: string): SysregRow => id(name, at, 0n, raz);
const unallocated = (...places: readonly [crm: number, op2: number][]): SysregRow[] =>
  places.map(([crm, op2]) => hiddenId(`S3_0_C0_C${crm}_${op2}`, `3 0 0 ${crm} ${op2}`));

const setField = (value: bigint, shift: number, to: bigint): bigint => (value & allBut(shift)) | (to << BigInt(shift));

function sanitisePfr0({ vm }: Vcpu, value: bigint): bigint {
  const { mitigation } = vm.kvm.features;
  let result = value & allBut(32, 40, 44);
  if (mitigation.spectreV2 === 'unaffected') result = setField(result, 56, 1n);
  if (mitigation.meltdown === 'unaffected') result = setField(result, 60, 1n);
  return vm.kvm.host.gic === 'v3' ? setField(result, 24, 1n) : result;
}

/** PMUVer is the VM's own; none without a PMU (read_sanitised_id_aa64dfr0_el1). */
function sanitiseDfr0(vcpu: Vcpu, value: bigint): bigint {
  const debug = value & 0xfn;
  const DEBUG_V8P8 = 10n;
  const pmu = vcpu.hasPmu ? pmuVersionLimit(value) : 0n;
  return setField(setField(value & allBut(32), 8, pmu), 0, debug < DEBUG_V8P8 ? debug : DEBUG_V8P8);
}

/** PerfMon is the VM's own, as PMUVer is (read_sanitised_id_dfr0_el1). */
function sanitiseDfr0Aarch32(vcpu: Vcpu, value: bigint): bigint {
  const copDbg = value & 0xfn;
  const DEBUG_V8P8 = 10n;
  const limit = vcpu.hasPmu ? pmuVersionLimit(vcpu.vm.kvm.host.model.id.ID_AA64DFR0_EL1 ?? 0n) : 0n;
  // ID_AA64DFR0_EL1 counts PMUv3 from 1, ID_DFR0_EL1 from 3 (pmuver_to_perfmon).
  const perfMon = limit === 1n ? 3n : limit;
  return setField(setField(value, 24, perfMon), 0, copDbg < DEBUG_V8P8 ? copDbg : DEBUG_V8P8);
}

function numbered(count: number, make: (n: number) => SysregRow[]): SysregRow[] {
  return Array.from({ length: count }, (_, n) => make(n)).flat();
}

/** All sixteen of each kind, whatever the hardware has: KVM keeps them all. */
const DEBUG_ROWS = numbered(16, (n) =>
  (['BVR', 'BCR', 'WVR', 'WCR'] as const).map((kind, index) =>
    kept(`DBG${kind}${n}_EL1`, 0n, { at: `2 0 0 ${n} ${4 + index}` }),
  ),
);

const ERROR_RECORDS: readonly [string, string][] = [
  ['ERRIDR_EL1', '3 0 5 3 0'],
  ['ERRSELR_EL1', '3 0 5 3 1'],
  ['ERXFR_EL1', '3 0 5 4 0'],
  ['ERXCTLR_EL1', '3 0 5 4 1'],
  ['ERXSTATUS_EL1', '3 0 5 4 2'],
  ['ERXADDR_EL1', '3 0 5 4 3'],
  ['ERXMISC0_EL1', '3 0 5 5 0'],
  ['ERXMISC1_EL1', '3 0 5 5 1'],
];
const ORDERING_REGIONS: readonly [string, string][] = [
  ['LORSA_EL1', '3 0 10 4 0'],
  ['LOREA_EL1', '3 0 10 4 1'],
  ['LORN_EL1', '3 0 10 4 2'],
  ['LORC_EL1', '3 0 10 4 3'],
  ['LORID_EL1', '3 0 10 4 7'],
];
const DEBUG_ZERO: readonly [string, string][] = [
  ['MDRAR_EL1', '2 0 1 0 0'],
  ['OSDLR_EL1', '2 0 1 3 4'],
  ['DBGPRCR_EL1', '2 0 1 4 4'],
  ['DBGCLAIMSET_EL1', '2 0 7 8 6'],
  ['DBGCLAIMCLR_EL1', '2 0 7 9 6'],
  ['DBGAUTHSTATUS_EL1', '2 0 7 14 6'],
  ['MDCCSR_EL0', '2 3 0 1 0'],
  ['DBGDTR_EL0', '2 3 0 4 0'],
  ['DBGDTRTX_EL0', '2 3 0 5 0'],
];

/** Keys of pointer authentication, with CRm and op2 of their lower halves. */
const KEYS: readonly [string, number, number][] = [
  ['APIA', 1, 0],
  ['APIB', 1, 2],
  ['APDA', 2, 0],
  ['APDB', 2, 2],
  ['APGA', 3, 0],
];

const rows: SysregRow[] = [
  ...DEBUG_ROWS,
  kept('MDCCINT_EL1', 0n),
  kept('MDSCR_EL1', 0n),
  ...DEBUG_ZERO.map(([name, at]) => trapped(name, access.zero, at)),
  trapped('OSLAR_EL1', access.osLock),
  kept('OSLSR_EL1', 1n << 3n, { access: access.readOnly, set: setOsLock }),
  kept('DBGVCR32_EL2', 0n, { at: '2 4 0 7 0', access: access.undefined }),

  // The vCPU's id in the affinity fields, 16 CPUs to the lowest (reset_mpidr).
  row('MPIDR_EL1', {
    reset: ({ id: n }) => BigInt((n & 0xf) | (((n >>> 4) & 0xff) << 8) | (((n >>> 12) & 0xff) << 16)) | (1n << 31n),
  }),

  id32('ID_PFR0_EL1', '3 0 0 1 0'),
  id32('ID_PFR1_EL1', '3 0 0 1 1'),
  id32('ID_DFR0_EL1', '3 0 0 1 2', {
    sanitise: sanitised('ID_DFR0_EL1', sanitiseDfr0Aarch32),
    set: setDebugFeaturesAarch32,
  }),
  hiddenId('ID_AFR0_EL1', '3 0 0 1 3'),
  ...[0, 1, 2, 3].map((n) => id32(`ID_MMFR${n}_EL1`, `3 0 0 1 ${4 + n}`)),
  ...[0, 1, 2, 3, 4, 5].map((n) => id32(`ID_ISAR${n}_EL1`, `3 0 0 2 ${n}`)),
  id32('ID_MMFR4_EL1', '3 0 0 2 6', { sanitise: sanitised('ID_MMFR4_EL1', (_vcpu, value) => value & allBut(24)) }),
  id32('ID_ISAR6_EL1', '3 0 0 2 7'),
  ...[0, 1, 2].map((n) => id32(`MVFR${n}_EL1`, `3 0 0 3 ${n}`)),
  id32('ID_PFR2_EL1', '3 0 0 3 4'),
  hiddenId('ID_DFR1_EL1', '3 0 0 3 5'),
  id32('ID_MMFR5_EL1', '3 0 0 3 6'),
  ...unallocated([3, 3], [3, 7], [4, 3], [4, 6], [5, 2], [5, 3], [5, 6], [5, 7]),
  ...unallocated([6, 3], [6, 4], [6, 5], [6, 6], [6, 7], [7, 5], [7, 6], [7, 7]),

  id('ID_AA64PFR0_EL1', '3 0 0 4 0', allBut(44, 40, 32, 28, 20, 16), {
    sanitise: sanitised('ID_AA64PFR0_EL1', sanitisePfr0),
  }),
  id('ID_AA64PFR1_EL1', '3 0 0 4 1', fields(32, 4, 0), {
    sanitise: sanitised('ID_AA64PFR1_EL1', (_vcpu, value) => value & fields(4, 0, 12)),
  }),
  id('ID_AA64PFR2_EL1', '3 0 0 4 2', fields(32)),
  id('ID_AA64ZFR0_EL1', '3 0 0 4 4', featureMask('ID_AA64ZFR0_EL1'), raz),
  hiddenId('ID_AA64SMFR0_EL1', '3 0 0 4 5'),
  id('ID_AA64FPFR0_EL1', '3 0 0 4 7', featureMask('ID_AA64FPFR0_EL1')),
  id('ID_AA64DFR0_EL1', '3 0 0 5 0', fields(36, 20, 8, 0), {
    sanitise: sanitised('ID_AA64DFR0_EL1', sanitiseDfr0),
    set: setDebugFeatures,
  }),
  id('ID_AA64DFR1_EL1', '3 0 0 5 1', 0n),
  hiddenId('ID_AA64AFR0_EL1', '3 0 0 5 4'),
  hiddenId('ID_AA64AFR1_EL1', '3 0 0 5 5'),
  id('ID_AA64ISAR0_EL1', '3 0 0 6 0', allBut(0)),
  id('ID_AA64ISAR1_EL1', '3 0 0 6 1', allBut(28, 24, 8, 4), {
    sanitise: sanitised('ID_AA64ISAR1_EL1', (vcpu, value) =>
      vcpu.hasPointerAuthentication ? value : value & allBut(28, 24, 8, 4),
    ),
  }),
  id('ID_AA64ISAR2_EL1', '3 0 0 6 2', allBut(44, 12, 8), {
    sanitise: sanitised('ID_AA64ISAR2_EL1', (vcpu, value) =>
      vcpu.hasPointerAuthentication ? value : value & allBut(12, 8),
    ),
  }),
  id('ID_AA64MMFR0_EL1', '3 0 0 7 0', allBut(52, 48, 40, 36, 32, 4)),
  id('ID_AA64MMFR1_EL1', '3 0 0 7 1', allBut(40, 32, 28, 8, 4), {
    // kvm-arm.mode=nvhe hides FEAT_VHE from the whole kernel (id_aa64mmfr1.vh=0).
    sanitise: sanitised('ID_AA64MMFR1_EL1', ({ vm }, value) =>
      vm.kvm.host.mode === 'nvhe' ? value & allBut(8) : value,
    ),
  }),
  id('ID_AA64MMFR2_EL1', '3 0 0 7 2', allBut(56, 44, 40, 36, 24, 20), {
    sanitise: sanitised('ID_AA64MMFR2_EL1', (_vcpu, value) => value & allBut(20)),
  }),
  id('ID_AA64MMFR3_EL1', '3 0 0 7 3', fields(16, 8, 0)),
  id('ID_AA64MMFR4_EL1', '3 0 0 7 4', 0n),

  kept('SCTLR_EL1', 0x00c5_0078n, vm),
  kept('ACTLR_EL1', 0n, { access: access.readOnlyWriteIgnored }),
  kept('CPACR_EL1', 0n),
  unknown('TTBR0_EL1', vm),
  unknown('TTBR1_EL1', vm),
  kept('TCR_EL1', 0n, vm),
  kept('TCR2_EL1', 0n, { at: '3 0 2 0 3', ...vm }),
  ...KEYS.flatMap(([name, crm, op2]) =>
    ['Lo', 'Hi'].map((half, n) =>
      unknown(`${name}Key${half}_EL1`, {
        at: `3 0 2 ${crm} ${op2 + n}`,
        access: access.undefined,
        visibility: (vcpu) => (vcpu.hasPointerAuthentication ? VISIBLE : HIDDEN),
      }),
    ),
  ),
  unknown('AFSR0_EL1', vm),
  unknown('AFSR1_EL1', vm),
  unknown('ESR_EL1', vm),
  ...ERROR_RECORDS.map(([name, at]) => trapped(name, access.zero, at)),
  unknown('FAR_EL1', vm),
  unknown('PAR_EL1'),
  ...pmuRows(UNKNOWN),
  trapped('PMMIR_EL1', access.zero, '3 0 9 14 6'),
  unknown('MAIR_EL1', vm),
  unknown('PIRE0_EL1', { at: '3 0 10 2 2' }),
  unknown('PIR_EL1', { at: '3 0 10 2 3' }),
  kept('AMAIR_EL1', 0n, vm),
  ...ORDERING_REGIONS.map(([name, at]) => trapped(name, access.orderingRegion, at)),
  kept('VBAR_EL1', 0n),
  kept('DISR_EL1', 0n, { at: '3 0 12 1 1' }),
  kept('CONTEXTIDR_EL1', 0n, vm),
  unknown('TPIDR_EL1'),
  kept('CNTKCTL_EL1', 0n),
  trapped('CCSIDR_EL1', access.cacheSize),
  row('CLIDR_EL1', { reset: cacheLevels, set: setCacheLevels, writable: ones(46, 0), access: access.readOnly }),
  unknown('CSSELR_EL1'),
  id('CTR_EL0', '3 3 0 0 1', ones(29, 28) | fields(16, 0)),
  unknown('TPIDR_EL0'),
  unknown('TPIDRRO_EL0'),
  trapped('CNTPCT_EL0', access.physicalTimer),
  trapped('CNTP_TVAL_EL0', access.physicalTimer),
  trapped('CNTP_CTL_EL0', access.physicalTimer),
  trapped('CNTP_CVAL_EL0', access.physicalTimer),
  unknown('DACR32_EL2', { at: '3 4 3 0 0', access: access.undefined }),
  unknown('IFSR32_EL2', { at: '3 4 5 0 1', access: access.undefined }),
  kept('FPEXC32_EL2', 0x700n, { at: '3 4 5 3 0', access: access.undefined }),
];

/** Sorted by encoding, as KVM_GET_REG_LIST gives them. */
export const SYSREGS: readonly SysregRow[] = rows.sort((a, b) => a.key - b.key);

export const SYSREG_BY_KEY: ReadonlyMap<number, SysregRow> = new Map(SYSREGS.map((entry) => [entry.key, entry]));

/** Whether userspace sees a register at all. */
export function isForUser(entry: SysregRow): boolean {
  return entry.reset !== undefined || entry.get !== undefined || entry.id === true;
}

/** The host's own, which a guest sees and nobody can change (invariant_sys_regs). */
export const INVARIANT = ['MIDR_EL1', 'REVIDR_EL1', 'AIDR_EL1'] as const;

const PFR0_GIC = { ID_AA64PFR0_EL1: 0xfn << 24n, ID_PFR1_EL1: 0xfn << 28n } as const;

/** What a VM that has run without a GICv3 shows of it in its ID registers: nothing (kvm_finalize_sys_regs). */
export function hideGic(idRegisters: Map<number, bigint>): void {
  for (const { name, key } of SYSREGS) {
    if (name === 'ID_AA64PFR0_EL1' || name === 'ID_PFR1_EL1') {
      idRegisters.set(key, (idRegisters.get(key) ?? 0n) & ~PFR0_GIC[name]);
    }
  }
}
