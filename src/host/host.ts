import type { IoctlRow } from '../abi/ioctls.ts';
import type { Descriptor, DescriptorKind, RunControl } from '../kvm/descriptor.ts';
import { KvmModule } from '../kvm/module.ts';
import type { IoctlResult } from '../kvm/refusal.ts';
import { Machine } from '../machine/machine.ts';
import { levelShift, tableFormat } from '../machine/translation/format.ts';
import { stage1StartLevel } from '../machine/translation/format.ts';
import { bootLog, type BootLine } from './bootlog.ts';
import { checkConfig, ConfigError, DEFAULT_KERNEL, hardwareOptions, type HostConfig } from './config.ts';
import { EmulatedCpu } from './emulated.ts';
import { realIdentity, withoutPointerAuthentication } from './identity.ts';
import { AddressSpace } from './mm.ts';
import { BLOCK_LEVEL } from './pages.ts';
import { Process } from './process.ts';
import { ZeroPages } from './zero.ts';

export type { BootLine } from './bootlog.ts';

/** One ioctl as the observer sees it. */
export interface IoctlCall {
  readonly process: Process;
  readonly fd: number;
  readonly kind: Exclude<DescriptorKind, 'file'> | 'unknown';
  readonly descriptor: Descriptor | null;
  readonly request: number;
  readonly arg: bigint;
  /** The table's row for the request; null for one it does not have. */
  readonly row: IoctlRow | null;
  /** The structure at `arg` before the call, where the row says there is one and it can be read. */
  readonly bytesBefore: Uint8Array | null;
}

export interface IoctlObserver {
  before?(call: IoctlCall): void;
  /** `bytesAfter`: the structure as it is after the call. Not called for a call that is ended while it is held. */
  after?(call: IoctlCall, result: IoctlResult, bytesAfter: Uint8Array | null): void;
}

/** CPUs that the recorded hosts have; KVM_CAP_NR_VCPUS says them. */
const CPUS = 2;
const SLICE = 100_000;

/** A booted host: hardware, its kernel's KVM, processes. */
export class Host {
  readonly config: HostConfig;
  readonly machine: Machine;
  readonly kvm: KvmModule;
  readonly bootLog: readonly BootLine[];
  /** Shared by all KVM_RUNs; whoever drives sets the budget. */
  readonly control: RunControl = { budget: SLICE, idleUntil: null, signals: 0n };
  /** At most one observer; null takes it away. */
  onIoctl: IoctlObserver | null = null;
  readonly #zero: ZeroPages;
  readonly #processes = new Set<Process>();
  #lastPid = 0;

  constructor(config: HostConfig, machine: Machine) {
    this.config = config;
    this.machine = machine;
    const { memory } = machine;
    const cpu = config.emulator ? new EmulatedCpu(machine.cpu, memory) : machine.cpu;
    const found = config.identity ? realIdentity(machine.model) : machine.model;
    const model = config.pointerAuthentication === false ? withoutPointerAuthentication(found) : found;
    const { pageSize, mode, kernel = DEFAULT_KERNEL, gic = 'v3', psci = '1.1' } = config;
    const { regScope } = config.proposals ?? {};
    this.kvm = new KvmModule({
      memory,
      cpu,
      model,
      pageSize,
      mode,
      kernel,
      gic,
      psci,
      cpus: CPUS,
      ...(regScope && { regScope }),
    });
    this.#zero = new ZeroPages(memory, 2 ** levelShift(this.kvm.granule, BLOCK_LEVEL));
    this.bootLog = bootLog(config, this.kvm);
  }

  /** Pages of the host's RAM that nobody uses. */
  get freePages(): number {
    const { pages } = this.machine.memory;
    return pages.total - pages.used;
  }

  get processes(): readonly Process[] {
    return [...this.#processes];
  }

  /**
   * A process with only the vDSO in its address space. Its tables have the bits that kernel and hardware both have; access_ok knows
   * the kernel's alone (TASK_SIZE_MAX). Throws ConfigError where the host's memory is used up.
   */
  createProcess(): Process {
    const { features, granule } = this.kvm;
    const { paBits, vaBits } = this.config.kernel ?? DEFAULT_KERNEL;
    const has52 = granule.name === '64K' ? features.largeVa : features.lpa2;
    const tableBits = has52 ? vaBits : 48;
    const format = tableFormat(1, granule.name, granule.name === '64K' || features.lpa2 ? paBits : 48);
    const startLevel = stage1StartLevel(granule, tableBits);
    const memory = AddressSpace.create(this.machine.memory, this.#zero, format, startLevel, tableBits, vaBits);
    if (!memory) throw new ConfigError("the host's memory is used up: there is none for a process' page table");
    memory.mapVdso();
    const process = new Process(this, ++this.#lastPid, memory);
    this.#processes.add(process);
    return process;
  }

  /** The host is switched off, whatever state its tables are in: another may have its memory, and this one is of no use. */
  powerOff(): void {
    for (const process of this.processes) process.stop();
    this.machine.memory.release();
  }

  /** For `Process.exit`. */
  forget(process: Process): void {
    this.#processes.delete(process);
  }
}

/** Builds and boots a host. Throws ConfigError for one that can't be, with the reason. */
export function boot(config: HostConfig): Host {
  checkConfig(config);
  const { cpu, pageSize } = config;
  const ram = config.ram.map(({ base, size }) => ({ base: Number(base), size: Number(size) }));
  try {
    return new Host(config, new Machine({ cpu, pageSize, ram, ...hardwareOptions(config) }));
  } catch (error) {
    // What the machine can't be built with comes from the configuration alone.
    if (error instanceof RangeError) throw new ConfigError(error.message);
    throw error;
  }
}
