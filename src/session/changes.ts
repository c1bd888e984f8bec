import type { AddressSpace } from '../host/mm.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { Vm } from '../kvm/vm.ts';
import type { PhysicalMemory } from '../machine/memory.ts';
import { entryAddress, entryKind, LAST_LEVEL } from '../machine/translation/format.ts';
import { readTable, treesOf, type Place, type Tree } from './views/trees.ts';

/** Bytes of tables that are kept of one VM or vCPU: a guest's may be many, and point to themselves. */
const MOST_BYTES = 16 << 20;

/** Every table of an owner's trees by the address that its parent has; entries as pairs of halves. */
export type TableWords = ReadonlyMap<number, Uint32Array>;

type Owner = Vm | Vcpu;

interface Moment {
  readonly registers: ReadonlyMap<Vcpu, Uint8Array>;
  readonly tables: Map<Owner, TableWords>;
}

const nothing = (): Moment => ({ registers: new Map(), tables: new Map() });

/** What a change is against; while no moment is kept: the stop. */
export type Since = 'stop' | 'kept';

/**
 * What was there at the last two stops, and at a moment that was kept. While the sandbox is stopped, a change is against the
 * stop before; while it runs, against the last one. Tables are remembered only of owners that somebody looked at since the
 * stop before: stepping costs nothing for those that no view shows.
 */
export class Changes {
  #before = nothing();
  #now = nothing();
  #kept: { readonly tables: Moment['tables']; readonly instructions: bigint } | null = null;
  #running = false;
  #looked = new Set<Owner>();

  get #base(): Moment {
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
    const tables = new Map<Owner, TableWords>();
    for (const owner of ownersOf(vms)) {
      if (owner.kind !== 'vm') registers.set(owner, owner.context.bytes.slice());
      if (this.#looked.has(owner))
        tables.set(owner, wordsOf({ memory, process }, owner, this.#before.tables.get(owner)));
    }
    this.#now = { registers, tables };
    this.#looked = new Set();
  }

  /** Remembers the tables as they are, to compare with later; `instructions` is the virtual time. */
  keep(place: Place, vms: Iterable<Vm>, instructions: bigint): void {
    const tables = new Map(ownersOf(vms).map((owner) => [owner, wordsOf(place, owner, this.#now.tables.get(owner))]));
    this.#kept = { tables, instructions };
  }

  forget(): void {
    this.#kept = null;
  }

  /** Virtual time of the kept moment. */
  get kept(): bigint | null {
    return this.#kept?.instructions ?? null;
  }

  /** The vCPU's register file as it was; null where it was not there, and nothing counts as changed. */
  registers(vcpu: Vcpu): Uint8Array | null {
    return this.#base.registers.get(vcpu) ?? null;
  }

  /**
   * The tables as they were; null where nothing is known. A table that was not there counts as one of zeros. Who asks is
   * looking: the next stop remembers these tables, and the last one does if it is not too late.
   */
  tables(place: Place, owner: Owner, since: Since): TableWords | null {
    this.#looked.add(owner);
    if (!this.#now.tables.has(owner)) this.#now.tables.set(owner, wordsOf(place, owner));
    const moment = since === 'kept' && this.#kept ? this.#kept : this.#base;
    return moment.tables.get(owner) ?? null;
  }
}

const ownersOf = (vms: Iterable<Vm>): Owner[] => [...vms].flatMap((vm) => [vm, ...vm.vcpus]);

/** `before` lends the arrays of tables that have not changed. */
function wordsOf(place: Place, owner: Owner, before?: TableWords): TableWords {
  const found = new Map<number, Uint32Array>();
  const bytes = { left: MOST_BYTES };
  for (const tree of treesOf(place, owner)) gather(tree, found, bytes, before);
  return found;
}

function gather(
  tree: Tree,
  found: Map<number, Uint32Array>,
  bytes: { left: number },
  before: TableWords | undefined,
): void {
  const { format, root, startLevel } = tree.tables;
  const queue = [{ address: root, level: startLevel }];
  for (let next = 0; next < queue.length; next++) {
    const { address, level } = queue[next]!;
    if (found.has(address)) continue;
    const read = readTable(tree, address, level);
    if (!read) continue;
    bytes.left -= read.byteLength;
    if (bytes.left < 0) return;
    const old = before?.get(address);
    const words = old && same(old, read) ? old : read;
    found.set(address, words);
    if (level >= LAST_LEVEL) continue;
    for (let at = 0; at < words.length; at += 2) {
      const low = words[at]!;
      if (entryKind(format, level, low) !== 'table') continue;
      const output = entryAddress(format, level, low, words[at + 1]!, 'table');
      if (!found.has(output)) queue.push({ address: output, level: level + 1 });
    }
  }
}

function same(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
