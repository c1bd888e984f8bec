/** Why the physical CPU stopped running the guest. */
export type Stop = BudgetStop | BreakpointStop | TrapStop;

/** As many instructions as were asked for are done; nothing else happened. */
export interface BudgetStop {
  readonly why: 'budget';
}

/** The instruction at PC has a breakpoint and has not been executed. Running again executes it. */
export interface BreakpointStop {
  readonly why: 'breakpoint';
  readonly address: bigint;
}

/**
 * An exception taken to EL2. PC (ELR_EL2) and PSTATE (SPSR_EL2) are those of the CPU's state: PC is the instruction's
 * own address where it was trapped or faulted, the next one's after HVC.
 */
export interface TrapStop {
  readonly why: 'trap';
  readonly vector: 'sync' | 'irq' | 'fiq' | 'serror';
  /** ESR_EL2: EC in bits 31:26, IL in 25, ISS in 24:0. */
  readonly esr: number;
  /** FAR_EL2; 0 where the exception does not set it. */
  readonly far: bigint;
  /** HPFAR_EL2 (the faulting IPA's bits 51:12 from bit 4 on); 0 where the exception does not set it. */
  readonly hpfar: bigint;
}
