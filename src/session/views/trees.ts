/** The trees of tables that a VM or a vCPU has, and their bytes; looking changes nothing. */
import type { AddressSpace } from '../../host/mm.ts';
import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import type { PhysicalMemory } from '../../machine/memory.ts';
import { stage2Regime } from '../../machine/translation/control.ts';
import type { MeaningContext } from '../../machine/translation/descriptor.ts';
import { levelShift } from '../../machine/translation/format.ts';
import type { Tables } from '../../machine/translation/walk.ts';
import { locateIpa, stage1Half, stage1On } from './locate.ts';

/** Where tables are found. */
export interface Place {
  readonly memory: PhysicalMemory;
  readonly process: AddressSpace;
}

export interface Tree {
  readonly memory: PhysicalMemory;
  /** `IPA`, `TTBR0: VA`. */
  readonly input: string;
  readonly tables: Tables;
  /** First input address: the upper half's begins far up. */
  readonly base: bigint;
  /** Where the bytes at a table's address begin in physical memory and how many follow each other; null: no memory. */
  readonly locate: (address: number) => { readonly pa: number; readonly length: number } | null;
  readonly context: MeaningContext;
  /** SH of leaves whose descriptors have none (FEAT_LPA2). */
  readonly shareability: number;
}

/** The tables of a VM's stage 2, or those of a vCPU's stage 1 that can be walked: none while its MMU is off. */
export function treesOf(place: Place, owner: Vm | Vcpu): Tree[] {
  return owner.kind === 'vm' ? [stage2Tree(place, owner)] : stage1Trees(place, owner);
}

/** What the fields of a guest's stage 1 depend on, in the half of TTBR0_EL1 or TTBR1_EL1. */
export function stage1Context(vcpu: Vcpu, half: 0 | 1): MeaningContext {
  const { hardwareAccessFlag, hardwareDirty, hierarchical } = stage1Half(vcpu, half);
  const { branchTargets, bbmLevel } = vcpu.vm.kvm.host.model.features;
  const mair = vcpu.context.read('MAIR_EL1');
  return { mair, hardwareAccessFlag, hardwareDirty, hierarchical, branchTargets, bbmLevel };
}

/** The same of a VM's stage 2. */
export function stage2Context({ stage2: { vtcr, vttbr }, kvm }: Vm): MeaningContext {
  const { features } = kvm.host.model;
  const { hardwareAccessFlag, hardwareDirty } = stage2Regime(vtcr, vttbr, features);
  return {
    forcedWriteBack: kvm.features.stage2ForceWriteBack,
    executeByEl: features.stage2ExecuteByEl,
    hardwareAccessFlag,
    hardwareDirty,
    bbmLevel: features.bbmLevel,
  };
}

function stage2Tree({ memory }: Place, vm: Vm): Tree {
  const { vtcr, vttbr } = vm.stage2;
  // As the hardware walks them: from the registers.
  const { tables, shareability } = stage2Regime(vtcr, vttbr, vm.kvm.host.model.features);
  return {
    memory,
    input: 'IPA',
    tables,
    base: 0n,
    locate: (pa) => ({ pa, length: Infinity }),
    context: stage2Context(vm),
    shareability,
  };
}

function stage1Trees({ memory, process }: Place, vcpu: Vcpu): Tree[] {
  if (!stage1On(vcpu)) return [];
  return ([0, 1] as const).flatMap((half) => {
    const { tables, disabled, broken, shareability } = stage1Half(vcpu, half);
    if (disabled || broken) return [];
    return [
      {
        memory,
        input: `TTBR${half}: VA`,
        tables,
        base: half === 0 ? 0n : (1n << 64n) - (1n << BigInt(tables.inputBits)),
        locate: (address: number) => {
          const found = locateIpa(vcpu.vm, process, BigInt(address));
          return found.ok ? found : null;
        },
        context: stage1Context(vcpu, half),
        shareability,
      },
    ];
  });
}

/** Entries of a table of a level; at the start level those of all concatenated tables. */
export function entriesAt({ format, startLevel, inputBits }: Tables, level: number): number {
  if (level > startLevel) return 2 ** format.granule.bitsPerLevel;
  return Math.max(1, 2 ** (inputBits - levelShift(format.granule, level)));
}

/** A table's entries as pairs of halves, low first; null where not all of it is RAM. A guest's may lie in several pages of the host. */
export function readTable({ memory, tables, locate }: Tree, address: number, level: number): Uint32Array | null {
  const bytes = new Uint8Array(entriesAt(tables, level) * 8);
  for (let at = 0; at < bytes.length;) {
    const found = locate(address + at);
    const part = found && memory.readBytes(found.pa, Math.min(found.length, bytes.length - at));
    if (!part || part.length === 0) return null;
    bytes.set(part, at);
    at += part.length;
  }
  return new Uint32Array(bytes.buffer);
}
