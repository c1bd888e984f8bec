import type { StructDef } from '../abi/layout.ts';
import { ioctlByName, ioctlNumber } from '../abi/ioctls.ts';
import { coreRegId, CORE_REGS } from '../abi/onereg.ts';
import { kvm_enable_cap, kvm_one_reg, kvm_userspace_memory_region, kvm_vcpu_init } from '../abi/structs.ts';
import { readStruct, writeStruct } from '../abi/values.ts';
import { kvm_run } from '../abi/structs.ts';
import { isRefusal, type IoctlResult } from '../kvm/refusal.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { Vm } from '../kvm/vm.ts';
import { HOST_PRESETS, type HostConfig } from './config.ts';
import { boot, Host } from './host.ts';
import type { MmapRequest } from './mm.ts';
import { runToEnd, type Process } from './process.ts';

/** Enough for a test, and quick to make. */
const SMALL_RAM = [{ base: 0x4000_0000n, size: 0x0100_0000n }];

function bootTest(config: HostConfig | string): Host {
  if (typeof config !== 'string') return boot(config);
  const preset = HOST_PRESETS.find(({ name }) => name === config);
  if (!preset) throw new Error('no such preset');
  return boot({ ...preset.config, ram: SMALL_RAM });
}

/** A VMM for tests: one process, one VM, what it asks as the kernel's structures. */
export class TestVmm {
  readonly host: Host;
  readonly process: Process;
  readonly scratch: bigint;
  readonly kvm: number;
  vm = -1;

  /** `host`: its preset's name, its configuration, or one that is there already. */
  constructor(host: Host | HostConfig | string = 'max-4k') {
    this.host = host instanceof Host ? host : bootTest(host);
    this.process = this.host.createProcess();
    this.scratch = this.map(0x10000);
    this.kvm = this.#fd(this.process.open('/dev/kvm'));
  }

  ioctl(fd: number, name: string, arg = 0n): IoctlResult {
    const row = ioctlByName(name);
    if (!row) throw new Error(`no ioctl ${name}`);
    const result = runToEnd(this.process.ioctl(fd, ioctlNumber(row, 'arm64'), arg));
    if (!result) throw new Error(`${name} did not end`);
    return result;
  }

  /** An ioctl with a structure in scratch memory. */
  call(fd: number, name: string, struct: StructDef, value: object): IoctlResult {
    this.process.memory.write(this.scratch, writeStruct(struct, 'arm64', value));
    return this.ioctl(fd, name, this.scratch);
  }

  /** ret, or the errno's name. */
  answer(fd: number, name: string, arg = 0n): number | string {
    const result = this.ioctl(fd, name, arg);
    return isRefusal(result) ? result.errno : result.ret;
  }

  map(length: number, request: Partial<MmapRequest> & { fd?: number } = {}): bigint {
    const mapped = this.process.mmap({ length, shared: true, ...request });
    if (isRefusal(mapped)) throw new Error(mapped.message);
    return mapped.address;
  }

  createVm(type = 0): Vm {
    this.vm = this.#fd(this.ioctl(this.kvm, 'KVM_CREATE_VM', BigInt(type)));
    return this.process.descriptor(this.vm) as Vm;
  }

  slot(slot: number, guest: number | bigint, size: number | bigint, hva: bigint, flags = 0): IoctlResult {
    const region = { slot, flags, guest_phys_addr: guest, memory_size: size, userspace_addr: hva };
    this.process.memory.write(this.scratch, writeStruct(kvm_userspace_memory_region, 'arm64', region));
    return this.ioctl(this.vm, 'KVM_SET_USER_MEMORY_REGION', this.scratch);
  }

  enable(cap: number, ...args: bigint[]): IoctlResult {
    this.process.memory.write(this.scratch, writeStruct(kvm_enable_cap, 'arm64', { cap, args }));
    return this.ioctl(this.vm, 'KVM_ENABLE_CAP', this.scratch);
  }

  /** A vCPU that is initialized, with its kvm_run mapped. */
  vcpu(id = 0, features = 4): { fd: number; vcpu: Vcpu; run: bigint } {
    const fd = this.#fd(this.ioctl(this.vm, 'KVM_CREATE_VCPU', BigInt(id)));
    this.process.memory.write(this.scratch, writeStruct(kvm_vcpu_init, 'arm64', { target: 5, features: [features] }));
    const result = this.ioctl(fd, 'KVM_ARM_VCPU_INIT', this.scratch);
    if (isRefusal(result)) throw new Error(result.message);
    return { fd, vcpu: this.process.descriptor(fd) as Vcpu, run: this.map(this.host.config.pageSize, { fd }) };
  }

  setReg(fd: number, id: bigint, value: bigint): IoctlResult {
    const at = this.scratch + 0x100n;
    this.process.memory.write(at, writeStruct(kvm_one_reg, 'arm64', { id, addr: at + 16n }));
    this.process.memory.write(at + 16n, new Uint8Array(BigUint64Array.of(value).buffer));
    return this.ioctl(fd, 'KVM_SET_ONE_REG', at);
  }

  getReg(fd: number, id: bigint): bigint | string {
    const at = this.scratch + 0x100n;
    this.process.memory.write(at, writeStruct(kvm_one_reg, 'arm64', { id, addr: at + 16n }));
    const answer = this.answer(fd, 'KVM_GET_ONE_REG', at);
    if (answer !== 0) return String(answer);
    return new DataView(this.process.memory.read(at + 16n, 8)!.buffer).getBigUint64(0, true);
  }

  core(fd: number, name: string): bigint | string {
    return this.getReg(fd, coreRegId(CORE_REGS.find((reg) => reg.name === name)!));
  }

  setCore(fd: number, name: string, value: bigint): void {
    const result = this.setReg(fd, coreRegId(CORE_REGS.find((reg) => reg.name === name)!), value);
    if (isRefusal(result)) throw new Error(result.message);
  }

  /** struct kvm_run as it is now. */
  runStruct(run: bigint) {
    return readStruct(kvm_run, 'arm64', this.process.memory.read(run, 4096)!);
  }

  #fd(result: number | IoctlResult): number {
    if (typeof result === 'number') return result;
    if (isRefusal(result)) throw new Error(result.message);
    return result.ret;
  }
}
