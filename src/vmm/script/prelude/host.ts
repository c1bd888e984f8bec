/** What the prelude is given: functions of the host, and the tables of names. */

/** A refused call: `errno`, then its explanation. */
export interface Refused {
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
  /** An address, or a Refused as JSON. */
  alloc(length: number, align: number, shared: boolean): number | string;
  mmap(address: number, length: number, prot: number, flags: number, fd: number, offset: number): number | string;
  munmap(address: number, length: number): number | string;
  mprotect(address: number, length: number, prot: number): number | string;
  madvise(address: number, length: number, advice: number): number | string;
  kill(id: number, signal: number): number | string;
  eventfd(count: number, flags: number): number | string;
  /** `offset` -1: where the last read or write ended. */
  readFile(fd: number, length: number, offset: number): ArrayBuffer | string;
  writeFile(fd: number, bytes: ArrayBuffer, offset: number): number | string;
  registerName(id: bigint): string;
  /** undefined: no such memory. */
  read(address: number, length: number): ArrayBuffer | undefined;
  write(address: number, bytes: ArrayBuffer, length: number): boolean;
  submit(id: number, fd: number, request: number, arg: bigint, line: number): void;
  print(text: string): void;
  uartWrite(bytes: ArrayBuffer): void;
  /** -1: nothing was typed. */
  uartRead(): number;
}

export type Shape =
  string | { readonly of: Shape; readonly count: number; readonly size: number } | { readonly struct: string };
type Member = readonly [name: string, offset: number, type: Shape];
export interface Layout {
  readonly name: string;
  readonly size: number;
  readonly members: readonly Member[];
}

interface Api {
  readonly pageSize: number;
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

export type Integer = number | bigint;

export const scope: Record<string, unknown> = globalThis as unknown as Record<string, unknown>;
export const host = scope['__host'] as Host;
delete scope['__host'];
export const api = JSON.parse(host.api) as Api;
