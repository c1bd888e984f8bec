import { HCR } from '../../machine/el2.ts';
import { EC } from '../../machine/esr.ts';
import type { TrapStop } from '../../machine/stop.ts';
import { exitDebug } from '../guestdebug.ts';
import { SYSREG_BY_KEY } from '../sysregs/rows.ts';
import type { Vcpu } from '../vcpu.ts';
import { guestAbort } from './abort.ts';
import { answerWorkaround, hypercall, isWorkaround } from './hypercalls.ts';
import { injectUndefined } from './inject.ts';
import type { Handled } from './result.ts';
import { exceptionClass, immediate16 } from './syndrome.ts';

type ExitHandler = (vcpu: Vcpu, trap: TrapStop) => Handled | 'wait';

const ALL = (1n << 64n) - 1n;
const ZERO_REGISTER = 31;
const WFE = 1;

/** WFI and WFE (kvm_handle_wfx); WFE only gives way. */
const wait: ExitHandler = (vcpu, trap) => {
  vcpu.incrementPc = true;
  const forEvent = (trap.esr & WFE) !== 0;
  vcpu.statistics.add(forEvent ? 'wfe_exit_stat' : 'wfi_exit_stat');
  return forEvent ? 'guest' : 'wait';
};

/** SMC is trapped, so PC is still its own; a non-zero immediate is reserved (handle_smc). */
const secureMonitorCall: ExitHandler = (vcpu, trap) => {
  vcpu.incrementPc = true;
  if (immediate16(trap) === 0) return hypercall(vcpu);
  vcpu.context.x[0] = ALL;
  return 'guest';
};

/** MRS, MSR and SYS (kvm_handle_sys_reg). */
const systemRegister: ExitHandler = (vcpu, trap) => {
  const { op0, crn, crm, register, write } = systemAccess(trap);
  if (op0 === 1) return systemInstruction(vcpu, crn, crm);
  const row = accessedRegister(trap);
  const value = register === ZERO_REGISTER ? 0n : vcpu.context.x[register]!;
  const result = row && !row.visibility?.(vcpu)?.hidden ? row.access(vcpu, row, write, value) : null;
  if (result === null) {
    injectUndefined(vcpu);
    return 'guest';
  }
  if (!write && register !== ZERO_REGISTER) vcpu.context.x[register] = result;
  vcpu.incrementPc = true;
  return 'guest';
};

function systemAccess({ esr }: TrapStop) {
  const field = (lo: number, width: number): number => (esr >>> lo) & ((1 << width) - 1);
  const encoding = { op0: field(20, 2), op1: field(14, 3), crn: field(10, 4), crm: field(1, 4), op2: field(17, 3) };
  return { ...encoding, register: field(5, 5), write: field(0, 1) === 0 };
}

function accessedRegister(trap: TrapStop) {
  const { op0, op1, crn, crm, op2 } = systemAccess(trap);
  return SYSREG_BY_KEY.get((op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2);
}

/**
 * Cache maintenance by set and way is about caches, which nothing sees here; but without FEAT_S2FWB the guest may be about to switch
 * them, which KVM wants to know (kvm_set_way_flush). What else is trapped is not there (sys_insn_descs).
 */
function systemInstruction(vcpu: Vcpu, crn: number, crm: number): Handled {
  const DC = 7;
  const BY_SET_AND_WAY = [6, 10, 14];
  if (crn === DC && BY_SET_AND_WAY.includes(crm)) {
    vcpu.incrementPc = true;
    if (!vcpu.vm.kvm.features.stage2ForceWriteBack) vcpu.hcr |= HCR.TVM;
  } else injectUndefined(vcpu);
  return 'guest';
}

/** A debug exception that is userspace's (kvm_handle_guest_debug). */
const guestDebug: ExitHandler = (vcpu, trap) => {
  exitDebug(vcpu, trap.esr, trap.far);
  return 'user';
};

const undefinedClass: ExitHandler = (vcpu) => {
  injectUndefined(vcpu);
  return 'guest';
};

/** By ESR_EL2.EC (arm_exit_handlers); a class that is not here is an undefined instruction of the guest. */
const HANDLERS: Readonly<Record<number, ExitHandler>> = {
  [EC.WFX]: wait,
  [EC.FP]: undefinedClass,
  [EC.HVC64]: (vcpu) => {
    if (isWorkaround(vcpu)) return answerWorkaround(vcpu);
    vcpu.statistics.add('hvc_exit_stat');
    return hypercall(vcpu);
  },
  [EC.SMC64]: secureMonitorCall,
  [EC.SYSREG]: systemRegister,
  [EC.IABT_LOWER]: guestAbort,
  [EC.DABT_LOWER]: guestAbort,
  [EC.SOFTSTEP_LOWER]: guestDebug,
  [EC.WATCHPOINT_LOWER]: guestDebug,
  [EC.BREAKPOINT_LOWER]: guestDebug,
  [EC.BRK64]: guestDebug,
};

/**
 * What the exception vector or the world switch answers, and goes back to the guest: to the kernel it has never left (el1_sync,
 * kvm_hyp_handle_cntpct). A read of the trapped physical counter, and calls of workarounds.
 */
export function isAnsweredAtEl2(vcpu: Vcpu, trap: TrapStop): boolean {
  if (trap.vector !== 'sync') return false;
  const trapClass = exceptionClass(trap);
  if (trapClass === EC.SYSREG) return accessedRegister(trap)?.name === 'CNTPCT_EL0';
  return trapClass === EC.HVC64 && isWorkaround(vcpu);
}

/** What is to be done about an exception that the guest was left with (handle_exit). */
export function handleExit(vcpu: Vcpu, trap: TrapStop): Handled | 'wait' {
  if (trap.vector !== 'sync') return 'guest';
  return (HANDLERS[exceptionClass(trap)] ?? undefinedClass)(vcpu, trap);
}
