/**
 * The walker against QEMU's system emulation: AT on random tables, both stages. Runs where STAGE2_DIFFTEST_AT says how many
 * cases (of 36 translations each); STAGE2_DIFFTEST_SEED chooses others, STAGE2_DIFFTEST_CPU another CPU of QEMU's,
 * STAGE2_DIFFTEST_RECORD writes the answers for replay.test.ts. Needs qemu-system-aarch64 and aarch64-linux-gnu-gcc.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { featuresOf, type IdRegister, type IdRegisters } from '../features.ts';
import { answers } from './answer.ts';
import { encodeCases, makeCase, type Case } from './cases.ts';
import { compare } from './compare.ts';

const count = Number(process.env['STAGE2_DIFFTEST_AT'] ?? 0);
const cpu = process.env['STAGE2_DIFFTEST_CPU'] ?? 'max';
const seed = Number(process.env['STAGE2_DIFFTEST_SEED'] ?? 1);
const recordTo = process.env['STAGE2_DIFFTEST_RECORD'];
const source = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What the probe tells first. */
const ID = [
  'ID_AA64MMFR0_EL1',
  'ID_AA64MMFR1_EL1',
  'ID_AA64MMFR2_EL1',
  'ID_AA64PFR1_EL1',
] as const satisfies IdRegister[];
const identified = (answers: BigUint64Array): IdRegisters =>
  Object.fromEntries(ID.map((name, index) => [name, answers[index]!]));

function judge(cases: readonly Case[]): BigUint64Array {
  const folder = mkdtempSync(join(tmpdir(), 'stage2-at-'));
  const inFolder = { cwd: folder, timeout: 120_000 };
  try {
    const flags = [
      '-O1',
      '-ffreestanding',
      '-nostdlib',
      '-static',
      '-fno-pie',
      '-no-pie',
      '-march=armv8.4-a',
      '-mgeneral-regs-only',
    ];
    const link = ['-Wl,-Ttext=0x40200000', '-Wl,--build-id=none'];
    execFileSync(
      'aarch64-linux-gnu-gcc',
      [...flags, ...link, source('start.S'), source('probe.c'), '-o', 'probe.elf'],
      inFolder,
    );
    execFileSync(
      'aarch64-linux-gnu-objcopy',
      ['-O', 'binary', '-j', '.text', '-j', '.rodata', 'probe.elf', 'probe.bin'],
      inFolder,
    );
    writeFileSync(join(folder, 'in.bin'), encodeCases(cases));
    const machine = [
      '-M',
      'virt,virtualization=on,gic-version=3',
      '-cpu',
      cpu,
      '-m',
      '1024',
      '-nographic',
      '-semihosting',
    ];
    const load = (file: string, at: string) => ['-device', `loader,file=${file},addr=${at},force-raw=on`];
    const program = load('probe.bin', '0x40200000,cpu-num=0');
    execFileSync('qemu-system-aarch64', [...machine, ...program, ...load('in.bin', '0x60000000')], inFolder);
    const out = readFileSync(join(folder, 'out.bin'));
    return new BigUint64Array(out.buffer.slice(out.byteOffset, out.byteOffset + out.byteLength));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.skipIf(count === 0)(
  'AT answers as QEMU does',
  () => {
    const id = identified(judge([]));
    const features = featuresOf(id);
    const cases = Array.from({ length: count }, (_, number) => makeCase(seed, number, undefined, features));
    const theirs = judge(cases).slice(ID.length);
    const { compared, different } = compare(cases, answers(cases, features), theirs);
    process.stdout.write(`${cpu}: ${compared} of ${theirs.length - cases.length} translations compared\n`);
    expect(different).toEqual([]);
    expect(compared).toBeGreaterThan(theirs.length * 0.75);
    if (recordTo) {
      const record = {
        judge: `qemu-system-aarch64 7.2.22, -cpu ${cpu}`,
        id: Object.fromEntries(Object.entries(id).map(([name, value]) => [name, value.toString(16)])),
        seed,
        cases: count,
        answers: [...theirs].map((par) => par.toString(16)).join(' '),
      };
      const others = readRecords(recordTo).filter(({ judge: other }) => other !== record.judge);
      writeFileSync(recordTo, `${JSON.stringify([...others, record], null, 2)}\n`);
    }
  },
  180_000,
);

function readRecords(path: string): { readonly judge: string }[] {
  return JSON.parse(readFileSync(path, 'utf8')) as { judge: string }[];
}
