/** Tables as lines: the format of the kernel's /sys/kernel/debug/kvm/…/stage2_page_tables and kernel_page_tables (note_page, dump_prot). */
import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import { mairText } from '../../machine/translation/descriptor.ts';
import { entryAddress, entryKind, LAST_LEVEL, levelShift } from '../../machine/translation/format.ts';
import type { DumpView } from '../messages.ts';
import type { Inspected, Nothing } from './inspected.ts';
import { stage1On } from './locate.ts';
import { wide } from './table-entry.ts';
import { MMU_OFF } from './tables.ts';
import { readTable, treesOf, type Tree } from './trees.ts';

const MOST_LINES = 20_000;
/** Tables that are gone through: a guest's may lead to each other in very many ways. */
const MOST_TABLES = 1 << 16;

/** Text for bits that are as `value` says under `mask`, and for others; undefined: none at all. */
interface Prot {
  readonly mask: bigint;
  readonly value: bigint;
  readonly set: string;
  readonly clear?: string;
}

const bit = (n: number) => 1n << BigInt(n);
const VALID = bit(0);
const flag = (mask: bigint, set: string, clear: string): Prot => ({ mask, value: mask, set, clear });

/** stage2_pte_bits. XN is bit 54 there; FEAT_XNX's bit 53 is no part of it. */
const STAGE2_PROT: readonly Prot[] = [
  flag(VALID, ' ', 'F'),
  flag(bit(6) | VALID, 'R', ' '),
  flag(bit(7) | VALID, 'W', ' '),
  { mask: bit(54) | VALID, value: VALID, set: ' ', clear: 'X' },
  flag(bit(10) | VALID, 'AF', '  '),
  { mask: bit(1) | VALID, value: VALID, set: 'BLK', clear: '   ' },
];

/** pte_bits; the memory type is what MAIR_EL1 says, since a guest may order it otherwise than Linux does. */
const STAGE1_PROT: readonly Prot[] = [
  flag(VALID, ' ', 'F'),
  flag(bit(6), 'USR', '   '),
  flag(bit(7), 'ro', 'RW'),
  flag(bit(53), 'NX', 'x '),
  flag(3n << 8n, 'SHD', '   '),
  flag(bit(10), 'AF', '  '),
  flag(bit(11), 'NG', '  '),
  flag(bit(52), 'CON', '   '),
  flag(bit(1), '   ', 'BLK'),
  flag(bit(54), 'UXN', '   '),
  flag(bit(50), 'GP', '  '),
];
const ATTR_INDEX = 7n << 2n;

const maskOf = (rows: readonly Prot[]) => rows.reduce((mask, row) => mask | row.mask, 0n);

interface Style {
  readonly marker: string;
  readonly mask: bigint;
  readonly level: (level: number) => string;
  readonly prot: (bits: bigint) => string;
}

const text = (rows: readonly Prot[], bits: bigint): string =>
  rows.map(({ mask, value, set, clear }) => ` ${(bits & mask) === value ? set : clear}`).join('');

function styleOf({ tables, context, input }: Tree): Style {
  if (tables.format.stage === 2) {
    const mask = maskOf(STAGE2_PROT);
    return { marker: 'Guest IPA', mask, level: String, prot: (bits) => text(STAGE2_PROT, bits) };
  }
  const names = ['P4D', 'PUD', 'PMD', 'PTE'];
  return {
    marker: input,
    mask: maskOf(STAGE1_PROT) | ATTR_INDEX,
    level: (level) => (level === tables.startLevel && level < LAST_LEVEL ? 'PGD' : names[level]!),
    prot: (bits) => {
      const attribute = ((context.mair ?? 0n) >> (8n * ((bits & ATTR_INDEX) >> 2n))) & 0xffn;
      return `${text(STAGE1_PROT, bits)} ${mairText(Number(attribute))}`;
    },
  };
}

const UNITS = 'KMGTPE';

/** `0x…-0x…          4K 3   R W AF` */
function line(style: Style, start: bigint, end: bigint, level: number, bits: bigint): string {
  let size = (end - start) >> 10n;
  let unit = 0;
  while ((size & 1023n) === 0n && unit < UNITS.length - 1) {
    size >>= 10n;
    unit++;
  }
  const address = (value: bigint) => `0x${BigInt.asUintN(64, value).toString(16).padStart(16, '0')}`;
  const prot = bits === 0n ? '' : style.prot(bits);
  return `${address(start)}-${address(end)}   ${size.toString().padStart(9)}${UNITS[unit]} ${style.level(level)}${prot}`;
}

/** One line for neighbours of one level with the same permissions, wherever they map to; the last one too, which the kernel keeps to itself. */
function dump(tree: Tree, lines: string[]): void {
  const { format, root, startLevel } = tree.tables;
  const style = styleOf(tree);
  let start = tree.base;
  let end = tree.base;
  let level = -2;
  let bits = 0n;
  let left = MOST_TABLES;
  lines.push(`---[ ${style.marker} ]---`);
  const note = (at: bigint, size: bigint, ofLevel: number, value: bigint): void => {
    const prot = value & style.mask;
    if (ofLevel !== level || prot !== bits) {
      if (end > start) lines.push(line(style, start, end, level, bits));
      [start, level, bits] = [at, ofLevel, prot];
    }
    end = at + size;
  };
  const visit = (address: number, ofLevel: number, base: bigint, trail: readonly number[]): void => {
    const size = 1n << BigInt(levelShift(format.granule, ofLevel));
    const words = left-- > 0 ? readTable(tree, address, ofLevel) : null;
    if (!words) return;
    for (let index = 0; index < words.length / 2 && lines.length < MOST_LINES; index++) {
      const [low, high] = [words[2 * index]!, words[2 * index + 1]!];
      const at = base + BigInt(index) * size;
      if (entryKind(format, ofLevel, low) !== 'table') {
        note(at, size, ofLevel, low === 0 && high === 0 ? 0n : wide(low, high));
        continue;
      }
      const below = entryAddress(format, ofLevel, low, high, 'table');
      if (!trail.includes(below)) visit(below, ofLevel + 1, at, [...trail, below]);
    }
  };
  visit(root, startLevel, tree.base, [root]);
  if (end > start) lines.push(line(style, start, end, level, bits));
}

export function dumpView(inspected: Inspected, owner: Vm | Vcpu): DumpView | Nothing {
  if (owner.kind !== 'vm' && !stage1On(owner)) return MMU_OFF;
  const lines: string[] = [];
  for (const tree of treesOf(inspected, owner)) dump(tree, lines);
  return { view: 'dump', lines: lines.slice(0, MOST_LINES), cut: lines.length >= MOST_LINES };
}
