/**
 * The system registers of EL1 and EL0, one row each: what it holds, who may touch it, what follows. Encodings are the
 * instruction table's, by name.
 * A register that has no row is UNDEFINED unless a group of traps.ts has it.
 */
import type { CpuState } from '../engine/engine.ts';
import { sysregByName, sysregEncoding, sysregKey } from '../isa/a64/sysreg-names.ts';
import type { El2Registers } from './el2.ts';
import type { CpuFeatures, IdRegister } from './features.ts';
import type { TrapName } from './traps.ts';

/** Registers whose value the behaviour of another depends on. */
type Consulted =
  'SCTLR_EL1' | 'CSSELR_EL1' | 'OSLSR_EL1' | 'CNTV_CTL_EL0' | 'CNTV_CVAL_EL0' | 'CNTP_CTL_EL0' | 'CNTP_CVAL_EL0';

/** What the behaviour of a register needs of its CPU. */
export interface RegisterFile {
  readonly state: CpuState;
  readonly el2: El2Registers;
  read(name: Consulted): bigint;
  write(name: Consulted, value: bigint): void;
  id(name: IdRegister): bigint;
  /** CNTPCT_EL0. */
  physicalCount(): bigint;
  setPstate(value: number): void;
}

/** A bit of another register that has to be 1 for EL0, or 0; where none is so the access is trapped to EL1. */
export interface Permit {
  readonly register: 'SCTLR_EL1' | 'CNTKCTL_EL1' | 'MDSCR_EL1';
  readonly bits: readonly number[];
  /** Absent: 1. */
  readonly when?: 0;
}

export interface SystemRegister {
  /** Value after reset; a row that has one is kept in the CPU's context, by the row's name. */
  readonly reset?: bigint;
  /** What a write can change; the rest stays as it was. Absent: all. */
  readonly mask?: bigint;
  /** Access from EL1; absent: both. `none`: UNDEFINED. */
  readonly el1?: 'read' | 'write' | 'none';
  /** Access from EL0; absent: UNDEFINED. */
  readonly el0?: { readonly read?: Permit | 'always'; readonly write?: Permit | 'always' };
  /** What of EL2 traps an access of EL1 or EL0. */
  readonly traps?: readonly TrapName[];
  /** UNDEFINED without this feature. */
  readonly feature?: keyof CpuFeatures;
  /** What a write changes beside the register: translation, what is trapped, keys, the timers, or debug. */
  readonly effect?: 'translation' | 'control' | 'keys' | 'timer' | 'debug';
  /** Answered by the CPU model. */
  readonly id?: IdRegister;
  readonly read?: (file: RegisterFile) => bigint;
  readonly write?: (file: RegisterFile, value: bigint) => void;
}

const bitsOf = (...bits: number[]) => bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
const span = (hi: number, lo: number) => ((1n << BigInt(hi - lo + 1)) - 1n) << BigInt(lo);
const counterPermit = (bit: number): Permit => ({ register: 'CNTKCTL_EL1', bits: [bit] });
const VM = ['TVM', 'TRVM'] as const;

/** PSTATE bits that a register shows alone, at their place in SPSR_ELx. */
const pstateBits = (mask: number) => ({
  read: (file: RegisterFile) => BigInt((file.state.pstate & mask) >>> 0),
  write: (file: RegisterFile, value: bigint) =>
    file.setPstate(((file.state.pstate & ~mask) | (Number(value & 0xffff_ffffn) & mask)) >>> 0),
});

const timer = (
  control: 'CNTV_CTL_EL0' | 'CNTP_CTL_EL0',
  compare: 'CNTV_CVAL_EL0' | 'CNTP_CVAL_EL0',
  count: (file: RegisterFile) => bigint,
) => ({
  control: (file: RegisterFile) => {
    const value = file.read(control);
    const fired = (value & 1n) !== 0n && count(file) >= file.read(compare);
    return value | (fired ? 4n : 0n);
  },
  countsLeft: (file: RegisterFile) => {
    if ((file.read(control) & 3n) !== 1n) return null;
    const left = file.read(compare) - count(file);
    return left > 0n ? left : 0n;
  },
  value: (file: RegisterFile) => (file.read(compare) - count(file)) & 0xffff_ffffn,
  setValue: (file: RegisterFile, value: bigint) => file.write(compare, count(file) + BigInt.asIntN(32, value)),
});

export const virtualCount = (file: RegisterFile) => BigInt.asUintN(64, file.physicalCount() - file.el2.CNTVOFF_EL2);
const virtualTimer = timer('CNTV_CTL_EL0', 'CNTV_CVAL_EL0', virtualCount);
const physicalTimer = timer('CNTP_CTL_EL0', 'CNTP_CVAL_EL0', (file) => file.physicalCount());

/** Counts until a timer raises its interrupt (CTL.ENABLE and not IMASK); null: it does not. */
export function countsToTimer(file: RegisterFile, kind: 'virtual' | 'physical'): bigint | null {
  return (kind === 'virtual' ? virtualTimer : physicalTimer).countsLeft(file);
}

/** SCTLR_EL1 as far as this CPU has its bits; UCI, EE, E0E and the rest of AArch32 are not there. */
export const SCTLR = {
  M: 0,
  A: 1,
  C: 2,
  SA: 3,
  SA0: 4,
  nAA: 6,
  UMA: 9,
  EnRCTX: 10,
  I: 12,
  EnDB: 13,
  DZE: 14,
  UCT: 15,
  nTWI: 16,
  nTWE: 18,
  WXN: 19,
  SPAN: 23,
  UCI: 26,
  EnDA: 27,
  EnIB: 30,
  EnIA: 31,
  BT0: 35,
  BT1: 36,
  DSSBS: 44,
  EPAN: 57,
} as const;

const SCTLR_RES1 = bitsOf(29, 28, 22, 20, 11, 8, 7);

const NO_REGION = { read: () => 0n, write: () => {}, feature: 'orderingRegions', traps: ['TLOR'] } as const;

/** Half of a key for pointer authentication. */
const KEY = { reset: 0n, feature: 'pointerAuthentication', traps: ['APK'], effect: 'keys' } as const;

/** The counter runs at 62.5 MHz. */
export const COUNTER_HZ = 62_500_000n;

const TABLE = {
  /* Identification */
  MIDR_EL1: { el1: 'read', read: (file) => file.el2.VPIDR_EL2 },
  MPIDR_EL1: { el1: 'read', read: (file) => file.el2.VMPIDR_EL2 },
  REVIDR_EL1: { el1: 'read', id: 'REVIDR_EL1', traps: ['TID1'] },
  AIDR_EL1: { el1: 'read', read: () => 0n, traps: ['TID1'] },
  CLIDR_EL1: { el1: 'read', id: 'CLIDR_EL1', traps: ['TID2', 'TID4'] },
  CCSIDR_EL1: { el1: 'read', read: cacheSize, traps: ['TID2', 'TID4'] },
  CSSELR_EL1: { reset: 0n, mask: span(3, 0), traps: ['TID2', 'TID4'] },
  CTR_EL0: {
    el1: 'read',
    el0: { read: { register: 'SCTLR_EL1', bits: [SCTLR.UCT] } },
    id: 'CTR_EL0',
    traps: ['TID2'],
  },
  DCZID_EL0: { el1: 'read', el0: { read: 'always' }, read: zeroBlock },

  /* Control */
  SCTLR_EL1: {
    reset: SCTLR_RES1 | bitsOf(SCTLR.SPAN),
    traps: VM,
    effect: 'translation',
    mask: ~SCTLR_RES1,
  },
  APIAKeyLo_EL1: { ...KEY },
  APIAKeyHi_EL1: { ...KEY },
  APIBKeyLo_EL1: { ...KEY },
  APIBKeyHi_EL1: { ...KEY },
  APDAKeyLo_EL1: { ...KEY },
  APDAKeyHi_EL1: { ...KEY },
  APDBKeyLo_EL1: { ...KEY },
  APDBKeyHi_EL1: { ...KEY },
  APGAKeyLo_EL1: { ...KEY },
  APGAKeyHi_EL1: { ...KEY },
  ACTLR_EL1: { reset: 0n, mask: 0n, traps: ['TACR'] },
  CPACR_EL1: { reset: 0n, mask: span(21, 20) | bitsOf(28), traps: ['TCPAC'], effect: 'control' },
  TTBR0_EL1: { reset: 0n, traps: VM, effect: 'translation' },
  TTBR1_EL1: { reset: 0n, traps: VM, effect: 'translation' },
  TCR_EL1: { reset: 0n, traps: VM, effect: 'translation' },
  MAIR_EL1: { reset: 0n, traps: VM, effect: 'translation' },
  AMAIR_EL1: { reset: 0n, traps: VM },
  CONTEXTIDR_EL1: { reset: 0n, mask: span(31, 0), traps: VM },
  VBAR_EL1: { reset: 0n, mask: span(63, 11) },
  RVBAR_EL1: { el1: 'none' },
  ISR_EL1: { el1: 'read', read: pendingInterrupts },

  /* Exceptions */
  AFSR0_EL1: { reset: 0n, traps: VM },
  AFSR1_EL1: { reset: 0n, traps: VM },
  ESR_EL1: { reset: 0n, traps: VM },
  FAR_EL1: { reset: 0n, traps: VM },
  PAR_EL1: { reset: 0n },
  SPSR_EL1: { reset: 0n },
  ELR_EL1: { reset: 0n },
  SP_EL1: { reset: 0n, el1: 'none' },
  /** Of EL1, where HCR_EL2.AMO is set: VDISR_EL2. */
  DISR_EL1: { reset: 0n, feature: 'ras' },
  ERRIDR_EL1: { el1: 'read', read: () => 0n, feature: 'ras', traps: ['TERR'] },
  ERRSELR_EL1: { read: () => 0n, write: () => {}, feature: 'ras', traps: ['TERR'] },

  /* Limited ordering regions: none */
  LORSA_EL1: { ...NO_REGION },
  LOREA_EL1: { ...NO_REGION },
  LORN_EL1: { ...NO_REGION },
  LORC_EL1: { ...NO_REGION },
  LORID_EL1: { ...NO_REGION, el1: 'read' },

  /* The interrupt controller: its registers are in use, which can't be changed; the others are whose controller it is */
  ICC_SRE_EL1: { read: () => 7n, write: () => {}, traps: ['SRE_ENABLE'] },

  /* PSTATE */
  SP_EL0: {
    read: (file) => file.state.sp(0),
    write: (file, value) => file.state.setSp(0, value),
  },
  SPSel: { ...pstateBits(1) },
  CurrentEL: { el1: 'read', read: (file) => BigInt(file.state.level << 2) },
  PAN: { feature: 'pan', ...pstateBits(1 << 22) },
  UAO: { feature: 'uao', ...pstateBits(1 << 23) },
  NZCV: { el0: { read: 'always', write: 'always' }, ...pstateBits(0xf0000000) },
  DAIF: {
    el0: { read: { register: 'SCTLR_EL1', bits: [SCTLR.UMA] }, write: { register: 'SCTLR_EL1', bits: [SCTLR.UMA] } },
    ...pstateBits(0x3c0),
  },
  DIT: { el0: { read: 'always', write: 'always' }, feature: 'dit', ...pstateBits(1 << 24) },
  SSBS: { el0: { read: 'always', write: 'always' }, feature: 'ssbs', ...pstateBits(1 << 12) },
  FPCR: {
    el0: { read: 'always', write: 'always' },
    traps: ['FP'],
    read: (file) => file.state.fpcr,
    write: (file, value) => {
      file.state.fpcr = value;
    },
  },
  FPSR: {
    el0: { read: 'always', write: 'always' },
    traps: ['FP'],
    read: (file) => file.state.fpsr,
    write: (file, value) => {
      file.state.fpsr = value;
    },
  },

  /* Threads */
  TPIDR_EL0: { reset: 0n, el0: { read: 'always', write: 'always' } },
  TPIDRRO_EL0: { reset: 0n, el0: { read: 'always' } },
  TPIDR_EL1: { reset: 0n },
  SCXTNUM_EL1: { reset: 0n, feature: 'csv2_2', traps: ['EnSCXT'] },
  SCXTNUM_EL0: { reset: 0n, feature: 'csv2_2', traps: ['EnSCXT'] },

  /* Generic timer */
  CNTKCTL_EL1: { reset: 0n, mask: span(9, 0) | bitsOf(17) },
  CNTFRQ_EL0: {
    el1: 'read',
    el0: { read: { register: 'CNTKCTL_EL1', bits: [0, 1] } },
    read: () => COUNTER_HZ,
  },
  CNTPCT_EL0: {
    el1: 'read',
    el0: { read: counterPermit(0) },
    traps: ['EL1PCTEN'],
    read: (file) => file.physicalCount(),
  },
  CNTVCT_EL0: { el1: 'read', el0: { read: counterPermit(1) }, read: virtualCount },
  CNTP_TVAL_EL0: {
    el0: { read: counterPermit(9), write: counterPermit(9) },
    traps: ['EL1PTEN'],
    read: physicalTimer.value,
    write: physicalTimer.setValue,
    effect: 'timer',
  },
  CNTP_CTL_EL0: {
    reset: 0n,
    mask: 3n,
    el0: { read: counterPermit(9), write: counterPermit(9) },
    traps: ['EL1PTEN'],
    read: physicalTimer.control,
    effect: 'timer',
  },
  CNTP_CVAL_EL0: {
    reset: 0n,
    el0: { read: counterPermit(9), write: counterPermit(9) },
    traps: ['EL1PTEN'],
    effect: 'timer',
  },
  CNTV_TVAL_EL0: {
    el0: { read: counterPermit(8), write: counterPermit(8) },
    read: virtualTimer.value,
    write: virtualTimer.setValue,
    effect: 'timer',
  },
  CNTV_CTL_EL0: {
    reset: 0n,
    mask: 3n,
    el0: { read: counterPermit(8), write: counterPermit(8) },
    read: virtualTimer.control,
    effect: 'timer',
  },
  CNTV_CVAL_EL0: { reset: 0n, el0: { read: counterPermit(8), write: counterPermit(8) }, effect: 'timer' },

  /* Debug */
  MDSCR_EL1: { reset: 0n, mask: bitsOf(0, 12, 13, 15), traps: ['TDA'], effect: 'debug' },
  MDCCINT_EL1: { reset: 0n, mask: bitsOf(29, 30), traps: ['TDA'] },
  OSDTRRX_EL1: { reset: 0n, mask: span(31, 0), traps: ['TDA'] },
  OSDTRTX_EL1: { reset: 0n, mask: span(31, 0), traps: ['TDA'] },
  MDCCSR_EL0: {
    el1: 'read',
    el0: { read: { register: 'MDSCR_EL1', bits: [12], when: 0 } },
    read: () => 0n,
    traps: ['TDA'],
  },
  MDRAR_EL1: { el1: 'read', read: () => 0n, traps: ['TDRA'] },
  OSLAR_EL1: {
    el1: 'write',
    write: (file, value) => file.write('OSLSR_EL1', OSLSR_MODEL | ((value & 1n) << 1n)),
    traps: ['TDOSA'],
    effect: 'debug',
  },
  OSLSR_EL1: { reset: bitsOf(3), el1: 'read', traps: ['TDOSA'] },
  OSDLR_EL1: { reset: 0n, mask: 1n, traps: ['TDOSA'], effect: 'debug' },
  DBGPRCR_EL1: { reset: 0n, mask: 1n, traps: ['TDOSA'], effect: 'debug' },

  /* Performance monitors: EL2's to answer */
  PMMIR_EL1: { el1: 'read', read: () => 0n, feature: 'pmuMachineId', traps: ['TPM'] },
} as const satisfies Record<string, SystemRegister>;

const OSLSR_MODEL = bitsOf(3);
/** As ID_AA64DFR0_EL1 of every CPU here says: the last breakpoints compare contexts too. */
export const BREAKPOINTS = 6;
export const CONTEXT_BREAKPOINTS = 2;
export const WATCHPOINTS = 4;

type Table = typeof TABLE;
type Numbered = `DBG${'BVR' | 'BCR' | 'WVR' | 'WCR'}${number}_EL1`;
/** A register of the CPU's context. */
export type StoredRegister =
  { [K in keyof Table]: Table[K] extends { reset: bigint } ? K : never }[keyof Table] | Numbered;

const BREAKPOINT_CONTROL = span(23, 13) | span(8, 5) | span(2, 0);
const WATCHPOINT_CONTROL = span(28, 24) | span(20, 13) | span(12, 3) | span(2, 0);

/** DBGBVRn_EL1 and its kin; those of comparators that there are not are UNDEFINED, before any trap. */
const MOST_COMPARATORS = 16;
function debugRegisters(): [Numbered, SystemRegister][] {
  const rows: [Numbered, SystemRegister][] = [];
  const add = (kind: 'BVR' | 'BCR' | 'WVR' | 'WCR', count: number, mask: bigint) => {
    for (let n = 0; n < MOST_COMPARATORS; n++)
      rows.push([
        `DBG${kind}${n}_EL1`,
        n < count ? { reset: 0n, mask, traps: ['TDA'], effect: 'debug' } : { el1: 'none' },
      ]);
  };
  add('BVR', BREAKPOINTS, span(63, 0));
  add('BCR', BREAKPOINTS, BREAKPOINT_CONTROL);
  add('WVR', WATCHPOINTS, span(63, 2));
  add('WCR', WATCHPOINTS, WATCHPOINT_CONTROL);
  return rows;
}

const DEBUG = debugRegisters();

/** A row with where the instruction table has its name. */
export interface PlacedRegister extends SystemRegister {
  /** `op0 op1 CRn CRm op2`. */
  readonly at: string;
  readonly key: number;
}

function placed(name: string, row: SystemRegister): PlacedRegister {
  const key = sysregByName(name);
  if (key === null) throw new Error(`the instruction table has no register ${name}`);
  const { op0, op1, CRn, CRm, op2 } = sysregEncoding(key);
  return { ...row, key, at: `${op0} ${op1} ${CRn} ${CRm} ${op2}` };
}

/** Every register by name. */
export const SYSTEM_REGISTERS: ReadonlyMap<string, PlacedRegister> = new Map(
  [...Object.entries<SystemRegister>(TABLE), ...DEBUG].map(([name, row]) => [name, placed(name, row)]),
);

const isStored = (name: string): name is StoredRegister => SYSTEM_REGISTERS.get(name)?.reset !== undefined;

/** The registers of a context, in its order. */
export const STORED_REGISTERS: readonly StoredRegister[] = [...SYSTEM_REGISTERS.keys()].filter(isStored);

/** op0:op1:CRn:CRm:op2 in 16 bits (bits 20:5 of MRS and MSR) of a place written as `3 0 1 0 0`. */
export function systemKey(at: string): number {
  const [op0 = 0, op1 = 0, CRn = 0, CRm = 0, op2 = 0] = at.split(' ').map(Number);
  return sysregKey(op0, op1, CRn, CRm, op2);
}

export interface NamedRegister {
  readonly name: string;
  readonly row: SystemRegister;
  readonly stored: StoredRegister | null;
}

/** Registers by their encoding. */
export const REGISTERS_BY_KEY: ReadonlyMap<number, NamedRegister> = new Map(
  [...SYSTEM_REGISTERS].map(([name, row]) => [row.key, { name, row, stored: isStored(name) ? name : null }]),
);

/** CCSIDR_EL1 of the cache that CSSELR_EL1 selects: level 1 data and instruction, and a unified level 2. */
function cacheSize(file: RegisterFile): bigint {
  const CACHES: readonly bigint[] = [0x701f_e00an, 0x201f_e012n, 0x707f_e07an];
  return CACHES[Number(file.read('CSSELR_EL1'))] ?? 0n;
}

/** DCZID_EL0: the block size, and DZP where DC ZVA would be trapped. */
function zeroBlock(file: RegisterFile): bigint {
  const permitted = file.state.level > 0 || ((file.read('SCTLR_EL1') >> BigInt(SCTLR.DZE)) & 1n) !== 0n;
  const trapped = ((file.el2.HCR_EL2 >> 28n) & 1n) !== 0n;
  return file.id('DCZID_EL0') | (permitted && !trapped ? 0n : 1n << 4n);
}

/** ISR_EL1: the virtual interrupts that are pending, masked or not. */
function pendingInterrupts(file: RegisterFile): bigint {
  const bit = (n: bigint) => (file.el2.HCR_EL2 >> n) & 1n;
  return (bit(7n) << 7n) | (bit(6n) << 6n) | (bit(8n) << 8n);
}
