import type { AddressSpace as SpaceName, MemoryView, Query } from '../messages.ts';
import type { Inspected, Nothing } from './inspected.ts';
import { nothing } from './inspected.ts';
import { locateHva, locateIpa, locateVa, type Located } from './locate.ts';

/** Where the byte at an address of the space lies; null where the space is not there (no such VM or vCPU). */
export type Locator = (address: bigint) => Located;

export function locatorOf(
  inspected: Inspected,
  space: SpaceName,
  vmFd: number | undefined,
  vcpuFd: number | undefined,
): Locator | Nothing {
  const { memory, process } = inspected;
  if (space === 'pa') {
    return (address) =>
      address < 2n ** 52n && memory.offset(Number(address)) >= 0
        ? {
            ok: true,
            pa: Number(address),
            length: memory.pages.pageSize - Number(address % BigInt(memory.pages.pageSize)),
          }
        : {
            ok: false,
            missing: 'no RAM',
            length: memory.pages.pageSize - Number(address % BigInt(memory.pages.pageSize)),
          };
  }
  if (space === 'hva') return (address) => locateHva(process, address, memory.pages.pageSize);
  if (space === 'ipa') {
    const vm = vmFd === undefined ? null : inspected.vm(vmFd);
    return vm ? (address) => locateIpa(vm, process, address) : nothing('there is no such VM');
  }
  const vcpu = vcpuFd === undefined ? null : inspected.vcpu(vcpuFd);
  return vcpu ? (address) => locateVa(memory, vcpu, process, address) : nothing('there is no such vCPU');
}

type MemoryQuery = Extract<Query, { view: 'memory' }>;
type Run = MemoryView['runs'][number];

export function memoryView(inspected: Inspected, query: MemoryQuery): MemoryView | Nothing {
  const locate = locatorOf(inspected, query.space, query.vm, query.vcpu);
  if (typeof locate !== 'function') return locate;
  const runs: Run[] = [];
  for (let offset = 0; offset < query.length;) {
    const address = query.address + BigInt(offset);
    if (address >= 1n << 64n) {
      runs.push({ offset, length: query.length - offset, missing: 'above 2^64' });
      break;
    }
    const found = locate(address);
    const length = Math.min(found.length, query.length - offset);
    const data = found.ok ? inspected.memory.readBytes(found.pa, length) : null;
    if (data) append(runs, offset, data);
    else {
      const why = found.ok ? 'no RAM' : found.missing;
      const last = runs.at(-1);
      if (last && 'missing' in last && last.missing === why)
        runs[runs.length - 1] = { ...last, length: last.length + length };
      else runs.push({ offset, length, missing: why });
    }
    offset += length;
  }
  return { view: 'memory', address: query.address, runs };
}

/** Pages that follow each other are one run. */
function append(runs: Run[], offset: number, data: Uint8Array): void {
  const last = runs.at(-1);
  if (!last || !('data' in last)) {
    runs.push({ offset, data });
    return;
  }
  const joined = new Uint8Array(last.data.length + data.length);
  joined.set(last.data);
  joined.set(data, last.data.length);
  runs[runs.length - 1] = { offset: last.offset, data: joined };
}
