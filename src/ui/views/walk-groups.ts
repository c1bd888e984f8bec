import type { WalkStep } from '../../session/messages.ts';

/** A read of the walk with its place in the order of reads, from 1. */
export interface NumberedStep {
  readonly number: number;
  readonly step: WalkStep;
}

/** The translation of one IPA by stage 2, and the stage 1 descriptor then read there. */
export interface WalkGroup {
  /** The IPA that the stage 2 steps translate; null where the group has none. */
  readonly ipa: bigint | null;
  readonly stage2: readonly NumberedStep[];
  /** Null for the translation of the final address, and where stage 2 failed before the read. */
  readonly stage1: NumberedStep | null;
  /** What stage 2 translates: a descriptor's address, what stage 1 found, or the VA itself where stage 1 is off. */
  readonly purpose: 'descriptor' | 'result' | 'off';
}

/** Nests the reads of a walk: each stage 1 read takes with it the stage 2 reads that found its descriptor. */
export function groupWalk(steps: readonly WalkStep[], va: bigint): WalkGroup[] {
  const groups: WalkGroup[] = [];
  let stage2: NumberedStep[] = [];
  let lastStage1: WalkStep | null = null;
  const flush = (stage1: NumberedStep | null) => {
    const ipa = stage2[0]?.step.forAddress ?? stage1?.step.descriptorIpa ?? null;
    groups.push({ ipa, stage2, stage1, purpose: stage1 ? 'descriptor' : purposeOf(lastStage1, ipa === va) });
    stage2 = [];
    lastStage1 = stage1?.step ?? lastStage1;
  };
  steps.forEach((step, index) => {
    const numbered = { number: index + 1, step };
    if (step.stage === 1) {
      flush(numbered);
      return;
    }
    const first = stage2[0]?.step;
    if (first && first.forAddress !== step.forAddress) flush(null);
    stage2.push(numbered);
  });
  if (stage2.length > 0) flush(null);
  return groups;
}

/** Of stage 2 reads that no stage 1 read follows: the walk ended with them, well or in a fault. */
function purposeOf(lastStage1: WalkStep | null, translatesVa: boolean): WalkGroup['purpose'] {
  if (lastStage1) return lastStage1.kind === 'table' ? 'descriptor' : 'result';
  return translatesVa ? 'off' : 'descriptor';
}

/** Levels of stage 2 that any of the groups reads, in order: the columns of a picture of the walk. */
export function stage2Levels(groups: readonly WalkGroup[]): number[] {
  const levels = new Set(groups.flatMap(({ stage2 }) => stage2.map(({ step }) => step.level)));
  return [...levels].sort((a, b) => a - b);
}
