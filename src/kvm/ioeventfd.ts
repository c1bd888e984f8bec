import type { Ipa } from '../abi/address.ts';
import { IOEVENTFD_FLAGS } from '../abi/constants.ts';
import { kvm_ioeventfd } from '../abi/structs.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller, EventSource } from './descriptor.ts';
import { DONE, isRefusal, refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { fromBytes, hex, readUser } from './usercopy.ts';
import type { Vm } from './vm.ts';

/** A guest's store that signals an event descriptor instead of leaving to userspace (eventfd.c). */
export interface IoEvent {
  readonly event: EventSource;
  readonly bus: 'mmio' | 'pio' | 'ccw';
  readonly addr: bigint;
  /** Bytes of the store; 0: any. */
  readonly length: number;
  /** The value that is stored; null: any. */
  readonly match: bigint | null;
}

const { KVM_IOEVENTFD_FLAG_DATAMATCH: DATAMATCH, KVM_IOEVENTFD_FLAG_DEASSIGN: DEASSIGN } = IOEVENTFD_FLAGS;
/** KVM's own number for a length of 0 (kvm_ioeventfd_flag_nr_fast_mmio): taken from userspace too, to no effect. */
const FAST_MMIO = 16;
const VALID_FLAGS = Object.values(IOEVENTFD_FLAGS).reduce<number>((all, flag) => all | flag, FAST_MMIO);
const LENGTHS: readonly number[] = [0, 1, 2, 4, 8];
const ADDRESS_END = 1n << 64n;
/** What the host's memory has room for; the kernel charges each to the process. */
const MOST_EVENTS = 65536;

export const IOEVENTFD_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_IOEVENTFD', check: () => 1 },
  { name: 'KVM_CAP_IOEVENTFD_ANY_LENGTH', check: () => 1 },
];

/** The event descriptor behind a number (eventfd_ctx_fdget). */
export function eventSource(caller: Caller, fd: number): EventSource | Refusal {
  const descriptor = caller.descriptor(fd | 0);
  if (!descriptor) return refuse('EBADF', 'eventfd.bad', `${fd | 0} is no open descriptor`, 'eventfd_ctx_fdget');
  return (
    descriptor.event ??
    refuse('EINVAL', 'eventfd.kind', `descriptor ${fd | 0} is no event descriptor`, 'eventfd_ctx_fdget')
  );
}

function busOf(flags: number): IoEvent['bus'] {
  if ((flags & IOEVENTFD_FLAGS.KVM_IOEVENTFD_FLAG_PIO) !== 0) return 'pio';
  return (flags & IOEVENTFD_FLAGS.KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY) !== 0 ? 'ccw' : 'mmio';
}

/** KVM_IOEVENTFD (kvm_ioeventfd). */
export function ioEventFd(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const given = readUser(caller.memory, arg, kvm_ioeventfd);
  if (isRefusal(given)) return given;
  const { flags, addr, len: length, datamatch } = given;
  const assigns = (flags & DEASSIGN) === 0;
  if (assigns) {
    const refused = checkAssign(addr, length, flags);
    if (refused) return refused;
  }
  const event = eventSource(caller, given.fd);
  if (isRefusal(event)) return event;
  const wanted: IoEvent = {
    event,
    bus: busOf(flags),
    addr,
    length,
    match: (flags & DATAMATCH) !== 0 ? datamatch : null,
  };
  return assigns ? assign(vm, wanted) : deassign(vm, wanted);
}

/** kvm_assign_ioeventfd. */
function checkAssign(addr: bigint, length: number, flags: number): Refusal | null {
  const no = (rule: string, message: string): Refusal =>
    refuse('EINVAL', `ioeventfd.${rule}`, message, 'kvm_assign_ioeventfd');
  if (!LENGTHS.includes(length)) return no('length', `a store has 1, 2, 4 or 8 bytes, or 0 for any, not ${length}`);
  if (addr + BigInt(length) >= ADDRESS_END) return no('range', `${hex(addr)} with ${length} bytes wraps around 2^64`);
  if ((flags & ~VALID_FLAGS) !== 0) return no('flags', `flags ${hex(flags)} has bits that there are not`);
  if (length === 0 && (flags & DATAMATCH) !== 0)
    return no('datamatch', `a length of ${length} is any, and a value can only be matched where the length is known`);
  return null;
}

function collides(a: IoEvent, b: IoEvent): boolean {
  if (a.bus !== b.bus || a.addr !== b.addr) return false;
  if (a.length === 0 || b.length === 0) return true;
  return a.length === b.length && (a.match === null || b.match === null || a.match === b.match);
}

function assign(vm: Vm, wanted: IoEvent): IoctlResult {
  const kernel = 'kvm_assign_ioeventfd_idx';
  if (vm.ioEvents.some((other) => collides(other, wanted))) {
    const message = `a store of ${wanted.length || 'any number of'} bytes to ${hex(wanted.addr)} has an event already`;
    return refuse('EEXIST', 'ioeventfd.exists', message, kernel);
  }
  if (vm.ioEvents.length >= MOST_EVENTS)
    return refuse('ENOMEM', 'ioeventfd.no-memory', `the VM has ${MOST_EVENTS} events`, kernel);
  vm.ioEvents.push(wanted);
  return DONE;
}

function deassign(vm: Vm, { event, bus, addr, length, match }: IoEvent): IoctlResult {
  const at = vm.ioEvents.findIndex(
    (other) =>
      other.event === event &&
      other.bus === bus &&
      other.addr === addr &&
      other.length === length &&
      other.match === match,
  );
  if (at < 0) {
    const message = `descriptor and store to ${hex(addr)} are not those of an event`;
    return refuse('ENOENT', 'ioeventfd.missing', message, 'kvm_deassign_ioeventfd_idx');
  }
  vm.ioEvents.splice(at, 1);
  return DONE;
}

/** A guest's store: whether an event was signalled for it (ioeventfd_write). */
export function signalStore(vm: Vm, ipa: Ipa, data: Uint8Array): boolean {
  if (vm.ioEvents.length === 0) return false;
  const addr = BigInt(ipa);
  const found = vm.ioEvents.find(
    (event) =>
      event.bus === 'mmio' &&
      event.addr === addr &&
      (event.length === 0 || event.length === data.length) &&
      (event.match === null || BigInt.asUintN(8 * data.length, event.match) === fromBytes(data)),
  );
  found?.event.signal(1n);
  return found !== undefined;
}
