import { EFD_FLAGS } from '../abi/posix.ts';
import type { Descriptor, EventSource, IoctlRun } from '../kvm/descriptor.ts';
import { refuse, type Refusal } from '../kvm/refusal.ts';

const BYTES = 8;
const KNOWN_FLAGS = Object.values(EFD_FLAGS).reduce((all: number, flag) => all | flag, 0);
const MOST = (1n << 64n) - 2n;

/** Flags that eventfd2 does not know. */
export function eventFlags(flags: number): Refusal | null {
  if ((flags & ~KNOWN_FLAGS) === 0) return null;
  return refuse(
    'EINVAL',
    'eventfd.flags',
    `flags 0x${(flags >>> 0).toString(16)} are not all of an eventfd`,
    'do_eventfd',
  );
}

/** eventfd(2): a counter that is signalled and read; it never blocks here, as with EFD_NONBLOCK. */
export class EventFd implements Descriptor, EventSource {
  readonly kind = 'file';
  readonly event: EventSource = this;
  readonly #semaphore: boolean;
  #count: bigint;

  constructor(count: number, flags: number) {
    this.#count = BigInt(count >>> 0);
    this.#semaphore = (flags & EFD_FLAGS.EFD_SEMAPHORE) !== 0;
  }

  signal(count: bigint): void {
    this.#count = this.#count + count > MOST ? MOST : this.#count + count;
  }

  *ioctl(): IoctlRun {
    return refuse('ENOTTY', 'file.no-ioctl', 'an event descriptor has no ioctls', 'sys_ioctl');
  }

  read(length: number): Uint8Array | Refusal {
    if (length < BYTES)
      return refuse('EINVAL', 'eventfd.size', `a read has ${BYTES} bytes, not ${length}`, 'eventfd_read');
    if (this.#count === 0n) return refuse('EAGAIN', 'eventfd.empty', 'nobody has signalled the event', 'eventfd_read');
    const taken = this.#semaphore ? 1n : this.#count;
    this.#count -= taken;
    return new Uint8Array(BigUint64Array.of(taken).buffer);
  }

  write(bytes: Uint8Array): number | Refusal {
    const no = (message: string): Refusal => refuse('EINVAL', 'eventfd.write', message, 'eventfd_write');
    if (bytes.length < BYTES) return no(`a write has ${BYTES} bytes, not ${bytes.length}`);
    const count = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    if (count > MOST) return no('2^64 - 1 can not be added');
    if (this.#count + count > MOST) return refuse('EAGAIN', 'eventfd.full', 'the counter is full', 'eventfd_write');
    this.#count += count;
    return BYTES;
  }

  release(): void {
    // Whoever signals it may still hold it.
  }
}
