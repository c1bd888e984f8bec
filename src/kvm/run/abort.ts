import { ipa as toIpa, pa as toPa, type Ipa } from '../../abi/address.ts';
import { MEM_FLAGS } from '../../abi/constants.ts';
import type { TrapStop } from '../../machine/stop.ts';
import { power } from '../../machine/translation/format.ts';
import type { UserPage } from '../descriptor.ts';
import { markDirty } from '../dirty.ts';
import type { Memslot } from '../memslots.ts';
import { refuse, type Refusal } from '../refusal.ts';
import { hex } from '../usercopy.ts';
import type { Vcpu } from '../vcpu.ts';
import { injectDataAbort, injectPrefetchAbort, injectSerror, injectSizeFault } from './inject.ts';
import { noUserMemory } from './memoryfault.ts';
import { memoryMappedAccess } from './mmio.ts';
import type { Handled } from './result.ts';
import {
  faultAddress,
  faultKind,
  faultLevel,
  faultPage,
  isCacheMaintenance,
  isExecuteFault,
  isInstructionAbort,
  isStage1Walk,
  isWriteFault,
} from './syndrome.ts';

const BLOCK_LEVEL = 2;

/** A stage 2 abort (kvm_handle_guest_abort): memory is mapped, what has none is userspace's or the guest's own fault. */
export function guestAbort(vcpu: Vcpu, trap: TrapStop): Handled {
  const { vm } = vcpu;
  const kind = faultKind(trap);
  const instruction = isInstructionAbort(trap);
  const page = faultPage(trap);
  if (kind === 'translation') {
    if (page >= power(vm.kvm.ipaLimit)) {
      injectSizeFault(vcpu, instruction, BigInt(faultAddress(trap)));
      return 'guest';
    }
    if (page >= power(vm.ipaBits)) {
      const address = BigInt(faultAddress(trap));
      if (instruction) injectPrefetchAbort(vcpu, address);
      else injectDataAbort(vcpu, address);
      return 'guest';
    }
  }
  if (kind === 'external') {
    injectSerror(vcpu);
    return 'guest';
  }
  if (kind === 'other') {
    const message = `a stage 2 abort at IPA ${hex(page)} that KVM has no answer to: ESR ${hex(trap.esr)}`;
    return refuse('EFAULT', 'run.unsupported-abort', message, 'kvm_handle_guest_abort');
  }

  const slot = vm.memslots.at(page);
  const write = isWriteFault(trap);
  if (!slot || (write && (slot.flags & MEM_FLAGS.KVM_MEM_READONLY) !== 0)) return outsideMemory(vcpu, trap, slot);
  if (kind === 'access') {
    // handle_access_fault: where the CPU does not set the flag by itself.
    vm.stage2.because('access flag fault', faultAddress(trap)).makeYoung(page);
    return 'guest';
  }
  const mapped = mapUserMemory(vcpu, trap, slot, page);
  return mapped ?? 'guest';
}

/** An address without a slot, or a write to a read-only one. */
function outsideMemory(vcpu: Vcpu, trap: TrapStop, slot: Memslot | null): Handled {
  if (isInstructionAbort(trap)) {
    injectPrefetchAbort(vcpu, trap.far);
    return 'guest';
  }
  if (isStage1Walk(trap)) {
    injectDataAbort(vcpu, trap.far);
    return 'guest';
  }
  if (!slot && isCacheMaintenance(trap)) {
    vcpu.incrementPc = true;
    return 'guest';
  }
  return memoryMappedAccess(vcpu, trap, faultAddress(trap));
}

/** Puts the process' memory behind an IPA (user_mem_abort). null: done, the guest tries again. */
function mapUserMemory(vcpu: Vcpu, trap: TrapStop, slot: Memslot, ipa: Ipa): Refusal | null {
  const { vm } = vcpu;
  const { stage2 } = vm;
  const { pageSize } = vm.kvm.host;
  const kernel = 'user_mem_abort';
  const permission = faultKind(trap) === 'permission';
  const write = isWriteFault(trap);
  const execute = isExecuteFault(trap);
  if (permission && !write && !execute) {
    return refuse('EFAULT', 'run.read-permission', `a read of IPA ${hex(ipa)} was not permitted`, kernel);
  }
  const pageIpa = toIpa(ipa - (ipa & (pageSize - 1)));
  const hva = slot.userspaceAddress + BigInt(pageIpa - slot.base);
  const { invalidations } = vm;
  const page = vm.mm.getPage(hva, write);
  if (!page) return noUserMemory(vcpu, slot, ipa, hva, write);
  // What the guest had there went when another page took its place: the guest tries again (mmu_invalidate_retry).
  if (vm.invalidations !== invalidations) return null;

  const readOnly = (slot.flags & MEM_FLAGS.KVM_MEM_READONLY) !== 0;
  // A slot whose dirty pages go to rings alone counts as not logged here (memslot_is_logging).
  const logging = !readOnly && slot.dirty !== null;
  const writable = page.writable && !readOnly && (write || !logging);
  const permissions = { write: writable, execute: execute || vm.kvm.features.cacheDic };

  const faultSize = permission ? stage2.table.span(faultLevel(trap)) : 0;
  let size = pageSize;
  if (!logging) size = permission && faultSize > pageSize ? faultSize : mappingSize(vcpu, slot, hva, page);
  const within = pageIpa & (size - 1);
  const start = toIpa(pageIpa - within);
  stage2.because(permission ? 'permission fault' : 'translation fault', faultAddress(trap));
  let changed: boolean;
  if (permission && size === faultSize) changed = stage2.relax(ipa, permissions);
  else {
    const mapped = stage2.map(start, size, toPa(page.pa - within), permissions);
    if (mapped === 'no memory') {
      return refuse('ENOMEM', 'run.no-table-memory', 'the host has no memory for a stage 2 table', kernel);
    }
    changed = mapped === 'mapped';
  }
  if (writable && changed) markDirty(vcpu, slot, pageIpa);
  return null;
}

/** A block where one host mapping, the slot and its alignment allow it, else a page (transparent_hugepage_adjust). */
function mappingSize(vcpu: Vcpu, slot: Memslot, hva: bigint, page: UserPage): number {
  const { pageSize } = vcpu.vm.kvm.host;
  const block = vcpu.vm.stage2.table.span(BLOCK_LEVEL);
  if (page.mappingSize < block) return pageSize;
  const start = slot.userspaceAddress;
  const address = Number(hva);
  const base = address - (address % block);
  if (slot.base % block !== Number(start % BigInt(block))) return pageSize;
  const fits = base >= Number(start) && base + block <= Number(start) + slot.size;
  return fits && page.pa % block === address % block ? block : pageSize;
}
