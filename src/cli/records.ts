import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compareRecords, type SectionResult } from '../vmm/records/compare.ts';
import { recordedHost } from '../vmm/records/hosts.ts';
import { parseRecords, type Answer } from '../vmm/records/record.ts';
import { Failure, UsageError, print, table, type Arguments } from './command.ts';
import { readText } from './files.ts';

const RECORDS = 'arm64';
const FILE = /^(.*)\.jsonl(\.gz)?$/;

/** The folder of records inside the oracle: the one that is named, else beside the repository. @throws Failure */
function recordsFolder(oracle: string | null): string {
  const place = oracle ?? '../shared/oracle';
  const folder = [join(place, RECORDS), place].find((each) => existsSync(each) && recordFiles(each).length > 0);
  if (folder !== undefined) return folder;
  throw new Failure(`no records in ${place}: ${RECORDS}/*.jsonl.gz are wanted; see --oracle`);
}

function recordFiles(folder: string): readonly (readonly [name: string, path: string])[] {
  return readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const name = FILE.exec(file)?.[1];
      return name !== undefined && recordedHost(name) ? [[name, join(folder, file)] as const] : [];
    });
}

const answer = ({ ret, errno, out }: Answer): string => `${errno ?? ret}${out ? ` ${JSON.stringify(out)}` : ''}`;

function printDifferences(name: string, { section, differences }: SectionResult): void {
  const seen = new Set<string>();
  for (const { record, ours } of differences) {
    if (seen.has(record.case)) continue;
    seen.add(record.case);
    const of = differences.filter((each) => each.record.case === record.case).length;
    print(
      `\n${name}, ${section}: ${record.case} ${JSON.stringify(record.args)}${of > 1 ? `, and ${of - 1} more` : ''}`,
    );
    print(`  stage2  ${answer(ours)}`);
    print(`  kernel  ${answer(record)}`);
  }
}

/** Compares the recorded files with our hosts and prints agreed/compared by section and file, and what is left out. */
export function compareRecordFiles(given: Arguments): number {
  const all = recordFiles(recordsFolder(given.text('oracle')));
  const hosts = given.texts('host');
  const files = hosts.length > 0 ? all.filter(([name]) => hosts.includes(name)) : all;
  if (files.length === 0) throw new UsageError(`there are records of ${all.map(([name]) => name).join(', ')}`);
  const areas = given.texts('area');
  const results = files.map(([name, path]) => {
    const config = recordedHost(name);
    const records = parseRecords(readText(path)).filter(({ sec }) => areas.length === 0 || areas.includes(sec));
    return { name, sections: config ? compareRecords(records, config) : [] };
  });

  const sections = [...new Set(results.flatMap(({ sections }) => sections.map(({ section }) => section)))];
  const cell = (result: SectionResult | undefined): string =>
    result ? `${result.agreeing}/${result.agreeing + result.differences.length}` : '';
  print('agreed/compared');
  for (const line of table([
    ['section', ...results.map(({ name }) => name)],
    ...sections.map((section) => [
      section,
      ...results.map(({ sections }) => cell(sections.find((each) => each.section === section))),
    ]),
  ])) {
    print(line);
  }

  const left = new Map<string, Map<string, number>>();
  for (const { section, leftOut } of results.flatMap(({ sections }) => sections)) {
    for (const [reason, count] of leftOut) {
      const row = left.get(reason) ?? new Map<string, number>();
      left.set(reason, row.set(section, (row.get(section) ?? 0) + count));
    }
  }
  print('\nleft out');
  for (const [reason, row] of left) {
    const total = [...row.values()].reduce((sum, count) => sum + count, 0);
    print(`${String(total).padStart(6)}  ${reason}: ${[...row].map(([section, n]) => `${section} ${n}`).join(', ')}`);
  }
  if (given.flag('verbose')) {
    for (const { name, sections } of results) for (const section of sections) printDifferences(name, section);
  }
  return 0;
}
