/** Memory types of both stages and what comes of them together (Arm ARM D8.6.5, AArch64.S2CombineS1MemAttrs). */

export type MemoryType = 'device' | 'normal';

/** In MAIR_ELx's format for one attribute, with the shareability of SH[1:0]; what PAR_EL1 reports. */
export interface MemoryAttributes {
  readonly type: MemoryType;
  readonly mair: number;
  readonly shareability: number;
}

const OUTER = 2;
const NON_CACHEABLE = 4;
const WRITE_BACK = 0xff;

const DEVICE_nGnRnE: MemoryAttributes = { type: 'device', mair: 0, shareability: OUTER };

function attributes(mair: number, shareability: number): MemoryAttributes {
  return { type: mair >>> 4 === 0 ? 'device' : 'normal', mair, shareability };
}

/** Device and Normal Non-cacheable memory is Outer Shareable whatever SH says (D8.6.2). */
export function effective(found: MemoryAttributes): MemoryAttributes {
  const outer = found.type === 'device' || found.mair === ((NON_CACHEABLE << 4) | NON_CACHEABLE);
  return outer ? { ...found, shareability: OUTER } : found;
}

export function stage1Attributes(mair: bigint, index: number, shareability: number): MemoryAttributes {
  return attributes(Number((mair >> BigInt(8 * index)) & 0xffn), shareability);
}

/** Stage 1 off: data is Device-nGnRnE, instructions are Normal, cacheable where SCTLR_EL1.I (D8.2.11); with HCR_EL2.DC all is Write-Back. */
export function flatAttributes(fetch: boolean, cached: boolean, defaultCacheable: boolean): MemoryAttributes {
  if (defaultCacheable) return attributes(WRITE_BACK, 0);
  if (!fetch) return DEVICE_nGnRnE;
  return attributes(cached ? 0xaa : 0x44, OUTER);
}

/** Less cacheable of two: Non-cacheable, Write-Through, Write-Back. */
function combineCache(stage1: number, stage2: number): number {
  const rank = (nibble: number) => (nibble === NON_CACHEABLE ? 0 : nibble & 4 ? 2 : 1);
  return rank(stage2) < rank(stage1) ? stage2 : stage1;
}

/** 00 is reserved beside a cacheable other half, and is taken for Write-Back. */
const STAGE2_NIBBLE = [0xf, NON_CACHEABLE, 0xb, 0xf];

/** `memAttr` and `shareability` of the stage 2 descriptor on top of what stage 1 found. */
export function combine(
  stage1: MemoryAttributes,
  memAttr: number,
  shareability: number,
  forcedWriteBack: boolean,
): MemoryAttributes {
  const share = Math.max(shareabilityRank(stage1.shareability), shareabilityRank(shareability));
  const together = share === 2 ? OUTER : share === 1 ? 3 : 0;
  if (forcedWriteBack) {
    const kind = memAttr & 7;
    if (kind === 6) return attributes(forceWriteBack(stage1), together);
    if (kind === 7) return attributes(stage1.mair, together);
    // 4 is reserved, and is taken for Device-nGnRnE.
    if (kind === 4) return DEVICE_nGnRnE;
    if (kind < 4) return attributes(stage1.type === 'device' ? Math.min(stage1.mair, kind << 2) : kind << 2, OUTER);
    if (kind === 5) return stage1.type === 'device' ? stage1 : attributes(0x44, together);
  }
  if (memAttr >>> 2 === 0) {
    const device = (memAttr & 3) << 2;
    return attributes(stage1.type === 'device' ? Math.min(stage1.mair, device) : device, OUTER);
  }
  if (stage1.type === 'device') return stage1;
  const outer = combineCache(stage1.mair >>> 4, STAGE2_NIBBLE[memAttr >>> 2]!);
  const inner = combineCache(stage1.mair & 0xf, STAGE2_NIBBLE[memAttr & 3]!);
  return attributes((outer << 4) | inner, together);
}

/** What MemAttr of a stage 2 descriptor says alone is Device memory. */
export function isDeviceAttribute(memAttr: number, forcedWriteBack: boolean): boolean {
  return forcedWriteBack ? (memAttr & 4) === 0 : memAttr >>> 2 === 0;
}

/** Write-Back with the allocation hints of stage 1, where that was cacheable. */
function forceWriteBack({ type, mair }: MemoryAttributes): number {
  if (type === 'device' || (mair & 0xf) === NON_CACHEABLE || mair >>> 4 === NON_CACHEABLE) return WRITE_BACK;
  const nibble = (stage1: number) => (stage1 & 8) | 4 | (stage1 & 3);
  return (nibble(mair >>> 4) << 4) | nibble(mair & 0xf);
}

/** Non-shareable, Inner, Outer. */
function shareabilityRank(shareability: number): number {
  return shareability === OUTER ? 2 : shareability === 3 ? 1 : 0;
}
