/** Prints what README.md says, for `npm run bench`. */
import { readFileSync } from 'node:fs';
import { Engine, ENGINE_BYTES, type Exit } from '../src/engine/engine.ts';
import { KERNELS, runKernel } from './kernels/kernels.ts';

const RAM_BYTES = 16 << 20;
const PROGRAM = 0x400000;
const STACK = 0xf00000;
const ROUNDS = 5;
const STEPS = 1_000_000;

/** Runs a kernel on the engine, guest addresses being offsets in RAM; answers its checksum and the instructions it took. */
function runGuest(engine: Engine, kernel: number, times: number): { checksum: number; instructions: number } {
  const { state } = engine;
  state.setX(0, BigInt(kernel));
  state.setX(1, BigInt(times));
  state.setSp(state.level, BigInt(STACK));
  state.pc = BigInt(PROGRAM);
  let instructions = 0;
  for (;;) {
    const exit: Exit = engine.run(50_000_000);
    instructions += engine.executed;
    if (exit.kind === 'budget') continue;
    if (exit.kind === 'exception' && exit.cause === 'hlt') return { checksum: state.xLow(0), instructions };
    if (exit.kind !== 'miss' || exit.hi !== 0 || exit.lo >= RAM_BYTES) throw new Error(JSON.stringify(exit));
    engine.tlb.fill(exit.access, exit.lo, exit.hi, ENGINE_BYTES + exit.lo);
  }
}

function seconds<T>(work: () => T): { time: number; result: T } {
  const start = performance.now();
  const result = work();
  return { time: (performance.now() - start) / 1000, result };
}

function best<T>(work: () => T): { time: number; result: T } {
  return Array.from({ length: ROUNDS }, () => seconds(work)).reduce((a, b) => (b.time < a.time ? b : a));
}

const memory = new WebAssembly.Memory({ initial: (ENGINE_BYTES + RAM_BYTES) / 0x10000 });
const program = readFileSync(new URL('kernels/kernels.bin', new URL(process.argv[2] ?? '', 'file:///')));

const started = seconds(() => new Engine(memory));
const engine = started.result;
console.log(`interpreter generated and compiled: ${(started.time * 1000).toFixed(0)} ms\n`);
console.log('kernel   guest instructions   MIPS   time / the same in TypeScript');
KERNELS.forEach(({ name, times }, index) => {
  const guest = best(() => {
    const ram = new Uint8Array(memory.buffer, ENGINE_BYTES, RAM_BYTES);
    ram.fill(0);
    ram.set(program, PROGRAM);
    engine.written(ENGINE_BYTES, RAM_BYTES);
    return runGuest(engine, index, times);
  });
  const host = best(() => runKernel(index, times));
  if (guest.result.checksum !== host.result) {
    throw new Error(`${name}: the guest's checksum is ${guest.result.checksum}, it should be ${host.result}`);
  }
  const mips = guest.result.instructions / guest.time / 1e6;
  console.log(
    `${name.padEnd(8)} ${String(guest.result.instructions).padStart(18)}  ${mips.toFixed(0).padStart(5)}   ${(guest.time / host.time).toFixed(1)}`,
  );
});

const stepping = best(() => {
  for (let i = 0; i < STEPS; i++) {
    const exit = engine.run(1);
    if (exit.kind !== 'budget') engine.state.pc = BigInt(PROGRAM);
  }
});
console.log(`\nsingle steps: ${(STEPS / stepping.time / 1e6).toFixed(1)} million/s`);
