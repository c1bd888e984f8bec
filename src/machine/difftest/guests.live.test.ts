/**
 * Guests here and on QEMU's system emulation: the same code logs the same. Runs where STAGE2_DIFFTEST_GUESTS names some of
 * them, or `all`; STAGE2_DIFFTEST_RECORD=1 writes what QEMU logged to recorded-guests.json.gz, which guests.test.ts compares
 * with. Needs qemu-system-aarch64.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { buildGuest, GUESTS, logHere, ORIGIN, type Image } from './guests.ts';

const asked = process.env['STAGE2_DIFFTEST_GUESTS'] ?? '';
const record = process.env['STAGE2_DIFFTEST_RECORD'] === '1';
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const source = (name: string) => readFileSync(path(`guests/${name}.s`), 'utf8');

function logOfQemu({ bytes }: Image): bigint[] {
  const folder = mkdtempSync(join(tmpdir(), 'stage2-guest-'));
  try {
    writeFileSync(join(folder, 'guest.bin'), bytes);
    const machine = ['-M', 'virt', '-cpu', 'max', '-m', '64', '-display', 'none', '-semihosting'];
    const loader = `loader,file=guest.bin,addr=0x${ORIGIN.toString(16)},cpu-num=0,force-raw=on`;
    execFileSync('qemu-system-aarch64', [...machine, '-device', loader], { cwd: folder, timeout: 30_000 });
    const out = readFileSync(join(folder, 'out.bin'));
    return Array.from({ length: out.length / 8 }, (_, index) => out.readBigUInt64LE(8 * index));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const chosen = GUESTS.filter((name) => asked === 'all' || asked.split(',').includes(name));
const logs: Record<string, string> = {};

test.skipIf(chosen.length === 0).each(chosen)('%s logs what it logs on QEMU', (name) => {
  const image = buildGuest(source('prelude'), source(name));
  const theirs = logOfQemu(image);
  const text = (log: readonly bigint[]) => log.map((value) => value.toString(16));
  expect(theirs.length).toBeGreaterThan(0);
  expect(text(logHere(image))).toEqual(text(theirs));
  logs[name] = text(theirs).join(' ');
});

test.skipIf(!record)('and that is kept', () => {
  expect(Object.keys(logs)).toEqual([...GUESTS]);
  const kept = { judge: 'qemu-system-aarch64 7.2.22, -cpu max', logs };
  writeFileSync(path('recorded-guests.json.gz'), gzipSync(JSON.stringify(kept), { level: 9 }));
});
