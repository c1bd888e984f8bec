import type { Descriptor, IoctlRun } from '../kvm/descriptor.ts';
import { refuse, type Refusal } from '../kvm/refusal.ts';
import type { Host } from './host.ts';
import type { AddressSpace, OwnPage } from './mm.ts';
import type { Process } from './process.ts';

/** Files of the host by path. */

/** Bytes of a word, and bits. */
const WORD = 8;
const BITS = 64;

type OpenFile = (host: Host, process: Process) => Descriptor | Refusal;

const FILES: Readonly<Record<string, OpenFile>> = {
  '/dev/kvm': ({ kvm }) => {
    if (kvm.failure === null) return kvm.open();
    const message = `there is no /dev/kvm: KVM gave up at boot, as ${kvm.failure}`;
    return refuse('ENOENT', 'open.no-kvm', message, 'kvm_set_ipa_limit');
  },
  '/proc/self/pagemap': ({ config }, { memory }) => new PageMap(memory, config.pageSize),
  '/sys/kernel/mm/page_idle/bitmap': (host) => new IdleBitmap(host),
};

/** open(2): what a new descriptor refers to. */
export function openFile(path: string, host: Host, process: Process): Descriptor | Refusal {
  const open = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (open) return open(host, process);
  const message = `there is no ${path}; the host has ${Object.keys(FILES).join(', ')}`;
  return refuse('ENOENT', 'open.no-file', message, 'do_sys_openat2');
}

/** A file of 64-bit words, which is read in whole ones. */
abstract class WordFile implements Descriptor {
  readonly kind = 'file';
  readonly #name: string;
  /** Bytes. */
  #position = 0;

  /** `name`: of the kernel's functions that read and write it, without what they do. */
  constructor(name: string) {
    this.#name = name;
  }

  *ioctl(): IoctlRun {
    return refuse('ENOTTY', 'file.no-ioctl', 'the file has no ioctls', 'sys_ioctl');
  }

  /** Words from `first` on, at most `count`. */
  protected abstract words(first: number, count: number): BigUint64Array;

  read(length: number, offset: number | null): Uint8Array | Refusal {
    return this.transfer(length, offset, 'read', (from) => {
      const bytes = new Uint8Array(this.words(from / WORD, length / WORD).buffer);
      return { taken: bytes.length, result: bytes };
    });
  }

  /** Where a transfer of `length` bytes begins, and the position that it leaves. */
  protected transfer<T>(
    length: number,
    offset: number | null,
    call: 'read' | 'write',
    make: (from: number) => { readonly taken: number; readonly result: T } | Refusal,
  ): T | Refusal {
    const from = offset ?? this.#position;
    if (from % WORD !== 0 || length % WORD !== 0) {
      const message = `${length} bytes at ${from}: an entry has ${WORD} bytes`;
      return refuse('EINVAL', 'file.words', message, `${this.#name}_${call}`);
    }
    const made = make(from);
    if ('errno' in made) return made;
    if (offset === null) this.#position += made.taken;
    return made.result;
  }

  release(): void {
    return undefined;
  }
}

/** An entry of pagemap (PM_*): the page's frame where it is present. */
const PAGEMAP = { EXCLUSIVE: 1n << 56n, FILE: 1n << 61n, PRESENT: 1n << 63n } as const;

/** /proc/self/pagemap: what lies behind each page of the process (Documentation/admin-guide/mm/pagemap.rst). */
class PageMap extends WordFile {
  readonly #memory: AddressSpace;
  readonly #pageSize: number;

  constructor(memory: AddressSpace, pageSize: number) {
    super('pagemap');
    this.#memory = memory;
    this.#pageSize = pageSize;
  }

  protected override words(first: number, count: number): BigUint64Array {
    const end = Number(this.#memory.taskSize) / this.#pageSize;
    const words = new BigUint64Array(Math.max(0, Math.min(count, end - first)));
    for (let n = 0; n < words.length; n++) {
      const page = this.#memory.present((first + n) * this.#pageSize);
      if (!page) continue;
      const frame = BigInt(page.pa / this.#pageSize);
      words[n] = frame | PAGEMAP.PRESENT | (page.exclusive ? PAGEMAP.EXCLUSIVE : 0n) | (page.file ? PAGEMAP.FILE : 0n);
    }
    return words;
  }
}

/**
 * A bit for each page of the host (CONFIG_IDLE_PAGE_TRACKING, Documentation/admin-guide/mm/idle_page_tracking.rst): whether it has
 * not been used since the bit was set. Pages of processes have one, huge ones by their first; the kernel's own, the zero page among
 * them, read as 0.
 */
class IdleBitmap extends WordFile {
  readonly #host: Host;
  readonly #pageSize: number;

  constructor(host: Host) {
    super('page_idle_bitmap');
    this.#host = host;
    this.#pageSize = host.config.pageSize;
  }

  override read(length: number, offset: number | null): Uint8Array | Refusal {
    return super.read(Math.min(length, this.#pageSize), offset);
  }

  protected override words(first: number, count: number): BigUint64Array {
    const words = new BigUint64Array(Math.max(0, Math.min(count, this.#end - first)));
    this.#visit(first, words.length, (memory, page, word, bit) => {
      if (!memory.idle.has(page.address)) return;
      if (memory.age(BigInt(page.address), page.size, false)) memory.idle.delete(page.address);
      else words[word]! |= bit;
    });
    return words;
  }

  write(bytes: Uint8Array, offset: number | null): number | Refusal {
    const length = Math.min(bytes.length, this.#pageSize);
    return this.transfer(length, offset, 'write', (from) => {
      const first = from / WORD;
      if (first >= this.#end) {
        return refuse(
          'ENXIO',
          'page-idle.end',
          `the host has no page at bit ${first * BITS}`,
          'page_idle_bitmap_write',
        );
      }
      const words = new BigUint64Array(bytes.slice(0, length).buffer);
      this.#visit(first, Math.min(words.length, this.#end - first), (memory, page, word, bit) => {
        if ((words[word]! & bit) === 0n) return;
        memory.age(BigInt(page.address), page.size, false);
        memory.idle.add(page.address);
      });
      return { taken: length, result: length };
    });
  }

  /** Words for all RAM of the host (max_pfn). */
  get #end(): number {
    const last = this.#host.machine.memory.banks.at(-1);
    return last ? Math.ceil((last.base + last.size) / this.#pageSize / BITS) : 0;
  }

  /** The processes' pages that have a bit in these words. */
  #visit(
    first: number,
    count: number,
    visit: (memory: AddressSpace, page: OwnPage, word: number, bit: bigint) => void,
  ): void {
    const start = first * BITS;
    for (const { memory } of this.#host.processes) {
      for (const page of memory.ownPages()) {
        const index = page.pa / this.#pageSize - start;
        if (index >= 0 && index < count * BITS)
          visit(memory, page, Math.floor(index / BITS), 1n << BigInt(index % BITS));
      }
    }
  }
}
