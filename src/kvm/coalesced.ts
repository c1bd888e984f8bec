import type { Ipa } from '../abi/address.ts';
import { kvm_coalesced_mmio_zone } from '../abi/structs.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller } from './descriptor.ts';
import { DONE, isRefusal, refuse, type IoctlResult } from './refusal.ts';
import { readUser } from './usercopy.ts';
import type { Vm } from './vm.ts';

/** Writes that wait in a ring until userspace looks, instead of an exit each (coalesced_mmio.c). */
export interface Zone {
  readonly addr: bigint;
  readonly size: number;
  readonly pio: number;
}

/** struct kvm_coalesced_mmio_ring: first, last, then the entries; KVM_COALESCED_MMIO_PAGE_OFFSET. */
const RING = { FIRST: 0, LAST: 4, ENTRIES: 8 } as const;
const ENTRY = { PHYS_ADDR: 0, LEN: 8, PIO: 12, DATA: 16, SIZE: 24 } as const;
export const COALESCED_PAGE_OFFSET = 1;
/** NR_IOBUS_DEVS. */
const MOST_ZONES = 1000;

export const COALESCED_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_COALESCED_MMIO', check: () => COALESCED_PAGE_OFFSET },
  { name: 'KVM_CAP_COALESCED_PIO', check: () => 1 },
];

function readZone(arg: bigint, caller: Caller, kernel: string) {
  const zone = readUser(caller.memory, arg, kvm_coalesced_mmio_zone);
  if (isRefusal(zone) || zone.pio <= 1) return zone;
  return refuse('EINVAL', 'coalesced.pio', `pio is 0 or 1, not ${zone.pio}`, kernel);
}

/** KVM_REGISTER_COALESCED_MMIO. */
export function registerZone(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const zone = readZone(arg, caller, 'kvm_vm_ioctl_register_coalesced_mmio');
  if (isRefusal(zone)) return zone;
  if (vm.coalescedZones.filter(({ pio }) => pio === zone.pio).length >= MOST_ZONES) {
    return refuse('ENOSPC', 'coalesced.count', `the VM has ${MOST_ZONES} zones`, 'kvm_io_bus_register_dev');
  }
  vm.coalescedZones = [...vm.coalescedZones, { addr: zone.addr, size: zone.size, pio: zone.pio }];
  return DONE;
}

/** KVM_UNREGISTER_COALESCED_MMIO: every zone that holds the range. */
export function unregisterZone(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const zone = readZone(arg, caller, 'kvm_vm_ioctl_unregister_coalesced_mmio');
  if (isRefusal(zone)) return zone;
  vm.coalescedZones = vm.coalescedZones.filter(
    (other) => other.pio !== zone.pio || !holds(other, zone.addr, zone.size),
  );
  return DONE;
}

function holds(zone: Zone, address: bigint, length: number): boolean {
  return length >= 0 && address >= zone.addr && address + BigInt(length) <= zone.addr + BigInt(zone.size);
}

/** A guest's write into a zone; false: no zone, or the ring is full, so userspace has to do it (coalesced_mmio_write). */
export function coalesce(vm: Vm, ipa: Ipa, data: Uint8Array): boolean {
  const zone = vm.coalescedZones.find((candidate) => candidate.pio === 0 && holds(candidate, BigInt(ipa), data.length));
  if (!zone) return false;
  const { memory, pageSize } = vm.kvm.host;
  const ring = vm.coalescedRing;
  const entries = Math.floor((pageSize - RING.ENTRIES) / ENTRY.SIZE);
  // Userspace can write to the ring: its indices are checked.
  const last = memory.read32(ring + RING.LAST);
  const next = (last + 1) % entries;
  if (last >= entries || next === memory.read32(ring + RING.FIRST)) return false;
  const entry = ring + RING.ENTRIES + last * ENTRY.SIZE;
  memory.write64(entry + ENTRY.PHYS_ADDR, BigInt(ipa));
  memory.write32(entry + ENTRY.LEN, data.length);
  memory.write32(entry + ENTRY.PIO, zone.pio);
  memory.writeBytes(entry + ENTRY.DATA, data);
  memory.write32(ring + RING.LAST, next);
  return true;
}
