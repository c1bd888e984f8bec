import { cpuModel, type CpuOptions } from '../machine/presets.ts';
import { LATEST_PSCI, type LatestPsci } from '../kvm/firmware.ts';
import type { RegScopeEncoding } from '../kvm/proposals/regscope.ts';
import { granuleOfPageSize, type GranuleName } from '../machine/translation/format.ts';

export type CpuPreset = 'max' | 'cortex-a53' | 'cortex-a57' | 'cortex-a72' | 'neoverse-n1';
export type KvmMode = 'vhe' | 'nvhe' | 'protected';
export type PageSize = 4096 | 16384 | 65536;

/** Bits of physical and virtual address; hardware with fewer is found out about when the kernel boots. */
export interface KernelConfig {
  readonly paBits: 48 | 52;
  readonly vaBits: 48 | 52;
}

/** As distributions build it. */
export const DEFAULT_KERNEL: KernelConfig = { paBits: 52, vaBits: 52 };

/** The host as one value: its hardware, its kernel's configuration and where its RAM lies. */
export interface HostConfig {
  readonly cpu: CpuPreset;
  /** ID_AA64MMFR0_EL1.PARange in bits; absent: what the preset has. */
  readonly paBits?: 32 | 36 | 40 | 42 | 44 | 48 | 52;
  /** FEAT_LPA2 at the stages the granule allows; absent: what the preset has. */
  readonly lpa2?: boolean;
  /** FEAT_LVA: 52 bits of virtual address with 64K pages; absent: what the preset has. */
  readonly lva?: boolean;
  /** All granules that stage 1, and that stage 2 has; absent: as the preset says, which for stage 2 may be: those of stage 1. */
  readonly stage1Granules?: readonly GranuleName[];
  readonly stage2Granules?: readonly GranuleName[];
  /** What the kernel was built for (CONFIG_ARM64_PA_BITS, CONFIG_ARM64_VA_BITS); absent: `DEFAULT_KERNEL`. */
  readonly kernel?: KernelConfig;
  readonly pageSize: PageSize;
  readonly mode: KvmMode;
  /**
   * `real`: the host's kernel finds ID registers as the real CPU has them, also where this machine lacks the feature: AArch32
   * with KVM_ARM_VCPU_EL1_32BIT, and random numbers. Such instructions are undefined, and KVM_RUN of a vCPU in AArch32 is
   * refused. Absent: as the machine is.
   */
  readonly identity?: 'real';
  /** false: the host's kernel finds no pointer authentication, as on QEMU's `-cpu max,pauth=off`. */
  readonly pointerAuthentication?: false;
  /** The CPU under the host is that of an emulator, with its deviations from the architecture (emulated.ts). */
  readonly emulator?: 'qemu-7.2';
  /** The host's interrupt controller; absent: a GICv3. */
  readonly gic?: 'v2' | 'v3';
  /** KVM's latest PSCI; absent: 1.1, as Linux 6.12 has it. 1.3, with 1.2, is of Linux 6.13; nothing else is of that version. */
  readonly psci?: LatestPsci;
  /** What was proposed for KVM and this host's kernel has; see src/kvm/proposals. */
  readonly proposals?: { readonly regScope?: RegScopeEncoding };
  /** Bytes; the host kernel's banks as the memory node gives them. */
  readonly ram: readonly { readonly base: bigint; readonly size: bigint }[];
}

export interface HostPreset {
  readonly name: string;
  readonly title: string;
  readonly config: HostConfig;
}

/** A host can't be built so; the message says which fact of the hardware or the kernel forbids it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const RAM = [{ base: 0x4000_0000n, size: 0x0800_0000n }] as const;

function preset(name: string, title: string, config: Omit<HostConfig, 'ram'>): HostPreset {
  return { name, title, config: { ...config, ram: RAM } };
}

/** Named as the recorded hosts are. */
export const HOST_PRESETS: readonly HostPreset[] = [
  preset('max-4k', 'max, 52-bit addresses with LPA2, 4K pages, VHE', { cpu: 'max', pageSize: 4096, mode: 'vhe' }),
  preset('max-4k-lpa2off', 'max without LPA2, 4K pages, VHE', {
    cpu: 'max',
    lpa2: false,
    pageSize: 4096,
    mode: 'vhe',
  }),
  preset('max-4k-protected', 'max, 4K pages, protected KVM', { cpu: 'max', pageSize: 4096, mode: 'protected' }),
  preset('max-16k', 'max, 52-bit addresses with LPA2, 16K pages, VHE', { cpu: 'max', pageSize: 16384, mode: 'vhe' }),
  preset('a57-4k', 'Cortex-A57, 44-bit addresses, 4K pages, nVHE', {
    cpu: 'cortex-a57',
    pageSize: 4096,
    mode: 'nvhe',
  }),
  preset('a53-4k', 'Cortex-A53, 40-bit addresses, 4K pages, nVHE', {
    cpu: 'cortex-a53',
    pageSize: 4096,
    mode: 'nvhe',
  }),
  preset('a72-4k', 'Cortex-A72, 44-bit addresses, 4K pages, nVHE', {
    cpu: 'cortex-a72',
    pageSize: 4096,
    mode: 'nvhe',
  }),
  preset('n1-4k', 'Neoverse N1, 48-bit addresses, 4K pages, VHE', {
    cpu: 'neoverse-n1',
    pageSize: 4096,
    mode: 'vhe',
  }),
];

/** The host as it was recorded: the same hardware and kernel, under QEMU 7.2. */
export function asRecorded(config: HostConfig): HostConfig {
  return { ...config, identity: 'real', emulator: 'qemu-7.2' };
}

/** As the hosts of the recorded traces were: QEMU's max without pointer authentication. */
export function asTraced(config: HostConfig): HostConfig {
  return { ...asRecorded(config), pointerAuthentication: false };
}

/** What a configuration changes of its preset's hardware. */
export function hardwareOptions(config: HostConfig): CpuOptions {
  const { paBits, lpa2, lva, stage1Granules, stage2Granules } = config;
  return {
    ...(paBits === undefined ? {} : { paBits }),
    ...(lpa2 === undefined ? {} : { lpa2 }),
    ...(lva === undefined ? {} : { lva }),
    ...(stage1Granules && { stage1Granules }),
    ...(stage2Granules && { stage2Granules }),
  };
}

const REG_SCOPES: readonly RegScopeEncoding[] = ['arm64-bit', 'neutral-nibble'];
const GRANULES: readonly string[] = ['4K', '16K', '64K'];
const PAGE_SIZES: readonly number[] = [4096, 16384, 65536];
const MODES: readonly string[] = ['vhe', 'nvhe', 'protected'];
const PA_BITS: readonly number[] = [32, 36, 40, 42, 44, 48, 52];
const CPUS: readonly string[] = ['max', 'cortex-a53', 'cortex-a57', 'cortex-a72', 'neoverse-n1'];
const RAM_UNIT = 65536n;
/** A host without this much has no room for a process and a VM. */
const LEAST_RAM = 1n << 20n;
const MOST_RAM = 1n << 31n;

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function mib(value: bigint): string {
  return `${value / (1n << 20n)} MiB`;
}

/** Throws ConfigError with the first reason why a host can't be built so. Values may come from outside: all are checked. */
export function checkConfig(config: HostConfig): void {
  const no = (message: string): never => {
    throw new ConfigError(message);
  };
  const { cpu, paBits, lpa2, lva, kernel, pageSize, mode, identity, emulator, gic, ram } = config;
  if (!CPUS.includes(cpu)) no(`there is no CPU preset ${String(cpu)}; there are ${CPUS.join(', ')}`);
  if (!MODES.includes(mode)) no(`there is no mode ${String(mode)}; there are ${MODES.join(', ')}`);
  if (!PAGE_SIZES.includes(pageSize)) no(`pages can have ${PAGE_SIZES.join(', ')} bytes, not ${String(pageSize)}`);
  if (paBits !== undefined && !PA_BITS.includes(paBits)) {
    no(`ID_AA64MMFR0_EL1.PARange can say ${PA_BITS.join(', ')} bits, not ${String(paBits)}`);
  }
  for (const granules of [config.stage1Granules, config.stage2Granules]) {
    const unknown = granules?.find((each) => !GRANULES.includes(each));
    if (unknown !== undefined) no(`there is no granule ${String(unknown)}; there are ${GRANULES.join(', ')}`);
  }
  const { features, name } = cpuModel(cpu, hardwareOptions({ ...config, lpa2: true, lva: true }));
  const granule = granuleOfPageSize(pageSize).name;
  if (!features.stage1Granules.includes(granule)) no(`${name} has no stage 1 with ${granule} pages`);
  if (lpa2 === true && features.lpa2Stage1.length === 0) no(`${name} has no FEAT_LPA2, which came with Armv8.7`);
  if (lva === true && !features.largeVa) no(`${name} has no FEAT_LVA, which came with Armv8.2`);
  if (kernel) checkKernel(kernel, granule, no);
  if (mode === 'vhe' && !features.vhe)
    no(`${name} has no FEAT_VHE: the kernel can't run at EL2, choose nvhe or protected`);
  if (gic !== undefined && gic !== 'v2' && gic !== 'v3') no(`there is no GIC ${String(gic)}; there are v2 and v3`);
  const { psci } = config;
  if (psci !== undefined && !Object.hasOwn(LATEST_PSCI, psci))
    no(`KVM's latest PSCI can be ${Object.keys(LATEST_PSCI).join(', ')}, not ${String(psci)}`);
  const scope = config.proposals?.regScope;
  if (scope !== undefined && !REG_SCOPES.includes(scope))
    no(`KVM_CAP_ARM_REG_SCOPE has the encodings ${REG_SCOPES.join(', ')}, not ${String(scope)}`);
  if (identity !== undefined && identity !== 'real') no(`an identity is real or absent, not ${String(identity)}`);
  if (emulator !== undefined && emulator !== 'qemu-7.2')
    no(`there is no emulator ${String(emulator)}; there is qemu-7.2`);
  const hasLpa2 = lpa2 !== false && features.lpa2Stage1.includes(granule);
  checkRam(
    ram,
    [
      { bits: features.paBits, because: "all that the CPU's physical addresses have" },
      { bits: (kernel ?? DEFAULT_KERNEL).paBits, because: 'all that the kernel was built for' },
      {
        bits: granule === '64K' || hasLpa2 ? 52 : 48,
        because: `all that tables of ${granule} pages reach without LPA2`,
      },
    ],
    no,
  );
}

/** arch/arm64/Kconfig: with 4K and 16K pages 52 bits are FEAT_LPA2's, which has them for both kinds of address. */
function checkKernel({ paBits, vaBits }: KernelConfig, granule: GranuleName, no: (message: string) => never): void {
  for (const bits of [paBits, vaBits]) {
    if (bits !== 48 && bits !== 52) no(`a kernel is built for 48 or 52 bits of address, not ${String(bits)}`);
  }
  if (granule !== '64K' && paBits !== vaBits) {
    no(`with ${granule} pages a kernel has 52 bits for both physical and virtual addresses, or for neither`);
  }
}

/** RAM must lie below each of `limits`. */
function checkRam(
  ram: HostConfig['ram'],
  limits: readonly { readonly bits: number; readonly because: string }[],
  no: (message: string) => never,
): void {
  const sorted = [...ram].sort((a, b) => (a.base < b.base ? -1 : 1));
  let end = 0n;
  let total = 0n;
  for (const { base, size } of sorted) {
    const range = `RAM of ${hex(size)} bytes at ${hex(base)}`;
    if (base < 0n || size <= 0n || base % RAM_UNIT !== 0n || size % RAM_UNIT !== 0n) {
      no(`${range}: start and size must be multiples of 64 KiB`);
    }
    if (base < end) no(`${range} overlaps the range below it, which ends at ${hex(end)}`);
    end = base + size;
    total += size;
    const limit = limits.find(({ bits }) => end > 1n << BigInt(bits));
    if (limit) no(`${range} ends above ${limit.bits} bits, ${limit.because}`);
  }
  if (total < LEAST_RAM) no(`${mib(total)} of RAM are too little, the host needs ${mib(LEAST_RAM)}`);
  if (total > MOST_RAM) no(`${mib(total)} of RAM are too much for a tab, at most ${mib(MOST_RAM)}`);
}
