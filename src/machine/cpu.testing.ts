/** For tests: a machine with a program at its first address, and vectors that say where an exception went. */
import { expect } from 'vitest';
import { assemble } from '../isa/a64/assembler.ts';
import { HCR } from './el2.ts';
import { Machine } from './machine.ts';
import type { Stop } from './stop.ts';

export const ENTRY = 0x4000_0000;
const RAM_SIZE = 4 << 20;

/** A machine whose kernel pages are taken from the second half of RAM. */
export function boot(source: string, cpu: 'max' | 'cortex-a57' = 'cortex-a57') {
  const machine = new Machine({ cpu, pageSize: 4096, ram: [{ base: ENTRY, size: RAM_SIZE }] });
  machine.memory.pages.reserve(machine.memory.banks[0]!.base, RAM_SIZE / 2 / 4096);
  const { bytes, symbols, errors } = assemble(source, { origin: BigInt(ENTRY) });
  expect(errors).toEqual([]);
  machine.memory.writeBytes(ENTRY, bytes);
  machine.cpu.state.pc = BigInt(ENTRY);
  machine.cpu.el2.HCR_EL2 = HCR.RW;
  return { ...machine, machine, cpu: machine.cpu, symbol: (name: string) => symbols.get(name)! };
}

export const x = (cpu: Machine['cpu'], ...registers: number[]) => registers.map((n) => cpu.state.x(n));
export const trap = (stop: Stop) => (stop.why === 'trap' ? stop : expect.fail(`stopped by ${stop.why}`));
export const EC = (esr: number) => esr >>> 26;
/** ESR_ELx of a trapped system instruction: class 0x18, IL, then op0, op2, op1, CRn, Rt, CRm and the direction. */
export const trappedSystem = (
  op0: number,
  op1: number,
  CRn: number,
  CRm: number,
  op2: number,
  Rt: number,
  read: 0 | 1,
) => 0x6200_0000 + op0 * 2 ** 20 + op2 * 2 ** 17 + op1 * 2 ** 14 + CRn * 2 ** 10 + Rt * 2 ** 5 + CRm * 2 + read;

/** Vectors that stop with HVC of their number, after taking ESR, FAR, ELR and SPSR into X20 to X23. */
export const VECTORS = `
  .balign 0x800
vectors:
  ${Array.from({ length: 16 }, (_, n) => `.balign 0x80\n mrs x20, esr_el1\n mrs x21, far_el1\n mrs x22, elr_el1\n mrs x23, spsr_el1\n hvc #${n}`).join('\n')}
`;
export const SET_VECTORS = 'adr x0, vectors\n msr vbar_el1, x0\n';
export const vectorOf = (stop: Stop) => {
  const { esr } = trap(stop);
  expect(EC(esr)).toBe(0x16);
  return esr & 0xffff;
};
