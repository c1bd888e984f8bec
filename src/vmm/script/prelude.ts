/**
 * What a VMM script finds in its global scope. This file runs inside QuickJS, before the script: it is read as text and
 * stripped like one (see program.ts), so it imports nothing and reaches the host through `__host` alone.
 */
export {};

/* ---------------------------------------------------------------- the host's side */

/** A refused call: `errno`, then its explanation. */
interface Refused {
  readonly errno: string;
  readonly message: string;
  readonly rule: string;
  readonly kernel: string;
}

/** Functions of the host. Addresses are numbers, which user-space addresses (below 2^52) fit. */
interface Host {
  /** JSON of ScriptApi. */
  readonly api: string;
  readonly guestBytes: ArrayBuffer;
  /** A descriptor, or a Refused as JSON. */
  open(path: string): number | string;
  close(fd: number): number | string;
  /** -1 for anonymous memory. An address, or a Refused as JSON. */
  mmap(fd: number, length: number, offset: number, align: number, shared: boolean): number | string;
  munmap(address: number, length: number): number | string;
  /** undefined: no such memory. */
  read(address: number, length: number): ArrayBuffer | undefined;
  write(address: number, bytes: ArrayBuffer, length: number): boolean;
  submit(id: number, fd: number, request: number, arg: bigint, line: number): void;
  print(text: string): void;
  uartWrite(bytes: ArrayBuffer): void;
  /** -1: nothing was typed. */
  uartRead(): number;
}

type Shape =
  string | { readonly of: Shape; readonly count: number; readonly size: number } | { readonly struct: string };
type Member = readonly [name: string, offset: number, type: Shape];
interface Layout {
  readonly name: string;
  readonly size: number;
  readonly members: readonly Member[];
}

interface Api {
  readonly constants: Readonly<Record<string, number>>;
  readonly wideConstants: Readonly<Record<string, string>>;
  readonly registers: Readonly<Record<string, string>>;
  readonly structs: Readonly<Record<string, Layout>>;
  /** More than one where two ioctls share a number. */
  readonly requests: Readonly<Record<number, readonly { readonly name: string; readonly struct?: string }[]>>;
  readonly guest: {
    readonly origin: string;
    readonly entry: string;
    readonly symbols: Readonly<Record<string, string>>;
  };
}

type Integer = number | bigint;

const scope: Record<string, unknown> = globalThis as unknown as Record<string, unknown>;
const host = scope['__host'] as Host;
delete scope['__host'];
const api = JSON.parse(host.api) as Api;

/* ---------------------------------------------------------------- errors */

/** A system call that failed; the message says why in the kernel's terms. */
class SystemError extends Error {
  override name = 'SystemError';
  readonly errno: string;
  readonly rule: string;
  readonly kernel: string;
  constructor(call: string, refused: Refused) {
    super(`${call}: ${refused.errno}${refused.message === '' ? '' : `: ${refused.message}`}`);
    this.errno = refused.errno;
    this.rule = refused.rule;
    this.kernel = refused.kernel;
  }
}

class IoctlError extends SystemError {
  override name = 'IoctlError';
  readonly request: string;
  constructor(request: string, refused: Refused) {
    super(request, refused);
    this.request = request;
  }
}

function answered(call: string, answer: number | string): number {
  if (typeof answer === 'string') throw new SystemError(call, JSON.parse(answer) as Refused);
  return answer;
}

function wanted(what: string, value: unknown, hint: string): never {
  const promise = value instanceof Promise ? ' (a promise: is an `await` missing?)' : '';
  throw new TypeError(`${what}: ${hint} is wanted, not ${typeof value}${promise}`);
}

function integer(what: string, value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return wanted(what, value, 'a whole number');
  return number;
}

function addressNumber(what: string, value: unknown): number {
  const address = integer(what, value);
  if (address < 0)
    throw new RangeError(`${what}: 0x${BigInt.asUintN(64, BigInt(address)).toString(16)} is no address of user space`);
  return address;
}

/** The line of the script that is running now; 0 where it can't be told. */
function callerLine(): number {
  const frame = /script\.ts:(\d+)/.exec(new Error().stack ?? '');
  return frame ? Number(frame[1]) : 0;
}

/* ---------------------------------------------------------------- memory of the process */

const hex = (value: Integer): string => `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;

function load(address: number, length: number): ArrayBuffer {
  const bytes = host.read(address, length);
  if (!bytes) throw new RangeError(`no readable memory of ${length} bytes at ${hex(address)} (SIGSEGV)`);
  return bytes;
}

function store(address: number, bytes: ArrayBuffer, length: number): void {
  if (!host.write(address, bytes, length)) {
    throw new RangeError(`no writable memory of ${length} bytes at ${hex(address)} (SIGSEGV)`);
  }
}

const BITS: Readonly<Record<string, number>> = {
  u8: 8,
  s8: 8,
  char: 8,
  u16: 16,
  s16: 16,
  u32: 32,
  s32: 32,
  u64: 64,
  s64: 64,
  ulong: 64,
  pointer: 64,
  u128: 128,
};
const scratch = new ArrayBuffer(16);
const scratchView = new DataView(scratch);

function getScalar(type: string, address: number): Integer {
  const bits = BITS[type]!;
  const view = new DataView(load(address, bits / 8));
  const signed = type[0] === 's';
  if (bits === 8) return signed ? view.getInt8(0) : view.getUint8(0);
  if (bits === 16) return signed ? view.getInt16(0, true) : view.getUint16(0, true);
  if (bits === 32) return signed ? view.getInt32(0, true) : view.getUint32(0, true);
  const low = view.getBigUint64(0, true);
  if (bits === 64) return signed ? BigInt.asIntN(64, low) : low;
  return low | (view.getBigUint64(8, true) << 64n);
}

function setScalar(what: string, type: string, address: number, value: unknown): void {
  const bits = BITS[type]!;
  const exact =
    typeof value === 'bigint' ? value : BigInt(integer(what, typeof value === 'boolean' ? Number(value) : value));
  if (exact >= 1n << BigInt(bits) || exact < -(1n << BigInt(bits - 1))) {
    throw new RangeError(`${what}: ${exact < 0n ? exact : hex(exact)} does not fit ${type}`);
  }
  scratchView.setBigUint64(0, BigInt.asUintN(64, exact), true);
  if (bits === 128) scratchView.setBigUint64(8, BigInt.asUintN(64, exact >> 64n), true);
  store(address, scratch, bits / 8);
}

function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return new Uint8Array(bytes);
}

function bytesOf(what: string, value: unknown): Uint8Array {
  if (typeof value === 'string') return utf8(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return Uint8Array.from(value, (byte) => integer(what, byte));
  return wanted(what, value, 'bytes or text');
}

/** The bytes alone in a buffer of their own, as the host takes them. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.byteLength === bytes.buffer.byteLength
    ? (bytes.buffer as ArrayBuffer)
    : (bytes.slice().buffer as ArrayBuffer);
}

class Memory {
  readonly address: bigint;
  readonly size: number;
  readonly #base: number;

  constructor(base: number, size: number) {
    this.#base = base;
    this.address = BigInt(base);
    this.size = size;
  }

  #at(offset: Integer, length: number): number {
    const at = integer('offset', offset);
    if (at < 0 || at + length > this.size) {
      throw new RangeError(`${length} bytes at offset ${hex(at)} are not inside memory of ${hex(this.size)} bytes`);
    }
    return this.#base + at;
  }

  getU8(offset: Integer): number {
    return getScalar('u8', this.#at(offset, 1)) as number;
  }
  getU16(offset: Integer): number {
    return getScalar('u16', this.#at(offset, 2)) as number;
  }
  getU32(offset: Integer): number {
    return getScalar('u32', this.#at(offset, 4)) as number;
  }
  getU64(offset: Integer): bigint {
    return getScalar('u64', this.#at(offset, 8)) as bigint;
  }
  setU8(offset: Integer, value: Integer): void {
    setScalar('setU8', 'u8', this.#at(offset, 1), value);
  }
  setU16(offset: Integer, value: Integer): void {
    setScalar('setU16', 'u16', this.#at(offset, 2), value);
  }
  setU32(offset: Integer, value: Integer): void {
    setScalar('setU32', 'u32', this.#at(offset, 4), value);
  }
  setU64(offset: Integer, value: Integer): void {
    setScalar('setU64', 'u64', this.#at(offset, 8), value);
  }

  bytes(offset: Integer = 0, length: Integer = this.size - integer('offset', offset)): Uint8Array {
    const count = integer('length', length);
    return new Uint8Array(load(this.#at(offset, count), count));
  }
  write(offset: Integer, data: unknown): void {
    const bytes = bytesOf('write', data);
    store(this.#at(offset, bytes.length), exactBuffer(bytes), bytes.length);
  }
  fill(value: Integer, offset: Integer = 0, length: Integer = this.size - integer('offset', offset)): void {
    const count = integer('length', length);
    store(this.#at(offset, count), new Uint8Array(count).fill(integer('fill', value)).buffer, count);
  }
  string(offset: Integer = 0, length?: Integer): string {
    const from = integer('offset', offset);
    const bytes = this.bytes(from, length ?? Math.min(this.size - from, 4096));
    let end = length === undefined ? bytes.indexOf(0) : bytes.length;
    if (end < 0) end = bytes.length;
    return String.fromCharCode(...bytes.subarray(0, Math.min(end, 4096)));
  }
  slice(offset: Integer, length: Integer = this.size - integer('offset', offset)): Memory {
    const count = integer('length', length);
    return new Memory(this.#at(offset, count), count);
  }
  as(name: string, offset: Integer = 0): object {
    const layout = layoutOf(name);
    return viewOf(layout, this.#at(offset, layout.size));
  }
}

/* ---------------------------------------------------------------- structures */

const BASE = Symbol('address');
const LAYOUT = Symbol('layout');
interface View {
  readonly [BASE]: number;
  readonly [LAYOUT]: Layout;
}

function layoutOf(name: string): Layout {
  const layout = Object.hasOwn(api.structs, name) ? api.structs[name] : undefined;
  if (!layout) throw new TypeError(`struct ${String(name)} is not known`);
  return layout;
}

const prototypes = new Map<Layout, object>();

function viewOf(layout: Layout, base: number): object {
  let prototype = prototypes.get(layout);
  if (!prototype) prototypes.set(layout, (prototype = prototypeOf(layout)));
  return Object.create(prototype, { [BASE]: { value: base } }) as object;
}

function prototypeOf(layout: Layout): object {
  const prototype: object = Object.create(null, { [LAYOUT]: { value: layout } }) as object;
  for (const [name, offset, type] of layout.members) {
    const what = `${layout.name}.${name}`;
    Object.defineProperty(prototype, name, {
      enumerable: true,
      get(this: View) {
        return getMember(type, this[BASE] + offset);
      },
      set(this: View, value: unknown) {
        setMember(what, type, this[BASE] + offset, value);
      },
    });
  }
  return Object.freeze(prototype);
}

function getMember(type: Shape, address: number): unknown {
  if (typeof type === 'string') return getScalar(type, address);
  return 'struct' in type ? viewOf(layoutOf(type.struct), address) : arrayView(type.of, type.count, type.size, address);
}

function setMember(what: string, type: Shape, address: number, value: unknown): void {
  if (typeof type === 'string') setScalar(what, type, address, value);
  else if ('struct' in type) assign(layoutOf(type.struct), address, value);
  else setElements(what, type.of, type.count, type.size, address, value);
}

function assign(layout: Layout, base: number, value: unknown): void {
  if (typeof value !== 'object' || value === null) wanted(`struct ${layout.name}`, value, 'an object with its members');
  for (const [name, member] of Object.entries(value as object)) {
    const found = layout.members.find((each) => each[0] === name);
    if (!found) throw new TypeError(`struct ${layout.name} has no member ${name}`);
    if (member !== undefined) setMember(`${layout.name}.${name}`, found[2], base + found[1], member);
  }
}

function setElements(what: string, of: Shape, count: number, size: number, address: number, value: unknown): void {
  const bytes = of === 'u8' || of === 'char';
  const elements: ArrayLike<unknown> = bytes ? bytesOf(what, value) : (value as ArrayLike<unknown>);
  if (!bytes && !Array.isArray(value)) wanted(what, value, 'an array');
  if (count > 0 && elements.length > count) {
    throw new RangeError(`${what}: ${elements.length} elements, there is room for ${count}`);
  }
  if (elements instanceof Uint8Array) store(address, exactBuffer(elements), elements.length);
  else for (let i = 0; i < elements.length; i++) setMember(`${what}[${i}]`, of, address + i * size, elements[i]);
}

/** Elements in place; a flexible array has no length of its own. */
function arrayView(of: Shape, count: number, size: number, address: number): object {
  const place = (index: number): number => {
    if (count > 0 && index >= count) throw new RangeError(`index ${index} is outside an array of ${count}`);
    return address + index * size;
  };
  const indexOf = (key: string | symbol): number => (typeof key === 'string' && /^\d+$/.test(key) ? Number(key) : -1);
  const own = {
    length: count,
    bytes: (length: number = count * size) => new Uint8Array(load(address, length)),
    *[Symbol.iterator]() {
      for (let i = 0; i < count; i++) yield getMember(of, place(i));
    },
  };
  return new Proxy(own, {
    get: (target, key) => (indexOf(key) >= 0 ? getMember(of, place(indexOf(key))) : Reflect.get(target, key)),
    set: (_target, key, value) => {
      if (indexOf(key) < 0) return false;
      setMember(`[${String(key)}]`, of, place(indexOf(key)), value);
      return true;
    },
  });
}

/* ---------------------------------------------------------------- small allocations */

/** Structures share pages: a chunk is cut from the front, 16-byte aligned. */
const CHUNK = 65536;
let chunkAt = 0;
let chunkEnd = 0;

function allocateSmall(size: number): number {
  const rounded = Math.ceil(size / 16) * 16;
  if (rounded > CHUNK / 4) return answered('mmap', host.mmap(-1, rounded, 0, 0, false));
  if (chunkAt + rounded > chunkEnd) {
    chunkAt = answered('mmap', host.mmap(-1, CHUNK, 0, 0, false));
    chunkEnd = chunkAt + CHUNK;
  }
  const address = chunkAt;
  chunkAt += rounded;
  return address;
}

/** Buffers of structures given to ioctl as plain objects, to be used again once the call is over. */
const idle = new Map<string, number[]>();

function struct(name: string, members: object = {}): object {
  const layout = layoutOf(name);
  const base = allocateSmall(layout.size);
  assign(layout, base, members);
  return viewOf(layout, base);
}

function alloc(size: Integer, options: { align?: Integer; shared?: boolean } = {}): Memory {
  const length = integer('size', size);
  const align = integer('align', options.align ?? 0);
  return new Memory(answered('mmap', host.mmap(-1, length, 0, align, options.shared === true)), length);
}

/* ---------------------------------------------------------------- system calls */

interface Waiting {
  readonly resolve: (value: number) => void;
  readonly reject: (error: unknown) => void;
  readonly line: number;
  readonly request: number;
  readonly release: () => void;
}
const waiting = new Map<number, Waiting>();
let nextId = 1;

const requestName = (request: number): string =>
  api.requests[request]?.map(({ name }) => name).join(' or ') ?? `ioctl ${hex(request)}`;

/** The structure for an object given as the argument: of two ioctls with one number, that which has its members. */
function layoutFor(request: number, members: object): Layout | undefined {
  const layouts = (api.requests[request] ?? []).flatMap((row) =>
    row.struct === undefined ? [] : [layoutOf(row.struct)],
  );
  const fits = (layout: Layout): boolean =>
    Object.keys(members).every((key) => layout.members.some(([name]) => name === key));
  return layouts.find(fits) ?? layouts[0];
}

/** The argument register, and what is to be done once the call is over. */
function argument(request: number, arg: unknown): { value: bigint; release: () => void } {
  const nothing = (): void => undefined;
  if (arg === undefined || arg === null) return { value: 0n, release: nothing };
  if (typeof arg === 'bigint') return { value: arg, release: nothing };
  if (typeof arg === 'number') return { value: BigInt(integer(requestName(request), arg)), release: nothing };
  if (arg instanceof Memory) return { value: arg.address, release: nothing };
  if (typeof arg === 'object' && BASE in arg) return { value: BigInt((arg as View)[BASE]), release: nothing };
  const layout = typeof arg === 'object' && !(arg instanceof Promise) ? layoutFor(request, arg) : undefined;
  if (!layout) return wanted(requestName(request), arg, 'a number, memory or a structure');
  let free = idle.get(layout.name);
  if (!free) idle.set(layout.name, (free = []));
  const base = free.pop() ?? allocateSmall(layout.size);
  store(base, new ArrayBuffer(layout.size), layout.size);
  assign(layout, base, arg);
  return { value: BigInt(base), release: () => free.push(base) };
}

function ioctl(fd: Integer, request: Integer, arg?: unknown): Promise<number> {
  const number = integer('request', request);
  const descriptor = integer('fd', fd);
  const { value, release } = argument(number, arg);
  const line = callerLine();
  const id = nextId++;
  host.submit(id, descriptor, number, BigInt.asUintN(64, value), line);
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, line, request: number, release });
  });
}

/** Called by the host when an ioctl has returned; `refused` is '' where it succeeded. */
function settle(id: number, ret: number, refused: string): void {
  const call = waiting.get(id);
  if (!call) return;
  waiting.delete(id);
  call.release();
  if (refused === '') call.resolve(ret);
  else {
    const error = new IoctlError(requestName(call.request), JSON.parse(refused) as Refused);
    error.stack = `    at ioctl (script.ts:${call.line}:1)\n`;
    call.reject(error);
  }
}

const oneRegSize = (id: bigint): number => 2 ** Number((id >> 52n) & 15n);

function registerId(register: unknown): bigint {
  if (typeof register === 'bigint') return register;
  const id =
    typeof register === 'string' && Object.hasOwn(api.registers, register) ? api.registers[register] : undefined;
  if (id === undefined) return wanted('register', register, 'a name such as "pc" or an id');
  return BigInt(id);
}

function setOneReg(vcpu: Integer, register: unknown, value: Integer): Promise<number> {
  const id = registerId(register);
  const at = allocateSmall(oneRegSize(id));
  const type = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64', 16: 'u128' }[oneRegSize(id)];
  if (type === undefined) throw new TypeError(`a register of ${oneRegSize(id)} bytes: write it with ioctl`);
  setScalar('value', type, at, value);
  return ioctl(vcpu, api.constants['KVM_SET_ONE_REG']!, { id, addr: at });
}

function getOneReg(vcpu: Integer, register: unknown): Promise<bigint> {
  const id = registerId(register);
  const size = oneRegSize(id);
  const at = allocateSmall(size);
  return ioctl(vcpu, api.constants['KVM_GET_ONE_REG']!, { id, addr: at }).then(() =>
    new Uint8Array(load(at, size)).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
  );
}

/* ---------------------------------------------------------------- output */

const DEPTH = 4;

function shown(value: unknown, depth: number): string {
  if (typeof value === 'string') return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === 'bigint') return hex(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Promise) return 'Promise (is an `await` missing?)';
  if (value instanceof Memory) return `memory at ${hex(value.address)}, ${hex(value.size)} bytes`;
  if (depth >= DEPTH) return '…';
  if (Symbol.iterator in value) {
    const elements: string[] = [];
    for (const element of value as Iterable<unknown>) {
      if (elements.length === 64) {
        elements.push('…');
        break;
      }
      elements.push(shown(element, depth + 1));
    }
    return `[${elements.join(', ')}]`;
  }
  const name = LAYOUT in value ? `${(value as unknown as View)[LAYOUT].name} ` : '';
  const members: string[] = [];
  for (const key in value) members.push(`${key}: ${shown((value as Record<string, unknown>)[key], depth + 1)}`);
  return `${name}{ ${members.join(', ')} }`;
}

function print(...values: unknown[]): void {
  host.print(`${values.map((value) => shown(value, 0)).join(' ')}\n`);
}

const uart = Object.freeze({
  write(data: unknown): void {
    const bytes = typeof data === 'number' ? new Uint8Array([data]) : bytesOf('uart.write', data);
    host.uartWrite(exactBuffer(bytes));
  },
  read(): number | undefined {
    const byte = host.uartRead();
    return byte < 0 ? undefined : byte;
  },
});

/* ---------------------------------------------------------------- the global scope */

const guest = Object.freeze({
  bytes: new Uint8Array(host.guestBytes),
  origin: BigInt(api.guest.origin),
  entry: BigInt(api.guest.entry),
  symbols: Object.freeze(
    Object.fromEntries(Object.entries(api.guest.symbols).map(([name, at]): [string, bigint] => [name, BigInt(at)])),
  ),
});

const names: Record<string, unknown> = {
  ...api.constants,
  ...Object.fromEntries(Object.entries(api.wideConstants).map(([name, value]) => [name, BigInt(value)])),
  regs: Object.freeze(Object.fromEntries(Object.entries(api.registers).map(([name, id]) => [name, BigInt(id)]))),
  open: (path: unknown): number => answered(`open ${String(path)}`, host.open(String(path))),
  close: (fd: unknown): void => void answered('close', host.close(integer('fd', fd))),
  mmap: (fd: unknown, length: unknown, offset: unknown = 0): Memory => {
    const size = integer('length', length);
    return new Memory(answered('mmap', host.mmap(integer('fd', fd), size, integer('offset', offset), 0, true)), size);
  },
  munmap: (memory: unknown): void => {
    if (!(memory instanceof Memory)) return wanted('munmap', memory, 'memory of alloc or mmap');
    answered('munmap', host.munmap(Number(memory.address), memory.size));
  },
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
  setOneReg,
  getOneReg,
  sysreg: (op0: number, op1: number, crn: number, crm: number, op2: number): bigint =>
    0x6030_0000_0013_0000n | BigInt((op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2),
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
/** Every loop of the script calls this once a turn: see markLoops. `__over` is set by the host. */
scope['__over'] = false;
function turn(): void {
  if (scope['__over'] === true) throw new Error('the script does not end');
}
Object.defineProperty(globalThis, '__turn', { value: turn });
Object.defineProperty(globalThis, '__settle', { value: settle });
