import type { Cpu } from '../machine/cpu.ts';
import type { PhysicalMemory } from '../machine/memory.ts';
import type { CpuFeatures } from '../machine/features.ts';
import { granuleOfPageSize, type Granule } from '../machine/translation/format.ts';
import { kernelFeatures, type KernelFeatures } from './features.ts';
import type { LatestPsci } from './firmware.ts';
import type { RegScopeEncoding } from './proposals/regscope.ts';
import { Vmids } from './stage2/vmid.ts';
import { System } from './system.ts';
import type { Vm } from './vm.ts';

export type KvmMode = 'vhe' | 'nvhe' | 'protected';

/** The CPU as far as KVM drives it. */
export type HostCpu = Pick<
  Cpu,
  | 'el2'
  | 'instructions'
  | 'el0Instructions'
  | 'timerInterrupts'
  | 'load'
  | 'save'
  | 'run'
  | 'retire'
  | 'physicalCount'
  | 'invalidateStage2'
  | 'setBreakpoints'
  | 'debugWith'
>;

/** What the host's kernel reads of its CPU. */
export interface HostModel {
  readonly name: string;
  /** ID registers by the architecture's names, AArch32's among them; a register that is not here reads as 0. */
  readonly id: Readonly<Record<string, bigint | undefined>>;
  readonly features: CpuFeatures;
}

export interface KvmHost {
  readonly memory: PhysicalMemory;
  readonly cpu: HostCpu;
  readonly model: HostModel;
  readonly pageSize: number;
  readonly mode: KvmMode;
  readonly kernel: KernelBits;
  /** The host's interrupt controller, which says what a guest's can be. */
  readonly gic: 'v2' | 'v3';
  /** What KVM's PSCI is by itself, and can be at most. */
  readonly psci: LatestPsci;
  /** The proposal KVM_CAP_ARM_REG_SCOPE, in one of its encodings. */
  readonly regScope?: RegScopeEncoding;
  /** CPUs of the host that are online. */
  readonly cpus: number;
}

/** CONFIG_ARM64_PA_BITS and CONFIG_ARM64_VA_BITS of the host's kernel. */
export interface KernelBits {
  readonly paBits: 48 | 52;
  readonly vaBits: 48 | 52;
}

/** VGIC_V2_MAX_CPUS and VGIC_V3_MAX_CPUS: what the controller can address. */
const MAX_VCPUS = { v2: 8, v3: 512 } as const;

/** Physical address bits by ID_AA64MMFR0_EL1.PARange. */
const PA_BITS: readonly number[] = [32, 36, 40, 42, 44, 48, 52];
const PARANGE_48 = 5;
const PARANGE_52 = 6;

/** ID_AA64MMFR0_EL1.PARange cut to what KVM's descriptors can hold (kvm_get_parange): LPA2's without a word from the kernel. */
export function usablePaRange(
  features: Pick<KernelFeatures, 'paRange' | 'lpa2'>,
  granule: Granule,
  { paBits }: KernelBits,
): number {
  const has52 = features.lpa2 || (granule.name === '64K' && paBits === 52);
  return Math.min(features.paRange, has52 ? PARANGE_52 : PARANGE_48);
}

/** Most bits of IPA (kvm_set_ipa_limit): with 64K pages all that the CPU has, whatever the kernel was built for. */
function ipaLimitOf({ paRange, lpa2 }: KernelFeatures, granule: Granule): number {
  const has52 = lpa2 || granule.name === '64K';
  return PA_BITS[Math.min(paRange, has52 ? PARANGE_52 : PARANGE_48)] ?? 32;
}

/** The KVM module of a booted host. */
export class KvmModule {
  readonly host: KvmHost;
  readonly features: KernelFeatures;
  readonly granule: Granule;
  /** Most bits of IPA that a VM may have (kvm_set_ipa_limit). */
  readonly ipaLimit: number;
  /** All VMs there are, in order of creation. */
  readonly vms = new Set<Vm>();
  readonly vmids: Vmids;
  /** How often a vCPU's registers went into the CPU. */
  worldSwitches = 0;
  #entropy = 0n;

  constructor(host: KvmHost) {
    this.host = host;
    this.granule = granuleOfPageSize(host.pageSize);
    this.features = kernelFeatures(host.model, this.granule.name);
    this.vmids = new Vmids(this.features.vmidBits, () => this.vms.forEach((vm) => vm.stage2.forget()));
    this.ipaLimit = ipaLimitOf(this.features, this.granule);
  }

  /** The physical counter, CNTPCT_EL0 (kvm_phys_timer_read). */
  now(): bigint {
    return this.host.cpu.physicalCount();
  }

  /** The host's entropy for guests: a sequence of its own, the same in every run (splitmix64). */
  random64(): bigint {
    this.#entropy = BigInt.asUintN(64, this.#entropy + 0x9e37_79b9_7f4a_7c15n);
    let value = this.#entropy;
    value = BigInt.asUintN(64, (value ^ (value >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
    value = BigInt.asUintN(64, (value ^ (value >> 27n)) * 0x94d0_49bb_1331_11ebn);
    return value ^ (value >> 31n);
  }

  /** How many vCPUs a VM may have (kvm_arm_default_max_vcpus). */
  get maxVcpus(): number {
    return MAX_VCPUS[this.host.gic];
  }

  get isProtected(): boolean {
    return this.host.mode === 'protected';
  }

  /** The kernel runs at EL2, or its hypervisor part with HCR_EL2.E2H (hVHE, which protected mode takes where it can). */
  get usesE2h(): boolean {
    return this.features.vhe && this.host.mode !== 'nvhe';
  }

  /** Why KVM gave up when the kernel booted, so that there is no /dev/kvm (kvm_set_ipa_limit); null: it did not. */
  get failure(): string | null {
    if (this.features.stage2PageSize) return null;
    const { name } = this.granule;
    return `ID_AA64MMFR0_EL1.TGran${name.slice(0, -1)}_2 says that stage 2 has no tables of ${name} pages, the kernel's`;
  }

  /** What open("/dev/kvm") gives, where there is one. */
  open(): System {
    return new System(this);
  }
}
