import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import {
  concatenatedTables,
  entryAddress,
  entryKind,
  LAST_LEVEL,
  levelShift,
} from '../../machine/translation/format.ts';
import { TABLE_KINDS, type Since, type TableView } from '../messages.ts';
import type { Inspected, Nothing } from './inspected.ts';
import { nothing } from './inspected.ts';
import { wide } from './table-entry.ts';
import { readTable, treesOf, type Tree } from './trees.ts';

type Path = TableView['path'];

interface Found {
  readonly tree: Tree;
  readonly level: number;
  readonly inputBase: bigint;
  readonly path: Path;
}

/** Tables that are gone through in search of one. */
const MOST_SEARCHED = 1 << 16;

/** The table at an address, wherever in the trees it is; of several places the first. */
function find(trees: readonly Tree[], wanted: number): Found | null {
  const seen = new Set<number>();
  for (const tree of trees) {
    const { format, root, startLevel } = tree.tables;
    const queue: { address: number; level: number; inputBase: bigint; path: Path }[] = [
      { address: root, level: startLevel, inputBase: tree.base, path: [] },
    ];
    for (let next = 0; next < queue.length && next < MOST_SEARCHED; next++) {
      const { address, level, inputBase, path } = queue[next]!;
      if (address === wanted) return { tree, level, inputBase, path };
      if (level >= LAST_LEVEL || seen.has(address)) continue;
      seen.add(address);
      const words = readTable(tree, address, level);
      if (!words) continue;
      const shift = BigInt(levelShift(format.granule, level));
      for (let at = 0; at < words.length; at += 2) {
        const low = words[at]!;
        if (entryKind(format, level, low) !== 'table') continue;
        const index = at / 2;
        queue.push({
          address: entryAddress(format, level, low, words[at + 1]!, 'table'),
          level: level + 1,
          inputBase: inputBase + (BigInt(index) << shift),
          path: [...path, { address: BigInt(address), level, index }],
        });
      }
    }
  }
  return null;
}

/** All of one table. An address at which no table is now: the first root. */
export function tableView(inspected: Inspected, owner: Vm | Vcpu, address: bigint, since: Since): TableView | Nothing {
  const trees = treesOf(inspected, owner);
  const [first] = trees;
  if (!first) return nothing('there are no tables that a walk could begin with');
  const found = find(trees, Number(address)) ?? {
    tree: first,
    level: first.tables.startLevel,
    inputBase: first.base,
    path: [],
    address: first.tables.root,
  };
  const { tree, level } = found;
  const table = 'address' in found ? found.address : Number(address);
  const { format } = tree.tables;
  const words = readTable(tree, table, level);
  if (!words) return nothing(`there is no memory for the table at 0x${table.toString(16)}`);
  const { changes } = inspected;
  const moment = changes.tables(inspected, owner, since);
  const old = moment?.get(table);
  const total = words.length / 2;
  const values = new BigUint64Array(total);
  const outputs = new BigUint64Array(total);
  const kinds = new Uint8Array(total);
  const changed = new Uint8Array(total);
  const before = new BigUint64Array(total);
  for (let index = 0; index < total; index++) {
    const [low, high] = [words[2 * index]!, words[2 * index + 1]!];
    const kind = entryKind(format, level, low);
    kinds[index] = TABLE_KINDS.indexOf(kind);
    const [oldLow, oldHigh] = [old?.[2 * index] ?? 0, old?.[2 * index + 1] ?? 0];
    if (moment && (low !== oldLow || high !== oldHigh)) {
      changed[index] = 1;
      before[index] = wide(oldLow, oldHigh);
    }
    if (low === 0 && high === 0) continue;
    values[index] = wide(low, high);
    if (kind !== 'invalid' && kind !== 'reserved')
      outputs[index] = BigInt(entryAddress(format, level, low, high, kind));
  }
  return {
    view: 'table',
    address: BigInt(table),
    level,
    inputBase: found.inputBase,
    entrySize: 1n << BigInt(levelShift(format.granule, level)),
    values,
    kinds,
    changed,
    before,
    outputs,
    path: found.path,
    concatenated:
      level === tree.tables.startLevel ? concatenatedTables(format.granule, level, tree.tables.inputBits) : 1,
    kept: changes.kept,
  };
}
