/** Plays one trace on one process, and prints the format's lines: what the recorded executor does with the real kernel. */
import type { Errno } from '../../abi/errno.ts';
import { IOCTLS, ioctlNumber } from '../../abi/ioctls.ts';
import { EXIT_REASONS } from '../../abi/exits.ts';
import { findField } from '../../abi/layout.ts';
import { kvm_run } from '../../abi/structs.ts';
import type { Call, CallResult, Step, VmmProgram } from '../program.ts';
import type { Loc, Operation, Trace, TraceLine, Value } from './parse.ts';

/** What the player needs of a process on the host; src/host has the real one. */
export interface TraceProcess {
  open(path: string): number | { readonly errno: Errno };
  close(fd: number): CallResult;
  mmap(request: {
    readonly length: number;
    readonly fd?: number;
    readonly offset?: bigint;
    readonly shared?: boolean;
  }): { readonly address: bigint } | { readonly errno: Errno };
  readonly memory: {
    /** null: no such memory. */
    read(address: bigint, length: number): Uint8Array | null;
    /** false: no such memory. */
    write(address: bigint, bytes: Uint8Array): boolean;
  };
}

interface Buffer {
  readonly name: string;
  readonly address: bigint;
  readonly length: bigint;
}

/** The executor's own bounds; BUFFER_LIMIT stands for the memory of the machine it was recorded on. */
const NAMES_LIMIT = { buffers: 256, descriptors: 1024, off: 64, characters: 31 };
const BUFFER_LIMIT = 2n ** 31n;
const PIECE = 65536n;

/** The trace ends here with `N: badtrace WHAT`. */
class BadTrace extends Error {
  readonly what: string;

  constructor(what: string, message: string) {
    super(message);
    this.what = what;
  }
}

/** The program touched memory that it does not have. */
class Fault extends Error {}

type Playing = Generator<Pick<Call, 'fd' | 'request' | 'arg'>, void, CallResult>;

const KVM_RUN = ioctlNumber(
  IOCTLS.find(({ name }) => name === 'KVM_RUN')!,
  'arm64',
);
const EXIT_REASON = BigInt(findField(kvm_run, 'arm64', 'exit_reason')!.offset);
const EXIT_UNION = BigInt(findField(kvm_run, 'arm64', 'hw')!.offset);
/** What `run` prints of kvm_run's union, and how much of kvm_run has to be there. */
const EXIT_BYTES = 24;
const RUN_BYTES = 64;

export class TracePlayer implements VmmProgram {
  readonly #trace: Trace;
  readonly #process: TraceProcess;
  readonly #print: (line: string) => void;
  readonly #descriptors: { name: string | null; readonly fd: number }[] = [];
  readonly #buffers: Buffer[] = [];
  /** Descriptors whose vCPU has reported a system event. */
  readonly #off: string[] = [];
  #playing: Playing | null;
  #step: Step | null = null;
  #at: TraceLine | null = null;

  /** Nothing is done before `next`; `print` gets lines without their end. */
  constructor(trace: Trace, process: TraceProcess, print: (line: string) => void) {
    this.#trace = trace;
    this.#process = process;
    this.#print = print;
    this.#playing = this.#play();
  }

  next(): Step {
    if (this.#step === null) this.#advance((playing) => playing.next());
    const step = this.#step ?? { kind: 'done' };
    if (step.kind === 'ioctl') this.#step = { kind: 'waiting', over: false };
    return step;
  }

  resume(_call: Call, result: CallResult): void {
    if (this.#step?.kind === 'waiting') this.#advance((playing) => playing.next(result));
  }

  close(): void {
    this.#playing = null;
    this.#step = { kind: 'done' };
  }

  /** Ends the trace as a signal ends the executor: what it printed stands. */
  signal(name: string): void {
    this.#print('');
    this.#print(`@@signal ${name}`);
    this.close();
  }

  #advance(go: (playing: Playing) => ReturnType<Playing['next']>): void {
    if (!this.#playing) return;
    const line = this.#at?.line ?? null;
    try {
      const result = go(this.#playing);
      this.#step = result.done ? { kind: 'done' } : { kind: 'ioctl', ...result.value, line: this.#at?.line ?? line };
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#playing = null;
    const line = this.#at?.line ?? null;
    if (error instanceof BadTrace) {
      this.#print(`${this.#at?.number ?? 0}: badtrace ${error.what}`);
      this.#step = { kind: 'failed', message: error.message, line };
    } else if (error instanceof Fault) {
      this.signal('Segmentation fault');
      this.#step = { kind: 'failed', message: error.message, line };
    } else throw error;
  }

  *#play(): Playing {
    for (const line of this.#trace.lines) {
      this.#at = line;
      const { operation } = line;
      if (operation.op === 'end') return;
      if (operation.op === 'ioctl') yield* this.#ioctl(operation);
      else if (operation.op === 'run') yield* this.#run(operation);
      else this.#here(operation);
    }
  }

  /** Operations that the player does by itself. */
  #here(operation: Exclude<Operation, { op: 'end' | 'ioctl' | 'run' }>): void {
    switch (operation.op) {
      case 'open': {
        const fd = this.#process.open(operation.path);
        this.#name(operation.fd, typeof fd === 'number' ? fd : -1);
        this.#say(typeof fd === 'number' ? 'ret=fd' : `errno=${fd.errno}`);
        return;
      }
      case 'close': {
        const entry = this.#entry(operation.fd);
        this.#answer(this.#process.close(entry.fd));
        entry.name = null;
        return;
      }
      case 'buf':
        this.#buffer(operation);
        return;
      case 'mmap': {
        const { fd } = this.#entry(operation.fd);
        const length = Number(operation.size);
        const mapped = this.#process.mmap({ length, fd, offset: operation.offset, shared: true });
        if ('errno' in mapped) this.#answerErrno(mapped.errno);
        else {
          this.#addBuffer(operation.name, mapped.address, operation.size);
          this.#say('ret=0');
        }
        return;
      }
      case 'write': {
        const place = this.#place(operation.at, BigInt(operation.bytes));
        this.#write(place, littleEndian(this.#value(operation.value), operation.bytes));
        return;
      }
      case 'read': {
        const place = this.#place(operation.at, BigInt(operation.bytes));
        this.#say(`0x${integer(this.#read(place, operation.bytes)).toString(16)}`);
        return;
      }
      case 'hex':
        this.#write(this.#place(operation.at, BigInt(operation.data.length)), operation.data);
        return;
      case 'fill': {
        const place = this.#place(operation.at, operation.length);
        const piece = new Uint8Array(Number(min(operation.length, PIECE))).fill(operation.byte);
        for (let done = 0n; done < operation.length; done += PIECE) {
          this.#write(place + done, piece.subarray(0, Number(min(operation.length - done, PIECE))));
        }
        return;
      }
      case 'dump':
        this.#dump(this.#place(operation.at, operation.length), operation.length);
        return;
      case 'fdat':
        this.#name(operation.fd, Number(BigInt.asIntN(32, integer(this.#read(this.#place(operation.at, 4n), 4)))));
        return;
      case 'bad':
        throw new BadTrace(operation.what, operation.message);
    }
  }

  *#ioctl(operation: Extract<Operation, { op: 'ioctl' }>): Playing {
    const { fd } = this.#entry(operation.fd);
    const result = yield { fd, request: operation.request, arg: this.#value(operation.arg) };
    if (operation.result !== null) {
      const made = 'ret' in result && result.ret >= 0;
      this.#name(operation.result, made ? result.ret : -1);
      if (made) {
        this.#say('ret=fd');
        return;
      }
    }
    this.#answer(result);
  }

  *#run(operation: Extract<Operation, { op: 'run' }>): Playing {
    const { fd } = this.#entry(operation.fd);
    const run = this.#place(operation.buffer, BigInt(RUN_BYTES));
    if (this.#off.includes(operation.fd)) {
      this.#say('off');
      return;
    }
    const result = yield { fd, request: KVM_RUN, arg: 0n };
    if ('errno' in result) {
      this.#answer(result);
      return;
    }
    const reason = Number(integer(this.#read(run + EXIT_REASON, 4)));
    this.#say(`exit=${reason} ${hex(this.#read(run + EXIT_UNION, EXIT_BYTES))}`);
    if (reason === EXIT_REASONS.KVM_EXIT_SYSTEM_EVENT && this.#off.length < NAMES_LIMIT.off) {
      this.#off.push(operation.fd);
    }
  }

  /* ------------------------------------------------------------ names */

  #name(name: string, fd: number): void {
    if (this.#descriptors.length === NAMES_LIMIT.descriptors) {
      throw new BadTrace('fds', `more than ${NAMES_LIMIT.descriptors} descriptors have been named`);
    }
    this.#descriptors.push({ name: name.slice(0, NAMES_LIMIT.characters), fd });
  }

  #entry(name: string): { name: string | null; readonly fd: number } {
    const entry = this.#descriptors.findLast((named) => named.name === name);
    if (!entry) throw new BadTrace('fd', `no line before this one has made the descriptor "${name}"`);
    return entry;
  }

  #addBuffer(name: string, address: bigint, length: bigint): void {
    if (this.#buffers.length === NAMES_LIMIT.buffers) {
      throw new BadTrace('bufs', `more than ${NAMES_LIMIT.buffers} buffers have been made`);
    }
    this.#buffers.push({ name: name.slice(0, NAMES_LIMIT.characters), address, length });
  }

  #buffer({ name, size, align }: Extract<Operation, { op: 'buf' }>): void {
    if (align === 0n || (align & (align - 1n)) !== 0n) {
      throw new BadTrace('align', `a buffer can't be aligned to ${align}: that is no power of two`);
    }
    const total = ((size + 65535n) & ~65535n) + align;
    if (total > BUFFER_LIMIT) throw new BadTrace('mmap', `a buffer of ${size} bytes aligned to ${align} is too large`);
    const mapped = this.#process.mmap({ length: Number(total), shared: true });
    if ('errno' in mapped) throw new BadTrace('mmap', `no memory for a buffer of ${size} bytes: ${mapped.errno}`);
    this.#addBuffer(name, (mapped.address + align - 1n) & ~(align - 1n), size);
  }

  /** The address of a place; `need` bytes have to lie in the buffer. */
  #place({ buffer: name, offset }: Loc, need: bigint): bigint {
    const buffer = this.#buffers.findLast((made) => made.name === name);
    if (!buffer) throw new BadTrace('buffer', `no line before this one has made the buffer "${name}"`);
    if (need > 0n && offset + need > buffer.length) {
      throw new BadTrace('offset', `${need} bytes at ${offset} are not in "${name}", which has ${buffer.length}`);
    }
    return BigInt.asUintN(64, buffer.address + offset);
  }

  #value(value: Value): bigint {
    if (value.kind === 'number') return value.value;
    if (value.kind === 'address') return this.#place(value.of, 0n);
    return BigInt.asUintN(64, BigInt(this.#entry(value.name).fd));
  }

  /* ------------------------------------------------------------ memory and output */

  #read(address: bigint, length: number): Uint8Array {
    const bytes = this.#process.memory.read(address, length);
    if (!bytes) throw new Fault(`no memory to read at 0x${address.toString(16)}`);
    return bytes;
  }

  #write(address: bigint, bytes: Uint8Array): void {
    if (!this.#process.memory.write(address, bytes)) {
      throw new Fault(`no memory to write at 0x${address.toString(16)}`);
    }
  }

  #dump(address: bigint, length: bigint): void {
    const pieces: string[] = [];
    for (let done = 0n; done < length; done += PIECE) {
      pieces.push(hex(this.#read(address + done, Number(min(length - done, PIECE)))));
    }
    this.#say(pieces.join(''));
  }

  #say(text: string): void {
    this.#print(`${this.#at?.number ?? 0}: ${text}`);
  }

  #answer(result: CallResult): void {
    if ('errno' in result) this.#answerErrno(result.errno);
    else this.#say(`ret=${result.ret}`);
  }

  #answerErrno(errno: Errno): void {
    this.#say(`errno=${errno}`);
  }
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const integer = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

const littleEndian = (value: bigint, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
