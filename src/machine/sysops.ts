/** What SYS does (TLBI, DC, IC, AT and the prediction restrictions), by the operations' names in the instruction table. */
import { SYSTEM_OPERATIONS } from '../isa/a64/sysreg-names.ts';
import type { CpuFeatures } from './features.ts';
import type { Access } from './translation/mmu.ts';
import { SCTLR, type Permit } from './sysregs.ts';
import type { TrapName } from './traps.ts';

export type SystemEffect =
  /** Nothing that a guest could see: caches and predictors are not modelled. */
  | { readonly does: 'nothing' }
  /** Forgets translations: all, or those of an ASID, of one page, or of a range of them. */
  | { readonly does: 'invalidate'; readonly scope: 'all' | 'asid' | 'page' | 'range' }
  /** Maintenance by address: translates as such an access does, and faults. */
  | { readonly does: 'maintain'; readonly access: 'read' | 'write' }
  /** DC ZVA. */
  | { readonly does: 'zero' }
  /** AT: stage 1 of an address into PAR_EL1. */
  | { readonly does: 'translate'; readonly access: Access; readonly el: 0 | 1; readonly pan: boolean };

export interface SystemOperationRow {
  readonly name: string;
  readonly effect: SystemEffect;
  /** Allowed at EL0 where the bits are 1; absent: UNDEFINED there. */
  readonly el0: Permit | null;
  readonly traps: readonly TrapName[];
  /** UNDEFINED without this feature. */
  readonly feature?: keyof CpuFeatures;
}

const NOTHING: SystemEffect = { does: 'nothing' };
const MAINTAIN: SystemEffect = { does: 'maintain', access: 'read' };
/** What throws data away has to be allowed to write. */
const INVALIDATE: SystemEffect = { does: 'maintain', access: 'write' };
const CACHE_AT_EL0: Permit = { register: 'SCTLR_EL1', bits: [SCTLR.UCI] };
const ZERO_AT_EL0: Permit = { register: 'SCTLR_EL1', bits: [SCTLR.DZE] };

const PREDICTION_AT_EL0: Permit = { register: 'SCTLR_EL1', bits: [SCTLR.EnRCTX] };

const translate = (access: Access, el: 0 | 1, pan = false): SystemEffect => ({ does: 'translate', access, el, pan });

type Rule = Omit<SystemOperationRow, 'name'>;
const toUnification: Rule = { effect: MAINTAIN, el0: CACHE_AT_EL0, traps: ['TPU', 'TOCU'] };
const toCoherency: Rule = { effect: MAINTAIN, el0: CACHE_AT_EL0, traps: ['TPCP'] };
const bySet: Rule = { effect: NOTHING, el0: null, traps: ['TSW'] };
const at = (effect: SystemEffect): Rule => ({ effect, el0: null, traps: [] });

const RULES: Readonly<Record<string, Rule>> = {
  'ic ialluis': { effect: NOTHING, el0: null, traps: ['TPU', 'TICAB'] },
  'ic iallu': { effect: NOTHING, el0: null, traps: ['TPU', 'TOCU'] },
  'ic ivau': toUnification,
  'dc ivac': { ...toCoherency, effect: INVALIDATE, el0: null },
  'dc isw': bySet,
  'dc csw': bySet,
  'dc cisw': bySet,
  'dc zva': { effect: { does: 'zero' }, el0: ZERO_AT_EL0, traps: ['TDZ'] },
  'dc cvac': toCoherency,
  'dc cvau': toUnification,
  'dc cvap': { ...toCoherency, feature: 'persistence' },
  'dc cvadp': { ...toCoherency, feature: 'deepPersistence' },
  'dc civac': toCoherency,
  'at s1e1r': at(translate('read', 1)),
  'at s1e1w': at(translate('write', 1)),
  'at s1e0r': at(translate('read', 0)),
  'at s1e0w': at(translate('write', 0)),
  'at s1e1rp': { ...at(translate('read', 1, true)), feature: 'panTranslate' },
  'at s1e1wp': { ...at(translate('write', 1, true)), feature: 'panTranslate' },
  'cfp rctx': { ...at(NOTHING), el0: PREDICTION_AT_EL0, feature: 'predictionRestriction' },
  'dvp rctx': { ...at(NOTHING), el0: PREDICTION_AT_EL0, feature: 'predictionRestriction' },
  'cpp rctx': { ...at(NOTHING), el0: PREDICTION_AT_EL0, feature: 'predictionRestriction' },
};

const EL1_OP1 = 0;
const SHARED: Readonly<Record<string, readonly TrapName[]>> = { is: ['TTLB', 'TTLBIS'], os: ['TTLB', 'TTLBOS'] };

/** TLBI of EL1, by the first letters of its name. */
const SCOPES = [
  [/^va/, 'page'],
  [/^rva/, 'range'],
  [/^aside/, 'asid'],
] as const;

function invalidation(name: string): Rule {
  const shared = /(is|os)$/.exec(name)?.[1] ?? '';
  const scope = SCOPES.find(([pattern]) => pattern.test(name))?.[1] ?? 'all';
  const rule: Rule = { effect: { does: 'invalidate', scope }, el0: null, traps: SHARED[shared] ?? ['TTLB'] };
  if (name.startsWith('rva')) return { ...rule, feature: 'tlbiRange' };
  return shared === 'os' ? { ...rule, feature: 'tlbiOuter' } : rule;
}

/** The operations of EL1 by their key; what is not here is UNDEFINED. */
export const OPERATIONS_BY_KEY: ReadonlyMap<number, SystemOperationRow> = new Map(
  SYSTEM_OPERATIONS.flatMap(({ mnemonic, name, key }): [number, SystemOperationRow][] => {
    const op1 = (key >>> 11) & 7;
    const full = `${mnemonic} ${name}`;
    const rule = mnemonic === 'tlbi' && op1 === EL1_OP1 ? invalidation(name) : RULES[full];
    return rule ? [[key, { name: full, ...rule }]] : [];
  }),
);
