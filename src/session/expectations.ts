/** What an `Expectation` means: each is answered by the queries that the views ask. */
import type { IoctlEntry, Stage2EventRow, TablesShown, TablesView, VcpuRef, View } from './messages.ts';
import type { Session } from './session.ts';
import type { Expectation, Range } from './types.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const inRange = (value: bigint, { from, below }: Range): boolean => value >= from && value < below;
const rangeText = ({ from, below }: Range): string =>
  below === from + 1n ? hex(from) : `${hex(from)} to ${hex(below - 1n)}`;

export interface Check {
  /** The expectation as a sentence. */
  readonly text: string;
  readonly ok: boolean;
  /** What was seen instead. */
  readonly seen: string;
}

/** What there is to look at. */
export interface Scene {
  readonly session: Session;
  readonly output: { readonly bootlog: string; readonly console: string; readonly script: string };
  readonly ioctls: readonly IoctlEntry[];
}

type See = Expectation['see'];
type Of<S extends See> = Extract<Expectation, { see: S }>;

/** The nth call of an ioctl, from 1. */
export function callOf({ ioctls }: Pick<Scene, 'ioctls'>, name: string, nth: number): IoctlEntry | undefined {
  return ioctls.filter((entry) => entry.name === name)[nth - 1];
}

export function check(scene: Scene, expectation: Expectation): Check {
  const { after } = expectation;
  const { text, ...found } = checkNow(scene, expectation);
  return { ...found, text: after ? `after ${after.ioctl}, call ${after.nth}: ${text}` : text };
}

function checkNow(scene: Scene, expectation: Expectation): Check {
  switch (expectation.see) {
    case 'output':
      return checkOutput(scene, expectation);
    case 'ioctl':
      return checkIoctl(scene, expectation);
    case 'register':
      return checkRegister(scene, expectation);
    case 'start':
      return checkStart(scene, expectation);
    case 'control':
      return checkControl(scene, expectation);
    case 'entry':
      return checkEntry(scene, expectation);
    case 'walk':
      return checkWalk(scene, expectation);
    case 'fault':
      return checkFault(scene, expectation);
    case 'events':
      return checkEvents(scene, expectation);
  }
}

const SPEAKER = { bootlog: "the host's kernel", console: 'the guest', script: 'the script' } as const;

function checkOutput({ output }: Scene, { stream, text }: Of<'output'>): Check {
  const printed = output[stream];
  return {
    text: `${SPEAKER[stream]} prints ${JSON.stringify(text)}`,
    ok: printed.includes(text),
    seen: JSON.stringify(printed.slice(-200)),
  };
}

function checkIoctl(scene: Scene, { name, nth, errno, rule, exit }: Of<'ioctl'>): Check {
  const call = callOf(scene, name, nth);
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

/* ---------------------------------------------------------------- views */

interface Target {
  readonly vm?: number;
  readonly vcpu?: number;
}

/** The vCPU that is meant, by its descriptors; a VM without one has a vcpu of -1. */
function targetOf({ session }: Scene, { vm, vcpu }: Target): VcpuRef | null {
  const { status } = session;
  if (vm === undefined && vcpu === undefined) return status.vcpu;
  const found = vm === undefined ? status.vms.find(({ fd }) => fd === status.vcpu?.vm) : status.vms[vm - 1];
  return found ? { vm: found.fd, vcpu: found.vcpus[(vcpu ?? 1) - 1]?.fd ?? -1 } : null;
}

const whose = ({ vm, vcpu }: Target): string => {
  const named = [...(vm === undefined ? [] : [`VM ${vm}`]), ...(vcpu === undefined ? [] : [`vCPU ${vcpu}`])];
  return named.length > 0 ? `${named.join(', ')}: ` : '';
};

const nobody = (text: string): Check => ({ text, ok: false, seen: 'no such VM or vCPU' });
/** Why a view has no answer. */
const why = (view: View): string => (view.view === 'nothing' ? view.why : 'no such view');

function checkRegister(scene: Scene, expectation: Of<'register'>): Check {
  const { name, value } = expectation;
  const text = `${whose(expectation)}${name} is ${hex(value)}`;
  const target = targetOf(scene, expectation);
  if (!target) return nobody(text);
  const view = scene.session.query({ view: 'registers', vcpu: target.vcpu });
  if (view.view !== 'registers') return { text, ok: false, seen: why(view) };
  const register = view.groups.flatMap((group) => group.registers).find((each) => each.name === name);
  return { text, ok: register?.value === value, seen: register ? hex(register.value) : 'no such register' };
}

function tablesOf(scene: Scene, target: VcpuRef, stage: 1 | 2, shown: Partial<TablesShown> = {}): TablesView | string {
  const rows = { from: 0, count: 1, ...shown };
  const view = scene.session.query(
    stage === 2
      ? { view: 'tables', stage, vm: target.vm, ...rows }
      : { view: 'tables', stage, vcpu: target.vcpu, ...rows },
  );
  return view.view === 'tables' ? view : why(view);
}

function checkStart(scene: Scene, expectation: Of<'start'>): Check {
  const { stage, level, entries } = expectation;
  const text = `${whose(expectation)}stage ${stage} starts at level ${level} in ${entries} entries`;
  const target = targetOf(scene, expectation);
  if (!target) return nobody(text);
  const view = tablesOf(scene, target, stage);
  if (typeof view === 'string') return { text, ok: false, seen: view };
  const root = view.roots[0];
  const ok = root?.level === level && root.total === entries;
  return { text, ok, seen: root ? `level ${root.level}, ${root.total} entries` : 'no table' };
}

function checkControl(scene: Scene, expectation: Of<'control'>): Check {
  const { stage, name, value } = expectation;
  const text = `${whose(expectation)}${name} of stage ${stage} is ${hex(value)}`;
  const target = targetOf(scene, expectation);
  if (!target) return nobody(text);
  const view = tablesOf(scene, target, stage);
  if (typeof view === 'string') return { text, ok: false, seen: view };
  const row = view.control.flatMap((register) => [register, ...register.fields]).find((each) => each.name === name);
  return { text, ok: row?.value === value, seen: row ? hex(row.value) : 'no such register or field' };
}

function checkEntry(scene: Scene, expectation: Of<'entry'>): Check {
  const { stage, address, kind, level, output, bits = [] } = expectation;
  const wanted = [
    ...(output === undefined ? [] : [` to ${rangeText(output)}`]),
    ...bits.map(({ hi, lo, value }) => `, bits ${hi}:${lo} ${hex(value)}`),
  ];
  const at = level === undefined ? '' : ` at level ${level}`;
  const what = kind === 'invalid' ? `maps nothing at ${hex(address)}${at}` : `maps ${hex(address)} by a ${kind}${at}`;
  const text = `${whose(expectation)}stage ${stage} ${what}${wanted.join('')}`;
  const target = targetOf(scene, expectation);
  if (!target) return nobody(text);
  const view = tablesOf(scene, target, stage, { toward: address, ref: { input: address } });
  if (typeof view === 'string') return { text, ok: false, seen: view };
  if (!view.found) return { text, ok: kind === 'invalid', seen: 'not an address of these tables' };
  const { row } = view.found;
  if (!row.entry || row.open) return { text, ok: false, seen: 'a table that can not be read whole' };
  const { entry } = row;
  const ok =
    entry.kind === kind &&
    (level === undefined || row.level === level) &&
    (output === undefined || (entry.output !== null && inRange(entry.output, output))) &&
    bits.every(({ hi, lo, value }) => BigInt.asUintN(hi - lo + 1, entry.value >> BigInt(lo)) === value);
  return { text, ok, seen: `${entry.kind} at level ${row.level}, descriptor ${hex(entry.value)}` };
}

function checkWalk(scene: Scene, expectation: Of<'walk'>): Check {
  const { va, ipa, reads, pa, value } = expectation;
  const wanted = [
    ...(reads === undefined ? [] : [` after ${reads} reads`]),
    ...(pa === undefined ? [] : [` and a PA from ${rangeText(pa)}`]),
    ...(value === undefined ? [] : [` where ${hex(value)} is`]),
  ];
  const text = `${whose(expectation)}the walk of ${hex(va)} comes to IPA ${hex(ipa)}${wanted.join('')}`;
  const target = targetOf(scene, expectation);
  if (!target) return nobody(text);
  const view = scene.session.query({ view: 'walk', vcpu: target.vcpu, va, access: 'read' });
  if (view.view !== 'walk') return { text, ok: false, seen: why(view) };
  const { result, steps } = view;
  if (!result.ok) return { text, ok: false, seen: `${result.fault} ${result.message}` };
  const there = valueAt(scene.session, result.pa);
  const ok =
    result.ipa === ipa &&
    (reads === undefined || steps.length === reads) &&
    (pa === undefined || inRange(result.pa, pa)) &&
    (value === undefined || there === value);
  const at = `IPA ${hex(result.ipa)}, PA ${hex(result.pa)}`;
  return { text, ok, seen: `${at} after ${steps.length} reads, where ${there === null ? 'no RAM' : hex(there)} is` };
}

function checkFault(scene: Scene, expectation: Of<'fault'>): Check {
  const { va, access, fault, reads } = expectation;
  const after = reads === undefined ? '' : ` after ${reads} reads`;
  const text = `${whose(expectation)}the walk of ${hex(va)} for a ${access} ends${after} in a ${fault}`;
  const target = targetOf(scene, expectation);
  if (!target) return nobody(text);
  const view = scene.session.query({ view: 'walk', vcpu: target.vcpu, va, access });
  if (view.view !== 'walk') return { text, ok: false, seen: why(view) };
  const { result, steps } = view;
  const ok = !result.ok && result.fault === fault && (reads === undefined || steps.length === reads);
  return { text, ok, seen: `${result.ok ? `PA ${hex(result.pa)}` : result.fault} after ${steps.length} reads` };
}

function checkEvents(scene: Scene, expectation: Of<'events'>): Check {
  const { address, last } = expectation;
  const wanted = last.map(({ operation, is, tlbi }) => eventText(operation, is, tlbi)).join(', ');
  const text = `${whose(expectation)}the last that KVM did to stage 2 at ${hex(address)} is ${wanted}`;
  const target = targetOf(scene, expectation);
  if (!target) return nobody(text);
  const range = { start: address, end: address + 1n };
  const view = scene.session.query({ view: 'stage2Events', vm: target.vm, from: 'end', count: last.length, range });
  if (view.view !== 'stage2Events') return { text, ok: false, seen: why(view) };
  const { rows } = view;
  const ok =
    rows.length === last.length &&
    last.every(({ operation, is, tlbi }, index) => {
      const row = rows[index]!;
      return (
        row.operation === operation &&
        (is === undefined || row.is === is) &&
        (tlbi === undefined || instructionsOf(row).includes(tlbi))
      );
    });
  return { text, ok, seen: rows.map((row) => eventText(row.operation, row.is, ...instructionsOf(row))).join(', ') };
}

const instructionsOf = ({ steps }: Stage2EventRow): string[] =>
  steps.filter(({ kind }) => kind === 'tlb').map(({ text }) => text.split(',')[0]!);
const eventText = (operation: string, is = '', ...instructions: readonly (string | undefined)[]): string =>
  [operation, is && `to ${is}`, ...instructions].filter(Boolean).join(' ');

/** The 64-bit value at a physical address; null where there is no RAM. */
function valueAt(session: Session, pa: bigint): bigint | null {
  const view = session.query({ view: 'memory', space: 'pa', address: pa, length: 8 });
  if (view.view !== 'memory') return null;
  const run = view.runs[0];
  if (!run || !('data' in run) || run.data.length < 8) return null;
  return new DataView(run.data.buffer, run.data.byteOffset).getBigUint64(0, true);
}
