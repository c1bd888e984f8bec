import { ipa as toIpa, type Ipa } from '../../abi/address.ts';
/**
 * Where bytes of the guest and of the process lie in the host's memory, found without changing anything: a look must not
 * touch a page for the first time, nor make KVM map it. So guest memory is found through the VM's slots, not its stage 2.
 */
import type { AddressSpace } from '../../host/mm.ts';
import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Memslot } from '../../kvm/memslots.ts';
import type { Vm } from '../../kvm/vm.ts';
import type { PhysicalMemory } from '../../machine/memory.ts';
import { stage1Regime, type Stage1Regime } from '../../machine/translation/control.ts';
import { walk, type Step } from '../../machine/translation/walk.ts';
import { hex } from './text.ts';

/**
 * A host physical address and how many bytes from there on are known to follow each other, with `hva` where the process has them; or
 * why there is none.
 */
export type Located =
  | { readonly ok: true; readonly pa: number; readonly length: number; readonly hva?: bigint }
  | { readonly ok: false; readonly missing: string; readonly length: number };

const missing = (why: string, length: number): Located => ({ ok: false, missing: why, length });

export function locateHva(process: AddressSpace, hva: bigint, pageSize: number): Located {
  const inPage = pageSize - Number(hva % BigInt(pageSize));
  if (!process.isMapped(hva)) return missing('not mapped by the process', inPage);
  const leaf = process.table.lookup(Number(hva));
  if (!leaf?.valid) return missing('not touched yet and reads as zero', inPage);
  const within = Number(hva) - leaf.input;
  return { ok: true, pa: leaf.output + within, length: leaf.size - within, hva };
}

export function slotAt(vm: Vm, ipa: Ipa): Memslot | null {
  for (const slot of vm.memslots.values()) if (ipa >= slot.base && ipa < slot.base + slot.size) return slot;
  return null;
}

export function locateIpa(vm: Vm, process: AddressSpace, ipa: bigint): Located {
  const pageSize = vm.kvm.host.pageSize;
  const inPage = pageSize - Number(ipa % BigInt(pageSize));
  if (ipa >= 1n << BigInt(vm.ipaBits)) return missing(`above the VM's ${vm.ipaBits} bits of IPA`, inPage);
  const slot = slotAt(vm, toIpa(Number(ipa)));
  if (!slot) return missing('no memory slot: a load or store leaves with KVM_EXIT_MMIO, a fetch aborts', inPage);
  const offset = Number(ipa) - slot.base;
  const found = locateHva(process, slot.userspaceAddress + BigInt(offset), pageSize);
  return { ...found, length: Math.min(found.length, slot.size - offset) };
}

/** The physical CPU's word for stage 1: SCTLR_EL1.M. */
export const stage1On = (vcpu: Vcpu): boolean => (vcpu.context.read('SCTLR_EL1') & 1n) !== 0n;

/** TTBR0_EL1's half for 0, TTBR1_EL1's for 1. */
export function stage1Half(vcpu: Vcpu, half: 0 | 1): Stage1Regime {
  const { context } = vcpu;
  const ttbr = context.read(half === 0 ? 'TTBR0_EL1' : 'TTBR1_EL1');
  return stage1Regime(context.read('TCR_EL1'), ttbr, half, vcpu.vm.kvm.host.model.features);
}

/** The physical address of a stage 1 descriptor by its IPA, for a walk; -1 where there is no memory. */
export function descriptorLocator(vm: Vm, process: AddressSpace): (ipa: number) => number {
  return (ipa) => {
    const found = locateIpa(vm, process, BigInt(ipa));
    return found.ok ? found.pa : -1;
  };
}

const FIRST_PAGE = 4096;

/** A guest virtual address by the guest's own tables, permissions aside. */
export function locateVa(
  memory: PhysicalMemory,
  vcpu: Vcpu,
  process: AddressSpace,
  va: bigint,
): Located & { readonly ipa?: bigint } {
  if (!stage1On(vcpu)) return { ...locateIpa(vcpu.vm, process, va), ipa: va };
  const half = (va >> 55n) & 1n ? 1 : 0;
  const regime = stage1Half(vcpu, half);
  const inPage = FIRST_PAGE - Number(va % BigInt(FIRST_PAGE));
  if (regime.broken || regime.disabled)
    return missing(regime.broken?.why ?? `TCR_EL1.EPD${half} forbids the walk`, inPage);
  const bits = BigInt(regime.tables.inputBits);
  const kept = regime.topByteIgnored ? 56n : 64n;
  const upper = BigInt.asUintN(Number(kept), va) >> bits;
  if (upper !== (half === 1 ? (1n << (kept - bits)) - 1n : 0n)) {
    return missing(`not in the ${bits} bits of TTBR${half}_EL1`, inPage);
  }
  const input = Number(BigInt.asUintN(Number(bits), va));
  let ipa = -1;
  let left = inPage;
  let why = '';
  walk(memory, regime.tables, input, input + 1, {
    locate: (address) => {
      const pa = descriptorLocator(vcpu.vm, process)(address);
      if (pa < 0) why = `a table at IPA ${hex(address)}, where there is no memory`;
      return pa;
    },
    leaf: (step: Step) => {
      if (step.kind === 'block' || step.kind === 'page') {
        ipa = step.output + (input - step.input);
        left = step.size - (input - step.input);
      } else why = `not mapped at stage 1, level ${step.level}`;
      return 1;
    },
  });
  if (ipa < 0) return missing(why, inPage);
  const found = locateIpa(vcpu.vm, process, BigInt(ipa));
  return { ...found, length: Math.min(found.length, left), ipa: BigInt(ipa) };
}
