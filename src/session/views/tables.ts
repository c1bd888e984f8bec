import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import { stage2Regime } from '../../machine/translation/control.ts';
import { describeBase, tcrEl1, vtcrEl2 } from '../../machine/translation/registers.ts';
import { contiguousRun, type ContiguousRun } from '../../machine/translation/contiguous.ts';
import { decodeDescriptor, type MeaningContext } from '../../machine/translation/descriptor.ts';
import {
  concatenatedTables,
  encodeAddress,
  entryAddress,
  entryKind,
  LAST_LEVEL,
  levelShift,
  power,
  type EntryKind,
  type TableFormat,
} from '../../machine/translation/format.ts';
import type { Tables } from '../../machine/translation/walk.ts';
import type { TableWords } from '../changes.ts';
import type { TableEntry, TableNode, TablesShown, TablesView } from '../messages.ts';
import type { Inspected, Nothing } from './inspected.ts';
import { nothing } from './inspected.ts';
import { stage1Half, stage1On } from './locate.ts';
import { entriesAt, readTable, treesOf, type Tree } from './trees.ts';

/** Entries that one answer has at most: what a page can take in and draw a few times a second. */
const MOST_ENTRIES = 4096;
/** Entries that are looked at for one answer, to count those that are valid or have changed. */
const MOST_COUNTED = 1 << 22;

/** One tree as it is asked for. */
interface Asked {
  readonly tree: Tree;
  /** The tables as they were; null: nothing is known. */
  readonly before: TableWords | null;
  readonly expanded: ReadonlySet<bigint>;
  readonly runs: ReadonlySet<bigint>;
  readonly merge: boolean;
  readonly onlyChanged: boolean;
  readonly counts: Map<number, Counts>;
  readonly brief: (level: number, kind: EntryKind, low: number, high: number) => string;
  readonly left: { entries: number; counted: number };
}

interface Counts {
  readonly valid: number;
  /** Here and below. */
  readonly changed: number;
}

const NO_COUNTS: Counts = { valid: 0, changed: 0 };

/** Valid and changed entries of a table, counted once however many entries lead to it. */
function countsOf(asked: Asked, address: number, level: number): Counts {
  const known = asked.counts.get(address);
  if (known) return known;
  // A guest's tables may form a circle: below itself a table counts nothing.
  asked.counts.set(address, NO_COUNTS);
  const { tree, before } = asked;
  asked.left.counted -= entriesAt(tree.tables, level);
  const words = asked.left.counted < 0 ? null : readTable(tree, address, level);
  if (!words) return NO_COUNTS;
  const { format } = tree.tables;
  const old = before?.get(address);
  let valid = 0;
  let changed = 0;
  for (let at = 0; at < words.length; at += 2) {
    const low = words[at]!;
    const high = words[at + 1]!;
    if (before && (low !== (old?.[at] ?? 0) || high !== (old?.[at + 1] ?? 0))) changed++;
    if ((low & 1) === 0) continue;
    valid++;
    if (before && level < LAST_LEVEL && entryKind(format, level, low) === 'table') {
      changed += countsOf(asked, entryAddress(format, level, low, high, 'table'), level + 1).changed;
    }
  }
  const counts = { valid, changed };
  asked.counts.set(address, counts);
  return counts;
}

function node(asked: Asked, address: number, level: number, inputBase: bigint, trail: readonly number[]): TableNode {
  const { tables } = asked.tree;
  const total = entriesAt(tables, level);
  const { valid, changed } = countsOf(asked, address, level);
  const expanded = asked.onlyChanged ? changed > 0 : asked.expanded.has(BigInt(address));
  const words = expanded ? readTable(asked.tree, address, level) : null;
  const found = words && new Rows(asked, address, level, inputBase, trail, words).all();
  return {
    address: BigInt(address),
    level,
    inputBase,
    inputSize: BigInt(total) << BigInt(levelShift(tables.format.granule, level)),
    valid,
    total,
    changed,
    entries: found?.entries ?? null,
    cut: found?.cut ?? 0,
  };
}

/** The entries of one table, with runs merged. */
class Rows {
  readonly #asked: Asked;
  readonly #format: TableFormat;
  readonly #address: number;
  readonly #level: number;
  readonly #base: bigint;
  readonly #trail: readonly number[];
  readonly #words: Uint32Array;
  readonly #old: Uint32Array | null;
  readonly #size: number;
  readonly #keep: { readonly low: number; readonly high: number };

  constructor(
    asked: Asked,
    address: number,
    level: number,
    inputBase: bigint,
    trail: readonly number[],
    words: Uint32Array,
  ) {
    this.#asked = asked;
    this.#format = asked.tree.tables.format;
    this.#address = address;
    this.#level = level;
    this.#base = inputBase;
    this.#trail = trail;
    this.#words = words;
    this.#old = asked.before?.get(address) ?? null;
    this.#size = power(levelShift(this.#format.granule, level));
    this.#keep = attributeBits(this.#format);
  }

  all(): { entries: TableEntry[]; cut: number } {
    const { left, onlyChanged, runs } = this.#asked;
    const entries: TableEntry[] = [];
    const total = this.#words.length / 2;
    for (let index = 0; index < total;) {
      const end = this.#runEnd(index, total);
      if (!onlyChanged || this.#holdsChange(index)) {
        if (left.entries <= 0) return { entries, cut: total - index };
        left.entries--;
        const entry = this.#entry(index, end - index);
        const opened = entry.count > 1 && entry.output !== null && runs.has(entry.address);
        entries.push(opened ? { ...entry, members: this.#members(index, end) } : entry);
      }
      index = end;
    }
    return { entries, cut: 0 };
  }

  #members(first: number, end: number): TableEntry[] {
    const members: TableEntry[] = [];
    for (let index = first; index < end && this.#asked.left.entries > 0; index++) {
      this.#asked.left.entries--;
      members.push(this.#entry(index, 1));
    }
    return members;
  }

  /** The entry after the last one that is shown as one with the entry `first`. */
  #runEnd(first: number, total: number): number {
    const words = this.#words;
    const [low, high] = [words[2 * first]!, words[2 * first + 1]!];
    const kind = entryKind(this.#format, this.#level, low);
    const changed = this.#isChanged(first);
    let end = first + 1;
    if (kind === 'invalid') {
      while (end < total && words[2 * end] === low && words[2 * end + 1] === high && this.#isChanged(end) === changed)
        end++;
      return end;
    }
    if (!this.#asked.merge || (kind !== 'block' && kind !== 'page')) return end;
    const { low: keepLow, high: keepHigh } = this.#keep;
    const output = this.#output(first, kind);
    while (
      end < total &&
      (words[2 * end]! & keepLow) === (low & keepLow) &&
      (words[2 * end + 1]! & keepHigh) === (high & keepHigh) &&
      this.#output(end, kind) === output + (end - first) * this.#size &&
      this.#isChanged(end) === changed
    )
      end++;
    return end;
  }

  #output(index: number, kind: EntryKind): number {
    return entryAddress(this.#format, this.#level, this.#words[2 * index]!, this.#words[2 * index + 1]!, kind);
  }

  #isChanged(index: number): boolean {
    if (!this.#asked.before) return false;
    const [low, high] = [this.#old?.[2 * index] ?? 0, this.#old?.[2 * index + 1] ?? 0];
    return low !== this.#words[2 * index] || high !== this.#words[2 * index + 1];
  }

  #holdsChange(index: number): boolean {
    if (this.#isChanged(index)) return true;
    const kind = entryKind(this.#format, this.#level, this.#words[2 * index]!);
    return kind === 'table' && countsOf(this.#asked, this.#output(index, kind), this.#level + 1).changed > 0;
  }

  #entry(index: number, count: number): TableEntry {
    const level = this.#level;
    const [low, high] = [this.#words[2 * index]!, this.#words[2 * index + 1]!];
    const kind = entryKind(this.#format, level, low);
    const leads = kind === 'table' || kind === 'block' || kind === 'page';
    const output = leads ? this.#output(index, kind) : null;
    const inputBase = this.#base + BigInt(index) * BigInt(this.#size);
    const changed = this.#isChanged(index);
    return {
      index,
      count,
      inputBase,
      inputSize: BigInt(count) * BigInt(this.#size),
      address: BigInt(this.#address + index * 8),
      value: wide(low, high),
      kind,
      output: output === null ? null : BigInt(output),
      attributes: this.#asked.brief(level, kind, low & this.#keep.low, high & this.#keep.high),
      child:
        kind === 'table' && output !== null && !this.#trail.includes(output)
          ? node(this.#asked, output, level + 1, inputBase, [...this.#trail, output])
          : null,
      contiguous: kind === 'block' || kind === 'page' ? this.#contiguous(index, count) : null,
      members: null,
      changed,
      before: changed ? wide(this.#old?.[2 * index] ?? 0, this.#old?.[2 * index + 1] ?? 0) : null,
    };
  }

  /** Runs that the contiguous bit joins among `total` entries that map as one. */
  #contiguous(index: number, total: number): TableEntry['contiguous'] {
    let runs = 0;
    let shown: ContiguousRun | null = null;
    for (let at = index; at < index + total;) {
      const run = contiguousRun(this.#format, this.#level, this.#words, at);
      if (!run) return null;
      runs++;
      if (shown === null || (shown.wrong === null && run.wrong !== null)) shown = run;
      at = run.first + run.count;
    }
    return shown && { runs, count: shown.count, size: BigInt(shown.size), wrong: shown.wrong };
  }
}

export const wide = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** The bits that are no address's. */
export function attributeBits(format: TableFormat): { readonly low: number; readonly high: number } {
  const every = encodeAddress(format, 2 ** format.addressBits - power(format.granule.shift));
  return { low: ~every.low, high: ~every.high };
}

/** What decides most about an access, in the order of the question: may it, what kind of memory is it. */
const IN_BRIEF = ['S2AP', 'AP', 'XN', 'PXN', 'UXN', 'MemAttr', 'AttrIndx', 'SH'];

/** Attributes in a line. Tables have few that differ: each is decoded once. */
function briefly(format: TableFormat, context: MeaningContext): Asked['brief'] {
  const known = new Map<string, string>();
  return (level, kind, low, high) => {
    if (kind !== 'block' && kind !== 'page') return '';
    const key = `${level} ${low} ${high}`;
    let text = known.get(key);
    if (text === undefined) {
      const { fields } = decodeDescriptor(format, level, wide(low, high), context);
      text = IN_BRIEF.flatMap((name) => fields.filter((field) => field.name === name))
        .concat(fields.filter(({ name, value }) => name === 'AF' && value === 0n))
        .map((field) => field.meaning)
        .join(' · ');
      known.set(key, text);
    }
    return text;
  };
}

function titleOf(tables: Tables, input: string): string {
  const { format, startLevel, inputBits } = tables;
  const many = concatenatedTables(format.granule, startLevel, inputBits);
  const beside = many > 1 ? `, ${many} concatenated tables` : '';
  return `${input} ${inputBits} bits, ${format.granule.name} granule, start level ${startLevel}${beside}`;
}

export const MMU_OFF = nothing('the MMU is off (SCTLR_EL1.M is 0): virtual addresses are intermediate physical ones');

export function tablesView(inspected: Inspected, owner: Vm | Vcpu, shown: TablesShown): TablesView | Nothing {
  if (owner.kind !== 'vm' && !stage1On(owner)) return MMU_OFF;
  const { changes } = inspected;
  const before = changes.tables(inspected, owner, shown.since ?? 'stop');
  const trees = treesOf(inspected, owner);
  const left = { entries: MOST_ENTRIES, counted: MOST_COUNTED };
  const expanded = new Set(shown.expanded);
  const runs = new Set(shown.runs);
  const roots = trees.map((tree) =>
    node(
      {
        tree,
        before,
        expanded,
        runs,
        merge: shown.merge ?? false,
        onlyChanged: shown.onlyChanged ?? false,
        counts: new Map(),
        brief: briefly(tree.tables.format, tree.context),
        left,
      },
      tree.tables.root,
      tree.tables.startLevel,
      tree.base,
      [tree.tables.root],
    ),
  );
  return {
    view: 'tables',
    ...(owner.kind === 'vm' ? stage2Control(owner, trees) : stage1Control(owner)),
    roots,
    comparable: before !== null,
    kept: changes.kept,
  };
}

type Control = Pick<TablesView, 'stage' | 'title' | 'control'>;

function stage2Control(vm: Vm, trees: readonly Tree[]): Control {
  const { vtcr, vttbr } = vm.stage2;
  const { features } = vm.kvm.host.model;
  const { tables, wideBase, broken } = stage2Regime(vtcr, vttbr, features);
  const title = broken ? broken.why : trees.map((tree) => titleOf(tree.tables, tree.input)).join('; ');
  return {
    stage: 2,
    title,
    control: [
      { name: 'VTCR_EL2', value: vtcr, fields: vtcrEl2(vtcr).describe(features) },
      {
        name: 'VTTBR_EL2',
        value: vttbr,
        fields: describeBase(vttbr, {
          id: 'VMID',
          idBits: vtcrEl2(vtcr).get('VS') ? 16 : 8,
          wide: wideBase,
          root: tables.root,
        }),
      },
    ],
  };
}

function stage1Control(vcpu: Vcpu): Control {
  const { context } = vcpu;
  const tcr = context.read('TCR_EL1');
  const idBits = tcrEl1(tcr).get('AS') ? 16 : 8;
  const halves = ([0, 1] as const).map((half) => {
    const regime = stage1Half(vcpu, half);
    const { tables, wideBase, disabled, broken } = regime;
    const name = `TTBR${half}_EL1` as const;
    const value = context.read(name);
    return {
      title: disabled ? `TTBR${half}: off` : broken ? `TTBR${half}: ${broken.why}` : titleOf(tables, `TTBR${half}: VA`),
      register: { name, value, fields: describeBase(value, { id: 'ASID', idBits, wide: wideBase, root: tables.root }) },
    };
  });
  const { features } = vcpu.vm.kvm.host.model;
  return {
    stage: 1,
    title: halves.map(({ title }) => title).join('; '),
    control: [
      { name: 'TCR_EL1', value: tcr, fields: tcrEl1(tcr).describe(features) },
      ...halves.map(({ register }) => register),
    ],
  };
}
