/**
 * What a VMM script finds in its global scope. The files of this folder run inside QuickJS, before the script: they are read
 * as text and stripped like one (see ../prelude.ts), and reach the host through `__host` alone.
 */
import { getOneReg, ioctl, pthreadKill, setOneReg, settle } from './calls.ts';
import { addressNumber, answered, hex, integer, IoctlError, SystemError, wanted } from './errors.ts';
import { eventfd, madvise, mmap, mprotect, munmap, read, write } from './files.ts';
import { api, host, scope } from './host.ts';
import { alloc, Memory, struct } from './memory.ts';
import { print, uart } from './output.ts';
import { BASE, layoutOf, type View } from './structs.ts';

const guest = Object.freeze({
  bytes: new Uint8Array(host.guestBytes),
  origin: BigInt(api.guest.origin),
  entry: BigInt(api.guest.entry),
  symbols: Object.freeze(
    Object.fromEntries(Object.entries(api.guest.symbols).map(([name, at]): [string, bigint] => [name, BigInt(at)])),
  ),
});

const names: Record<string, unknown> = {
  PAGE_SIZE: api.pageSize,
  ...api.constants,
  ...Object.fromEntries(Object.entries(api.wideConstants).map(([name, value]) => [name, BigInt(value)])),
  regs: Object.freeze(Object.fromEntries(Object.entries(api.registers).map(([name, id]) => [name, BigInt(id)]))),
  open: (path: unknown): number => answered(`open ${String(path)}`, host.open(String(path))),
  close: (fd: unknown): void => void answered('close', host.close(integer('fd', fd))),
  mmap,
  munmap,
  mprotect,
  madvise,
  eventfd,
  read,
  write,
  alloc,
  struct,
  sizeOf: (name: string): number => layoutOf(name).size,
  addressOf: (value: unknown): bigint => {
    if (value instanceof Memory) return value.address;
    if (typeof value === 'object' && value !== null && BASE in value) return BigInt((value as View)[BASE]);
    return wanted('addressOf', value, 'memory or a structure');
  },
  memoryAt: (address: unknown, size: unknown): Memory =>
    new Memory(addressNumber('address', address), integer('size', size)),
  ioctl,
  pthread_kill: pthreadKill,
  setOneReg,
  getOneReg,
  sysreg: (op0: number, op1: number, crn: number, crm: number, op2: number): bigint =>
    0x6030_0000_0013_0000n | BigInt((op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2),
  registerName: (id: unknown): string =>
    host.registerName(BigInt.asUintN(64, typeof id === 'bigint' ? id : BigInt(integer('id', id)))),
  print,
  hex,
  uart,
  guest,
  console: Object.freeze({ log: print }),
  SystemError,
  IoctlError,
};
for (const [name, value] of Object.entries(names)) {
  Object.defineProperty(globalThis, name, { value, enumerable: false, writable: false, configurable: false });
}

/** What the language has and a script has not: only what comes in by ioctls and memory may decide how it goes on. */
function absent(what: string): () => never {
  return function (): never {
    throw new Error(`a script has no ${what}: it goes the same way every time`);
  };
}
const clock = absent('clock');
Object.defineProperty(globalThis, 'Date', { value: Object.assign(clock, { now: clock, parse: clock, UTC: clock }) });
Object.defineProperty(Math, 'random', { value: absent('random numbers') });

/** Every loop of the script calls this once a turn: see markLoops. `__over` is set by the host. */
scope['__over'] = false;
function turn(): void {
  if (scope['__over'] === true) throw new Error('the script does not end');
}
Object.defineProperty(globalThis, '__turn', { value: turn });
Object.defineProperty(globalThis, '__settle', { value: settle });
