import {
  brokenRule,
  combinationKey,
  combinations,
  combinationText,
  type Combination,
  type GuestKernel,
  type MatrixSet,
  type Rule,
} from '../../labs/matrix/axes.ts';

export interface MatrixCell {
  readonly combination: Combination;
  readonly key: string;
  readonly text: string;
  /** The rule that it breaks; null: it can be. */
  readonly rule: Rule | null;
}

/** What is shown at once: the combinations with one guest kernel. Rows are hosts' kernels, columns hardware, mode and where the guest lies. */
export interface Sheet {
  /** `64K/52/52`. */
  readonly name: string;
  readonly rows: readonly (readonly MatrixCell[])[];
  readonly cells: readonly MatrixCell[];
  readonly valid: readonly MatrixCell[];
}

const COLUMNS = 36;

const guestName = ({ pageSize, paBits, vaBits }: GuestKernel): string => `${pageSize / 1024}K/${paBits}/${vaBits}`;

function sheetOf(set: MatrixSet, guest: GuestKernel): Sheet {
  const cells = combinations({ ...set, guests: [guest] }).map((combination) => ({
    combination,
    key: combinationKey(combination),
    text: combinationText(combination),
    rule: brokenRule(set, combination),
  }));
  const rows = new Map<string, MatrixCell[]>();
  for (const cell of cells) {
    const { hostPage, hostPa, hostVa, hostLoad } = cell.combination;
    const key = `${hostPage} ${hostPa} ${hostVa} ${hostLoad}`;
    const row = rows.get(key);
    if (row) row.push(cell);
    else rows.set(key, [cell]);
  }
  return {
    name: guestName(guest),
    rows: [...rows.values()],
    cells,
    valid: cells.filter(({ rule }) => rule === null),
  };
}

const sheets = new Map<MatrixSet, readonly Sheet[]>();

/** Those of a set whose guest can be booted at all. */
export function sheetsOf(set: MatrixSet): readonly Sheet[] {
  let known = sheets.get(set);
  if (!known) {
    known = set.guests.map((guest) => sheetOf(set, guest)).filter(({ valid }) => valid.length > 0);
    sheets.set(set, known);
  }
  return known;
}

interface Header {
  readonly text: string;
  readonly span: number;
  readonly full: string;
}

const HW_PA = [
  { text: 'PA 48', full: 'Hardware with 48 bits of physical address' },
  { text: 'LPA', full: 'FEAT_LPA: 52 bits of physical address with 64K pages' },
  { text: 'LPA2', full: 'FEAT_LPA2: 52 bits of physical address with every page size' },
] as const;
const HW_VA = [
  { text: 'VA 48', full: 'Hardware with 48 bits of virtual address with 64K pages' },
  { text: 'VA 52', full: 'FEAT_LVA: 52 bits of virtual address with 64K pages' },
] as const;
const MODES = [
  { text: 'VHE', full: 'The host’s kernel runs at EL2' },
  { text: 'nVHE', full: 'The host’s kernel runs at EL1, a part of KVM at EL2' },
  { text: 'pKVM', full: 'Protected mode: the part at EL2 does not trust the host' },
] as const;
const LOADS = [
  { text: 'L', full: 'Low: the guest’s memory lies below 2^48' },
  { text: 'H', full: 'High: the guest’s memory lies above 2^48' },
] as const;
/** What the letters of both axes mean. */
export const LOADS_TEXT = 'L: memory lies low, below 2^48; H: high, above';

const times = <T>(count: number, list: readonly T[]): T[] => Array.from({ length: count }, () => list).flat();

/** Rows of headers above the columns, in the order in which `combinations` counts. */
export const COLUMN_GROUPS: readonly { readonly title: string; readonly headers: readonly Header[] }[] = [
  { title: 'hardware PA', headers: HW_PA.map((one) => ({ ...one, span: COLUMNS / 3 })) },
  { title: 'hardware VA', headers: times(3, HW_VA).map((one) => ({ ...one, span: COLUMNS / 6 })) },
  { title: 'KVM mode', headers: times(6, MODES).map((one) => ({ ...one, span: COLUMNS / 18 })) },
  { title: 'guest loaded', headers: times(18, LOADS).map((one) => ({ ...one, span: 1 })) },
];

/** Columns after which other hardware begins. */
export const COLUMNS_ALIKE = COLUMNS / 6;

interface RowGroup {
  readonly title: string;
  readonly full: string;
  /** Rows that one header stands for. */
  readonly span: number;
  /** Its width in pixels, by which the headers to its right know where they stay. */
  readonly width: number;
  readonly text: (combination: Combination) => string;
}

export const ROW_GROUPS: readonly RowGroup[] = [
  { title: 'page', full: 'The host’s page size', span: 8, width: 31, text: ({ hostPage }) => `${hostPage / 1024}K` },
  { title: 'PA', full: 'CONFIG_ARM64_PA_BITS of the host', span: 4, width: 20, text: ({ hostPa }) => String(hostPa) },
  { title: 'VA', full: 'CONFIG_ARM64_VA_BITS of the host', span: 2, width: 20, text: ({ hostVa }) => String(hostVa) },
  {
    title: 'at',
    full: 'Where the host’s memory lies: low, below 2^48, or high, above',
    span: 1,
    width: 18,
    text: ({ hostLoad }) => (hostLoad === 'low' ? 'L' : 'H'),
  },
];

/** Pixels from the left edge at which the headers of a group stay while the grid scrolls. */
export const headerStart = (group: number): number =>
  ROW_GROUPS.slice(0, group).reduce((sum, { width }) => sum + width, 0);
