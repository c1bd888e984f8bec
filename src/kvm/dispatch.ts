import { ioctlByName, ioctlNumber } from '../abi/ioctls.ts';
import type { Caller, IoctlRun } from './descriptor.ts';
import { refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { hex } from './usercopy.ts';

/** One ioctl of a descriptor kind: at once, or over time as KVM_RUN. */
export type Handler<T> = (on: T, arg: bigint, caller: Caller) => IoctlResult | IoctlRun;

/** Handlers by request number, from handlers by name. Throws for a name that the ABI's table does not have. */
export function handlerTable<T>(handlers: Readonly<Record<string, Handler<T>>>): ReadonlyMap<number, Handler<T>> {
  const table = new Map<number, Handler<T>>();
  for (const [name, handler] of Object.entries(handlers)) {
    const row = ioctlByName(name);
    if (!row) throw new RangeError(`no ioctl ${name}`);
    table.set(ioctlNumber(row, 'arm64') >>> 0, handler);
  }
  return table;
}

/** Runs the handler of a request, or gives `unknown`. */
export function* dispatch<T>(
  table: ReadonlyMap<number, Handler<T>>,
  on: T,
  request: number,
  arg: bigint,
  caller: Caller,
  unknown: (request: number) => Refusal,
): IoctlRun {
  const handler = table.get(request >>> 0);
  if (!handler) return unknown(request);
  const result = handler(on, arg, caller);
  return 'next' in result ? yield* result : result;
}

export function unknownIoctl(kind: string, kernel: string): (request: number) => Refusal {
  return (request) =>
    refuse('EINVAL', `${kind}.unknown-ioctl`, `a ${kind} descriptor has no ioctl ${hex(request)}`, kernel);
}
