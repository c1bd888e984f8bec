import { HCR } from '../../machine/el2.ts';
import { EC } from '../../machine/esr.ts';
import type { Vcpu } from '../vcpu.ts';

/** Exceptions that KVM makes the guest take at EL1 (inject_fault.c, hyp/exception.c). */

const IL = 1 << 25;
const FSC_EXTERNAL_ABORT = 0x10;
const FSC_MASK = 0x3fn;
const ISV = 1n << 24n;
const ISS_MASK = 0x1ff_ffffn;

const MODE_MASK = 0xfn;
const EL0T = 0n;
const EL1T = 4n;
const EL1H = 5n;
/** PSTATE bits that an exception leaves as they are. */
const NZCV = 0xf000_0000n;
const DIT = 1n << 24n;
const PAN = 1n << 22n;
const SSBS = 1n << 12n;
const DAIF = 0x3c0n;
const SCTLR_SPAN = 1n << 23n;
const SCTLR_DSSBS = 1n << 44n;

/** IL of the trapped instruction; all are 32 bits here, and before the first trap there is none. */
function trapIl(vcpu: Vcpu): number {
  return (vcpu.lastTrap?.esr ?? 0) & IL;
}

function injectAbort(vcpu: Vcpu, instruction: boolean, address: bigint): void {
  const fromEl0 = (vcpu.context.pstate & MODE_MASK) === EL0T;
  const ec = instruction ? (fromEl0 ? EC.IABT_LOWER : EC.IABT_SAME) : fromEl0 ? EC.DABT_LOWER : EC.DABT_SAME;
  vcpu.pendingException = true;
  vcpu.writeSysreg('FAR_EL1', BigInt.asUintN(64, address));
  vcpu.writeSysreg('ESR_EL1', BigInt(((ec << 26) | trapIl(vcpu) | FSC_EXTERNAL_ABORT) >>> 0));
}

/** kvm_inject_dabt: a synchronous external abort on data. */
export const injectDataAbort = (vcpu: Vcpu, address: bigint): void => injectAbort(vcpu, false, address);

/** kvm_inject_pabt. */
export const injectPrefetchAbort = (vcpu: Vcpu, address: bigint): void => injectAbort(vcpu, true, address);

/** kvm_inject_size_fault: an address size fault at level 0, as above PARange. */
export function injectSizeFault(vcpu: Vcpu, instruction: boolean, address: bigint): void {
  injectAbort(vcpu, instruction, address);
  vcpu.writeSysreg('ESR_EL1', vcpu.readSysreg('ESR_EL1') & ~FSC_MASK);
}

/** kvm_inject_undefined. */
export function injectUndefined(vcpu: Vcpu): void {
  vcpu.pendingException = true;
  vcpu.writeSysreg('ESR_EL1', BigInt(((EC.UNKNOWN << 26) | trapIl(vcpu)) >>> 0));
}

/** kvm_set_sei_esr and kvm_inject_vabt: a virtual SError is pending. */
export function injectSerror(vcpu: Vcpu, esr: bigint = ISV): void {
  vcpu.vsesr = esr & ISS_MASK;
  vcpu.hcr |= HCR.VSE;
}

/** __kvm_adjust_pc: what emulation left to be done to PC and PSTATE; either way an instruction has been dealt with. */
export function adjustPc(vcpu: Vcpu): void {
  if (vcpu.pendingException || vcpu.incrementPc) vcpu.vm.kvm.host.cpu.retire(1);
  if (vcpu.pendingException) {
    enterException(vcpu);
    vcpu.pendingException = false;
  } else if (vcpu.incrementPc) {
    skipInstruction(vcpu);
    vcpu.incrementPc = false;
  }
}

/** kvm_skip_instr. */
function skipInstruction({ context }: Vcpu): void {
  const BTYPE = 0xc00n;
  const SOFTWARE_STEP = 1n << 21n;
  context.pc = BigInt.asUintN(64, context.pc + 4n);
  context.pstate &= ~(BTYPE | SOFTWARE_STEP);
}

/** enter_exception64 to EL1, synchronous. */
function enterException(vcpu: Vcpu): void {
  const { context } = vcpu;
  const old = context.pstate;
  const mode = old & 0x1fn;
  const LOWER_EL_AARCH32 = 0x600n;
  const offset = mode === EL1H ? 0x200n : mode === EL1T ? 0n : mode === EL0T ? 0x400n : LOWER_EL_AARCH32;
  const sctlr = vcpu.readSysreg('SCTLR_EL1');
  let pstate = (old & (NZCV | DIT | PAN)) | DAIF | EL1H;
  if ((sctlr & SCTLR_SPAN) === 0n) pstate |= PAN;
  if ((sctlr & SCTLR_DSSBS) !== 0n) pstate |= SSBS;
  vcpu.writeSysreg('ELR_EL1', context.pc);
  vcpu.writeSysreg('SPSR_EL1', old);
  context.pc = BigInt.asUintN(64, vcpu.readSysreg('VBAR_EL1') + offset);
  context.pstate = pstate;
}
