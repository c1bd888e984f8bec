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
}

/** Nests the reads of a walk: each stage 1 read takes with it the stage 2 reads that found its descriptor. */
export function groupWalk(steps: readonly WalkStep[]): WalkGroup[] {
  const groups: WalkGroup[] = [];
  let pending: NumberedStep[] = [];
  const flush = (stage1: NumberedStep | null) => {
    const ipa = pending[0]?.step.forAddress ?? stage1?.step.descriptorIpa ?? null;
    groups.push({ ipa, stage2: pending, stage1 });
    pending = [];
  };
  steps.forEach((step, index) => {
    const numbered = { number: index + 1, step };
    if (step.stage === 1) {
      flush(numbered);
      return;
    }
    const first = pending[0]?.step;
    if (first && first.forAddress !== step.forAddress) flush(null);
    pending.push(numbered);
  });
  if (pending.length > 0) flush(null);
  return groups;
}
