/**
 * Records what binutils say of A64, for src/isa/a64/vectors.
 *   node scripts/a64-vectors.js
 * `disassembly.json.gz`: words of every row with objdump's text. `programs.json.gz`: the bytes that as and ld make of the .s files
 * beside it. Needs aarch64-linux-gnu-as, -ld, -objcopy and -objdump (2.40).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runnerImport } from 'vite';

const WORDS_A_ROW = 5;
const ORIGIN = 0x40080000;
const VECTORS = 'src/isa/a64/vectors';

const { A64 } = (await runnerImport('/src/isa/a64/table.ts')).module;
const scratch = mkdtempSync(join(tmpdir(), 'a64-'));
const tool = (name, args) => execFileSync(`aarch64-linux-gnu-${name}`, args, { maxBuffer: 1 << 28 }).toString();

/** Not random for security: the same words each time. */
let state = 1;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state ^ (state >>> 15)) >>> 0;
}

/** Each row's fields are random, with all ones, all zeros and single bits more often than chance would have them. */
function wordOf({ mask, value, should, fields }) {
  let word = value | should;
  for (const { lo, width } of fields) {
    const ones = 2 ** width - 1;
    const kind = random() % 8;
    const bits = kind === 0 ? ones : kind === 1 ? 0 : kind === 2 ? 1 << (random() % width) : random() & ones;
    word |= bits << lo;
  }
  return ((word & ~mask) | value) >>> 0;
}

function recordDisassembly() {
  const words = A64.rows.flatMap(({ diagram }) => {
    const list = Array.from({ length: WORDS_A_ROW * 8 }, () => wordOf(diagram)).filter((word) => A64.decode(word));
    return list.slice(0, WORDS_A_ROW);
  });
  const file = join(scratch, 'words.bin');
  writeFileSync(file, Buffer.from(Uint32Array.from(words).buffer));
  const text = tool('objdump', ['-D', '-z', '-b', 'binary', '-m', 'aarch64', `--adjust-vma=${ORIGIN}`, file]);
  const lines = [...text.matchAll(/^ *[0-9a-f]+:\t([0-9a-f]{8}) ?\t(.*)$/gm)];
  if (lines.length !== words.length) throw new Error(`objdump prints ${lines.length} of ${words.length} words`);
  return { origin: ORIGIN, words: lines.map(([, word, printed]) => [word, printed.trimEnd()]) };
}

function recordProgram(name) {
  const object = join(scratch, 'program.o');
  const script = join(scratch, 'program.ld');
  const elf = join(scratch, 'program.elf');
  const image = join(scratch, 'program.bin');
  tool('as', ['-march=armv8.5-a+fp16+sha3+sm4+crypto+i8mm', join(VECTORS, name), '-o', object]);
  writeFileSync(script, `SECTIONS { . = ${ORIGIN}; .text : { *(.text) } .data : ALIGN(8) { *(.data) } }`);
  tool('ld', ['-T', script, object, '-o', elf]);
  tool('objcopy', ['-O', 'binary', '-j', '.text', '-j', '.data', elf, image]);
  return { name, origin: ORIGIN, hex: readFileSync(image).toString('hex') };
}

const record = (name, value) => writeFileSync(join(VECTORS, name), gzipSync(JSON.stringify(value), { level: 9 }));
record('disassembly.json.gz', recordDisassembly());
const programs = readdirSync(VECTORS).filter((name) => name.endsWith('.s'));
record('programs.json.gz', programs.map(recordProgram));
rmSync(scratch, { recursive: true });
