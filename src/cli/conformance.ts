import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { boot } from '../host/host.ts';
import { HOST_PRESETS, asTraced } from '../host/config.ts';
import type { HostPreset } from '../host/config.ts';
import { areaOf, compareOutputs } from '../vmm/kvmtrace/compare.ts';
import type { Agreement } from '../vmm/kvmtrace/compare.ts';
import type { Trace } from '../vmm/kvmtrace/parse.ts';
import { playTraces } from '../vmm/kvmtrace/run.ts';
import { UsageError, print, table } from './command.ts';
import type { Command } from './command.ts';
import { goldenFolder, readText } from './files.ts';
import { hostNamed } from './hosts.ts';
import { compareRecordFiles } from './records.ts';
import { explanation, readTraces, type Explained } from './trace.ts';

/** Areas in which every trace has to agree on every recorded host. */
const COMPLETE = ['ipa', 'caps', 'memslot', 'vcpu', 'enablecap', 'onereg', 'run'];

/** How often a rule has refused, with what it said the first time. */
type Refusals = Map<string, { area: string; count: number; first: Explained; errno: string }>;

function conform(
  traces: readonly Trace[],
  host: HostPreset,
  recorded: string,
  refusals: Refusals,
): readonly Agreement[] {
  const output: string[] = [];
  const booted = boot(asTraced(host.config));
  playTraces(traces, booted, {
    print: (line) => output.push(line),
    refused: (refusal, trace) => {
      const area = areaOf(trace);
      const key = `${area} ${refusal.rule}`;
      const known = refusals.get(key) ?? { area, count: 0, first: refusal, errno: refusal.errno };
      known.count++;
      refusals.set(key, known);
    },
  });
  booted.powerOff();
  return compareOutputs(traces, output, recorded.split('\n'), { maxCpu: host.config.cpu === 'max' });
}

const share = (rows: readonly Agreement[]): string => {
  const sum = (of: (row: Agreement) => number): number => rows.reduce((total, row) => total + of(row), 0);
  return `${sum((row) => row.agreeing)}/${sum((row) => row.total)}`;
};

/** A row for each area, a column for each host; `results` are the hosts'. */
function printTable(hosts: readonly HostPreset[], results: readonly (readonly Agreement[])[]): void {
  const rows = (results[0] ?? []).map(({ area }, i) => [area, ...results.map((of) => share(of.slice(i, i + 1)))]);
  const head = ['area', ...hosts.map(({ name }) => name)];
  for (const line of table([head, ...rows, ['all', ...results.map(share)]])) print(line);
}

function printFirstDifferences(hosts: readonly HostPreset[], results: readonly (readonly Agreement[])[]): void {
  hosts.forEach(({ name }, i) => {
    for (const { area, differences } of results[i] ?? []) {
      const [first] = differences;
      if (!first) continue;
      print(`\n${name}, ${area}: ${first.trace}`);
      print(`  stage2  ${first.ours ?? '(nothing)'}`);
      print(`  kernel  ${first.kernel ?? '(nothing)'}`);
    }
  });
}

export const conformance: Command = {
  name: 'conformance',
  usage: '[--area AREA]… [--host NAME]… [--records] [--oracle FOLDER] [--verbose] [--explain]',
  summary: `plays the recorded traces and counts those whose answers are the real kernel's, line for line, by area and host.
--records compares the records of single calls instead, by section (--area) and file (--host).
--verbose adds the first difference of each, --explain each rule that refused a call, by area; status 1 where one of ${COMPLETE.join(', ')} is not complete`,
  options: {
    area: { type: 'string', multiple: true },
    host: { type: 'string', multiple: true },
    oracle: { type: 'string' },
    records: { type: 'boolean' },
    explain: { type: 'boolean' },
    verbose: { type: 'boolean' },
  },
  words: { least: 0, most: 0 },
  run: (given) => {
    if (given.flag('records')) return Promise.resolve(compareRecordFiles(given));
    const folder = goldenFolder(given.text('oracle'));
    const all = readTraces(join(folder, 'open.kvmtrace.gz'));
    const areas = [...new Set(all.map(areaOf))];
    for (const area of given.texts('area')) {
      if (!areas.includes(area)) throw new UsageError(`there is no area "${area}"; there are ${areas.join(', ')}`);
    }
    const wanted = given.texts('area').length > 0 ? given.texts('area') : areas;
    const traces = all.filter((trace) => wanted.includes(areaOf(trace)));
    const answers = (host: HostPreset): string => join(folder, `open.${host.name}.out.gz`);
    const chosen = given.texts('host').map(hostNamed);
    const recorded = (chosen.length > 0 ? chosen : HOST_PRESETS).filter((host) => existsSync(answers(host)));
    if (recorded.length === 0) throw new UsageError('there are no recorded answers of that host');

    const refusals: Refusals = new Map();
    const results = recorded.map((host) => conform(traces, host, readText(answers(host)), refusals));
    printTable(recorded, results);
    if (given.flag('verbose')) printFirstDifferences(recorded, results);
    if (given.flag('explain')) {
      for (const { area, count, first, errno } of refusals.values()) {
        print(`${area}: ${errno} ${count} times, first: ${explanation(first)}`);
      }
    }
    const incomplete = results.flat().some(({ area, agreeing, total }) => COMPLETE.includes(area) && agreeing < total);
    return Promise.resolve(incomplete ? 1 : 0);
  },
};
