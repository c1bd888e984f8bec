import { MEM_FLAGS } from '../../abi/constants.ts';
import type { Vm } from '../../kvm/vm.ts';
import type { MemoryMapView } from '../messages.ts';

const namesOf = (flags: number): string[] =>
  Object.entries(MEM_FLAGS)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name);

export function memoryMapView(vm: Vm): MemoryMapView {
  const slots = [...vm.memslots.values()].sort((a, b) => a.base - b.base);
  return {
    view: 'memoryMap',
    ipaBits: vm.ipaBits,
    regions: slots.map((slot) => ({
      kind: 'slot',
      name: `slot ${slot.id}`,
      base: BigInt(slot.base),
      size: BigInt(slot.size),
      flags: namesOf(slot.flags),
      userspaceAddress: slot.userspaceAddress,
      mapped: BigInt(vm.stage2.mappedBytes(slot.base, slot.base + slot.size)),
    })),
  };
}
