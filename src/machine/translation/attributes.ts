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

/** What stage 1 found, where the cache is off (SCTLR_EL1.C, I; AArch64.S1Translate): for stage 2 still shared as it said (IMPLEMENTATION DEFINED). */
export function uncached(found: MemoryAttributes): MemoryAttributes {
  return found.type === 'device' ? found : attributes((NON_CACHEABLE << 4) | NON_CACHEABLE, found.shareability);
}

/** Stage 1 off: data is Device-nGnRnE, instructions are Normal, cacheable where SCTLR_EL1.I; with HCR_EL2.DC all is Write-Back (AArch64.S1DisabledOutput). */
export function flatAttributes(fetch: boolean, cached: boolean, defaultCacheable: boolean): MemoryAttributes {
  if (defaultCacheable) return attributes(WRITE_BACK, 0);
  if (!fetch) return DEVICE_nGnRnE;
  return attributes(cached ? 0xaa : 0x44, OUTER);
}

/** Of an inner or outer half that is cacheable: Write-Back, else Write-Through. */
const WRITES_BACK = 4;

/** Less cacheable of two halves: Non-cacheable, Write-Through, Write-Back. Hints are stage 1's (S2CombineS1AttrHints). */
function combineCache(stage1: number, stage2: number): number {
  if (stage1 === NON_CACHEABLE || stage2 === NON_CACHEABLE) return NON_CACHEABLE;
  return stage2 & WRITES_BACK ? stage1 : stage1 & ~WRITES_BACK;
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

/** What MemAttr of a stage 2 descriptor says alone is Device memory, the reserved 4 with FWB too. */
export function isDeviceAttribute(memAttr: number, forcedWriteBack: boolean): boolean {
  return forcedWriteBack ? (memAttr & 7) <= 4 : memAttr >>> 2 === 0;
}

/** Write-Back with the hints of stage 1, by half where that was cacheable (AArch64.S2ApplyFWBMemAttrs). */
function forceWriteBack({ type, mair }: MemoryAttributes): number {
  if (type === 'device') return WRITE_BACK;
  const half = (stage1: number) => (stage1 === NON_CACHEABLE || stage1 === 0 ? 0xf : stage1 | WRITES_BACK);
  return (half(mair >>> 4) << 4) | half(mair & 0xf);
}

/** Non-shareable, Inner, Outer. */
function shareabilityRank(shareability: number): number {
  return shareability === OUTER ? 2 : shareability === 3 ? 1 : 0;
}
