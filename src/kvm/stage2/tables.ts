import type { Ipa, Pa } from '../../abi/address.ts';
import { tableFormat } from '../../machine/translation/format.ts';
import type { KvmModule } from '../module.ts';
import { PageTable } from '../pagetable.ts';
import { startLevel, vtcrEl2 } from './vtcr.ts';

/** Stage 2 leaf attributes (Arm ARM D8.3.2, stage2_set_prot_attr). */
const MEMATTR_NORMAL = 0xfn << 2n;
const MEMATTR_NORMAL_FWB = 6n << 2n;
const S2AP_READ = 1n << 6n;
const S2AP_WRITE = 1n << 7n;
const SH_INNER = 3n << 8n;
const AF = 1n << 10n;
const XN = 1n << 54n;

export interface Stage2Permissions {
  readonly write: boolean;
  readonly execute: boolean;
}

/** A VM's stage 2: tables as bytes in host memory, and the control registers that make the CPU use them. */
export class Stage2 {
  readonly ipaBits: number;
  readonly vtcr: bigint;
  readonly vmid: number;
  readonly table: PageTable;
  readonly #kvm: KvmModule;

  private constructor(kvm: KvmModule, ipaBits: number, table: PageTable) {
    this.#kvm = kvm;
    this.ipaBits = ipaBits;
    this.table = table;
    this.vtcr = vtcrEl2(kvm, ipaBits);
    this.vmid = kvm.allocateVmid();
  }

  /** null: no memory for the start tables. */
  static create(kvm: KvmModule, ipaBits: number): Stage2 | null {
    // With 64K pages PA[51:48] always have their place, in bits 15:12 (kvm_phys_to_pte).
    const bits = kvm.features.lpa2 || kvm.granule.name === '64K' ? 52 : 48;
    const format = tableFormat(2, kvm.granule.name, bits);
    const table = PageTable.create(kvm.host.memory, format, startLevel(kvm.granule, ipaBits), ipaBits);
    return table && new Stage2(kvm, ipaBits, table);
  }

  /** VTTBR_EL2: the start tables' address and the VMID (kvm_get_vttbr). */
  get vttbr(): bigint {
    const BADDR = ((1n << 46n) - 1n) << 2n;
    const root = BigInt(this.table.tables.root);
    // phys_to_ttbr: bits 51:48 of the address go to 5:2.
    return (BigInt(this.vmid) << 48n) | ((root | (root >> 46n)) & BADDR);
  }

  /** Maps a page or block of RAM. False: no memory for a table. */
  map(ipa: Ipa, size: number, pa: Pa, permissions: Stage2Permissions): boolean {
    const { features } = this.#kvm;
    let attributes = AF | S2AP_READ | (features.stage2ForceWriteBack ? MEMATTR_NORMAL_FWB : MEMATTR_NORMAL);
    if (permissions.write) attributes |= S2AP_WRITE;
    if (!permissions.execute) attributes |= XN;
    if (!features.lpa2) attributes |= SH_INNER;
    const mapped = this.table.map(ipa, size, pa, attributes);
    this.#flush();
    return mapped;
  }

  /** Adds permissions to the leaf at an address (kvm_pgtable_stage2_relax_perms); false where there is none. */
  relax(ipa: Ipa, permissions: Stage2Permissions): boolean {
    const leaf = this.table.lookup(ipa);
    if (!leaf?.valid) return false;
    let value = leaf.value | S2AP_READ;
    if (permissions.write) value |= S2AP_WRITE;
    if (permissions.execute) value &= ~XN;
    this.table.update(leaf, value);
    this.#flush();
    return true;
  }

  /** Same output and attributes but permissions: the fault is stale, or only permissions are to be relaxed. */
  isMapped(ipa: Ipa, size: number, pa: Pa): boolean {
    const leaf = this.table.lookup(ipa);
    return leaf !== null && leaf.valid && leaf.size === size && leaf.output === pa;
  }

  unmap(start: number, end: number): void {
    this.table.unmap(start, end);
    this.#flush();
  }

  writeProtect(start: number, end: number): void {
    for (const leaf of this.table.leaves(start, end)) this.table.update(leaf, leaf.value & ~S2AP_WRITE);
    this.#flush();
  }

  split(start: number, end: number): void {
    this.table.split(start, end);
    this.#flush();
  }

  /** Bytes of [start, end) that are mapped now. */
  mappedBytes(start: number, end: number): number {
    return this.table.mappedBytes(start, end);
  }

  destroy(): void {
    this.table.destroy();
    this.#flush();
  }

  #flush(): void {
    this.#kvm.host.cpu.invalidateStage2();
  }
}
