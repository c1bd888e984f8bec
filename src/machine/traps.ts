/** What of EL2 traps system register accesses of EL1 and EL0: one row for each control bit (Arm ARM, the register's own page). */
import type { El2Registers } from './el2.ts';

interface TrapRow {
  readonly register: 'HCR_EL2' | 'MDCR_EL2' | 'CPTR_EL2' | 'CNTHCTL_EL2' | 'ICC_SRE_EL2';
  readonly bit: number;
  /** The bit's place with HCR_EL2.E2H = 1, where that moves it. */
  readonly bitE2h?: number;
  readonly on: 'read' | 'write' | 'both';
  /** The value that traps. */
  readonly when: 0 | 1;
}

const hcr = (bit: number, on: TrapRow['on'] = 'both', when: 0 | 1 = 1): TrapRow => ({
  register: 'HCR_EL2',
  bit,
  on,
  when,
});
const mdcr = (bit: number): TrapRow => ({ register: 'MDCR_EL2', bit, on: 'both', when: 1 });

export const TRAPS = {
  TID1: hcr(16, 'read'),
  TID2: hcr(17),
  TID3: hcr(18, 'read'),
  TID4: hcr(49),
  TIDCP: hcr(20),
  TACR: hcr(21),
  TSW: hcr(22),
  TPCP: hcr(23),
  TPU: hcr(24),
  TOCU: hcr(52),
  TICAB: hcr(50),
  TTLB: hcr(25),
  TTLBIS: hcr(54),
  TTLBOS: hcr(55),
  TVM: hcr(26, 'write'),
  TRVM: hcr(30, 'read'),
  TDZ: hcr(28),
  TERR: hcr(36),
  EnSCXT: hcr(53, 'both', 0),
  TLOR: hcr(35),
  APK: hcr(40, 'both', 0),
  TDA: mdcr(9),
  TDOSA: mdcr(10),
  TDRA: mdcr(11),
  TPM: mdcr(6),
  TPMCR: mdcr(5),
  TCPAC: { register: 'CPTR_EL2', bit: 31, on: 'both', when: 1 },
  EL1PCTEN: { register: 'CNTHCTL_EL2', bit: 0, bitE2h: 10, on: 'both', when: 0 },
  EL1PTEN: { register: 'CNTHCTL_EL2', bit: 1, bitE2h: 11, on: 'both', when: 0 },
  SRE_ENABLE: { register: 'ICC_SRE_EL2', bit: 3, on: 'both', when: 0 },
  /** CPACR_EL1.FPEN and CPTR_EL2: an exception of class 0x07, not 0x18; see Cpu. */
  FP: { register: 'CPTR_EL2', bit: 10, on: 'both', when: 1 },
} as const satisfies Record<string, TrapRow>;

export type TrapName = keyof typeof TRAPS;

export function isTrapped(name: TrapName, el2: El2Registers, write: boolean): boolean {
  const row: TrapRow = TRAPS[name];
  if (row.on !== 'both' && (row.on === 'write') !== write) return false;
  const e2h = ((el2.HCR_EL2 >> 34n) & 1n) !== 0n;
  const bit = e2h && row.bitE2h !== undefined ? row.bitE2h : row.bit;
  return Number((el2[row.register] >> BigInt(bit)) & 1n) === row.when;
}

/** A range of encodings that is treated as one where no register has a row. */
export interface RegisterGroup {
  readonly name: string;
  readonly op0: number;
  readonly op1: readonly number[];
  readonly crn: readonly number[];
  /** From, to. */
  readonly crm: readonly [number, number];
  readonly traps: readonly TrapName[];
  /** What EL1 gets where nothing traps: the ID space reads as zero, others are UNDEFINED. */
  readonly untrapped: 'id' | 'undefined';
}

const ALL_OP1 = [0, 1, 2, 3, 4, 5, 6, 7];

export const GROUPS: readonly RegisterGroup[] = [
  { name: 'ID registers', op0: 3, op1: [0], crn: [0], crm: [1, 7], traps: ['TID3'], untrapped: 'id' },
  { name: 'performance monitors', op0: 3, op1: [3], crn: [9], crm: [12, 14], traps: ['TPM'], untrapped: 'undefined' },
  { name: 'performance monitors', op0: 3, op1: [0], crn: [9], crm: [14, 14], traps: ['TPM'], untrapped: 'undefined' },
  { name: 'event counters', op0: 3, op1: [3], crn: [14], crm: [8, 15], traps: ['TPM'], untrapped: 'undefined' },
  {
    name: 'limited ordering regions',
    op0: 3,
    op1: [0],
    crn: [10],
    crm: [4, 4],
    traps: ['TLOR'],
    untrapped: 'undefined',
  },
  {
    name: 'pointer authentication keys',
    op0: 3,
    op1: [0],
    crn: [2],
    crm: [1, 3],
    traps: ['APK'],
    untrapped: 'undefined',
  },
  { name: 'debug', op0: 2, op1: [0, 3], crn: [0, 1, 7], crm: [0, 15], traps: ['TDA'], untrapped: 'undefined' },
  {
    name: 'implementation defined',
    op0: 3,
    op1: ALL_OP1,
    crn: [11, 15],
    crm: [0, 15],
    traps: ['TIDCP'],
    untrapped: 'undefined',
  },
  {
    name: 'implementation defined',
    op0: 1,
    op1: ALL_OP1,
    crn: [11, 15],
    crm: [0, 15],
    traps: ['TIDCP'],
    untrapped: 'undefined',
  },
];

export function groupOf(key: number): RegisterGroup | null {
  const [op0, op1, crn, crm] = [key >>> 14, (key >>> 11) & 7, (key >>> 7) & 15, (key >>> 3) & 15];
  return (
    GROUPS.find(
      (group) =>
        group.op0 === op0 &&
        group.op1.includes(op1) &&
        group.crn.includes(crn) &&
        crm >= group.crm[0] &&
        crm <= group.crm[1],
    ) ?? null
  );
}
