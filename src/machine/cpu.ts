import type { CpuContext } from './context.ts';
import type { El2Registers } from './el2.ts';
import type { Stop } from './stop.ts';

/**
 * The physical CPU as a hypervisor sees it. Only EL1 and EL0 run guest code; EL2 is whoever calls `run`.
 * (Signatures first; see README.md.)
 */
export interface CpuInterface {
  /** EL2's registers. Writing a field takes effect at the next `run`. */
  readonly el2: El2Registers;
  /** Instructions completed since the machine was made: virtual time. */
  readonly instructions: number;
  /** World switch: all of the guest's registers into the CPU, and back out. */
  load(context: CpuContext): void;
  save(context: CpuContext): void;
  /** Runs the guest from PC until it has done `budget` instructions or something happens. Always returns. */
  run(budget: number): Stop;
  setBreakpoints(addresses: Iterable<bigint>): void;
  /** TLBI as EL2 does it after it changed stage 2: everything, or one page of the current VMID. */
  tlbiAll(): void;
  tlbiIpa(ipa: number): void;
}
