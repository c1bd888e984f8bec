import { ioctlByName, ioctlNumber } from '../../abi/ioctls.ts';
import type { ArchType, StructDef } from '../../abi/layout.ts';
import {
  kvm_create_device,
  kvm_device_attr,
  kvm_enable_cap,
  kvm_one_reg,
  kvm_run,
  kvm_userspace_memory_region,
  kvm_vcpu_init,
} from '../../abi/structs.ts';
import { CAPABILITIES } from '../../abi/capabilities.ts';
import { SIGNALS } from '../../abi/posix.ts';
import { readStruct, writeStruct } from '../../abi/values.ts';
import type { Host } from '../../host/host.ts';
import type { MmapRequest } from '../../host/mm.ts';
import { runToEnd, type Process } from '../../host/process.ts';
import type { Answer } from './record.ts';

const SCRATCH = 0x10000;
/** What a call that did not return is answered as; no recorded call is. */
const ENDED: Answer = { ret: -1, errno: 'ended' };
const GIGABYTE = 2 ** 30;
const ALIGNMENT = 0x40_0000n;
const TARGET_GENERIC_V8 = 5;
const RUN_REQUEST = ioctlNumber(ioctlByName('KVM_RUN')!, 'arm64');
/** Guest instructions that are a guest's share of time before the signal. */
const SLICE = 100_000;
const MOST_SLICES = 4;
const TIMER_SIGNAL = 1n << BigInt(SIGNALS.SIGUSR1 - 1);

/** The recording probe's own functions, in a process of our host. */
export class Probe {
  readonly host: Host;
  readonly process: Process;
  readonly #control: Host['control'];
  readonly pageSize: number;
  readonly kvm: number;
  /** A page or more that calls may use for their structures. */
  readonly scratch: bigint;
  #buffer: bigint | null = null;

  constructor(host: Host) {
    this.host = host;
    this.process = host.createProcess();
    this.#control = host.control;
    this.pageSize = host.config.pageSize;
    this.scratch = this.map({ length: SCRATCH });
    const fd = this.process.open('/dev/kvm');
    this.kvm = typeof fd === 'number' ? fd : -1;
  }

  end(): void {
    this.process.exit();
  }

  /** Anonymous memory, readable and writable unless said otherwise; 0 where there is none. */
  map(request: MmapRequest & { fd?: number }): bigint {
    const mapped = this.process.mmap({ readable: true, writable: true, ...request });
    return 'errno' in mapped ? 0n : mapped.address;
  }

  /** 1 GiB of memory that begins at a multiple of 4 MiB. */
  get buffer(): bigint {
    this.#buffer ??= (this.map({ length: GIGABYTE }) + ALIGNMENT - 1n) & ~(ALIGNMENT - 1n);
    return this.#buffer;
  }

  ioctl(fd: number, name: string, arg = 0n): Answer {
    const row = ioctlByName(name);
    if (!row) throw new RangeError(`no ioctl ${name}`);
    return this.number(fd, ioctlNumber(row, 'arm64'), arg);
  }

  /** An ioctl by its number. */
  number(fd: number, request: number, arg = 0n): Answer {
    const result = runToEnd(this.process.ioctl(fd, request, arg), 100);
    if (!result) return ENDED;
    return 'errno' in result ? { ret: -1, errno: result.errno } : { ret: result.ret, errno: null };
  }

  /** An ioctl with a structure in scratch memory. */
  call(fd: number, name: string, struct: StructDef | ArchType, value: object): Answer {
    this.process.memory.write(this.scratch, writeStruct(struct, 'arm64', value));
    return this.ioctl(fd, name, this.scratch);
  }

  vm(type = 0n): number {
    return this.ioctl(this.kvm, 'KVM_CREATE_VM', type).ret;
  }

  vcpu(vm: number, id = 0): number {
    return this.ioctl(vm, 'KVM_CREATE_VCPU', BigInt(id)).ret;
  }

  /** A VM with a vCPU of these features. */
  initialized(features: number, type = 0n): { vm: number; vcpu: number; init: Answer } {
    const vm = this.vm(type);
    const vcpu = this.vcpu(vm);
    return { vm, vcpu, init: this.init(vcpu, [features]) };
  }

  init(vcpu: number, features: readonly number[], target = TARGET_GENERIC_V8): Answer {
    return this.call(vcpu, 'KVM_ARM_VCPU_INIT', kvm_vcpu_init, { target: target >>> 0, features: [...features] });
  }

  finalize(vcpu: number, feature: number): Answer {
    this.process.memory.write(this.scratch, new Uint8Array(Int32Array.of(feature).buffer));
    return this.ioctl(vcpu, 'KVM_ARM_VCPU_FINALIZE', this.scratch);
  }

  oneReg(vcpu: number, call: 'GET' | 'SET', id: bigint, addr: bigint): Answer {
    return this.call(vcpu, `KVM_${call}_ONE_REG`, kvm_one_reg, { id, addr });
  }

  /** Bytes of a register, zeros where it can't be had. */
  getBytes(vcpu: number, id: bigint, size: number): Answer & { bytes: Uint8Array } {
    const at = this.scratch + 0x1000n;
    this.process.memory.write(at, new Uint8Array(size));
    const answer = this.oneReg(vcpu, 'GET', id, at);
    return { ...answer, bytes: this.process.memory.read(at, size) ?? new Uint8Array(size) };
  }

  setBytes(vcpu: number, id: bigint, bytes: Uint8Array): Answer {
    const at = this.scratch + 0x1000n;
    this.process.memory.write(at, bytes);
    return this.oneReg(vcpu, 'SET', id, at);
  }

  getReg(vcpu: number, id: bigint): Answer & { value: bigint } {
    const { bytes, ...answer } = this.getBytes(vcpu, id, 8);
    return { ...answer, value: new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) };
  }

  setReg(vcpu: number, id: bigint, value: bigint): Answer {
    return this.setBytes(vcpu, id, new Uint8Array(BigUint64Array.of(value).buffer));
  }

  slot(vm: number, slot: bigint, flags: bigint, gpa: bigint, size: bigint, hva: bigint): Answer {
    return this.call(vm, 'KVM_SET_USER_MEMORY_REGION', kvm_userspace_memory_region, {
      slot: Number(slot),
      flags: Number(flags),
      guest_phys_addr: gpa,
      memory_size: size,
      userspace_addr: hva,
    });
  }

  enable(fd: number, cap: bigint | keyof typeof CAPABILITIES, flags = 0n, arg0 = 0n, arg1 = 0n): Answer {
    const number = typeof cap === 'bigint' ? Number(cap) : CAPABILITIES[cap];
    return this.call(fd, 'KVM_ENABLE_CAP', kvm_enable_cap, { cap: number, flags: Number(flags), args: [arg0, arg1] });
  }

  attribute(fd: number, call: 'SET' | 'GET' | 'HAS', group: bigint, attr: bigint, addr = 0n): Answer {
    return this.call(fd, `KVM_${call}_DEVICE_ATTR`, kvm_device_attr, { group: Number(group), attr, addr });
  }

  /** An attribute whose value is a structure. */
  attributeOf(
    fd: number,
    call: 'SET' | 'GET',
    group: bigint,
    attr: bigint,
    struct: StructDef | ArchType,
    value: object,
  ): Answer {
    const at = this.scratch + 0x2000n;
    this.process.memory.write(at, writeStruct(struct, 'arm64', value));
    return this.attribute(fd, call, group, attr, at);
  }

  /** A device's descriptor; a refusal's ret is -1. */
  device(vm: number, type: number): Answer {
    const answer = this.call(vm, 'KVM_CREATE_DEVICE', kvm_create_device, { type, fd: 0xffff_ffff, flags: 0 });
    if (answer.errno) return answer;
    const bytes = this.process.memory.read(this.scratch, 12);
    return bytes ? { ret: Number(readStruct(kvm_create_device, 'arm64', bytes).fd), errno: null } : ENDED;
  }

  /** kvm_run of a vCPU, mapped. */
  mapRun(vcpu: number): bigint {
    return this.map({ length: 2 * this.pageSize, shared: true, fd: vcpu });
  }

  runStruct(run: bigint) {
    return readStruct(kvm_run, 'arm64', this.process.memory.read(run, 4096) ?? new Uint8Array(4096));
  }

  /** KVM_RUN with a timer's signal: where nothing can wake the vCPU, or the guest has run for long. */
  run(vcpu: number): Answer {
    this.#control.budget = SLICE;
    const call = this.process.ioctl(vcpu, RUN_REQUEST, 0n);
    try {
      let step = call.next();
      for (let slices = 1; !step.done; slices++) {
        if (step.value.why === 'idle' || slices >= MOST_SLICES) this.#control.signals = TIMER_SIGNAL;
        step = call.next();
      }
      return 'errno' in step.value ? { ret: -1, errno: step.value.errno } : { ret: step.value.ret, errno: null };
    } finally {
      this.#control.signals = 0n;
    }
  }

  /** KVM_RUN with immediate_exit set. */
  runImmediately(vcpu: number): Answer {
    const run = this.mapRun(vcpu);
    if (run === 0n) return ENDED;
    const IMMEDIATE_EXIT = 1n;
    this.process.memory.write(run + IMMEDIATE_EXIT, Uint8Array.of(1));
    const answer = this.ioctl(vcpu, 'KVM_RUN');
    this.process.munmap(run, 2 * this.pageSize);
    return answer;
  }

  words(address: bigint, count: number): bigint[] {
    const bytes = this.process.memory.read(address, 8 * count) ?? new Uint8Array(8 * count);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return Array.from({ length: count }, (_, n) => view.getBigUint64(8 * n, true));
  }

  close(...fds: number[]): void {
    for (const fd of fds) if (fd >= 0) this.process.close(fd);
  }
}

/** A descriptor that was made, as the records have it. */
export const madeIt = (answer: Answer): Answer => (answer.errno ? answer : { ret: 0, errno: null });

/** An errno as the records' `out` has it. */
export const errnoName = (answer: Answer): string => answer.errno ?? '0';
