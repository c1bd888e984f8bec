import { boot } from '../../host/host.ts';
import type { HostConfig } from '../../host/config.ts';
import { leftOut, type LeftOut } from './leftout.ts';
import { Probe } from './probe.ts';
import { sameValue, type Answer, type Recorded } from './record.ts';
import { SECTIONS } from './sections/sections.ts';

export interface Difference {
  readonly record: Recorded;
  readonly ours: Answer;
}

/** How the records of one section of one file compare. */
export interface SectionResult {
  readonly section: string;
  /** All records but the mark of the section's end. */
  readonly total: number;
  readonly agreeing: number;
  readonly differences: readonly Difference[];
  /** Records that differ, or can't be asked here, for a reason that is a rule; by reason. */
  readonly leftOut: ReadonlyMap<LeftOut, number>;
}

/** Records that say how a section ended, not what the kernel answered. */
const REMARKS: ReadonlySet<string> = new Set(['section_end']);
/** What the recording machine said of itself, not of KVM. */
const NO_SECTIONS: ReadonlySet<string> = new Set(['all', 'dmesg_end']);

function agrees(record: Recorded, ours: Answer): boolean {
  if (record.ret !== ours.ret || record.errno !== ours.errno) return false;
  const asked = Object.entries(record.out).filter(([name]) => !ours.unasked?.includes(name));
  return asked.every(([name, value]) => sameValue(value, ours.out?.[name]));
}

function compareSection(section: string, records: readonly Recorded[], config: HostConfig): SectionResult {
  const left = new Map<LeftOut, number>();
  const differences: Difference[] = [];
  let agreeing = 0;
  const leave = (reason: LeftOut): void => void left.set(reason, (left.get(reason) ?? 0) + 1);
  const make = SECTIONS[section];
  const probe = make ? new Probe(boot(config)) : null;
  const cases = probe && make ? make(probe) : {};
  for (const record of records) {
    const ask = cases[record.case] ?? cases['*'];
    const ours = ask?.(record);
    if (ours && agrees(record, ours)) agreeing++;
    else {
      // What is about an absent feature need not be asked.
      const rule = ours === null ? 'the probe had failed before' : leftOut(record, config);
      const reason: LeftOut | null = rule ?? (ours === undefined ? 'not replayed yet' : null);
      if (reason) leave(reason);
      else if (ours) differences.push({ record, ours });
    }
  }
  probe?.end();
  probe?.host.powerOff();
  return { section, total: records.length, agreeing, differences, leftOut: left };
}

/** Asks a host of this configuration what the records' host was asked; every section in a process of its own. */
export function compareRecords(records: readonly Recorded[], config: HostConfig): SectionResult[] {
  const bySection = new Map<string, Recorded[]>();
  for (const record of records) {
    if (NO_SECTIONS.has(record.sec) || REMARKS.has(record.case)) continue;
    const list = bySection.get(record.sec);
    if (list) list.push(record);
    else bySection.set(record.sec, [record]);
  }
  return [...bySection].map(([section, list]) => compareSection(section, list, config));
}
