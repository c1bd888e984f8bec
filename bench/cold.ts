/**
 * A large program that is run once, or a few times: thousands of different functions, made at random but always the same.
 * The image's kernel LOADED_KERNEL calls it.
 */
import { assemble } from '../src/isa/a64/assembler.ts';
import { A64_ORIGIN } from './image.ts';

/** As kernels/loaded.c has it: LOADED. */
const LOADED = 0x4030_0000;
const MODULES = 2500;
const FUNCTIONS = 8;
/** Modules that are random; the others are these with other constants. */
const PATTERNS = 100;
/** In each function one `movz` of this constant, which each module has of its own. */
const CONSTANT = 0xbeef;
const MOVZ_CONSTANT = 0x5280_0009 | (CONSTANT << 5);

export interface ColdProgram {
  readonly functions: number;
  readonly instructions: number;
  /** To be placed at the image's end. */
  readonly image: Uint8Array;
}

/** `image`: a64.bin with its parameters. */
export function withColdProgram(image: Uint8Array): ColdProgram {
  const random = xorshift(0x2545_f491);
  const patterns = Array.from({ length: PATTERNS }, () => assembled(moduleSource(random), 0));
  const modules = Array.from({ length: MODULES }, (_, n) => patterns[n % PATTERNS]!.slice());
  for (const words of modules) {
    words.forEach((word, at) => {
      if (word === MOVZ_CONSTANT) words[at] = 0x5280_0009 | ((random() & 0xffff) << 5);
    });
  }
  // The list of calls comes first and has a word for each module, the prologue and the epilogue four.
  let address = LOADED + 4 * (MODULES + 4);
  const calls = modules.map((words) => {
    const call = `bl ${address}`;
    address += 4 * words.length;
    return call;
  });
  const list = ['stp x29, x30, [sp, #-16]!', 'mov x29, sp', ...calls, 'ldp x29, x30, [sp], #16', 'ret'];
  const words = [...assembled(list.join('\n'), LOADED), ...modules.flatMap((module) => [...module])];
  const whole = new Uint8Array(LOADED - A64_ORIGIN + 4 * words.length);
  whole.set(image);
  whole.set(new Uint8Array(Uint32Array.from(words).buffer), LOADED - A64_ORIGIN);
  return { functions: MODULES * FUNCTIONS, instructions: words.length, image: whole };
}

function assembled(source: string, origin: number): Uint32Array {
  const { bytes, errors } = assemble(source, { origin: BigInt(origin) });
  const [error] = errors;
  if (error) throw new Error(`the cold program's line ${error.line}: ${error.message}`);
  return new Uint32Array(bytes.slice().buffer);
}

/** Functions of W0 and the 4 KiB at X1 to W0, and before them one that calls them all. */
function moduleSource(random: () => number): string {
  const all = Array.from({ length: FUNCTIONS }, (_, n) => functionSource(`f${n}`, random));
  const calls = all.map((_, n) => `bl f${n}`);
  return ['stp x29, x30, [sp, #-16]!', ...calls, 'ldp x29, x30, [sp], #16', 'ret', ...all].join('\n');
}

function functionSource(name: string, random: () => number): string {
  const lines = [`${name}: stp x29, x30, [sp, #-32]!`, 'str x19, [sp, #16]', 'mov w19, w0', `movz w9, #${CONSTANT}`];
  for (let n = 10; n < 16; n++) lines.push(`eor w${n}, w${n - 1}, w0, lsl #${n - 8}`);
  const blocks = 2 + (random() % 5);
  for (let block = 0; block < blocks; block++) {
    const label = `${name}_${block}`;
    const kind = random() % 4;
    if (kind === 0)
      lines.push(
        `mov w8, #${1 + (random() % 4)}`,
        `${label}:`,
        ...straight(random),
        'subs w8, w8, #1',
        `b.ne ${label}`,
      );
    else if (kind === 1)
      lines.push(`tbz w${register(random)}, #${random() % 32}, ${label}`, ...straight(random), `${label}:`);
    else
      lines.push(
        `cmp w${register(random)}, w${register(random)}`,
        `b.${condition(random)} ${label}`,
        ...straight(random),
        `${label}:`,
      );
  }
  lines.push('eor w0, w19, w15', 'add w0, w0, w9', 'ldr x19, [sp, #16]', 'ldp x29, x30, [sp], #32', 'ret');
  return lines.join('\n');
}

function straight(random: () => number): string[] {
  return Array.from({ length: 3 + (random() % 8) }, () => {
    const form = FORMS[random() % FORMS.length]!;
    return form(`w${register(random)}`, `w${register(random)}`, `w${register(random)}`, random());
  });
}

const FORMS: readonly ((d: string, n: string, m: string, r: number) => string)[] = [
  (d, n, m) => `add ${d}, ${n}, ${m}`,
  (d, n, m, r) => `eor ${d}, ${n}, ${m}, ror #${r % 32}`,
  (d, n, m) => `sub ${d}, ${n}, ${m}`,
  (d, n, m) => `madd ${d}, ${n}, ${m}, ${d}`,
  (d, n, _m, r) => `add ${d}, ${n}, #${r % 4096}`,
  (d, n, _m, r) => `ubfx ${d}, ${n}, #${r % 16}, #${1 + ((r >>> 8) % 16)}`,
  (d, n, m) => `lsl ${d}, ${n}, ${m}`,
  (d, n, m, r) => `csel ${d}, ${n}, ${m}, ${CONDITIONS[r % CONDITIONS.length]!}`,
  (d, _n, _m, r) => `ldr ${d}, [x1, #${4 * (r % 1024)}]`,
  (d, _n, _m, r) => `ldrh ${d}, [x1, #${2 * (r % 2048)}]`,
  (d, _n, _m, r) => `str ${d}, [x1, #${4 * (r % 1024)}]`,
  (d, _n, _m, r) => `strb ${d}, [x1, #${r % 4096}]`,
];
const CONDITIONS = ['eq', 'ne', 'hi', 'ls', 'ge', 'lt', 'gt', 'le'] as const;

const register = (random: () => number) => 9 + (random() % 7);
const condition = (random: () => number) => CONDITIONS[random() % CONDITIONS.length]!;

function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
