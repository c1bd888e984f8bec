/** Guests in assembly that run alike here and on QEMU's system emulation: `guests/prelude.s` says what they log. */
import { assemble } from '../../isa/a64/assembler.ts';
import { HCR } from '../el2.ts';
import { Machine } from '../machine.ts';

export const GUESTS = ['pauth', 'bti', 'debug', 'exceptions'] as const;
export const ORIGIN = 0x4020_0000;
const LOG = 0x4040_0000;
const RAM = { base: 0x4000_0000, size: 0x80_0000 };
const LOG_REGISTER = 29;
/** None needs as many. */
const BUDGET = 4_000_000;

export interface Image {
  readonly bytes: Uint8Array;
  readonly finish: bigint;
}

export function buildGuest(prelude: string, source: string): Image {
  const { bytes, symbols, errors } = assemble(`${prelude}\n${source}`, { origin: BigInt(ORIGIN) });
  const finish = symbols.get('finish');
  if (errors.length > 0 || finish === undefined)
    throw new Error(
      errors
        .slice(0, 8)
        .map(({ line, message }) => `${line}: ${message}`)
        .join('\n'),
    );
  return { bytes, finish };
}

/** The log of a guest that came to its end here; throws where it did not. */
export function logHere({ bytes, finish }: Image): bigint[] {
  const { memory, cpu } = new Machine({ cpu: 'max', ram: [RAM], pageSize: 4096 });
  memory.writeBytes(ORIGIN, bytes);
  cpu.el2.HCR_EL2 = HCR.RW | HCR.API | HCR.APK;
  cpu.el2.CNTHCTL_EL2 = 3n;
  cpu.state.pc = BigInt(ORIGIN);
  cpu.setBreakpoints([finish]);
  const stop = cpu.run(BUDGET);
  if (stop.why !== 'breakpoint') {
    const how = Object.entries(stop).map(
      ([name, value]) => `${name} ${typeof value === 'string' ? value : value.toString(16)}`,
    );
    throw new Error(`${how.join(', ')}: pc ${cpu.state.pc.toString(16)}`);
  }
  const end = Number(cpu.state.x(LOG_REGISTER));
  return Array.from({ length: (end - LOG) / 8 }, (_, index) => memory.read64(LOG + 8 * index));
}
