/** ioctl, and how its answer comes back. */
import { answered, callerLine, hex, integer, IoctlError, wanted } from './errors.ts';
import { api, host, type Integer, type Layout, type Refused } from './host.ts';
import { allocateSmall, Memory } from './memory.ts';
import { load, setScalar, store } from './scalars.ts';
import { assign, BASE, layoutOf, type View } from './structs.ts';

/** Buffers of structures given to ioctl as plain objects, to be used again once the call is over. */
const idle = new Map<string, number[]>();

interface Waiting {
  readonly resolve: (value: number) => void;
  readonly reject: (error: unknown) => void;
  readonly line: number;
  readonly request: number;
  readonly release: () => void;
}
const waiting = new Map<number, Waiting>();
/** The number of the call that a promise is of. */
const calls = new WeakMap<object, number>();
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

export function ioctl(fd: Integer, request: Integer, arg?: unknown): Promise<number> {
  const number = integer('request', request);
  const descriptor = integer('fd', fd);
  const { value, release } = argument(number, arg);
  const line = callerLine();
  const id = nextId++;
  host.submit(id, descriptor, number, BigInt.asUintN(64, value), line);
  const call = new Promise<number>((resolve, reject) => {
    waiting.set(id, { resolve, reject, line, request: number, release });
  });
  calls.set(call, id);
  return call;
}

/** A signal for the thread that makes a call. */
export function pthreadKill(thread: unknown, signal: unknown): void {
  const id = thread instanceof Promise ? calls.get(thread) : undefined;
  if (id === undefined) {
    const given = thread instanceof Promise ? 'the promise of an async function or of `then`' : typeof thread;
    throw new TypeError(`pthread_kill: what \`ioctl(…)\` gives, before it is awaited, is wanted, not ${given}`);
  }
  answered('pthread_kill', host.kill(id, integer('signal', signal)));
}

/** Called by the host when an ioctl has returned; `refused` is '' where it succeeded. */
export function settle(id: number, ret: number, refused: string): void {
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

export function setOneReg(vcpu: Integer, register: unknown, value: Integer): Promise<number> {
  const id = registerId(register);
  const at = allocateSmall(oneRegSize(id));
  const type = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64', 16: 'u128' }[oneRegSize(id)];
  if (type === undefined) throw new TypeError(`a register of ${oneRegSize(id)} bytes: write it with ioctl`);
  setScalar('value', type, at, value);
  return ioctl(vcpu, api.constants['KVM_SET_ONE_REG']!, { id, addr: at });
}

export function getOneReg(vcpu: Integer, register: unknown): Promise<bigint> {
  const id = registerId(register);
  const size = oneRegSize(id);
  const at = allocateSmall(size);
  return ioctl(vcpu, api.constants['KVM_GET_ONE_REG']!, { id, addr: at }).then(() =>
    new Uint8Array(load(at, size)).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
  );
}
