import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { buildGuest, GUESTS, logHere } from './guests.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const source = (name: string) => readFileSync(path(`guests/${name}.s`), 'utf8');
/** Recorded by guests.live.test.ts. */
const recorded: unknown = JSON.parse(gunzipSync(readFileSync(path('recorded-guests.json.gz'))).toString());

function logOf(name: string): string[] {
  const logs: unknown = recorded !== null && typeof recorded === 'object' && 'logs' in recorded ? recorded.logs : null;
  const entry = logs !== null && typeof logs === 'object' ? Object.entries(logs).find(([key]) => key === name) : null;
  return String(entry?.[1]).split(' ');
}

test.each(GUESTS)('%s logs what it was recorded to log on QEMU', (name) => {
  const log = logHere(buildGuest(source('prelude'), source(name)));
  expect(log.map((value) => value.toString(16))).toEqual(logOf(name));
});
