/** Why generated code stopped. At every exit PC is that of the instruction, and nothing of it has been done. */

export type Access = 'read' | 'write' | 'fetch';

export type Exit =
  | BudgetExit
  | MissExit
  | ExceptionExit
  | SystemExit
  | UndefinedExit
  | AlignmentExit
  | FpExit
  | BreakpointExit
  | WaitExit;

/** As many instructions as were asked for are done. */
export interface BudgetExit {
  readonly kind: 'budget';
}

/** The TLB has no entry. Fill it and run again, or take the fault, or do the instruction without it and advance PC. */
export interface MissExit {
  readonly kind: 'miss';
  readonly access: Access;
  /** The first byte that has no entry: of a page-crossing access this may be the second page's. */
  readonly lo: number;
  readonly hi: number;
  /** Of the whole access. */
  readonly bytes: number;
  /** The set of TLBs that missed: not the current one for LDTR and STTR. */
  readonly regime: number;
  /** The instruction; 0 for a fetch. */
  readonly word: number;
}

export interface ExceptionExit {
  readonly kind: 'exception';
  readonly cause: 'svc' | 'hvc' | 'smc' | 'brk' | 'hlt' | 'dcps1' | 'dcps2' | 'dcps3';
  readonly immediate: number;
  readonly word: number;
}

/** MRS, MSR, SYS, SYSL, ERET and the like: the machine's to do, PC included. */
export interface SystemExit {
  readonly kind: 'system';
  readonly word: number;
}

/** No row of the instruction table, or one whose features aren't there. */
export interface UndefinedExit {
  readonly kind: 'undefined';
  readonly word: number;
}

/** `pc`: PC's low bits are not 00; `sp`: SP as a base, low four bits; `data`: an access that has to be aligned. */
export interface AlignmentExit {
  readonly kind: 'alignment';
  readonly of: 'pc' | 'sp' | 'data';
  /** The address; PC or SP in those cases. */
  readonly lo: number;
  readonly hi: number;
  readonly access: Access;
  readonly bytes: number;
  readonly word: number;
}

/** An FP or SIMD instruction while `state.fpTrapped`. */
export interface FpExit {
  readonly kind: 'fp';
  readonly word: number;
}

export interface BreakpointExit {
  readonly kind: 'breakpoint';
}

export interface WaitExit {
  readonly kind: 'wait';
  readonly for: 'wfi' | 'wfe' | 'wfit' | 'wfet';
  readonly word: number;
}
