/** Who may do what, by what descriptors say (Arm ARM D8.4): for the walk in TypeScript and for the one in WebAssembly. */

export type Access = 'read' | 'write' | 'fetch';

/** Whose access it is. */
export interface Accessor {
  readonly access: Access;
  /** Whose permissions count: EL0 also for LDTR and STTR. */
  readonly el: 0 | 1;
  /** PSTATE.PAN, where it counts. */
  readonly pan: boolean;
}

/** What a stage 1 leaf and the tables above it say together. */
export interface Stage1Rights {
  /** EL0 may read. */
  readonly el0: boolean;
  readonly writable: boolean;
  readonly privilegedNever: boolean;
  readonly unprivilegedNever: boolean;
}

export function stage1Permits(
  rights: Stage1Rights,
  { access, el, pan }: Accessor,
  writeExecuteNever: boolean,
): boolean {
  const { el0, writable } = rights;
  if (access !== 'fetch') {
    if (el === 0 ? !el0 : pan && el0) return false;
    return access === 'read' || writable;
  }
  if (el === 0 ? rights.unprivilegedNever : rights.privilegedNever) return false;
  if (el === 1 && el0 && writable) return false;
  return !(writeExecuteNever && writable && (el === 1 || el0));
}

/** `readable`, `writable`: S2AP. `never`: XN[1:0], by level where FEAT_XNX is there. */
export function stage2Permits(
  { readable, writable, never }: { readonly readable: boolean; readonly writable: boolean; readonly never: number },
  { access, el }: Accessor,
  byLevel: boolean,
): boolean {
  if (access === 'read') return readable;
  if (access === 'write') return writable;
  if (!byLevel) return (never & 2) === 0;
  // 00 both, 01 EL0 only, 10 none, 11 EL1 only (D8.4.2).
  return never === 0 || (el === 0 ? never === 1 : never === 3);
}
