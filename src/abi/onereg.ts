/**
 * Ids of KVM_GET_ONE_REG and KVM_SET_ONE_REG on arm64: architecture in 63:56, log2 of the size in 55:52, class ("coproc")
 * in 27:16, index in 15:0 (arch/arm64/include/uapi/asm/kvm.h).
 */
export const KVM_REG_ARCH_MASK = 0xff00_0000_0000_0000n;
export const KVM_REG_ARM64 = 0x6000_0000_0000_0000n;
export const KVM_REG_SIZE_SHIFT = 52n;
export const KVM_REG_SIZE_MASK = 0x00f0_0000_0000_0000n;

/** Bits 27:16 of an id. */
export const ARM_REG_CLASSES = {
  core: 0x10,
  demux: 0x11,
  sysreg: 0x13,
  fw: 0x14,
  sve: 0x15,
  fwFeatBmap: 0x16,
} as const;
export type ArmRegClass = keyof typeof ARM_REG_CLASSES;

export interface SysregEncoding {
  readonly op0: number;
  readonly op1: number;
  readonly crn: number;
  readonly crm: number;
  readonly op2: number;
}

/** Bytes that a register with this id has: 1 up to 2048, by its size field alone. */
export const oneRegSize = (id: bigint): number => 2 ** Number((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);

export interface OneReg {
  readonly size: number;
  /** null: a class that arm64 does not have. */
  readonly class: ArmRegClass | null;
  /** Bits 15:0. */
  readonly index: number;
  /** Only for class sysreg. */
  readonly sysreg: SysregEncoding | null;
}

const COPROC_MASK = 0xfff_0000n;
const CLASS_BY_NUMBER = new Map<number, ArmRegClass>();
for (const name of Object.keys(ARM_REG_CLASSES) as ArmRegClass[]) CLASS_BY_NUMBER.set(ARM_REG_CLASSES[name], name);

/** The parts of an arm64 id, or null where the id is of another architecture or has bits that no arm64 id has. */
export function decodeOneReg(id: bigint): OneReg | null {
  if ((id & KVM_REG_ARCH_MASK) !== KVM_REG_ARM64) return null;
  if ((id & ~(KVM_REG_ARCH_MASK | KVM_REG_SIZE_MASK | COPROC_MASK | 0xffffn)) !== 0n) return null;
  const index = Number(id & 0xffffn);
  const found = CLASS_BY_NUMBER.get(Number((id & COPROC_MASK) >> 16n)) ?? null;
  return {
    size: oneRegSize(id),
    class: found,
    index,
    sysreg:
      found === 'sysreg'
        ? {
            op0: index >> 14,
            op1: (index >> 11) & 7,
            crn: (index >> 7) & 15,
            crm: (index >> 3) & 15,
            op2: index & 7,
          }
        : null,
  };
}

/** An arm64 id of a size of 1, 2, 4, … 2048 bytes. */
export function encodeOneReg(size: number, regClass: ArmRegClass, index: number): bigint {
  return (
    KVM_REG_ARM64 |
    (BigInt(Math.log2(size)) << KVM_REG_SIZE_SHIFT) |
    (BigInt(ARM_REG_CLASSES[regClass]) << 16n) |
    BigInt(index)
  );
}

/** ARM64_SYS_REG(op0, op1, crn, crm, op2): the id of a 64-bit system register. */
export function sysregId({ op0, op1, crn, crm, op2 }: SysregEncoding): bigint {
  return encodeOneReg(8, 'sysreg', (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2);
}

export interface CoreReg {
  readonly name: string;
  /** Byte offset in arm64's struct kvm_regs; the id's index is this by 4. */
  readonly offset: number;
  readonly size: 4 | 8 | 16;
}

/** Registers of the core class, in the order of struct kvm_regs. */
export const CORE_REGS: readonly CoreReg[] = [
  ...Array.from({ length: 31 }, (_, n): CoreReg => ({ name: `x${n}`, offset: 8 * n, size: 8 })),
  { name: 'sp', offset: 0xf8, size: 8 },
  { name: 'pc', offset: 0x100, size: 8 },
  { name: 'pstate', offset: 0x108, size: 8 },
  { name: 'sp_el1', offset: 0x110, size: 8 },
  { name: 'elr_el1', offset: 0x118, size: 8 },
  ...['el1', 'abt', 'und', 'irq', 'fiq'].map((mode, n): CoreReg => ({
    name: `spsr_${mode}`,
    offset: 0x120 + 8 * n,
    size: 8,
  })),
  ...Array.from({ length: 32 }, (_, n): CoreReg => ({ name: `v${n}`, offset: 0x150 + 16 * n, size: 16 })),
  { name: 'fpsr', offset: 0x350, size: 4 },
  { name: 'fpcr', offset: 0x354, size: 4 },
];

/** KVM_REG_ARM_CORE_REG: the id of a register of the core class. */
export const coreRegId = (reg: CoreReg): bigint => encodeOneReg(reg.size, 'core', reg.offset / 4);

/** Ids whose name can't be told from their encoding (asm/kvm.h; the timer's CNT and CVAL are swapped there, and that is ABI). */
export const NAMED_REGS = {
  KVM_REG_ARM_PTIMER_CTL: sysregId({ op0: 3, op1: 3, crn: 14, crm: 2, op2: 1 }),
  KVM_REG_ARM_PTIMER_CVAL: sysregId({ op0: 3, op1: 3, crn: 14, crm: 2, op2: 2 }),
  KVM_REG_ARM_PTIMER_CNT: sysregId({ op0: 3, op1: 3, crn: 14, crm: 0, op2: 1 }),
  KVM_REG_ARM_TIMER_CTL: sysregId({ op0: 3, op1: 3, crn: 14, crm: 3, op2: 1 }),
  KVM_REG_ARM_TIMER_CVAL: sysregId({ op0: 3, op1: 3, crn: 14, crm: 0, op2: 2 }),
  KVM_REG_ARM_TIMER_CNT: sysregId({ op0: 3, op1: 3, crn: 14, crm: 3, op2: 2 }),
  KVM_REG_ARM_PSCI_VERSION: encodeOneReg(8, 'fw', 0),
  KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1: encodeOneReg(8, 'fw', 1),
  KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2: encodeOneReg(8, 'fw', 2),
  KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3: encodeOneReg(8, 'fw', 3),
  KVM_REG_ARM_STD_BMAP: encodeOneReg(8, 'fwFeatBmap', 0),
  KVM_REG_ARM_STD_HYP_BMAP: encodeOneReg(8, 'fwFeatBmap', 1),
  KVM_REG_ARM_VENDOR_HYP_BMAP: encodeOneReg(8, 'fwFeatBmap', 2),
  KVM_REG_ARM64_SVE_VLS: encodeOneReg(64, 'sve', 0xffff),
} as const;

const NAME_BY_ID = new Map<bigint, string>([
  ...CORE_REGS.map((reg): [bigint, string] => [coreRegId(reg), reg.name]),
  ...Object.entries(NAMED_REGS).map(([name, id]): [bigint, string] => [id, name]),
]);

/** Bits 31:28, which every id of Linux has 0: where KVM_CAP_ARM_REG_SCOPE was proposed, the scope is in them, 1 for the VM. */
const SCOPE_SHIFT = 28n;
const SCOPE_MASK = 0xfn << SCOPE_SHIFT;
const SCOPE_VM = 1n;

/** The scope in an id as proposed: 0 is the vCPU's, or nothing was said. */
export const oneRegScope = (id: bigint): number => Number((id & SCOPE_MASK) >> SCOPE_SHIFT);

/**
 * A register's id as an engineer would write it: `x0`, `KVM_REG_ARM_TIMER_CNT`, `ARM64_SYS_REG(3, 0, 1, 0, 0)`, else hex. A
 * scope follows: `KVM_REG_ARM_STD_BMAP, scope VM`.
 */
export function oneRegText(id: bigint): string {
  const scope = (id & SCOPE_MASK) >> SCOPE_SHIFT;
  const text = plainText(id & ~SCOPE_MASK);
  if (scope === 0n) return text;
  return text.startsWith('0x') ? `0x${id.toString(16)}` : `${text}, scope ${scope === SCOPE_VM ? 'VM' : scope}`;
}

function plainText(id: bigint): string {
  const name = NAME_BY_ID.get(id);
  if (name !== undefined) return name;
  const reg = decodeOneReg(id);
  if (reg?.sysreg && reg.size === 8) {
    const { op0, op1, crn, crm, op2 } = reg.sysreg;
    return `ARM64_SYS_REG(${op0}, ${op1}, ${crn}, ${crm}, ${op2})`;
  }
  return `0x${id.toString(16)}`;
}
