import type { Stage } from './format.ts';

export type FaultType =
  'addressSize' | 'translation' | 'accessFlag' | 'permission' | 'alignment' | 'externalAbort' | 'externalAbortOnWalk';

/** A translation that did not end: everything that ESR, FAR and HPFAR are made of. */
export interface Fault {
  readonly ok: false;
  readonly type: FaultType;
  readonly stage: Stage;
  readonly level: number;
  /** A stage 2 fault on the read of a stage 1 descriptor, or on its update by hardware. */
  readonly s1ptw: false | 'read' | 'update';
  /** For stage 2: the intermediate physical address whose translation failed. */
  readonly ipa: number;
}

interface FaultRow {
  readonly name: string;
  /** Status code with the level in its low bits; `minusOne` is the code of level -1 (FEAT_LPA2). */
  readonly status: number;
  readonly minusOne?: number;
  readonly leveled: boolean;
}

/** DFSC and IFSC of ESR_ELx (ESR_EL1 in Arm ARM D24.2, ISS encoding for an exception from a Data Abort). */
export const FAULTS: Readonly<Record<FaultType, FaultRow>> = {
  addressSize: { name: 'Address size fault', status: 0b000000, minusOne: 0b101001, leveled: true },
  translation: { name: 'Translation fault', status: 0b000100, minusOne: 0b101011, leveled: true },
  accessFlag: { name: 'Access flag fault', status: 0b001000, leveled: true },
  permission: { name: 'Permission fault', status: 0b001100, leveled: true },
  externalAbort: { name: 'Synchronous External abort', status: 0b010000, leveled: false },
  externalAbortOnWalk: {
    name: 'Synchronous External abort on translation table walk',
    status: 0b010100,
    minusOne: 0b010011,
    leveled: true,
  },
  alignment: { name: 'Alignment fault', status: 0b100001, leveled: false },
};

function statusOf(row: FaultRow, level: number): number {
  if (!row.leveled) return row.status;
  return level < 0 && row.minusOne !== undefined ? row.minusOne : row.status | (level & 3);
}

/** The six-bit fault status code. */
export function faultStatus(type: FaultType, level: number): number {
  return statusOf(FAULTS[type], level);
}

/** `Stage 2 Translation fault, level 1, on the read of a stage 1 descriptor`, or on its update. */
export function faultText(fault: Fault): string {
  const row = FAULTS[fault.type];
  const level = row.leveled ? `, level ${fault.level}` : '';
  return `Stage ${fault.stage} ${row.name}${level}${fault.s1ptw ? `, on the ${fault.s1ptw} of a stage 1 descriptor` : ''}`;
}

/** What a fault status code of ESR_ELx or PAR_EL1 says: `Translation fault, level 2`; null for one that is no row's. */
export function faultStatusText(status: number): string | null {
  for (const row of Object.values(FAULTS)) {
    for (let level = 0; level <= 3; level++) {
      if (statusOf(row, level) === status) return row.leveled ? `${row.name}, level ${level}` : row.name;
    }
    if (row.minusOne === status) return `${row.name}, level -1`;
  }
  return null;
}
