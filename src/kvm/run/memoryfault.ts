import { MEM_FLAGS } from '../../abi/constants.ts';
import type { Ipa } from '../../abi/address.ts';
import type { Memslot } from '../memslots.ts';
import { refuse, type Refusal } from '../refusal.ts';
import { hex } from '../usercopy.ts';
import type { Vcpu } from '../vcpu.ts';

/**
 * The slot has no page of the process behind an address (user_mem_abort, is_error_noslot_pfn). The errno is all that
 * userspace gets: kvm_prepare_memory_fault_exit is x86's in 6.12, and KVM_CAP_MEMORY_FAULT_INFO reads 0 here, so the
 * exit reason stays what KVM_RUN has set at its start, and the guest stands at the access.
 */
export function noUserMemory({ vm }: Vcpu, slot: Memslot, ipa: Ipa, hva: bigint, write: boolean): Refusal {
  const access = write ? 'a write' : 'an access';
  const readOnly = (slot.flags & MEM_FLAGS.KVM_MEM_READONLY) !== 0 ? ', read-only' : '';
  const message =
    `${access} of IPA ${hex(ipa)} in slot ${slot.id}${readOnly}: it is at ${hex(hva)} in the process, ` +
    `${vm.mm.whyNoPage(hva, write)}. EFAULT is all KVM says: arm64 has no KVM_EXIT_MEMORY_FAULT`;
  return refuse('EFAULT', 'run.no-user-memory', message, 'user_mem_abort');
}
