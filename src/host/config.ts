export type CpuPreset = 'max' | 'cortex-a53' | 'cortex-a57' | 'cortex-a72' | 'neoverse-n1';
export type KvmMode = 'vhe' | 'nvhe' | 'protected';
export type PageSize = 4096 | 16384 | 65536;

/** The host as one value: its hardware, its kernel's configuration and where its RAM lies. */
export interface HostConfig {
  readonly cpu: CpuPreset;
  /** ID_AA64MMFR0_EL1.PARange in bits; absent: what the preset has. */
  readonly paBits?: 32 | 36 | 40 | 42 | 44 | 48 | 52;
  /** FEAT_LPA2 at the stages the granule allows; absent: what the preset has. */
  readonly lpa2?: boolean;
  readonly pageSize: PageSize;
  readonly mode: KvmMode;
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
