/** What the host's kernel knows of speculation attacks on its CPU, as far as guests are told (proton-pack.c). */
export interface Mitigation {
  /** Attacks that the CPU is open to, by the kernel's names. */
  readonly affectedBy: readonly ('Spectre-v2' | 'Spectre-v3a' | 'Spectre-v4' | 'Spectre-BHB')[];
  readonly spectreV2: 'unaffected' | 'vulnerable';
  readonly meltdown: 'unaffected' | 'mitigated';
  /** Levels of KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_n, from less to more protection. */
  readonly workarounds: Readonly<Record<1 | 2 | 3, bigint>>;
}

const ARM = 0x41;
const CORTEX_A53 = 0xd03;
const CORTEX_A57 = 0xd07;
const CORTEX_A72 = 0xd08;
const NEOVERSE_N1 = 0xd0c;

/** Parts that speculate too little for variants 2 and 4 and branch history injection. */
const SAFE: readonly number[] = [CORTEX_A53];
/** Parts that are not affected by Meltdown and don't say so in CSV3 (kpti_safe_list). */
const MELTDOWN_SAFE: readonly number[] = [CORTEX_A53, CORTEX_A57, CORTEX_A72];
/** Parts on which a system register can be read speculatively (variant 3a). */
const READS_REGISTERS: readonly number[] = [CORTEX_A57, CORTEX_A72];
/** Parts on which a loop clears the branch history (spectre_bhb_loop_affected). */
const LOOP_MITIGATED: readonly number[] = [CORTEX_A57, CORTEX_A72, NEOVERSE_N1];

const NOT_AVAILABLE = 0n;
const AVAILABLE = 1n;
const NOT_REQUIRED = 2n;
const WORKAROUND_2_NOT_REQUIRED = 3n;

/** Without firmware (the host has no EL3) nothing but the CPU's own properties helps. */
export function mitigation(midr: bigint, pfr0: bigint): Mitigation {
  const implementer = Number((midr >> 24n) & 0xffn);
  const part = implementer === ARM ? Number((midr >> 4n) & 0xfffn) : -1;
  const csv2 = (pfr0 >> 56n) & 0xfn;
  const csv3 = (pfr0 >> 60n) & 0xfn;
  const safe = SAFE.includes(part);
  const spectreV2 = safe || csv2 !== 0n ? 'unaffected' : 'vulnerable';
  // Branch history injection is not mitigated where variant 2 is not.
  const loop = spectreV2 === 'unaffected' && LOOP_MITIGATED.includes(part) ? AVAILABLE : NOT_AVAILABLE;
  return {
    affectedBy: [
      ...(spectreV2 === 'vulnerable' ? (['Spectre-v2'] as const) : []),
      ...(READS_REGISTERS.includes(part) ? (['Spectre-v3a'] as const) : []),
      ...(safe ? [] : (['Spectre-v4', 'Spectre-BHB'] as const)),
    ],
    spectreV2,
    meltdown: csv3 !== 0n || MELTDOWN_SAFE.includes(part) ? 'unaffected' : 'mitigated',
    workarounds: {
      1: spectreV2 === 'unaffected' ? NOT_REQUIRED : NOT_AVAILABLE,
      2: safe ? WORKAROUND_2_NOT_REQUIRED : NOT_AVAILABLE,
      3: safe ? NOT_REQUIRED : loop,
    },
  };
}
