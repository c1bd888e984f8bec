import { ipa as toIpa } from '../abi/address.ts';
import { MEM_FLAGS } from '../abi/constants.ts';
import type { AttributeCall } from './attributes.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller } from './descriptor.ts';
import { markDirty } from './dirty.ts';
import { DONE, refuse, type IoctlResult } from './refusal.ts';
import { hex, readUserInteger, writeUserInteger } from './usercopy.ts';
import type { Vcpu } from './vcpu.ts';

/** Stolen time of a vCPU, DEN0057 (pvtime.c): a structure of 64 bytes in guest memory. This host steals none. */
const IPA_ATTRIBUTE = 0n;
const STRUCTURE_BYTES = 64;
const STOLEN_TIME = { offset: 8, bytes: 8 } as const;
const NOT_SET = (1n << 64n) - 1n;

export const PVTIME_CAPABILITIES: readonly CapabilityRow[] = [{ name: 'KVM_CAP_STEAL_TIME', check: () => 1 }];

/** KVM_ARM_VCPU_PVTIME_IPA; null: no such attribute. */
export function pvTimeAttribute(
  vcpu: Vcpu,
  call: AttributeCall,
  attribute: bigint,
  address: bigint,
  caller: Caller,
): IoctlResult | null {
  if (attribute !== IPA_ATTRIBUTE) return null;
  if (call === 'has') return DONE;
  if (call === 'get') return writeUserInteger(caller.memory, address, 8, vcpu.stolenTime ?? NOT_SET, 'the IPA') ?? DONE;
  const ipa = readUserInteger(caller.memory, address, 8, 'the IPA');
  if (typeof ipa !== 'bigint') return ipa;
  const kernel = 'kvm_arm_pvtime_set_attr';
  if (ipa % BigInt(STRUCTURE_BYTES) !== 0n) {
    return refuse('EINVAL', 'pvtime.alignment', `the IPA ${hex(ipa)} is not a multiple of 64`, kernel);
  }
  if (vcpu.stolenTime !== null)
    return refuse('EEXIST', 'pvtime.again', `the IPA is ${hex(vcpu.stolenTime)} already`, kernel);
  const slot = ipa < 1n << 52n ? vcpu.vm.memslots.at(toIpa(Number(ipa))) : null;
  if (!slot || (slot.flags & MEM_FLAGS.KVM_MEM_READONLY) !== 0) {
    const message = `there is no memory slot at IPA ${hex(ipa)} that can be written`;
    return refuse('EINVAL', 'pvtime.no-slot', message, kernel);
  }
  vcpu.stolenTime = ipa;
  return DONE;
}

/** PV_TIME_ST: clears the structure and gives its IPA, or null where userspace has set none (kvm_init_stolen_time). */
export function initStolenTime(vcpu: Vcpu): bigint | null {
  const ipa = vcpu.stolenTime;
  if (ipa === null) return null;
  update(vcpu, ipa, () => new Uint8Array(STRUCTURE_BYTES));
  return ipa;
}

/** A vCPU that was loaded adds what has been stolen since, which is nothing: the page is written all the same (kvm_update_stolen_time). */
export function updateStolenTime(vcpu: Vcpu): void {
  if (vcpu.stolenTime === null) return;
  const { offset, bytes } = STOLEN_TIME;
  update(vcpu, vcpu.stolenTime + BigInt(offset), (hva) => vcpu.vm.mm.read(hva, bytes));
}

/** Writes guest memory where a slot has it for writing; null: nothing is written. */
function update(vcpu: Vcpu, address: bigint, content: (hva: bigint) => Uint8Array | null): void {
  const ipa = toIpa(Number(address));
  const slot = vcpu.vm.memslots.at(ipa);
  if (!slot || (slot.flags & MEM_FLAGS.KVM_MEM_READONLY) !== 0) return;
  const hva = slot.userspaceAddress + (address - BigInt(slot.base));
  const bytes = content(hva);
  if (bytes && vcpu.vm.mm.write(hva, bytes)) markDirty(vcpu, slot, ipa);
}
