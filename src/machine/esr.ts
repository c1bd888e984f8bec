/** Exception classes of ESR_ELx.EC (Arm ARM, ESR_EL1). */
export const EC = {
  UNKNOWN: 0x00,
  WFX: 0x01,
  FP: 0x07,
  PAC: 0x09,
  BRANCH_TARGET: 0x0d,
  ILLEGAL_STATE: 0x0e,
  SVC64: 0x15,
  HVC64: 0x16,
  SMC64: 0x17,
  SYSREG: 0x18,
  IABT_LOWER: 0x20,
  IABT_SAME: 0x21,
  PC_ALIGNMENT: 0x22,
  DABT_LOWER: 0x24,
  DABT_SAME: 0x25,
  SP_ALIGNMENT: 0x26,
  SERROR: 0x2f,
  BREAKPOINT_LOWER: 0x30,
  SOFTSTEP_LOWER: 0x32,
  WATCHPOINT_LOWER: 0x34,
  BRK64: 0x3c,
} as const;

const IL = 1 << 25;

/** ESR_ELx of a 32-bit instruction (IL = 1). */
export function esr(ec: number, iss: number): number {
  return ((ec << 26) | IL | iss) >>> 0;
}

/** ISS of a trapped MRS, MSR, SYS or SYSL (EC 0x18) from its word. */
export function systemIss(word: number): number {
  const field = (lo: number, width: number) => (word >>> lo) & ((1 << width) - 1);
  const [op0, op1, crn, crm, op2] = [field(19, 2), field(16, 3), field(12, 4), field(8, 4), field(5, 3)];
  return (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (field(0, 5) << 5) | (crm << 1) | field(21, 1);
}

/** CV and COND of an A64 instruction: valid, always. */
const CONDITION = (1 << 24) | (0xe << 20);

/** ISS of a trapped WFI, WFE, WFIT or WFET. */
export function waitIss(kind: 'wfi' | 'wfe' | 'wfit' | 'wfet'): number {
  return CONDITION | { wfi: 0, wfe: 1, wfit: 2, wfet: 3 }[kind];
}

/** ISS of a trapped FP or SIMD instruction (EC 0x07). */
export function fpIss(): number {
  return CONDITION;
}

/** Fault status of breakpoint, watchpoint and software step exceptions. */
const DEBUG_STATUS = 0x22;

/** ESR_ELx of a debug exception; `lower`: from a lower level than it is taken to. */
export function debugEsr(ec: number, lower: boolean, iss = 0): number {
  return esr(ec + (lower ? 0 : 1), DEBUG_STATUS | iss);
}
/** ISS of a software step: an instruction was stepped, and that it was a load-exclusive. */
export const STEP = { ISV: 1 << 24, EX: 1 << 6 } as const;

/** Bits of the ISS of instruction and data aborts. */
export const ABORT = { S1PTW: 1 << 7, WNR: 1 << 6, CM: 1 << 8, EA: 1 << 9, FNV: 1 << 10 } as const;
