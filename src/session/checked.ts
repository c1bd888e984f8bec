/** Runs a sandbox to its end without a page, and checks what must be seen: what the command line does with a lab. */
import type { Event, IoctlEntry, TableEntry, TableNode, View } from './messages.ts';
import { Session, type SessionOptions } from './session.ts';
import type { CheckedResult, CheckedSandbox, Expectation } from './types.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

interface Check {
  readonly text: string;
  readonly ok: boolean;
  readonly seen: string;
}

/** What a run left behind. */
interface Seen {
  readonly session: Session;
  readonly console: string;
  readonly script: string;
  readonly ioctls: readonly IoctlEntry[];
}

/**
 * `timeout` in milliseconds ends a program that does not end by itself.
 * Loading, running and every look at the result go through the session's own messages.
 */
export async function runChecked(
  { sandbox, expect }: CheckedSandbox,
  options: SessionOptions & { readonly timeout?: number } = {},
): Promise<CheckedResult> {
  const clock = options.clock ?? (() => performance.now());
  const output = { console: '', script: '' };
  const entries = new Map<number, IoctlEntry>();
  const problems: string[] = [];
  const session = await Session.create((event: Event) => {
    if (event.type === 'output') output[event.stream] += event.text;
    else if (event.type === 'ioctls') for (const entry of event.entries) entries.set(entry.seq, entry);
    else if (event.type === 'refused') problems.push(`${event.command}: ${event.message}`);
  }, options);
  const end = clock() + (options.timeout ?? 60_000);
  session.handle({ type: 'load', sandbox, breakpoints: [] });
  if (session.status.state === 'paused') session.handle({ type: 'run' });
  while (session.slice() && clock() < end);
  if (session.status.state === 'running') session.handle({ type: 'stop' });

  const { state, message, instructions } = session.status;
  const seen: Seen = { session, ...output, ioctls: [...entries.values()].sort((a, b) => a.seq - b.seq) };
  const checks = expect.map((expectation) => ({ expectation, ...check(seen, expectation) }));
  return {
    passed: state === 'finished' && problems.length === 0 && checks.every(({ ok }) => ok),
    end: [state, message, ...problems].filter(Boolean).join(': '),
    checks,
    console: output.console,
    script: output.script,
    instructions,
  };
}

/** What is not as it must be, in one line; null: nothing. */
export function failureOf({ passed, end, checks }: CheckedResult): string | null {
  if (passed) return null;
  const missing = checks.filter(({ ok }) => !ok).map(({ text, seen }) => `${text}, but seen: ${seen}`);
  return [end, ...missing].join('; ');
}

function check(seen: Seen, expectation: Expectation): Check {
  switch (expectation.see) {
    case 'output': {
      const text = seen[expectation.stream];
      const what = JSON.stringify(expectation.text);
      return {
        text: `${expectation.stream === 'console' ? 'the guest' : 'the script'} prints ${what}`,
        ok: text.includes(expectation.text),
        seen: JSON.stringify(text.slice(-200)),
      };
    }
    case 'ioctl':
      return checkIoctl(seen, expectation);
    case 'register':
      return checkRegister(seen, expectation);
    case 'stage2':
      return checkStage2(seen, expectation);
    case 'walk':
      return checkWalk(seen, expectation);
  }
}

type Of<S extends Expectation['see']> = Extract<Expectation, { see: S }>;

function checkIoctl(seen: Seen, { name, nth, errno, rule, exit }: Of<'ioctl'>): Check {
  const call = seen.ioctls.filter((entry) => entry.name === name)[nth - 1];
  const wanted = errno === null ? 'is accepted' : `is refused with ${errno}${rule === undefined ? '' : ` by ${rule}`}`;
  const text = `${name}, call ${nth}, ${wanted}${exit === undefined ? '' : ` and comes back with ${exit}`}`;
  const result = call?.result;
  if (!result) return { text, ok: false, seen: call ? 'it has not returned' : 'there was no such call' };
  const ok =
    result.errno === errno &&
    (rule === undefined || result.explanation?.rule === rule) &&
    (exit === undefined || (result.exitText ?? '').startsWith(exit));
  const refusal = result.explanation ? ` (${result.explanation.rule}: ${result.explanation.message})` : '';
  return { text, ok, seen: `${result.errno ?? result.ret}${refusal} ${result.exitText ?? ''}`.trim() };
}

/** Why a view has no answer. */
const why = (view: View): string => (view.view === 'nothing' ? view.why : 'no such view');

function checkRegister(seen: Seen, { name, value }: Of<'register'>): Check {
  const text = `${name} is ${hex(value)}`;
  const { vcpu } = seen.session.status;
  if (!vcpu) return { text, ok: false, seen: 'no vCPU ran' };
  const view = seen.session.query({ view: 'registers', vcpu: vcpu.vcpu });
  if (view.view !== 'registers') return { text, ok: false, seen: why(view) };
  const register = view.groups.flatMap((group) => group.registers).find((each) => each.name === name);
  return { text, ok: register?.value === value, seen: register ? hex(register.value) : 'no such register' };
}

function checkStage2(seen: Seen, { ipa, kind, level }: Of<'stage2'>): Check {
  const at = level === undefined ? '' : ` at level ${level}`;
  const text =
    kind === 'invalid' ? `stage 2 maps nothing at ${hex(ipa)}` : `stage 2 maps ${hex(ipa)} by a ${kind}${at}`;
  const { vcpu } = seen.session.status;
  if (!vcpu) return { text, ok: false, seen: 'no vCPU ran' };
  const expanded: bigint[] = [];
  for (;;) {
    const view = seen.session.query({ view: 'tables', stage: 2, vm: vcpu.vm, expanded });
    if (view.view !== 'tables') return { text, ok: false, seen: why(view) };
    const found = entryFor(view.roots, ipa);
    if (!found) return { text, ok: kind === 'invalid', seen: 'above the tables' };
    if ('total' in found) {
      if (expanded.includes(found.address)) return { text, ok: false, seen: 'a table that can not be read' };
      expanded.push(found.address);
      continue;
    }
    const { entry } = found;
    const ok = entry.kind === kind && (level === undefined || found.level === level);
    return { text, ok, seen: `${entry.kind} at level ${found.level}` };
  }
}

/** The entry that translates an address, or the table that has to be expanded to see it. */
function entryFor(
  roots: readonly TableNode[],
  address: bigint,
): TableNode | { readonly entry: TableEntry; readonly level: number } | null {
  let node = roots.find(({ inputBase, inputSize }) => address >= inputBase && address < inputBase + inputSize);
  while (node) {
    const { level, entries } = node;
    if (!entries) return node;
    const entry = entries.find(({ inputBase, inputSize }) => address >= inputBase && address < inputBase + inputSize);
    if (!entry) return null;
    if (!entry.child) return { entry, level };
    node = entry.child;
  }
  return null;
}

function checkWalk(seen: Seen, { va, ipa, reads, pa, value }: Of<'walk'>): Check {
  const wanted = [
    ...(reads === undefined ? [] : [` after ${reads} reads`]),
    ...(pa === undefined ? [] : [` and a PA from ${hex(pa.from)} to ${hex(pa.below - 1n)}`]),
    ...(value === undefined ? [] : [` where ${hex(value)} is`]),
  ];
  const text = `the walk of ${hex(va)} comes to IPA ${hex(ipa)}${wanted.join('')}`;
  const { vcpu } = seen.session.status;
  if (!vcpu) return { text, ok: false, seen: 'no vCPU ran' };
  const view = seen.session.query({ view: 'walk', vcpu: vcpu.vcpu, va, access: 'read' });
  if (view.view !== 'walk') return { text, ok: false, seen: why(view) };
  const { result, steps } = view;
  if (!result.ok) return { text, ok: false, seen: `${result.fault} ${result.message}` };
  const there = valueAt(seen.session, result.pa);
  const ok =
    result.ipa === ipa &&
    (reads === undefined || steps.length === reads) &&
    (pa === undefined || (result.pa >= pa.from && result.pa < pa.below)) &&
    (value === undefined || there === value);
  const at = `IPA ${hex(result.ipa)}, PA ${hex(result.pa)}`;
  return { text, ok, seen: `${at} after ${steps.length} reads, where ${there === null ? 'no RAM' : hex(there)} is` };
}

/** The 64-bit value at a physical address; null where there is no RAM. */
function valueAt(session: Session, pa: bigint): bigint | null {
  const view = session.query({ view: 'memory', space: 'pa', address: pa, length: 8 });
  if (view.view !== 'memory') return null;
  const run = view.runs[0];
  if (!run || !('data' in run) || run.data.length < 8) return null;
  return new DataView(run.data.buffer, run.data.byteOffset).getBigUint64(0, true);
}
