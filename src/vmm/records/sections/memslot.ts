import { CAPABILITIES } from '../../../abi/capabilities.ts';
import {
  kvm_clear_dirty_log,
  kvm_create_guest_memfd,
  kvm_dirty_log,
  kvm_userspace_memory_region2,
} from '../../../abi/structs.ts';
import { madeIt } from '../probe.ts';
import { argument, hex, type Recorded } from '../record.ts';
import type { Case, Section } from './section.ts';

const BASE = 0x10_0000n;
const BITMAP_WORDS = 4;
const ONES = new Uint8Array(8 * BITMAP_WORDS).fill(0xff);

export const memslot: Section = (probe) => {
  const page = BigInt(probe.pageSize);
  const bitmap = probe.map({ length: 0x10000 });
  const readOnly = probe.map({ length: 16 * probe.pageSize, writable: false });
  const none = probe.map({ length: 16 * probe.pageSize, readable: false, writable: false });
  let vm = -1;
  let mapped = -1;
  let logged = -1;

  const renew = (fd: number): number => {
    probe.close(fd);
    return probe.vm();
  };
  const host = (record: Recorded): bigint => {
    const given = String(record.args.hva_off);
    return given.startsWith('H+') ? probe.buffer + BigInt(given.slice(2)) : BigInt(given);
  };
  const set = (fd: number, record: Recorded) => {
    const [slot, flags, gpa, size] = ['slot', 'flags', 'gpa', 'size'].map((name) => argument(record, name));
    return probe.slot(fd, slot!, flags!, gpa!, size!, host(record));
  };
  /** One slot in a VM of its own: every case that says a VM's type. */
  const single: Case = (record) => {
    const fd = probe.vm(argument(record, 'type'));
    const answer = set(fd, record);
    probe.close(fd);
    return answer;
  };
  const inMapped = (slot: bigint, address: bigint): Case => {
    return (record) => {
      if (slot === 0n) mapped = renew(mapped);
      const guest = BASE * (slot + 1n);
      return probe.slot(mapped, slot, argument(record, 'flags'), guest, 16n * page, address);
    };
  };
  const getLog = (slot: bigint, address = bitmap) =>
    probe.call(logged, 'KVM_GET_DIRTY_LOG', kvm_dirty_log, { slot: Number(slot), dirty_bitmap: address });
  const words = (...names: string[]) =>
    Object.fromEntries(probe.words(bitmap, names.length).map((word, n) => [names[n] ?? '', hex(word)]));
  const slotOf130 = (flags: bigint) => probe.slot(logged, 0n, flags, BASE, 130n * page, probe.buffer);
  const clearLog: Case = (record) =>
    probe.call(logged, 'KVM_CLEAR_DIRTY_LOG', kvm_clear_dirty_log, {
      slot: 0,
      first_page: argument(record, 'first'),
      num_pages: Number(argument(record, 'n')),
      dirty_bitmap: bitmap,
    });

  return {
    '*': single,
    vm_type_not_available: (record) => probe.ioctl(probe.kvm, 'KVM_CREATE_VM', argument(record, 'type')),
    seq: (record) => {
      if (argument(record, 'step') === 0n) vm = renew(vm);
      return set(vm, record);
    },
    hva_prot_read_rw_slot: inMapped(0n, readOnly),
    hva_prot_none: inMapped(1n, none),
    hva_prot_read_ro_slot: inMapped(2n, readOnly),
    region2: (record) => {
      const fd = probe.vm();
      const pad = Number(argument(record, 'pad'));
      const answer = probe.call(fd, 'KVM_SET_USER_MEMORY_REGION2', kvm_userspace_memory_region2, {
        slot: Number(argument(record, 'slot')),
        flags: Number(argument(record, 'flags')),
        guest_phys_addr: argument(record, 'gpa'),
        memory_size: argument(record, 'size'),
        userspace_addr: probe.buffer,
        guest_memfd_offset: argument(record, 'guest_memfd_offset'),
        guest_memfd: Number(argument(record, 'guest_memfd')),
        pad1: pad,
        pad2: [BigInt(pad)],
      });
      probe.close(fd);
      return answer;
    },
    KVM_CREATE_GUEST_MEMFD: (record) => {
      const fd = probe.vm();
      const size = argument(record, 'size');
      const answer = probe.call(fd, 'KVM_CREATE_GUEST_MEMFD', kvm_create_guest_memfd, { size });
      probe.close(fd);
      return madeIt(answer);
    },
    GET_DIRTY_LOG_noslot: () => {
      logged = renew(logged);
      return getLog(0n);
    },
    GET_DIRTY_LOG_nolog: () => {
      slotOf130(0n);
      return getLog(0n);
    },
    GET_DIRTY_LOG_log: () => {
      slotOf130(1n);
      probe.process.memory.write(bitmap, ONES);
      return { ...getLog(0n), out: words('w0', 'w1', 'w2', 'w3_untouched') };
    },
    GET_DIRTY_LOG_slot: (record) => getLog(argument(record, 'slot')),
    GET_DIRTY_LOG_badptr: () => getLog(0n, 8n),
    CLEAR_DIRTY_LOG_cap_off: clearLog,
    MANUAL_DIRTY_LOG_PROTECT2: (record) => {
      logged = renew(logged);
      return probe.enable(logged, BigInt(CAPABILITIES.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2), 0n, argument(record, 'arg0'));
    },
    GET_DIRTY_LOG_after_cap: () => {
      slotOf130(1n);
      probe.process.memory.write(bitmap, new Uint8Array(ONES.length));
      return { ...getLog(0n), out: words('w0', 'w1', 'w2') };
    },
    CLEAR_DIRTY_LOG: clearLog,
    max_slots: () => {
      const fd = probe.vm();
      const add = (slot: bigint) => probe.slot(fd, slot, 0n, BASE + slot * page, page, probe.buffer);
      let created = 0n;
      const MOST = 33000n;
      while (created < MOST && !add(created).errno) created++;
      const answer = add(created);
      probe.close(fd);
      return { ...answer, out: { created: Number(created) } };
    },
  };
};
