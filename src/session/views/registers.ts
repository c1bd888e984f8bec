import { decodeOneReg, CORE_REGS, coreRegId, sysregId } from '../../abi/onereg.ts';
import { sysregByName, sysregEncoding } from '../../isa/a64/sysreg-names.ts';
import type { Vcpu } from '../../kvm/vcpu.ts';
import { CpuContext } from '../../machine/context.ts';
import { ABORT, EC } from '../../machine/esr.ts';
import { STORED_REGISTERS, type StoredRegister } from '../../machine/sysregs.ts';
import { mairText } from '../../machine/translation/descriptor.ts';
import { tcrEl1 } from '../../machine/translation/registers.ts';
import { faultStatusText } from '../../machine/translation/fault.ts';
import type { RegistersView, RegisterValue } from '../messages.ts';
import type { Inspected } from './inspected.ts';
import { hex } from './text.ts';

/** Registers of KVM's core class by name: general, PC, PSTATE. */
const CORE_IDS = new Map(CORE_REGS.map((reg) => [reg.name, coreRegId(reg)]));
/** Kept in KVM's core class, not among the system registers. */
const CORE_NAMES: Readonly<Partial<Record<StoredRegister, string>>> = {
  SP_EL1: 'sp_el1',
  ELR_EL1: 'elr_el1',
  SPSR_EL1: 'spsr_el1',
};

const MODES: Readonly<Record<number, string>> = { 0: 'EL0t', 4: 'EL1t', 5: 'EL1h', 8: 'EL2t', 9: 'EL2h' };

/** `nZCv DAIF EL1h`: a letter is large where its bit is set. */
export function pstateText(pstate: bigint): string {
  const bit = (number: number, letter: string): string =>
    (pstate >> BigInt(number)) & 1n ? letter.toUpperCase() : letter.toLowerCase();
  const flags = [bit(31, 'n'), bit(30, 'z'), bit(29, 'c'), bit(28, 'v')].join('');
  const masks = [bit(9, 'd'), bit(8, 'a'), bit(7, 'i'), bit(6, 'f')].join('');
  const mode = MODES[Number(pstate & 0xfn)] ?? `mode ${hex(pstate & 0x1fn)}`;
  return [flags, masks, mode, (pstate >> 22n) & 1n ? 'PAN' : ''].filter(Boolean).join(' ');
}

const ROUNDING = ['to nearest', 'towards plus infinity', 'towards minus infinity', 'towards zero'] as const;
const named = (bits: readonly (readonly [number, string])[]) => (value: bigint) =>
  bits.flatMap(([bit, name]) => ((value >> BigInt(bit)) & 1n ? [name] : []));
const fpcrBits = named([
  [26, 'AHP'],
  [25, 'DN'],
  [24, 'FZ'],
  [19, 'FZ16'],
]);
const fpsrBits = named([
  [27, 'QC'],
  [7, 'IDC'],
  [4, 'IXC'],
  [3, 'UFC'],
  [2, 'OFC'],
  [1, 'DZC'],
  [0, 'IOC'],
]);
const fpcrText = (fpcr: bigint) => [`rounds ${ROUNDING[Number((fpcr >> 22n) & 3n)]!}`, ...fpcrBits(fpcr)].join(', ');
const fpsrText = (fpsr: bigint) => fpsrBits(fpsr).join(', ');

/** As doubles and as singles, highest first; the low half alone where the high one is 0: `D 1.5 · S 1.9375 0`. */
function vectorText(value: bigint): string {
  if (value === 0n) return '';
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, BigInt.asUintN(64, value), true);
  view.setBigUint64(8, value >> 64n, true);
  const high = value >> 64n !== 0n;
  const doubles = (high ? [8, 0] : [0]).map((at) => shortNumber(view.getFloat64(at, true)));
  const singles = (high ? [12, 8, 4, 0] : [4, 0]).map((at) => shortNumber(view.getFloat32(at, true)));
  return `D ${doubles.join(' ')} · S ${singles.join(' ')}`;
}

function shortNumber(value: number): string {
  return Number(value.toPrecision(6)).toString();
}

/** ESR_EL1.EC in words: the exceptions that a guest takes to its own EL1. */
const CLASSES: ReadonlyMap<number, string> = new Map([
  [EC.UNKNOWN, 'unknown reason'],
  [EC.WFX, 'trapped WFI or WFE'],
  [EC.FP, 'trapped FP or SIMD'],
  [EC.ILLEGAL_STATE, 'illegal execution state'],
  [EC.SVC64, 'SVC'],
  [EC.HVC64, 'HVC'],
  [EC.SMC64, 'SMC'],
  [EC.SYSREG, 'trapped system register access'],
  [EC.IABT_LOWER, 'Instruction Abort from EL0'],
  [EC.IABT_SAME, 'Instruction Abort from EL1'],
  [EC.PC_ALIGNMENT, 'PC alignment fault'],
  [EC.DABT_LOWER, 'Data Abort from EL0'],
  [EC.DABT_SAME, 'Data Abort from EL1'],
  [EC.SP_ALIGNMENT, 'SP alignment fault'],
  [EC.SERROR, 'SError'],
  [EC.BREAKPOINT_LOWER, 'breakpoint in EL0'],
  [EC.SOFTSTEP_LOWER, 'software step of EL0'],
  [EC.WATCHPOINT_LOWER, 'watchpoint in EL0'],
  [EC.BRK64, 'BRK'],
]);
const ABORTS: ReadonlySet<number> = new Set([EC.IABT_LOWER, EC.IABT_SAME, EC.DABT_LOWER, EC.DABT_SAME]);
const DATA_ABORTS: ReadonlySet<number> = new Set([EC.DABT_LOWER, EC.DABT_SAME]);

/** `Data Abort from EL1: Access flag fault, level 3, write`. */
export function esrText(esr: bigint): string {
  if (esr === 0n) return '';
  const ec = Number((esr >> 26n) & 0x3fn);
  const iss = Number(esr & 0x1ff_ffffn);
  const name = CLASSES.get(ec) ?? `EC ${hex(ec)}`;
  if (!ABORTS.has(ec)) return `${name}, ISS ${hex(iss)}`;
  const parts = [faultStatusText(iss & 0x3f) ?? `fault status ${hex(iss & 0x3f)}`];
  if (DATA_ABORTS.has(ec)) parts.push(iss & ABORT.CM ? 'cache maintenance' : iss & ABORT.WNR ? 'write' : 'read');
  return `${name}: ${parts.join(', ')}`;
}

const flags = (value: bigint, names: readonly (readonly [number, string])[]): string =>
  names
    .filter(([bit]) => (value >> BigInt(bit)) & 1n)
    .map(([, name]) => name)
    .join(', ');

type Meaning = (value: bigint, nameOf: (address: bigint) => string) => string;

const address: Meaning = (value, nameOf) => nameOf(value);

const MEANINGS: Readonly<Partial<Record<StoredRegister, Meaning>>> = {
  SCTLR_EL1: (value) =>
    flags(value | (value & 1n ? 0n : 1n << 64n), [
      [0, 'MMU on'],
      [64, 'MMU off'],
      [1, 'alignment check'],
      [2, 'data cache on'],
      [12, 'instruction cache on'],
      [19, 'WXN'],
    ]),
  TCR_EL1: (value) => {
    const tcr = tcrEl1(value);
    const granules0 = ['4K', '64K', '16K', 'reserved'];
    const granules1 = ['reserved', '16K', '4K', '64K'];
    // T0SZ and T1SZ below 12 are no size of any granule, 0 above all: nobody has set them.
    const half = (epd: number, tg: string | undefined, size: number): string =>
      epd === 1 ? 'off' : `${tg ?? ''}, ${size < 12 ? `size field ${size}` : `${64 - size} bits`}`;
    const low = half(tcr.get('EPD0'), granules0[tcr.get('TG0')], tcr.get('T0SZ'));
    const high = half(tcr.get('EPD1'), granules1[tcr.get('TG1')], tcr.get('T1SZ'));
    return `TTBR0: ${low}; TTBR1: ${high}`;
  },
  MAIR_EL1: (value) =>
    Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn))
      .map((attribute, index) => `${index}: ${mairText(attribute)}`)
      .filter((_, index) => index === 0 || ((value >> BigInt(8 * index)) & 0xffn) !== 0n)
      .join(', '),
  ESR_EL1: esrText,
  SPSR_EL1: (value) => pstateText(value),
  VBAR_EL1: address,
  ELR_EL1: address,
  FAR_EL1: address,
  SP_EL1: address,
};

const TITLES: readonly { readonly title: string; readonly names: readonly StoredRegister[] }[] = [
  {
    title: 'Exceptions',
    names: ['VBAR_EL1', 'ESR_EL1', 'FAR_EL1', 'ELR_EL1', 'SPSR_EL1', 'SP_EL1', 'AFSR0_EL1', 'AFSR1_EL1'],
  },
  {
    title: 'Translation',
    names: ['SCTLR_EL1', 'TCR_EL1', 'TTBR0_EL1', 'TTBR1_EL1', 'MAIR_EL1', 'CONTEXTIDR_EL1', 'PAR_EL1'],
  },
];
const GROUPED = new Set<StoredRegister>(TITLES.flatMap(({ names }) => names));

/** The groups of all others, by their names. */
const OTHERS: readonly { readonly title: string; readonly names: RegExp }[] = [
  { title: 'Timers', names: /^CNT/ },
  { title: 'Debug', names: /^(DBG|MD|OS)/ },
  { title: 'Other system registers', names: /./ },
];

function othersOf(title: string): StoredRegister[] {
  return STORED_REGISTERS.filter((name) => {
    const group = OTHERS.find(({ names }) => names.test(name));
    return group?.title === title && !GROUPED.has(name);
  });
}

/** What KVM puts into registers whose reset value the architecture leaves UNKNOWN (reset_unknown). */
const NEVER_SET = 0x1de7_ec7e_dbad_c0den;

/** KVM_GET_ONE_REG's id of a system register, or null where the instruction set has no such name. */
function oneRegOf(name: StoredRegister): bigint | null {
  const core = CORE_NAMES[name];
  if (core !== undefined) return CORE_IDS.get(core) ?? null;
  const key = sysregByName(name);
  if (key === null) return null;
  const { op0, op1, CRn, CRm, op2 } = sysregEncoding(key);
  const id = sysregId({ op0, op1, crn: CRn, crm: CRm, op2 });
  return decodeOneReg(id) ? id : null;
}

export function registersView(inspected: Inspected, vcpu: Vcpu): RegistersView {
  const { context } = vcpu;
  const bytes = inspected.changes.registers(vcpu);
  const before = bytes ? new CpuContext() : null;
  if (bytes) before?.bytes.set(bytes);
  const nameOf = (at: bigint): string => inspected.guest.symbolAt(at) ?? '';

  const value = (
    name: string,
    oneReg: bigint | null,
    read: (context: CpuContext) => bigint,
    meaning: (value: bigint) => string = nameOf,
    bits: RegisterValue['bits'] = 64,
  ): RegisterValue => {
    const now = read(context);
    return { name, value: now, bits, changed: before !== null && read(before) !== now, meaning: meaning(now), oneReg };
  };
  const core = (name: string): bigint | null => CORE_IDS.get(name) ?? null;
  const system = (name: StoredRegister): RegisterValue =>
    value(
      name,
      oneRegOf(name),
      (from) => from.read(name),
      (now) => (now === NEVER_SET ? 'not set since reset' : (MEANINGS[name]?.(now, nameOf) ?? '')),
    );

  const general = Array.from({ length: 31 }, (_, n) => value(`x${n}`, core(`x${n}`), (from) => from.x[n] ?? 0n));
  const stored = new Set<StoredRegister>(STORED_REGISTERS);
  return {
    view: 'registers',
    groups: [
      {
        title: 'State',
        registers: [
          value('pc', core('pc'), (from) => from.pc),
          value('pstate', core('pstate'), (from) => from.pstate, pstateText, 32),
        ],
      },
      {
        title: 'General',
        registers: [...general, value('sp_el0', core('sp'), (from) => from.spEl0)],
      },
      ...TITLES.map(({ title, names }) => ({
        title,
        registers: names.filter((name) => stored.has(name)).map(system),
      })),
      ...OTHERS.map(({ title }) => ({ title, registers: othersOf(title).map(system) })),
      {
        title: 'Floating point',
        registers: [
          value('fpcr', core('fpcr'), (from) => from.fpcr, fpcrText, 32),
          value('fpsr', core('fpsr'), (from) => from.fpsr, fpsrText, 32),
        ],
      },
      {
        title: 'SIMD and floating point',
        registers: Array.from({ length: 32 }, (_, n) =>
          value(`v${n}`, core(`v${n}`), (from) => from.v[2 * n]! | (from.v[2 * n + 1]! << 64n), vectorText, 128),
        ),
      },
    ],
  };
}
