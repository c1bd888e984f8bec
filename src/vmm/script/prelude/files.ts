/** System calls of memory and of descriptors, beside ioctl. */
import { addressNumber, answered, integer, SystemError, wanted } from './errors.ts';
import { api, host, type Integer, type Refused } from './host.ts';
import { Memory } from './memory.ts';
import { bytesOf, exactBuffer } from './scalars.ts';

interface MmapOptions {
  readonly prot?: Integer;
  readonly flags?: Integer;
  readonly address?: Integer;
}

const constant = (name: string): number => api.constants[name]!;

/** A descriptor's pages as they are, or with an fd of -1 anonymous memory. */
export function mmap(fd: unknown, length: unknown, offset: unknown = 0, options: MmapOptions = {}): Memory {
  const size = integer('length', length);
  const descriptor = integer('fd', fd);
  const usual = descriptor === -1 ? constant('MAP_PRIVATE') | constant('MAP_ANONYMOUS') : constant('MAP_SHARED');
  const at = host.mmap(
    addressNumber('address', options.address ?? 0),
    size,
    integer('prot', options.prot ?? constant('PROT_READ') | constant('PROT_WRITE')),
    integer('flags', options.flags ?? usual),
    descriptor,
    integer('offset', offset),
  );
  return new Memory(answered('mmap', at), size);
}

function range(call: string, memory: unknown): readonly [number, number] {
  return memory instanceof Memory ? [Number(memory.address), memory.size] : wanted(call, memory, 'memory');
}

export const munmap = (memory: unknown): void => void answered('munmap', host.munmap(...range('munmap', memory)));

export function mprotect(memory: unknown, prot: unknown): void {
  answered('mprotect', host.mprotect(...range('mprotect', memory), integer('prot', prot)));
}

export function madvise(memory: unknown, advice: unknown): void {
  answered('madvise', host.madvise(...range('madvise', memory), integer('advice', advice)));
}

export const eventfd = (count: unknown = 0, flags: unknown = 0): number =>
  answered('eventfd', host.eventfd(integer('count', count), integer('flags', flags)));

export function read(fd: unknown, length: unknown, offset?: unknown): Uint8Array {
  const from = offset === undefined ? -1 : addressNumber('offset', offset);
  const answer = host.readFile(integer('fd', fd), integer('length', length), from);
  if (typeof answer === 'string') throw new SystemError('read', JSON.parse(answer) as Refused);
  return new Uint8Array(answer);
}

export function write(fd: unknown, data: unknown, offset?: unknown): number {
  const to = offset === undefined ? -1 : addressNumber('offset', offset);
  return answered('write', host.writeFile(integer('fd', fd), exactBuffer(bytesOf('write', data)), to));
}
