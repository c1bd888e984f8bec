import type { AddressSpace } from '../host/mm.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { Vm } from '../kvm/vm.ts';
import type { PhysicalMemory } from '../machine/memory.ts';
import { LAST_LEVEL, levelShift } from '../machine/translation/format.ts';
import { entryAddress, entryKind } from '../machine/translation/format.ts';
import type { Tables } from '../machine/translation/walk.ts';
import { descriptorLocator, stage1Half, stage1On } from './views/locate.ts';

/** Tables that one tree may have in a snapshot: a guest's tables may point anywhere, to themselves too. */
const MOST_TABLES = 2048;

/** Bytes of every table of a tree, by the table's address as its parent has it. */
type TreeBytes = ReadonlyMap<number, Uint8Array>;

interface Snapshot {
  readonly registers: ReadonlyMap<Vcpu, Uint8Array>;
  readonly stage1: ReadonlyMap<Vcpu, TreeBytes>;
  readonly stage2: ReadonlyMap<Vm, TreeBytes>;
}

const EMPTY: Snapshot = { registers: new Map(), stage1: new Map(), stage2: new Map() };

/**
 * What was there at the last two stops. While the sandbox is stopped, a change is against the stop before; while it runs,
 * against the last one.
 */
export class Changes {
  #before: Snapshot = EMPTY;
  #now: Snapshot = EMPTY;
  #running = false;

  get #base(): Snapshot {
    return this.#running ? this.#now : this.#before;
  }

  /** The sandbox runs on from the stop. */
  running(): void {
    this.#running = true;
  }

  /** The sandbox has stopped. */
  stopped(memory: PhysicalMemory, process: AddressSpace, vms: Iterable<Vm>): void {
    this.#running = false;
    this.#before = this.#now;
    const registers = new Map<Vcpu, Uint8Array>();
    const stage1 = new Map<Vcpu, TreeBytes>();
    const stage2 = new Map<Vm, TreeBytes>();
    for (const vm of vms) {
      stage2.set(
        vm,
        treeBytes(memory, vm.stage2.table.tables, (address) => address),
      );
      const locate = descriptorLocator(vm, process);
      for (const vcpu of vm.vcpus) {
        registers.set(vcpu, vcpu.context.bytes.slice());
        if (!stage1On(vcpu)) continue;
        const trees = ([0, 1] as const).map((half) => treeBytes(memory, stage1Half(vcpu, half).tables, locate));
        stage1.set(vcpu, new Map(trees.flatMap((tree) => [...tree])));
      }
    }
    this.#now = { registers, stage1, stage2 };
  }

  /** The vCPU's register file as it was; null where it was not there, and nothing counts as changed. */
  registers(vcpu: Vcpu): Uint8Array | null {
    return this.#base.registers.get(vcpu) ?? null;
  }

  /** A descriptor's value as it was: 0 in a table that was not there; null where nothing is known. */
  descriptor(of: Vm | Vcpu, table: number, index: number): bigint | null {
    const tree = of.kind === 'vm' ? this.#base.stage2.get(of) : this.#base.stage1.get(of);
    if (!tree) return null;
    const bytes = tree.get(table);
    if (!bytes) return 0n;
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(index * 8, true);
  }
}

function treeBytes(memory: PhysicalMemory, tables: Tables, locate: (address: number) => number): TreeBytes {
  const { format, startLevel, root, inputBits } = tables;
  const found = new Map<number, Uint8Array>();
  const entriesAt = (level: number): number =>
    level === startLevel
      ? Math.ceil(2 ** (inputBits - levelShift(format.granule, level)))
      : 2 ** format.granule.bitsPerLevel;
  const queue = [{ address: root, level: startLevel }];
  for (let next = queue.shift(); next && found.size < MOST_TABLES; next = queue.shift()) {
    const { address, level } = next;
    if (found.has(address)) continue;
    const pa = locate(address);
    const bytes = pa < 0 ? null : memory.readBytes(pa, entriesAt(level) * 8);
    if (!bytes) continue;
    found.set(address, bytes);
    if (level >= LAST_LEVEL) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += 8) {
      const low = view.getUint32(at, true);
      if (entryKind(format, level, low) !== 'table') continue;
      queue.push({
        address: entryAddress(format, level, low, view.getUint32(at + 4, true), 'table'),
        level: level + 1,
      });
    }
  }
  return found;
}
