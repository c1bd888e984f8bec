import type { CapabilityRow } from './capabilities.ts';
import type { Caller, Descriptor, IoctlRun } from './descriptor.ts';
import { refuse, type IoctlResult, type Refusal } from './refusal.ts';

/** Statistics of a VM and of a vCPU as a file that describes itself (binary_stats.c, struct kvm_stats_header and kvm_stats_desc). */

const NAME_BYTES = 48;
const HEADER_BYTES = 24;
const DESCRIPTOR_BYTES = 16 + NAME_BYTES;
const HISTOGRAM_BUCKETS = 32;

const TYPE = { cumulative: 0, instant: 1, logHistogram: 4 } as const;
const UNIT = { none: 0, seconds: 2, boolean: 4 } as const;
const UNIT_SHIFT = 4;
const NANO = -9;

interface Statistic {
  readonly name: string;
  readonly type: number;
  readonly unit: number;
  /** Of ten. */
  readonly exponent: number;
  /** Values of 64 bits. */
  readonly size: number;
  /** Bytes into the data. */
  readonly offset: number;
}

type Shape = Pick<Statistic, 'type' | 'unit' | 'exponent' | 'size'>;
const counter: Shape = { type: TYPE.cumulative, unit: UNIT.none, exponent: 0, size: 1 };
const time: Shape = { type: TYPE.cumulative, unit: UNIT.seconds, exponent: NANO, size: 1 };
const histogram: Shape = { type: TYPE.logHistogram, unit: UNIT.seconds, exponent: NANO, size: HISTOGRAM_BUCKETS };
const flag: Shape = { type: TYPE.instant, unit: UNIT.boolean, exponent: 0, size: 1 };

function table<const N extends string>(shapes: Readonly<Record<N, Shape>>): ReadonlyMap<N, Statistic> {
  const rows = new Map<N, Statistic>();
  let offset = 0;
  for (const [name, shape] of Object.entries<Shape>(shapes)) {
    rows.set(name as N, { name, ...shape, offset });
    offset += 8 * shape.size;
  }
  return rows;
}

/** kvm_vm_stats_desc. */
export const VM_STATISTICS = table({ remote_tlb_flush: counter, remote_tlb_flush_requests: counter });

/** kvm_vcpu_stats_desc. */
export const VCPU_STATISTICS = table({
  halt_successful_poll: counter,
  halt_attempted_poll: counter,
  halt_poll_invalid: counter,
  halt_wakeup: counter,
  halt_poll_success_ns: time,
  halt_poll_fail_ns: time,
  halt_wait_ns: time,
  halt_poll_success_hist: histogram,
  halt_poll_fail_hist: histogram,
  halt_wait_hist: histogram,
  blocking: flag,
  hvc_exit_stat: counter,
  wfe_exit_stat: counter,
  wfi_exit_stat: counter,
  mmio_exit_user: counter,
  mmio_exit_kernel: counter,
  signal_exits: counter,
  exits: counter,
});

/** The values, as the file has them: 64 bits each. */
export class Statistics<N extends string> {
  readonly rows: ReadonlyMap<N, Statistic>;
  readonly values: BigUint64Array;

  constructor(rows: ReadonlyMap<N, Statistic>) {
    this.rows = rows;
    this.values = new BigUint64Array([...rows.values()].reduce((sum, { size }) => sum + size, 0));
  }

  add(name: N, count = 1n): void {
    this.values[this.#index(name)]! += count;
  }

  set(name: N, value: bigint): void {
    this.values[this.#index(name)] = value;
  }

  /** Counts a value in a histogram whose bucket n is for values of n bits (kvm_stats_log_hist_update). */
  record(name: N, value: bigint): void {
    const bits = value.toString(2).length;
    const bucket = value === 0n ? 0 : Math.min(bits, HISTOGRAM_BUCKETS - 1);
    this.values[this.#index(name) + bucket]! += 1n;
  }

  #index(name: N): number {
    return this.rows.get(name)!.offset / 8;
  }
}

/** Header, name, descriptors and values. */
function contents(id: string, statistics: Statistics<string>): Uint8Array {
  const rows = [...statistics.rows.values()];
  const descriptors = HEADER_BYTES + NAME_BYTES;
  const data = descriptors + rows.length * DESCRIPTOR_BYTES;
  const bytes = new Uint8Array(data + statistics.values.byteLength);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string): void => {
    for (let n = 0; n < Math.min(value.length, NAME_BYTES - 1); n++) bytes[at + n] = value.charCodeAt(n);
  };
  [0, NAME_BYTES, rows.length, HEADER_BYTES, descriptors, data].forEach((word, n) => view.setUint32(4 * n, word, true));
  text(HEADER_BYTES, id);
  rows.forEach(({ name, type, unit, exponent, size, offset }, n) => {
    const at = descriptors + n * DESCRIPTOR_BYTES;
    view.setUint32(at, type | (unit << UNIT_SHIFT), true);
    view.setInt16(at + 4, exponent, true);
    view.setUint16(at + 6, size, true);
    view.setUint32(at + 8, offset, true);
    text(at + 16, name);
  });
  statistics.values.forEach((value, n) => view.setBigUint64(data + 8 * n, value, true));
  return bytes;
}

/** What KVM_GET_STATS_FD gives; holds the VM as long as it is open. */
export class StatisticsFile implements Descriptor {
  readonly kind = 'file';
  readonly #id: string;
  readonly #of: Statistics<string>;
  readonly #vm: { retain(): void; release(): void };
  #position = 0;

  constructor(id: string, of: Statistics<string>, vm: { retain(): void; release(): void }) {
    this.#id = id;
    this.#of = of;
    this.#vm = vm;
    vm.retain();
  }

  *ioctl(): IoctlRun {
    return refuse('ENOTTY', 'file.no-ioctl', 'a statistics descriptor has no ioctls', 'sys_ioctl');
  }

  /** kvm_stats_read; without an offset from where the last such read ended. */
  read(length: number, offset: number | null): Uint8Array | Refusal {
    const bytes = contents(this.#id, this.#of);
    const from = Math.min(offset ?? this.#position, bytes.length);
    const read = bytes.slice(from, Math.min(from + length, bytes.length));
    if (offset === null) this.#position = from + read.length;
    return read;
  }

  release(): void {
    this.#vm.release();
  }
}

/** KVM_GET_STATS_FD (kvm_vm_ioctl_get_stats_fd, kvm_vcpu_ioctl_get_stats_fd). */
export function openStatistics(file: () => StatisticsFile, caller: Caller): IoctlResult {
  if (!caller.canInstall)
    return refuse('EMFILE', 'fd.limit', 'the process has no free descriptor', 'get_unused_fd_flags');
  const opened = file();
  const fd = caller.install(opened);
  if (typeof fd === 'number') return { ret: fd };
  opened.release();
  return fd;
}

export const STATISTICS_CAPABILITIES: readonly CapabilityRow[] = [{ name: 'KVM_CAP_BINARY_STATS_FD', check: () => 1 }];
