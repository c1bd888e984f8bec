/** What counts as the same answer, where QEMU 7.2 is known to answer otherwise than the architecture says. */
import type { Answers } from './answer.ts';
import { OPERATIONS, type Case } from './cases.ts';

const F = 1n;
const PTW = 1n << 8n;
const LEVEL = 3n << 1n;
const FST = 0x3fn << 1n;
const SH = 3n << 7n;
const SCTLR_M = 1n;
const SCTLR_C = 1n << 2n;
const HCR_DC = 1n << 12n;
const attributesOf = (par: bigint) => par >> 56n;

/** What the probe leaves for an AT that took an exception: an external abort, where the machines' memory differs. */
export const ABORTED = 2n ** 64n - 1n;

/**
 * PAR_EL1 without what is not compared:
 * - the level of a stage 2 fault on a stage 1 walk: QEMU gives that of stage 1 (with level -1, another code);
 * - SH of Device and Normal Non-cacheable memory, which PAR_EL1 has as Outer Shareable whatever the descriptor says;
 * - SH where stage 1 is off: its Device memory is Outer Shareable, also where stage 2 makes Write-Back of it; QEMU has it Non-shareable;
 * - which Device type it is: QEMU combines it with the inner attributes of Normal memory;
 * - whether Write-Through memory is transient: QEMU has it never so where stage 2 is what makes it Write-Through;
 * - what Normal memory is with SCTLR_EL1.C 0, which QEMU does not look at.
 */
export function comparable(par: bigint, { SCTLR_EL1, HCR_EL2 }: Case): bigint {
  if ((par & F) !== 0n) {
    if ((par & PTW) === 0n) return par;
    const minusOne: Readonly<Record<number, bigint>> = { 0x2b: 0x04n, 0x29: 0x00n };
    const status = minusOne[Number((par & FST) >> 1n)] ?? (par & FST) >> 1n;
    return (par & ~FST & ~LEVEL) | ((status << 1n) & ~LEVEL);
  }
  if ((SCTLR_EL1 & SCTLR_M) === 0n && (HCR_EL2 & HCR_DC) === 0n) par &= ~SH;
  const attributes = attributesOf(par);
  if (attributes < 0x10n) return par & ~SH & ~(0xffn << 56n);
  if ((SCTLR_EL1 & SCTLR_C) === 0n) return (par & ~SH) | (0xffn << 56n);
  return attributes === 0x44n ? par & ~SH : (par & ~(0xffn << 56n)) | (notTransient(attributes) << 56n);
}

/** Write-Through halves, 1 to 3 where they are transient, as they are where not. */
function notTransient(attributes: bigint): bigint {
  const half = (value: bigint) => (value < 4n ? value | 8n : value);
  return (half(attributes >> 4n) << 4n) | half(attributes & 0xfn);
}

export interface Comparison {
  readonly compared: number;
  /** A line for each answer that differs. */
  readonly different: readonly string[];
}

/** `theirs`: for each case PAR_EL1 by probe, then the digest. Throws RangeError where they are not as many. */
export function compare(cases: readonly Case[], ours: readonly Answers[], theirs: ArrayLike<bigint>): Comparison {
  const different: string[] = [];
  let compared = 0;
  let at = 0;
  cases.forEach((one, number) => {
    const registers = Object.entries(one).flatMap(([name, value]) =>
      typeof value === 'bigint' ? [`${name} ${value.toString(16)}`] : [],
    );
    const tell = (what: string, expected: bigint, answer: bigint) =>
      different.push(
        `case ${number}: ${what}: ${expected.toString(16)}, here ${answer.toString(16)}; ${registers.join(' ')}`,
      );
    const { pars, digest } = ours[number]!;
    one.probes.forEach(({ va, operation }, probe) => {
      const expected = theirs[at++]!;
      const answer = pars[probe]!;
      if (answer === null || expected === ABORTED) return;
      compared++;
      if (comparable(expected, one) !== comparable(answer, one)) {
        tell(`AT ${OPERATIONS[operation]!.name} of ${va.toString(16)}`, expected, answer);
      }
    });
    const expected = theirs[at++]!;
    if (digest !== null && digest !== expected) tell('the descriptors afterwards', expected, digest);
  });
  if (at !== theirs.length) throw new RangeError(`${theirs.length} answers for ${at} questions`);
  return { compared, different };
}
