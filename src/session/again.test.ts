import { expect, it } from 'vitest';
import { ENGINE_BYTES } from '../engine/engine.ts';
import { labByName } from '../labs/index.ts';
import { combinationByKey } from '../labs/matrix/axes.ts';
import { sandboxOf } from '../labs/matrix/sandbox.ts';
import { PhysicalMemory } from '../machine/memory.ts';
import { Checker, runChecked } from './checked.ts';
import { Session } from './session.ts';
import type { CheckedSandbox } from './types.ts';

const combination = sandboxOf(combinationByKey('lpa2-52-vhe-16K-52-52-high-4K-52-52-high')!);
const SANDBOXES: readonly CheckedSandbox[] = [
  combination,
  ...['hello', 'two-stages', 'hello'].map((name) => labByName(name)!),
  combination,
];

/** The memory that the next host of these gets if it has the size. */
function memoryFor({ sandbox: { host } }: CheckedSandbox): PhysicalMemory {
  const ram = host.ram.map(({ base, size }) => ({ base: Number(base), size: Number(size) }));
  return new PhysicalMemory({ reserved: ENGINE_BYTES, ram, pageSize: host.pageSize });
}

/** In a session, and a memory, that nobody had before. */
function alone(checked: CheckedSandbox) {
  new PhysicalMemory({ reserved: 0, ram: [{ base: 0, size: 65536 }], pageSize: 4096 });
  return runChecked(checked);
}

it('one sandbox after the other in a session comes to the same as each in its own', async () => {
  const checker = await Checker.create();
  for (const checked of SANDBOXES) {
    const result = checker.run(checked);
    expect(result.passed, result.end).toBe(true);
    expect(result).toEqual(await alone(checked));
  }
});

it('what the engine’s part of a memory holds at first makes no difference', async () => {
  const expected = await alone(combination);
  const checker = await Checker.create();
  for (const byte of [0xff, 0x01, 0x80]) {
    const memory = memoryFor(combination);
    new Uint8Array(memory.memory.buffer, 0, ENGINE_BYTES).fill(byte);
    memory.release();
    expect(checker.run(combination)).toEqual(expected);
  }
});

it('a guest that writes through an edited descriptor leaves nothing to the next host', async () => {
  const session = await Session.create(() => undefined);
  const { sandbox } = labByName('two-stages')!;
  const host = { ...sandbox.host, ram: [{ base: 0x8000_0000n, size: 0x200_0000n }] };
  const script = combination.sandbox.script.replace(/^const LOAD = .*$/m, 'const LOAD = 0x4000_0000n;');
  const guest = `        mov     x3, #1
        add     x0, x0, #0x10000
loop:   str     x3, [x0]
        add     x3, x3, #1
        b       loop
`;
  const load = () => session.handle({ type: 'load', sandbox: { host, script, guest }, breakpoints: [] });
  const steps = (count: number) => {
    for (let step = 0; step < count; step++) {
      session.handle({ type: 'stepInstruction' });
      while (session.slice());
    }
  };
  /** The last page of RAM, which the allocator, lowest first, has not handed out. */
  const LAST = 0x81ff_f000n;
  const last = () => {
    const view = session.query({ view: 'memory', space: 'pa', address: LAST, length: 4096 });
    if (view.view !== 'memory') throw new Error('no memory');
    return view.runs.flatMap((run) => ('data' in run ? [...run.data] : []));
  };

  load();
  steps(10);
  const walk = session.query({ view: 'walk', vcpu: session.status.vcpu!.vcpu, va: 0x4001_0000n, access: 'write' });
  const leaf = walk.view === 'walk' ? walk.steps.at(-1)! : null;
  const output = 0x0000_ffff_ffff_f000n;
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, (leaf!.value & ~output) | LAST, true);
  session.handle({ type: 'poke', space: 'pa', address: leaf!.descriptorPa, data });
  steps(6);
  expect(last().some((byte) => byte !== 0)).toBe(true);
  load();
  expect(session.status.state).toBe('paused');
  expect(last()).toEqual(Array.from({ length: 4096 }, () => 0));
});

it('a host whose tables were overwritten goes like any other', async () => {
  const session = await Session.create(() => undefined);
  const { sandbox } = combination;
  const load = () => session.handle({ type: 'load', sandbox, breakpoints: [] });
  load();
  session.handle({ type: 'run' });
  while (session.slice());
  const [bank] = sandbox.host.ram;
  for (let offset = 0n; offset < 0x20_0000n; offset += 4096n) {
    const data = new Uint8Array(4096).fill(0x5b);
    session.handle({ type: 'poke', space: 'pa', address: bank!.base + offset, data });
  }
  load();
  expect(session.status).toMatchObject({ state: 'paused', message: null });
  session.handle({ type: 'run' });
  while (session.slice());
  expect(session.status.state).toBe('finished');
});
