import { describe, expect, it } from 'vitest';
import { USUAL_HOST } from '../labs/host.ts';
import { readCommand } from '../session/commands.ts';
import type { HostConfig } from '../session/messages.ts';
import { readHost, sameHost } from './host-options.ts';

const OPTIONS: readonly Partial<HostConfig>[] = [
  { cpu: 'cortex-a53', mode: 'nvhe' },
  { paBits: 40 },
  { lpa2: false },
  { lva: true },
  { stage1Granules: ['4K', '64K'] },
  { stage2Granules: ['16K'] },
  { gic: 'v2' },
  { psci: '1.3' },
  { proposals: { regScope: 'neutral-nibble' } },
  { kernel: { paBits: 48, vaBits: 48 } },
  { pageSize: 65536 },
  { ram: [{ base: 1n << 40n, size: 1n << 24n }] },
];

const hex = (value: bigint): string => `0x${value.toString(16)}`;

describe('an option of the host', () => {
  it.each(OPTIONS)('%o is kept by a link, told apart in the form, and read by the worker', (option) => {
    const host: HostConfig = { ...USUAL_HOST, ...option };
    const stored = { ...host, ram: host.ram.map(({ base, size }) => ({ base: hex(base), size: hex(size) })) };
    expect(readHost(stored)).toEqual(host);
    expect([sameHost(host, host), sameHost(host, USUAL_HOST)]).toEqual([true, false]);
    const load = { type: 'load', sandbox: { host, script: '', guest: '' }, breakpoints: [] };
    expect(readCommand(load)).toMatchObject({ command: { sandbox: { host } } });
  });
});
