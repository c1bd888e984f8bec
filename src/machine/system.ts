/** MRS, MSR, SYS and SYSL for the machine: permission, traps, then what the row says. */
import { pstateField, sysregByName } from '../isa/a64/sysreg-names.ts';
import type { Cpu } from './cpu.ts';
import { EC, esr, fpIss, systemIss } from './esr.ts';
import { exception, PSTATE, undefinedInstruction, type Exception } from './exceptions.ts';
import { ID_REGISTERS, type CpuFeatures, type IdRegister } from './features.ts';
import { OPERATIONS_BY_KEY, type SystemOperationRow } from './sysops.ts';
import { REGISTERS_BY_KEY, SCTLR, type NamedRegister, type Permit } from './sysregs.ts';
import { groupOf, isTrapped, type TrapName } from './traps.ts';

const ID_BY_KEY: ReadonlyMap<number, IdRegister> = new Map(
  ID_REGISTERS.flatMap((name) => {
    const key = sysregByName(name);
    return key === null ? [] : [[key, name] as const];
  }),
);

const trapped = (target: 1 | 2, word: number): Exception => exception(target, esr(EC.SYSREG, systemIss(word)));

const isRead = (word: number) => ((word >>> 21) & 1) === 1;
const keyOf = (word: number) => (word >>> 5) & 0xffff;
const targetOf = (word: number) => word & 31;

/** An access that nobody has: FEAT_IDST tells reads in the feature ID space (op0 3, op1 0, 1, 3, CRn 0, CRm 0 to 7). */
function unallocated(cpu: Cpu, word: number): Exception {
  const key = keyOf(word);
  const identifies = key >>> 14 === 3 && (key & 0x7c0) === 0 && [0, 1, 3].includes((key >>> 11) & 7);
  return identifies && isRead(word) && cpu.features.idTrapSyndrome ? trapped(1, word) : undefinedInstruction();
}

/**
 * Does the instruction of the system space at PC (op0 1, 2, 3, and MSR of an immediate). null: it is done, PC is the
 * caller's to advance.
 */
export function executeSystem(cpu: Cpu, word: number): Exception | null {
  const op0 = (word >>> 19) & 3;
  if (op0 === 0) return executePstate(cpu, word);
  if (op0 === 1) return executeOperation(cpu, word);
  const known = REGISTERS_BY_KEY.get(keyOf(word));
  if (!known) return executeUnnamed(cpu, word);
  return hasFeature(cpu.features, known.row.feature) ? executeRegister(cpu, word, known) : unallocated(cpu, word);
}

function hasFeature(features: CpuFeatures, feature: keyof CpuFeatures | undefined): boolean {
  return feature === undefined || features[feature] !== false;
}

function allows(cpu: Cpu, permit: Permit | 'always'): boolean {
  if (permit === 'always') return true;
  const value = cpu.read(permit.register);
  const wanted = permit.when === 0 ? 0n : 1n;
  return permit.bits.some((bit) => ((value >> BigInt(bit)) & 1n) === wanted);
}

function trappedToEl2(cpu: Cpu, names: readonly TrapName[], write: boolean): boolean {
  return names.some((name) => isTrapped(name, cpu.el2, write));
}

function executeRegister(cpu: Cpu, word: number, { name, row, stored }: NamedRegister): Exception | null {
  const read = isRead(word);
  const level = cpu.state.level;
  if (row.el1 === 'none' || row.el1 === (read ? 'write' : 'read')) return unallocated(cpu, word);
  if (level === 0) {
    const permit = read ? row.el0?.read : row.el0?.write;
    if (!permit) return unallocated(cpu, word);
    if (!allows(cpu, permit)) return trapped(1, word);
  }
  if (name === 'SP_EL0' && (cpu.state.pstate & PSTATE.SP) === 0) return undefinedInstruction();
  for (const trap of row.traps ?? []) {
    if (trap === 'FP') {
      const target = cpu.fpTrapTarget();
      if (target !== null) return exception(target, esr(EC.FP, fpIss()));
    } else if (isTrapped(trap, cpu.el2, !read)) return trapped(2, word);
  }

  const at = targetOf(word);
  if (read) {
    const value = row.read ? row.read(cpu) : row.id ? cpu.id(row.id) : stored ? cpu.read(stored) : 0n;
    if (at !== 31) cpu.state.setX(at, value);
    return null;
  }
  const value = at === 31 ? 0n : cpu.state.x(at);
  const mask = row.mask;
  if (row.write) row.write(cpu, value);
  else if (stored) cpu.write(stored, mask === undefined ? value : (cpu.read(stored) & ~mask) | (value & mask));
  if (row.effect) cpu.changed(row.effect);
  return null;
}

/** An encoding without a row: the ID space reads as zero, others are UNDEFINED, unless EL2 wants to see them. */
function executeUnnamed(cpu: Cpu, word: number): Exception | null {
  const group = groupOf(keyOf(word));
  const read = isRead(word);
  if (!group || (group.untrapped === 'id' && !read)) return unallocated(cpu, word);
  if (cpu.state.level === 0) return unallocated(cpu, word);
  if (trappedToEl2(cpu, group.traps, !read)) return trapped(2, word);
  if (group.untrapped === 'undefined') return undefinedInstruction();
  const name = ID_BY_KEY.get(keyOf(word));
  if (targetOf(word) !== 31) cpu.state.setX(targetOf(word), name ? cpu.id(name) : 0n);
  return null;
}

function executeOperation(cpu: Cpu, word: number): Exception | null {
  const row = OPERATIONS_BY_KEY.get(keyOf(word));
  if (!row || isRead(word) || !hasFeature(cpu.features, row.feature)) {
    const group = groupOf(keyOf(word));
    return group && cpu.state.level > 0 && trappedToEl2(cpu, group.traps, true)
      ? trapped(2, word)
      : undefinedInstruction();
  }
  if (cpu.state.level === 0) {
    if (row.el0 === null) return undefinedInstruction();
    if (!allows(cpu, row.el0)) return trapped(1, word);
  }
  if (trappedToEl2(cpu, row.traps, true)) return trapped(2, word);
  return perform(cpu, row, targetOf(word) === 31 ? 0n : cpu.state.x(targetOf(word)));
}

function perform(cpu: Cpu, row: SystemOperationRow, operand: bigint): Exception | null {
  const { effect } = row;
  const { maintenance } = cpu;
  switch (effect.does) {
    case 'nothing':
      return null;
    case 'invalidate':
      maintenance.invalidate(effect.scope, operand);
      return null;
    case 'maintain':
      return maintenance.maintain(operand, effect.access);
    case 'zero':
      return maintenance.zeroBlock(operand);
    case 'translate':
      return maintenance.translateInto(operand, effect);
  }
}

const PSTATE_BITS: Readonly<
  Record<string, { readonly bit: number; readonly feature?: keyof CpuFeatures; readonly el0: boolean }>
> = {
  spsel: { bit: PSTATE.SP, el0: false },
  pan: { bit: PSTATE.PAN, feature: 'pan', el0: false },
  uao: { bit: PSTATE.UAO, feature: 'uao', el0: false },
  dit: { bit: PSTATE.DIT, feature: 'dit', el0: true },
  ssbs: { bit: PSTATE.SSBS, feature: 'ssbs', el0: true },
};

/** MSR of an immediate. DAIFSet and DAIFClr take D, A, I and F from CRm's bits 3:0; the others their one bit from bit 0. */
function executePstate(cpu: Cpu, word: number): Exception | null {
  const name = pstateField({ op1: (word >>> 16) & 7, op2: (word >>> 5) & 7 })?.name;
  const immediate = (word >>> 8) & 15;
  const level = cpu.state.level;
  const pstate = cpu.state.pstate;
  if (name === 'daifset' || name === 'daifclr') {
    const permitted = level > 0 || ((cpu.read('SCTLR_EL1') >> BigInt(SCTLR.UMA)) & 1n) !== 0n;
    if (!permitted) return trapped(1, word);
    const bits = immediate << 6;
    cpu.setPstate((name === 'daifset' ? pstate | bits : pstate & ~bits) >>> 0);
    return null;
  }
  const field = name === undefined ? undefined : PSTATE_BITS[name];
  if (!field || !hasFeature(cpu.features, field.feature) || (level === 0 && !field.el0)) return undefinedInstruction();
  cpu.setPstate(((pstate & ~field.bit) | (immediate & 1 ? field.bit : 0)) >>> 0);
  return null;
}
