import type { AddressSpace } from '../../host/mm.ts';
import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import type { PhysicalMemory } from '../../machine/memory.ts';
import type { Changes } from '../changes.ts';
import type { GuestProgram } from '../guest.ts';
import type { TlbCounts } from '../messages.ts';

/** What the views look at: one loaded sandbox, whatever it is doing. */
export interface Inspected {
  readonly memory: PhysicalMemory;
  readonly process: AddressSpace;
  readonly guest: GuestProgram;
  /** Addresses with a breakpoint. */
  readonly breakpoints: ReadonlySet<bigint>;
  readonly changes: Changes;
  /** Extensions (FEAT_…) that the host's CPU lacks. */
  readonly absentFeatures: ReadonlySet<string>;
  readonly tlb: TlbCounts;
  /** By descriptor; null where the number is none of that kind. */
  vm(fd: number): Vm | null;
  vcpu(fd: number): Vcpu | null;
}

/** A query without an answer: why. */
export interface Nothing {
  readonly view: 'nothing';
  readonly why: string;
}
export const nothing = (why: string): Nothing => ({ view: 'nothing', why });
