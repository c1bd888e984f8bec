/** Runs an image of kernels/a64 on the machine, to its SYSTEM_OFF. Knows neither Node nor a page. */
import { Machine } from '../src/machine/machine.ts';
import { A64_ORIGIN } from './image.ts';

const RAM = { base: 0x4000_0000, size: 0x0800_0000 };
/** RAM where the image finds QEMU's UART: what it prints is for QEMU. */
const UART = { base: 0x0900_0000, size: 0x1_0000 };
const HCR_RW = 1n << 31n;
const HVC = 0x16;
const SYSTEM_OFF = 0x8400_0008;
const SLICE = 5_000_000;

/** Off: the interpreter alone. `uncounted`: the compiler without exact counts. */
export type Jit = 'on' | 'off' | 'uncounted';

export interface RunOptions {
  /** Seconds since the process or the worker began. */
  readonly clock: () => number;
  readonly jit: Jit;
}

export interface GuestResult {
  readonly checksum: number;
  readonly instructions: number;
  /** What the clock showed when the machine stood; seconds from there to SYSTEM_OFF. */
  readonly startup: number;
  readonly running: number;
  /** What was compiled: regions, guest instructions in them, bytes of WebAssembly; seconds by the wall, V8's own work left out. */
  readonly regions: number;
  readonly compiledInstructions: number;
  readonly compiledBytes: number;
  readonly compiling: number;
}

/** Throws where the guest stops otherwise than by SYSTEM_OFF. */
export function runImage(image: Uint8Array, { clock, jit }: RunOptions): GuestResult {
  const options = { clock: () => performance.now(), counting: jit === 'on' };
  const engine = { jit: jit === 'off' ? (false as const) : options };
  const machine = new Machine({ cpu: 'cortex-a57', pageSize: 4096, ram: [UART, RAM], engine });
  const { cpu, memory } = machine;
  const ready = clock();
  memory.writeBytes(A64_ORIGIN, image);
  cpu.state.pc = BigInt(A64_ORIGIN);
  cpu.el2.HCR_EL2 = HCR_RW;
  for (;;) {
    const stop = cpu.run(SLICE);
    if (stop.why === 'budget') continue;
    if (stop.why === 'trap' && stop.esr >>> 26 === HVC && cpu.state.xLow(0) >>> 0 === SYSTEM_OFF) break;
    throw new Error(`the guest stopped at 0x${cpu.state.pc.toString(16)}: ${describe(stop)}`);
  }
  if (cpu.state.xLow(3) !== 0) {
    throw new Error(`an exception at 0x${cpu.state.x(2).toString(16)}: ESR 0x${cpu.state.x(3).toString(16)}`);
  }
  const { statistics } = machine.engine;
  return {
    checksum: cpu.state.xLow(2) >>> 0,
    instructions: machine.instructions,
    startup: ready,
    running: clock() - ready,
    regions: statistics?.compiled.regions ?? 0,
    compiledInstructions: statistics?.compiled.instructions ?? 0,
    compiledBytes: statistics?.compiled.bytes ?? 0,
    compiling: (statistics?.milliseconds ?? 0) / 1000,
  };
}

function describe(stop: object): string {
  return JSON.stringify(stop, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
}
