import { ioctlByNumber, type IoctlRow } from '../abi/ioctls.ts';
import { structLayout } from '../abi/layout.ts';
import type { Caller, Descriptor, IoctlRun, RunControl } from '../kvm/descriptor.ts';
import { DONE, refuse, type IoctlResult, type Refusal } from '../kvm/refusal.ts';
import type { Host, IoctlCall } from './host.ts';
import { EventFd, eventFlags } from './eventfd.ts';
import { openFile } from './files.ts';
import type { MappedFile } from './mappings.ts';
import type { AddressSpace, Advice, MmapRequest, Protection } from './mm.ts';

/** RLIMIT_NOFILE: descriptors a process may have. */
const MOST_DESCRIPTORS = 1024;
/** 0, 1 and 2 are the terminal's, which KVM has nothing to do with. */
const FIRST_DESCRIPTOR = 3;
const TERMINAL: Descriptor = {
  kind: 'file',
  *ioctl(): IoctlRun {
    return refuse('ENOTTY', 'file.no-ioctl', 'the terminal has no ioctls of KVM', 'sys_ioctl');
  },
  release: () => undefined,
};

/** An open file: descriptors and mappings hold it, the last one lets it go. */
class OpenFile implements MappedFile {
  readonly descriptor: Descriptor;
  #references = 1;

  constructor(descriptor: Descriptor) {
    this.descriptor = descriptor;
  }

  pageAt(pageOffset: number) {
    return this.descriptor.pageAt?.(pageOffset) ?? null;
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references === 0) this.descriptor.release();
  }
}

/** A process of the host: descriptors, and memory with page tables of its own. */
export class Process implements Caller {
  readonly pid: number;
  readonly memory: AddressSpace;
  readonly #host: Host;
  readonly #files = new Map<number, OpenFile>();
  /** Calls under way, KVM_RUNs that are held, and the file of each. */
  readonly #held = new Map<IoctlRun, OpenFile | null>();
  #exited = false;

  constructor(host: Host, pid: number, memory: AddressSpace) {
    this.#host = host;
    this.pid = pid;
    this.memory = memory;
  }

  get control(): RunControl {
    return this.#host.control;
  }

  /* ------------------------------------------------------------ system calls */

  /** open(2). */
  open(path: string): number | Refusal {
    const opened = openFile(path, this.#host, this);
    return 'errno' in opened ? opened : this.install(opened);
  }

  /** eventfd(2) with EFD_* flags; a read of 0 is EAGAIN also without EFD_NONBLOCK: nobody else could signal it meanwhile. */
  eventfd(count: number, flags = 0): number | Refusal {
    const refused = eventFlags(flags);
    return refused ?? this.install(new EventFd(count, flags));
  }

  /** read(2) and, with an offset, pread(2): what there is, at most `length` bytes. */
  read(fd: number, length: number, offset: number | null = null): Uint8Array | Refusal {
    const file = this.#files.get(fd);
    if (!file) return badDescriptor(fd, 'ksys_read');
    return file.descriptor.read?.(length, offset) ?? noSuchCall(fd, 'read', 'vfs_read');
  }

  /** write(2) and, with an offset, pwrite(2): how many bytes were taken. */
  write(fd: number, bytes: Uint8Array, offset: number | null = null): number | Refusal {
    const file = this.#files.get(fd);
    if (!file) return badDescriptor(fd, 'ksys_write');
    return file.descriptor.write?.(bytes, offset) ?? noSuchCall(fd, 'write', 'vfs_write');
  }

  close(fd: number): IoctlResult {
    const file = this.#files.get(fd);
    if (!file) return badDescriptor(fd, 'close_fd');
    this.#files.delete(fd);
    file.release();
    return DONE;
  }

  /** mmap(2), of memory or of a descriptor. */
  mmap(request: MmapRequest & { readonly fd?: number }): { address: bigint } | Refusal {
    if (request.fd === undefined) return this.memory.mmap(request, null);
    const file = this.#files.get(request.fd);
    if (!file) return badDescriptor(request.fd, 'ksys_mmap_pgoff');
    if (!file.descriptor.pageAt) {
      return refuse(
        'ENODEV',
        'mmap.no-mapping',
        `descriptor ${request.fd} (${file.descriptor.kind}) can't be mapped`,
        'mmap_region',
      );
    }
    const { pageSize } = this.#host.machine.memory.pages;
    const refused = file.descriptor.mayMap?.(
      Number(BigInt.asUintN(52, request.offset ?? 0n)) / pageSize,
      Math.ceil(request.length / pageSize),
      { shared: request.shared ?? false, executable: request.executable ?? false },
    );
    return refused ?? this.memory.mmap(request, file);
  }

  munmap(address: bigint, length: number): IoctlResult {
    return this.memory.munmap(address, length);
  }

  mprotect(address: bigint, length: number, protection: Protection): IoctlResult {
    return this.memory.mprotect(address, length, protection);
  }

  madvise(address: bigint, length: number, advice: Advice): IoctlResult {
    return this.memory.madvise(address, length, advice);
  }

  /**
   * ioctl(2). `request` is taken modulo 2^32, `arg` is the register. The generator must be run to its end, or ended by
   * `return()`; it yields inside KVM_RUN alone.
   */
  *ioctl(fd: number, request: number, arg: bigint): IoctlRun {
    const number = request >>> 0;
    const argument = BigInt.asUintN(64, arg);
    const observer = this.#host.onIoctl;
    const file = this.#files.get(fd);
    const descriptor = this.descriptor(fd);
    const call = observer && this.#describe(fd, descriptor, number, argument);
    if (call) observer.before?.(call);
    const result = descriptor
      ? yield* this.#hold(descriptor.ioctl(number, argument, this), file ?? null)
      : badDescriptor(fd, 'sys_ioctl');
    if (call) observer.after?.(call, result, this.#structure(call.row, argument));
    return result;
  }

  /* ------------------------------------------------------------ what KVM asks of the task */

  get canInstall(): boolean {
    return this.#files.size < MOST_DESCRIPTORS - FIRST_DESCRIPTOR;
  }

  install(descriptor: Descriptor): number | Refusal {
    if (!this.canInstall) {
      return refuse('EMFILE', 'fd.limit', `the process has ${MOST_DESCRIPTORS} descriptors`, 'get_unused_fd_flags');
    }
    let fd = FIRST_DESCRIPTOR;
    while (this.#files.has(fd)) fd++;
    this.#files.set(fd, new OpenFile(descriptor));
    return fd;
  }

  descriptor(fd: number): Descriptor | null {
    const file = this.#files.get(fd);
    return file?.descriptor ?? (fd >= 0 && fd < FIRST_DESCRIPTOR ? TERMINAL : null);
  }

  /* ------------------------------------------------------------ for views, and the end */

  descriptors(): readonly (readonly [number, Descriptor])[] {
    return [...this.#files].map(([fd, file]) => [fd, file.descriptor] as const);
  }

  /** Held calls end, and the process makes no other: the host is switched off. */
  stop(): void {
    this.#exited = true;
    for (const held of [...this.#held.keys()]) {
      held.return(refuse('EINTR', 'process.exit', 'the process ended', 'do_exit'));
      this.#letGo(held);
    }
  }

  /** The process ends: held calls too, then its mappings and descriptors go. */
  exit(): void {
    if (this.#exited) return;
    this.stop();
    this.memory.unmapAll();
    for (const fd of [...this.#files.keys()]) this.close(fd);
    this.memory.destroy();
    this.#host.forget(this);
  }

  /** As with fdget: another thread's close does not take the file away from under the call. */
  *#hold(run: IoctlRun, file: OpenFile | null): IoctlRun {
    this.#held.set(run, file);
    file?.retain();
    try {
      return yield* run;
    } finally {
      this.#letGo(run);
    }
  }

  #letGo(run: IoctlRun): void {
    const file = this.#held.get(run);
    this.#held.delete(run);
    file?.release();
  }

  #describe(fd: number, descriptor: Descriptor | null, request: number, arg: bigint): IoctlCall {
    const kind = !descriptor || descriptor.kind === 'file' ? 'unknown' : descriptor.kind;
    const row = kind === 'unknown' ? ioctlByNumber('arm64', request) : ioctlByNumber('arm64', request, kind);
    return { process: this, fd, kind, descriptor, request, arg, row, bytesBefore: this.#structure(row, arg) };
  }

  #structure(row: IoctlRow | null, arg: bigint): Uint8Array | null {
    if (!row || typeof row.arg === 'string') return null;
    return this.memory.read(arg, structLayout(row.arg, 'arm64').size);
  }
}

function noSuchCall(fd: number, call: 'read' | 'write', kernel: string): Refusal {
  return refuse('EINVAL', `fd.no-${call}`, `descriptor ${fd} has no ${call}`, kernel);
}

function badDescriptor(fd: number, kernel: string): Refusal {
  return refuse('EBADF', 'fd.bad', `${fd} is no open descriptor`, kernel);
}

/** Drives an ioctl to its end without holding it, or to `limit` holds; null: it was ended there. */
export function runToEnd(call: IoctlRun, limit = Infinity): IoctlResult | null {
  for (let holds = 0; ; holds++) {
    const step = call.next();
    if (step.done) return step.value;
    if (step.value.why === 'idle' || holds >= limit) {
      call.return(refuse('EINTR', 'run.ended', 'the call was ended', 'kvm_arch_vcpu_ioctl_run'));
      return null;
    }
  }
}
