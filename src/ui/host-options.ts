import type { HostConfig } from '../session/messages.ts';
import { isRecord, readBig, readList, readOneOf } from './storage.ts';

/** The values that each field of a host's configuration can take, as the form offers them. */
export const CPUS = ['max', 'cortex-a53', 'cortex-a57', 'cortex-a72', 'neoverse-n1'] as const;
export const PA_BITS = [32, 36, 40, 42, 44, 48, 52] as const;
export const KERNEL_BITS = [48, 52] as const;
export const GRANULES = ['4K', '16K', '64K'] as const;
export const GICS = ['v3', 'v2'] as const;
export const PSCI_VERSIONS = ['1.1', '1.3'] as const;
export const REG_SCOPES = ['arm64-bit', 'neutral-nibble'] as const;
export const PAGE_SIZES = [4096, 16384, 65536] as const;
export const MODES = ['vhe', 'nvhe', 'protected'] as const;
export const MAX_RAM_RANGES = 16;

/** A configuration from storage or a link; undefined where any part of it is not one. */
export function readHost(value: unknown): HostConfig | undefined {
  if (!isRecord(value)) return undefined;
  const cpu = readOneOf(value['cpu'], CPUS);
  const pageSize = readOneOf(value['pageSize'], PAGE_SIZES);
  const mode = readOneOf(value['mode'], MODES);
  const ram = readList(value['ram'], MAX_RAM_RANGES, (item) => {
    const base = isRecord(item) ? readBig(item['base']) : undefined;
    const size = isRecord(item) ? readBig(item['size']) : undefined;
    return base === undefined || size === undefined ? undefined : { base, size };
  });
  if (cpu === undefined || pageSize === undefined || mode === undefined || ram === undefined) return undefined;
  const paBits = readOneOf(value['paBits'], PA_BITS);
  const { lpa2, lva } = value;
  const kernel = readKernel(value['kernel']);
  const stage1Granules = readGranules(value['stage1Granules']);
  const stage2Granules = readGranules(value['stage2Granules']);
  const gic = readOneOf(value['gic'], GICS);
  const psci = readOneOf(value['psci'], PSCI_VERSIONS);
  const regScope = isRecord(value['proposals']) ? readOneOf(value['proposals']['regScope'], REG_SCOPES) : undefined;
  return {
    cpu,
    pageSize,
    mode,
    ram,
    ...(paBits === undefined ? {} : { paBits }),
    ...(typeof lpa2 === 'boolean' ? { lpa2 } : {}),
    ...(typeof lva === 'boolean' ? { lva } : {}),
    ...(kernel === undefined ? {} : { kernel }),
    ...(stage1Granules === undefined ? {} : { stage1Granules }),
    ...(stage2Granules === undefined ? {} : { stage2Granules }),
    ...(gic === undefined ? {} : { gic }),
    ...(psci === undefined ? {} : { psci }),
    ...(regScope === undefined ? {} : { proposals: { regScope } }),
  };
}

function readKernel(value: unknown): HostConfig['kernel'] {
  if (!isRecord(value)) return undefined;
  const paBits = readOneOf(value['paBits'], KERNEL_BITS);
  const vaBits = readOneOf(value['vaBits'], KERNEL_BITS);
  return paBits === undefined || vaBits === undefined ? undefined : { paBits, vaBits };
}

function readGranules(value: unknown): HostConfig['stage1Granules'] {
  return readList(value, GRANULES.length, (one) => readOneOf(one, GRANULES));
}

export function sameHost(a: HostConfig, b: HostConfig): boolean {
  return (
    a.cpu === b.cpu &&
    a.paBits === b.paBits &&
    a.lpa2 === b.lpa2 &&
    a.lva === b.lva &&
    a.kernel?.paBits === b.kernel?.paBits &&
    a.kernel?.vaBits === b.kernel?.vaBits &&
    a.stage1Granules?.join() === b.stage1Granules?.join() &&
    a.stage2Granules?.join() === b.stage2Granules?.join() &&
    a.gic === b.gic &&
    a.psci === b.psci &&
    a.proposals?.regScope === b.proposals?.regScope &&
    a.pageSize === b.pageSize &&
    a.mode === b.mode &&
    a.ram.length === b.ram.length &&
    a.ram.every((range, index) => range.base === b.ram[index]!.base && range.size === b.ram[index]!.size)
  );
}
