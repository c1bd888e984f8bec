import type { CpuContext } from './context.ts';
import type { Engine } from '../engine/engine.ts';
import type { El2Registers } from './el2.ts';
import type { CpuFeatures } from './features.ts';
import type { PhysicalMemory } from './memory.ts';
import type { StoredRegister } from './sysregs.ts';
import type { Access, AccessKind, Mmu } from './translation/mmu.ts';

/** A CPU as what it is made of sees it. */
export interface CpuParts {
  readonly memory: PhysicalMemory;
  readonly engine: Engine;
  readonly mmu: Mmu;
  readonly el2: El2Registers;
  readonly features: CpuFeatures;
  /** The system registers as they are now. */
  readonly context: CpuContext;
  read(name: StoredRegister): bigint;
  write(name: StoredRegister, value: bigint): void;
  /** A bit of SCTLR_EL1. */
  sctlr(bit: number): boolean;
  /** An access of the level and with the PSTATE that the CPU has. */
  kindHere(access: Access): AccessKind;
}
