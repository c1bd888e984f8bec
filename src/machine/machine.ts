import { Engine, ENGINE_BYTES, type EngineOptions } from '../engine/engine.ts';
import { absentFeatures } from './absent.ts';
import { Cpu } from './cpu.ts';
import { PhysicalMemory } from './memory.ts';
import { instantiateRefill } from './translation/refill.ts';
import { cpuModel, type CpuModel, type CpuOptions, type CpuPresetName } from './presets.ts';

export interface MachineConfig extends CpuOptions {
  readonly cpu: CpuPresetName;
  readonly ram: readonly { readonly base: number; readonly size: number }[];
  /** The host kernel's page size: the unit of the page allocator. */
  readonly pageSize: 4096 | 16384 | 65536;
  readonly engine?: EngineOptions;
}

/** The hardware of one host: memory, an engine over it, and the CPU. */
export class Machine {
  readonly model: CpuModel;
  readonly memory: PhysicalMemory;
  readonly engine: Engine;
  readonly cpu: Cpu;

  /** Throws RangeError for hardware that can't be. */
  constructor(config: MachineConfig) {
    this.model = cpuModel(config.cpu, config);
    this.memory = new PhysicalMemory({ reserved: ENGINE_BYTES, ram: config.ram, pageSize: config.pageSize });
    const absent = absentFeatures(this.model.id);
    this.engine = new Engine(this.memory.memory, absent, instantiateRefill(this.memory), config.engine);
    this.memory.onWrite = (offset, length) => this.engine.written(offset, length);
    this.cpu = new Cpu(this.memory, this.engine, this.model);
  }

  /** Guest instructions executed. */
  get instructions(): number {
    return this.cpu.instructions;
  }
}
