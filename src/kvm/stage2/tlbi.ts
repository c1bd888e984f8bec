import type { GranuleName } from '../../machine/translation/format.ts';
import { NO_LEVEL, type Stage2Event } from './events.ts';

/** What of the host TLB maintenance depends on. */
export interface TlbiHost {
  readonly granule: { readonly name: GranuleName; readonly shift: number };
  /** The kernel is at EL1, and its hypervisor part is called (kvm_call_hyp). */
  readonly callsHypervisor: boolean;
  /** FEAT_TTL, FEAT_LPA2. */
  readonly tlbLevel: boolean;
  readonly lpa2: boolean;
  /** What stage2_apply_range takes at once, in bytes. */
  readonly part: number;
}

/** TG of a TLBI's operand (get_trans_granule). */
const TRANSLATION_GRANULE = { '4K': 1n, '16K': 2n, '64K': 3n } as const;
const TTL_SHIFT = 44n;
/** About as many are listed. */
const MOST_LINES = 32;

/** A range TLBI of `scale` takes (num + 1) << (5 * scale + 1) pages (__TLBI_RANGE_PAGES). */
const rangePages = (num: number, scale: number): number => (num + 1) * 2 ** (5 * scale + 1);
const MOST_NUM = 31;
const MOST_SCALE = 3;
/** MAX_TLBI_RANGE_PAGES. */
const MOST_PAGES = rangePages(MOST_NUM, MOST_SCALE);
const LPA2_SHIFT = 16;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/**
 * The instructions that a row's TLB maintenance is, in order, and the hypercall before them where the kernel is not at EL2
 * (hyp/vhe/tlb.c, hyp/nvhe/tlb.c). Of a long list the last is `…`.
 */
export function flushInstructions(host: TlbiHost, event: Stage2Event): string[] {
  const { flush, flushIpa, ipa, size, flushLevel } = event;
  const local = flush === 'ipa local';
  const [domain, suffix] = local ? ['NSH', ''] : ['ISH', 'IS'];
  const first = host.callsHypervisor ? `DSB ${domain}` : `DSB ${domain}ST`;
  const wrapped = (call: string, ...instructions: readonly string[]): string[] => [
    ...(host.callsHypervisor ? [`HVC ${call}`] : []),
    first,
    ...instructions,
    `DSB ${domain}`,
    'ISB',
  ];
  const stage1 = [`DSB ${domain}`, `TLBI VMALLE1${suffix}`];
  switch (flush) {
    case 'none':
      return [];
    case 'vmid':
      return wrapped('__kvm_tlb_flush_vmid', 'TLBI VMALLS12E1IS');
    case 'ipa':
    case 'ipa local': {
      const call = local ? '__kvm_tlb_flush_vmid_ipa_nsh' : '__kvm_tlb_flush_vmid_ipa';
      return wrapped(call, `TLBI IPAS2E1${suffix}, ${hex(ipaOperand(host, flushIpa, flushLevel))}`, ...stage1);
    }
    case 'range':
    case 'parts': {
      const found: string[] = [];
      for (const [start, pages] of calls(host, ipa, size, flush === 'parts')) {
        if (found.length > MOST_LINES) return [...found, '…'];
        found.push(...wrapped('__kvm_tlb_flush_vmid_range', ...range(host, start, pages), ...stage1));
      }
      return found;
    }
  }
}

/** __tlbi_level: the address in units of 4K, and TTL. */
function ipaOperand({ tlbLevel, granule }: TlbiHost, ipa: number, level: number): bigint {
  const page = BigInt(Math.floor(ipa / 4096));
  if (!tlbLevel || level === NO_LEVEL || level < 0) return page;
  return page | (((TRANSLATION_GRANULE[granule.name] << 2n) | BigInt(level & 3)) << TTL_SHIFT);
}

/** What __kvm_tlb_flush_vmid_range is called with for a range: first address and pages (kvm_tlb_flush_vmid_range). */
export function* calls(
  { granule, part }: Pick<TlbiHost, 'granule' | 'part'>,
  start: number,
  size: number,
  inParts: boolean,
): Generator<readonly [start: number, pages: number]> {
  const most = MOST_PAGES * 2 ** granule.shift;
  const end = start + size;
  for (let at = start; at < end;) {
    const partEnd = inParts ? at - (at % part) + part : end;
    const next = Math.min(end, partEnd, at + most);
    yield [at, (next - at) / 2 ** granule.shift];
    at = next;
  }
}

/** __flush_tlb_range_op: the largest ranges first, single pages where there is no even number of them. */
function range(host: TlbiHost, start: number, pages: number): string[] {
  const { granule, lpa2 } = host;
  const page = 2 ** granule.shift;
  const shift = lpa2 ? LPA2_SHIFT : granule.shift;
  const found: string[] = [];
  for (let scale = MOST_SCALE; pages > 0;) {
    if (pages === 1 || (lpa2 && start % 2 ** LPA2_SHIFT !== 0)) {
      found.push(`TLBI IPAS2E1IS, ${hex(ipaOperand(host, start, NO_LEVEL))}`);
      start += page;
      pages--;
      continue;
    }
    const num = Math.floor(Math.min(pages, rangePages(MOST_NUM, scale)) / 2 ** (5 * scale + 1)) - 1;
    if (num >= 0) {
      const base = BigInt(Math.floor(start / 2 ** shift));
      const operand = (TRANSLATION_GRANULE[granule.name] << 46n) | (BigInt(scale) << 44n) | (BigInt(num) << 39n) | base;
      found.push(`TLBI RIPAS2E1IS, ${hex(operand)}`);
      start += rangePages(num, scale) * page;
      pages -= rangePages(num, scale);
    }
    scale--;
  }
  return found;
}
