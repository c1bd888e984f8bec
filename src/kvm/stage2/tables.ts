import type { Ipa, Pa } from '../../abi/address.ts';
import { LAST_LEVEL, tableFormat } from '../../machine/translation/format.ts';
import type { KvmModule } from '../module.ts';
import { isLeaf, PageTable, type Entry, type Halves, type Observer } from '../pagetable.ts';
import {
  ACCESS_FLAG,
  differsBesidePermissions,
  isCacheable,
  isExecutable,
  leafAttributes,
  LOCKED,
  S2AP_READ,
  S2AP_WRITE,
  XN_HIGH,
  type Stage2Permissions,
} from './attributes.ts';
import { MAINTENANCE, NO_LEVEL, Stage2Events, type Flush, type Operation, type Reason } from './events.ts';
import type { VmidHolder } from './vmid.ts';
import { startLevel, vtcrEl2 } from './vtcr.ts';

export type { Stage2Permissions } from './attributes.ts';

/** `again`: the entry is there but for permissions, and the guest tries once more (-EAGAIN). */
export type Mapped = 'mapped' | 'again' | 'no memory';

const VALID = 1;
const NO_ADDRESS = -1;
/** VTTBR_EL2.BADDR, bits 47:2. */
const BADDR = ((1n << 46n) - 1n) << 2n;

/**
 * A VM's stage 2: tables as bytes in host memory, and the control registers that make the CPU use them. What the operations do and in
 * which order is pgtable.c's: what TLB and cache maintenance each takes, too; all of it is recorded.
 *
 * The TLBs of this machine are by virtual address, so whatever a TLBI of a guest's stage 2 names, all of that VMID is forgotten:
 * that is what the VMALLE1IS does which the kernel has to add.
 */
export class Stage2 implements Observer, VmidHolder {
  readonly ipaBits: number;
  readonly vtcr: bigint;
  /** 0 before a vCPU has run; `Vmids` sets it. */
  vmid = 0;
  generation = 0;
  readonly table: PageTable;
  readonly events: Stage2Events;
  /** Bytes that KVM unmaps before it lets others have the lock: those of the largest block (stage2_range_addr_end). */
  readonly part: number;
  readonly #kvm: KvmModule;
  readonly #attributes: (permissions: Stage2Permissions) => Halves;
  /** Where the walk under way began: what a TLBI names of an entry that begins before it. */
  #from = 0;
  /** The part in which `unmap` has taken something out last, and up to where it has told the TLB. */
  #emptied = 0;
  #flushed = 0;
  /** Bytes that `split` takes at once, and where those end of which it has made something last. */
  #chunk = 0;
  #chunkEnd = Infinity;
  /** Permissions of an entry that is there are for `relax`. */
  #kept = false;
  readonly #keeps = (entry: Entry, low: number, high: number): boolean => {
    this.#kept = isLeaf(entry) && !differsBesidePermissions(entry, low, high);
    return this.#kept;
  };

  /** Attributes of a split block's pages: made anew from its permissions, so they are young (stage2_split_walker). */
  readonly #ofBlock = ({ low, high }: Halves): Halves =>
    this.#attributes({ write: (low & S2AP_WRITE) !== 0, execute: isExecutable(high) });

  private constructor(kvm: KvmModule, ipaBits: number, table: PageTable) {
    this.#kvm = kvm;
    this.ipaBits = ipaBits;
    this.table = table;
    this.vtcr = vtcrEl2(kvm, ipaBits);
    this.part = table.span(kvm.granule.name === '4K' ? 1 : 2);
    this.events = new Stage2Events(() => kvm.host.cpu.instructions);
    this.#attributes = leafAttributes(kvm.features);
    table.observer = this;
  }

  /** null: no memory for the start tables. */
  static create(kvm: KvmModule, ipaBits: number): Stage2 | null {
    // With 64K pages PA[51:48] always have their place, in bits 15:12 (kvm_phys_to_pte).
    const bits = kvm.features.lpa2 || kvm.granule.name === '64K' ? 52 : 48;
    const format = tableFormat(2, kvm.granule.name, bits);
    const table = PageTable.create(kvm.host.memory, format, startLevel(kvm.granule, ipaBits), ipaBits);
    return table && new Stage2(kvm, ipaBits, table);
  }

  /** VTTBR_EL2: the start tables' address, the VMID, and CnP: all CPUs have the same tables under it (kvm_get_vttbr). */
  get vttbr(): bigint {
    const root = BigInt(this.table.tables.root);
    const cnp = this.#kvm.features.commonNotPrivate ? 1n : 0n;
    // phys_to_ttbr: bits 51:48 of the address go to 5:2.
    return (BigInt(this.vmid) << 48n) | ((root | (root >> 46n)) & BADDR) | cnp;
  }

  /* ------------------------------------------------------------ operations */

  /** Says why what follows is done; `about` is the faulting IPA, or the host's address that changed. */
  because(reason: Reason, about = NO_ADDRESS): this {
    this.events.reason = reason;
    this.events.about = about;
    return this;
  }

  /** Maps a page or block of RAM (kvm_pgtable_stage2_map). */
  map(ipa: Ipa, size: number, pa: Pa, permissions: Stage2Permissions): Mapped {
    this.#kept = false;
    this.#from = ipa;
    if (!this.table.map(ipa, size, pa, this.#attributes(permissions), this.#keeps)) return 'no memory';
    if (this.#kept) return 'again';
    this.events.finish(MAINTENANCE.barrier);
    return 'mapped';
  }

  /** Adds permissions to the leaf at an address (kvm_pgtable_stage2_relax_perms); false where there is none any more. */
  relax(ipa: Ipa, permissions: Stage2Permissions): boolean {
    const leaf = this.table.find(ipa);
    if (!leaf || !isLeaf(leaf)) {
      this.#flush('ipa local', ipa, this.#kvm.host.pageSize, NO_LEVEL);
      return false;
    }
    const low = (leaf.low | S2AP_READ | (permissions.write ? S2AP_WRITE : 0)) >>> 0;
    const high = (permissions.execute ? leaf.high & ~XN_HIGH : leaf.high) >>> 0;
    const executable = isExecutable(high) && !isExecutable(leaf.high);
    this.#from = ipa;
    this.#row('relax', leaf, low, high, 'ipa local', leaf.level, executable ? this.#invalidateInstructions : 0);
    this.table.update(leaf, low, high);
    this.forget();
    return true;
  }

  /** Sets the Access flag (kvm_pgtable_stage2_mkyoung): nothing that the TLB may hold says otherwise. */
  makeYoung(ipa: Ipa): void {
    const leaf = this.table.find(ipa);
    if (!leaf || !isLeaf(leaf) || (leaf.low & ACCESS_FLAG) !== 0) return;
    const low = (leaf.low | ACCESS_FLAG) >>> 0;
    this.#row('make-young', leaf, low, leaf.high, 'none', NO_LEVEL, MAINTENANCE.barrier);
    this.table.update(leaf, low, leaf.high);
  }

  /**
   * Whether a leaf of [start, end) has been used since its Access flag was cleared the last time; `clear` clears it
   * (kvm_pgtable_stage2_test_clear_young). The TLB keeps what it has: `flushAll` is the caller's, if anybody's.
   */
  age(start: number, end: number, clear: boolean): boolean {
    let young = false;
    this.table.forEachLeaf(start, end, (leaf) => {
      if ((leaf.low & ACCESS_FLAG) === 0) return;
      young = true;
      if (!clear) return;
      const low = (leaf.low & ~ACCESS_FLAG) >>> 0;
      this.#row('age', leaf, low, leaf.high, 'none', NO_LEVEL, 0);
      this.table.update(leaf, low, leaf.high);
    });
    return young;
  }

  /** kvm_pgtable_stage2_unmap for each part of the range that stage2_apply_range makes. */
  unmap(start: number, end: number): void {
    this.#from = this.#emptied = this.#flushed = start;
    this.table.unmap(start, end);
    this.#flushUnmapped(end);
  }

  /** kvm_pgtable_stage2_wrprotect; the flush is the caller's. */
  writeProtect(start: number, end: number): void {
    this.table.forEachLeaf(start, end, (leaf) => {
      if ((leaf.low & S2AP_WRITE) === 0) return;
      const low = (leaf.low & ~S2AP_WRITE) >>> 0;
      this.#row('write-protect', leaf, low, leaf.high, 'none', NO_LEVEL, 0);
      this.table.update(leaf, low, leaf.high);
    });
  }

  /** Makes pages of blocks, chunk by chunk: a barrier ends each (kvm_mmu_split_huge_pages). A chunk is a block of some level, or a page. */
  split(start: number, end: number, chunk: number): void {
    const before = this.events.count;
    this.#from = start;
    this.#chunk = chunk;
    this.#chunkEnd = Infinity;
    this.table.split(start, end, this.#ofBlock);
    if (this.events.count !== before) this.events.finish(MAINTENANCE.barrier);
  }

  /** kvm_flush_remote_tlbs_range: all that the TLB has of [start, end). */
  flushRange(start: number, end: number): void {
    this.#flush(this.#rangeFlush, start, end - start, NO_LEVEL);
  }

  /** kvm_flush_remote_tlbs: all that the TLB has of the VM. */
  flushAll(): void {
    this.#flush('vmid', 0, 2 ** this.ipaBits, NO_LEVEL);
  }

  /** Bytes of [start, end) that are mapped now. */
  mappedBytes(start: number, end: number): number {
    return this.table.mappedBytes(start, end);
  }

  /** The VMID is given to nobody else before all of them have been used, and their TLB entries are forgotten then. */
  destroy(): void {
    const { root, startLevel: level } = this.table.tables;
    this.because('VM destroyed').events.record(
      'destroy',
      0,
      2 ** this.ipaBits,
      level,
      root,
      0,
      0,
      0,
      0,
      'none',
      NO_LEVEL,
      0,
    );
    this.table.destroy();
    this.forget();
  }

  /* ------------------------------------------------------------ how an entry is changed */

  /** stage2_try_break_pte and stage2_make_pte, and between them the cache maintenance of what is mapped. */
  making(entry: Entry, low: number, high: number): void {
    const table = (low & 2) !== 0 && entry.level < LAST_LEVEL;
    let maintenance = 0;
    if (!table) {
      if (isCacheable(this.#kvm.features, low)) maintenance |= this.#cleanData;
      if (isExecutable(high)) maintenance |= this.#invalidateInstructions;
    }
    const { level } = entry;
    if ((entry.low & VALID) === 0) {
      this.#row(table ? 'table' : 'map', entry, low, high, 'none', NO_LEVEL, maintenance);
      return;
    }
    const wasTable = entry.kind === 'table';
    const flush = wasTable ? this.#rangeFlush : 'ipa';
    this.#row('break', entry, LOCKED, 0, flush, wasTable ? NO_LEVEL : level, 0);
    this.#kvm.host.memory.writeHalvesAt(entry.offset, LOCKED, 0);
    this.forget();
    const { input, size, pa } = entry;
    this.events.record('make', input, size, level, pa, LOCKED, 0, low, high, 'none', NO_LEVEL, maintenance);
  }

  /** stage2_unmap_put_pte, and the cache maintenance of what was mapped. */
  clearing(entry: Entry): void {
    if (entry.kind === 'table') {
      // The walk that found it empty was that of the part in which its last entry was.
      this.#from = Math.max(this.#from, this.#emptied);
      this.#row('unlink', entry, 0, 0, 'ipa', NO_LEVEL, 0);
      this.forget();
    } else {
      const valid = (entry.low & VALID) !== 0;
      this.#emptied = entry.input - (entry.input % this.part);
      this.#flushUnmapped(this.#emptied);
      const flush = valid && !this.#defersFlush ? 'ipa' : 'none';
      if (flush === 'ipa') this.forget();
      const clean = valid && isCacheable(this.#kvm.features, entry.low) ? this.#cleanData : 0;
      this.#row('unmap', entry, 0, 0, flush, flush === 'none' ? NO_LEVEL : entry.level, clean);
    }
  }

  filled(table: Pa, { input, size, level }: Entry, low: number, high: number): void {
    const from = Math.max(input, this.#from);
    if (from >= this.#chunkEnd) this.events.finish(MAINTENANCE.barrier);
    this.#chunkEnd = from - (from % this.#chunk) + this.#chunk;
    this.events.record('fill', input, size, level + 1, table, 0, 0, low, high, 'none', NO_LEVEL, 0);
  }

  /* ------------------------------------------------------------ maintenance */

  /** stage2_unmap_defer_tlb_flush: one flush of the range after all, where nothing has to be cleaned in between. */
  get #defersFlush(): boolean {
    const { tlbRange, stage2ForceWriteBack } = this.#kvm.features;
    return tlbRange && stage2ForceWriteBack;
  }

  /** The deferred flush of the parts before `end`. */
  #flushUnmapped(end: number): void {
    if (!this.#defersFlush || end <= this.#flushed) return;
    this.#flush('parts', this.#flushed, end - this.#flushed, NO_LEVEL);
    this.#flushed = end;
  }

  /** kvm_tlb_flush_vmid_range. */
  get #rangeFlush(): Flush {
    return this.#kvm.features.tlbRange ? 'range' : 'vmid';
  }

  /** __clean_dcache_guest_page. */
  get #cleanData(): number {
    return this.#kvm.features.stage2ForceWriteBack ? 0 : MAINTENANCE.cleanData;
  }

  /** __invalidate_icache_guest_page. */
  get #invalidateInstructions(): number {
    return this.#kvm.features.cacheDic ? 0 : MAINTENANCE.invalidateInstructions;
  }

  #row(
    operation: Operation,
    { input, size, level, pa, low, high }: Entry,
    newLow: number,
    newHigh: number,
    flush: Flush,
    flushLevel: number,
    maintenance: number,
  ): void {
    const at = Math.max(input, this.#from);
    this.events.record(
      operation,
      input,
      size,
      level,
      pa,
      low,
      high,
      newLow,
      newHigh,
      flush,
      flushLevel,
      maintenance,
      at,
    );
  }

  #flush(flush: Flush, ipa: number, size: number, level: number): void {
    this.events.record('flush', ipa, size, NO_ADDRESS, NO_ADDRESS, 0, 0, 0, 0, flush, level, 0);
    this.forget();
  }

  /** The TLB's entries of its VMID go. */
  forget(): void {
    this.#kvm.host.cpu.invalidateStage2(this.vmid);
  }
}
