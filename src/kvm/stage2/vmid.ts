/** What of a stage 2 the allocator sets: VMID and the generation in which it was given, both 0 before a vCPU has run. */
export interface VmidHolder {
  vmid: number;
  generation: number;
}

/**
 * Who has which tag of the TLB (vmid.c): a VM gets its own when a vCPU is about to run, and keeps it. When all have been given, TLBs
 * forget all of them, a generation begins, and a VM that runs again keeps its number where no other has got it meanwhile.
 */
export class Vmids {
  readonly #count: number;
  /** No TLB of any VMID has entries any more (__kvm_flush_vm_context). */
  readonly #flush: () => void;
  readonly #given = new Set<number>();
  #generation = 1;
  #last = 0;

  constructor(bits: number, flush: () => void) {
    this.#count = 2 ** bits;
    this.#flush = flush;
  }

  /** kvm_arm_vmid_update. 0 is the host's own. */
  update(holder: VmidHolder): void {
    if (holder.generation === this.#generation) return;
    if (holder.vmid === 0 || this.#given.has(holder.vmid)) holder.vmid = this.#next();
    this.#given.add(holder.vmid);
    holder.generation = this.#generation;
  }

  #next(): number {
    while (++this.#last < this.#count) if (!this.#given.has(this.#last)) return this.#last;
    this.#generation++;
    this.#given.clear();
    this.#flush();
    return (this.#last = 1);
  }
}
