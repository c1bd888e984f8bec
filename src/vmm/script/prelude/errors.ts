/** Errors and checks of what a script passes in: the messages say what is wanted. */
import type { Integer, Refused } from './host.ts';

/** A system call that failed; the message says why in the kernel's terms. */
export class SystemError extends Error {
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

export class IoctlError extends SystemError {
  override name = 'IoctlError';
  readonly request: string;
  constructor(request: string, refused: Refused) {
    super(request, refused);
    this.request = request;
  }
}

export function answered(call: string, answer: number | string): number {
  if (typeof answer === 'string') throw new SystemError(call, JSON.parse(answer) as Refused);
  return answer;
}

export function wanted(what: string, value: unknown, hint: string): never {
  const promise = value instanceof Promise ? ' (a promise: is an `await` missing?)' : '';
  throw new TypeError(`${what}: ${hint} is wanted, not ${typeof value}${promise}`);
}

export function integer(what: string, value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return wanted(what, value, 'a whole number');
  return number;
}

export function addressNumber(what: string, value: unknown): number {
  const address = integer(what, value);
  if (address < 0)
    throw new RangeError(`${what}: 0x${BigInt.asUintN(64, BigInt(address)).toString(16)} is no address of user space`);
  return address;
}

/** The line of the script that is running now; 0 where it can't be told. */
export function callerLine(): number {
  const frame = /script\.ts:(\d+)/.exec(new Error().stack ?? '');
  return frame ? Number(frame[1]) : 0;
}

export const hex = (value: Integer): string => `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
