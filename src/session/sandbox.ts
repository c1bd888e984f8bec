import type { Host } from '../host/host.ts';
import { boot } from '../host/host.ts';
import type { IoctlCall } from '../host/host.ts';
import type { Process } from '../host/process.ts';
import { checkSignal, madvise, mmap, mprotect } from '../host/syscalls.ts';
import type { Descriptor } from '../kvm/descriptor.ts';
import type { IoctlResult } from '../kvm/refusal.ts';
import { Vcpu } from '../kvm/vcpu.ts';
import { Vm } from '../kvm/vm.ts';
import { absentFeatures } from '../machine/absent.ts';
import type { ScriptEngine } from '../vmm/script/engine.ts';
import { ScriptProgram } from '../vmm/script/program.ts';
import type { Failed, ScriptWorld } from '../vmm/script/program.ts';
import { Changes } from './changes.ts';
import { Driver } from './driver.ts';
import { GuestProgram } from './guest.ts';
import { entryOf, finishedEntry } from './ioctl-log.ts';
import type { Breakpoint, IoctlEntry, Sandbox as Source, Status, VcpuRef } from './messages.ts';
import type { Inspected } from './views/inspected.ts';

/** Bytes that may wait for the script to read them. */
const MOST_INPUT = 1 << 16;
/** Bytes of kvm_run that say why KVM_RUN came back. */
const RUN_BYTES = 4096;

export interface SandboxOutput {
  print(stream: 'console' | 'script', text: string): void;
  entry(entry: IoctlEntry): void;
}

/** One loaded sandbox: its host, the script's process on it, the guest, and what drives them. */
export class LoadedSandbox implements Inspected {
  readonly host: Host;
  readonly guest: GuestProgram;
  readonly driver: Driver;
  readonly changes = new Changes();
  breakpoints: ReadonlySet<bigint> = new Set();
  ioctls = 0;
  readonly #process: Process;
  readonly #output: SandboxOutput;
  readonly #input: number[] = [];
  /** Entries of calls that have not returned yet, by call. */
  readonly #open = new Map<IoctlCall, IoctlEntry>();
  #lastVcpu: Vcpu | null = null;

  /** @throws ConfigError for a host that can't be. */
  constructor(source: Source, engine: ScriptEngine, output: SandboxOutput, clock: () => number) {
    this.#output = output;
    this.host = boot(source.host);
    this.guest = new GuestProgram(source);
    this.#process = this.host.createProcess();
    this.host.onIoctl = {
      before: (call) => this.#began(call),
      after: (call, result, bytes) => this.#returned(call, result, bytes),
    };
    const program = new ScriptProgram(engine, source.script, this.#world(source.host.pageSize));
    const { cpu } = this.host.kvm.host;
    this.driver = new Driver(program, this.#process, this.host.control, () => cpu.instructions, clock);
  }

  get memory(): Inspected['memory'] {
    return this.host.kvm.host.memory;
  }

  get tlb(): Inspected['tlb'] {
    const { refills, fills, flushes } = this.host.machine.engine.tlb;
    return { refills, fills: { ...fills }, flushes: { ...flushes } };
  }
  get absentFeatures(): Inspected['absentFeatures'] {
    return absentFeatures(this.host.kvm.host.model.id);
  }

  get process(): Inspected['process'] {
    return this.#process.memory;
  }

  vm(fd: number): Vm | null {
    const found = this.#descriptor(fd);
    return found instanceof Vm ? found : null;
  }

  vcpu(fd: number): Vcpu | null {
    const found = this.#descriptor(fd);
    return found instanceof Vcpu ? found : null;
  }

  /** Guest instructions since the host booted. */
  get instructions(): bigint {
    return BigInt(this.host.kvm.host.cpu.instructions);
  }

  setBreakpoints(breakpoints: readonly Breakpoint[]): void {
    this.breakpoints = this.guest.addressesOf(breakpoints);
    this.host.kvm.host.cpu.setBreakpoints(this.breakpoints);
  }

  /** Text typed for the guest; what does not fit is left out. */
  type(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#input.push(...bytes.subarray(0, Math.max(0, MOST_INPUT - this.#input.length)));
  }

  write(hva: bigint, bytes: Uint8Array): boolean {
    return this.#process.memory.write(hva, bytes);
  }

  stopped(): void {
    this.changes.stopped(this.memory, this.process, this.host.kvm.vms);
  }

  /** Remembers the tables of this moment to compare with, or forgets those that were kept. */
  keepTables(keep: boolean): void {
    if (keep) this.changes.keep(this, this.host.kvm.vms, this.instructions);
    else this.changes.forget();
  }

  /** Everything of the host goes; the views have nothing more to look at. */
  dispose(): void {
    this.driver.end();
    this.host.onIoctl = null;
    this.host.powerOff();
  }

  /* ---------------------------------------------------------------- what the status says */

  /** The vCPU in KVM_RUN, or the last that was. */
  get current(): Vcpu | null {
    return this.driver.held ?? this.#lastVcpu;
  }

  vms(): Status['vms'] {
    const descriptors = this.#process.descriptors();
    return descriptors.flatMap(([fd, descriptor]) =>
      descriptor instanceof Vm
        ? [
            {
              fd,
              ipaBits: descriptor.ipaBits,
              vcpus: descriptors.flatMap(([vcpuFd, other]) =>
                other instanceof Vcpu && other.vm === descriptor ? [{ fd: vcpuFd, id: other.id }] : [],
              ),
            },
          ]
        : [],
    );
  }

  reference(vcpu: Vcpu): VcpuRef | null {
    const vm = this.#fdOf(vcpu.vm);
    const fd = this.#fdOf(vcpu);
    return vm === null || fd === null ? null : { vm, vcpu: fd };
  }

  #fdOf(wanted: Descriptor): number | null {
    return this.#process.descriptors().find(([, descriptor]) => descriptor === wanted)?.[0] ?? null;
  }

  #descriptor(fd: number): Descriptor | null {
    return this.#process.descriptors().find(([number]) => number === fd)?.[1] ?? null;
  }

  /* ---------------------------------------------------------------- the log */

  readonly #read = (address: bigint, length: number) => this.#process.memory.read(address, length);

  #began(call: IoctlCall): void {
    const entry = entryOf(call, ++this.ioctls, this.driver.scriptLine, this.instructions, this.#read);
    this.#open.set(call, entry);
    if (call.descriptor instanceof Vcpu && call.row?.name === 'KVM_RUN') this.#lastVcpu = call.descriptor;
    this.#output.entry(entry);
  }

  #returned(call: IoctlCall, result: IoctlResult, bytes: Uint8Array | null): void {
    const entry = this.#open.get(call);
    this.#open.delete(call);
    if (!entry) return;
    const vcpu = call.row?.name === 'KVM_RUN' && call.descriptor instanceof Vcpu ? call.descriptor : null;
    if (vcpu) this.#lastVcpu = vcpu;
    const run = vcpu ? this.memory.readBytes(vcpu.run.pa, RUN_BYTES) : null;
    this.#output.entry(finishedEntry(entry, call, result, bytes, run, this.#read));
  }

  /* ---------------------------------------------------------------- the script's side */

  #world(pageSize: number): ScriptWorld {
    const process = this.#process;
    const output = this.#output;
    const utf8 = new TextDecoder('utf-8');
    return {
      pageSize,
      guest: this.guest.image,
      open: (path) => process.open(path),
      close: (fd) => value(process.close(fd)),
      alloc: (length, align, shared) => mapAligned(process, length, align, shared, pageSize),
      mmap: (address, length, prot, flags, fd, offset) => {
        if (!Number.isSafeInteger(offset)) return einval(`an offset of ${offset} bytes`);
        const at = { address: BigInt(address), length, prot, flags, fd, offset: BigInt(offset) };
        const mapped = mmap(process, at);
        return 'errno' in mapped ? mapped : Number(mapped.address);
      },
      munmap: (address, length) => value(process.munmap(BigInt(address), length)),
      mprotect: (address, length, prot) => value(mprotect(process, BigInt(address), length, prot)),
      madvise: (address, length, advice) => value(madvise(process, BigInt(address), length, advice)),
      kill: (call, signal) => {
        const refused = checkSignal(signal);
        if (refused) return refused;
        if (signal > 0) this.driver.signal(call, signal);
        return 0;
      },
      eventfd: (count, flags) => process.eventfd(count, flags),
      readFile: (fd, length, offset) => process.read(fd, length, offset),
      writeFile: (fd, bytes, offset) => process.write(fd, bytes, offset),
      read: (address, length) => process.memory.read(BigInt(address), length),
      write: (address, bytes) => process.memory.write(BigInt(address), bytes),
      print: (text) => output.print('script', text),
      uartWrite: (bytes) => output.print('console', utf8.decode(bytes, { stream: true })),
      uartRead: () => this.#input.shift() ?? -1,
    };
  }
}

const value = (result: IoctlResult): number | Failed => ('errno' in result ? result : result.ret);

/** Anonymous memory, and where more than a page's alignment is asked for, as a VMM does it: too much, then the ends back. */
function mapAligned(
  process: Process,
  length: number,
  align: number,
  shared: boolean,
  pageSize: number,
): number | Failed {
  if (!Number.isSafeInteger(align) || align < 0 || (align & (align - 1)) !== 0 || align > 2 ** 30) {
    return einval(`an alignment of ${align} bytes is no power of two up to 2^30`);
  }
  const spare = align > pageSize ? align - pageSize : 0;
  const mapped = process.mmap({ length: length + spare, shared });
  if ('errno' in mapped) return mapped;
  const base = Number(mapped.address);
  if (spare === 0) return base;
  const start = Math.ceil(base / align) * align;
  const end = start + Math.ceil(length / pageSize) * pageSize;
  const top = base + Math.ceil((length + spare) / pageSize) * pageSize;
  if (start > base) process.munmap(BigInt(base), start - base);
  if (top > end) process.munmap(BigInt(end), top - end);
  return start;
}

const einval = (message: string): Failed => ({ errno: 'EINVAL', rule: 'mmap.argument', message, kernel: 'do_mmap' });
