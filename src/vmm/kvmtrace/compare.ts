/** Holds what Stage2 printed for a trace file against what the real kernel printed. */
import { ioctlByName, ioctlNumber } from '../../abi/ioctls.ts';
import { NAMED_REGS, decodeOneReg } from '../../abi/onereg.ts';
import type { Loc, Trace } from './parse.ts';

export interface Difference {
  readonly trace: string;
  /** Our line and the kernel's at the first place where they differ; null where there is none any more. */
  readonly ours: string | null;
  readonly kernel: string | null;
}

export interface Agreement {
  readonly area: string;
  readonly agreeing: number;
  readonly total: number;
  /** The first, in the file's order. */
  readonly differences: readonly Difference[];
}

/** kvmgen.py names a trace AREA-…. */
export const areaOf = (trace: Trace): string => trace.name.split('-', 1)[0] ?? '';

/** Lines of an output by the trace that printed them; blank lines and what the recording host's kernel logged are left out. */
export function sections(output: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  let section: string[] | null = null;
  for (const line of output) {
    if (line.startsWith('@@trace ')) found.set(line.slice('@@trace '.length), (section = []));
    else if (line.startsWith('@@END')) section = null;
    else if (line !== '' && !/^\[ *\d+\.\d+\] /.test(line)) section?.push(line);
  }
  return found;
}

const GET_ONE_REG = ioctlNumber(ioctlByName('KVM_GET_ONE_REG')!, 'arm64');
const sameLoc = (a: Loc, b: Loc): boolean => a.buffer === b.buffer && a.offset === b.offset;

/** What of a recorded host is the emulated CPU's and not KVM's (the format's description lists it). */
export interface Recorded {
  /** The CPU is QEMU's `max`: the values of its ID registers are no model's. */
  readonly maxCpu: boolean;
}

/** Whether the value of a register is no part of the contract: the running counter, and ID registers of `max`. */
function isFree(id: bigint, { maxCpu }: Recorded): boolean {
  if (id === NAMED_REGS.KVM_REG_ARM_TIMER_CNT) return true;
  const sysreg = decodeOneReg(id)?.sysreg;
  // The feature ID registers: op0 3, op1 0, CRn 0, CRm 1 to 7 (Arm ARM, D22.3.1).
  return maxCpu && sysreg?.op0 === 3 && sysreg.op1 === 0 && sysreg.crn === 0 && sysreg.crm >= 1 && sysreg.crm <= 7;
}

/**
 * Numbers of the lines that show the value of such a register: the line after a KVM_GET_ONE_REG whose structure was last
 * given its id.
 */
export function freeLines(trace: Trace, recorded: Recorded): ReadonlySet<number> {
  const numbers = new Set<number>();
  const free: Loc[] = [];
  let next = false;
  for (const { number, operation } of trace.lines) {
    if (next && (operation.op === 'dump' || operation.op === 'read')) numbers.add(number);
    next = false;
    if (operation.op === 'write') {
      const known = free.findIndex((loc) => sameLoc(loc, operation.at));
      if (known >= 0) free.splice(known, 1);
      const { value } = operation;
      if (value.kind === 'number' && isFree(value.value, recorded)) free.push(operation.at);
    } else if (operation.op === 'ioctl' && operation.request === GET_ONE_REG && operation.arg.kind === 'address') {
      const { of } = operation.arg;
      next = free.some((loc) => sameLoc(loc, of));
    }
  }
  return numbers;
}

function difference(
  trace: Trace,
  ours: readonly string[] | undefined,
  kernel: readonly string[] | undefined,
  recorded: Recorded,
): Difference | null {
  if (!ours || !kernel) return { trace: trace.name, ours: ours?.[0] ?? null, kernel: kernel?.[0] ?? null };
  const free = freeLines(trace, recorded);
  for (let i = 0; i < Math.max(ours.length, kernel.length); i++) {
    const [a, b] = [ours[i] ?? null, kernel[i] ?? null];
    if (a === b) continue;
    const number = parseInt(a ?? '', 10);
    const sameLine = a !== null && b !== null && number === parseInt(b, 10);
    if (!(sameLine && free.has(number) && !a.includes('errno') && !b.includes('errno'))) {
      return { trace: trace.name, ours: a, kernel: b };
    }
  }
  return null;
}

/** How many traces of each area have the same output, line for line; areas in the file's order. */
export function compareOutputs(
  traces: readonly Trace[],
  ours: readonly string[],
  kernel: readonly string[],
  recorded: Recorded,
): readonly Agreement[] {
  const mine = sections(ours);
  const theirs = sections(kernel);
  const areas = new Map<string, { area: string; agreeing: number; total: number; differences: Difference[] }>();
  for (const trace of traces) {
    const area = areaOf(trace);
    let row = areas.get(area);
    if (!row) areas.set(area, (row = { area, agreeing: 0, total: 0, differences: [] }));
    row.total++;
    const differs = difference(trace, mine.get(trace.name), theirs.get(trace.name), recorded);
    if (differs) row.differences.push(differs);
    else row.agreeing++;
  }
  return [...areas.values()];
}
